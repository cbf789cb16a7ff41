"""`TielineAccess`: the org's access to the contact center, allowed by an administrator in the portal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tieline.apex_twins.records import insert, own, prefix_of, select, update
from tieline.crm.credentials.definitions import CredentialMissing, callback_url
from tieline.crm.credentials.outside import Answer, Unreachable
from tieline.crm.credentials.tokens import (
    NoAccess,
    NotAuthenticated,
    Principal,
    ask_site,
    call_out,
    principal_for,
)
from tieline.crm.lightning.twins import AuraHandledException, Method, calls_out
from tieline.crm.rest import Call
from tieline.crm.web import local_path

APP = "ContactCenter"
_TOKEN, _CLIENT = "Tieline_Token__c", "Tieline_App_Client__mdt"
_CREDENTIAL, _PRINCIPAL = "Tieline", "Administrator"


async def _client(call: Call) -> dict[str, Any]:
    value = own(call, _CLIENT)
    p = prefix_of(value, _CLIENT)
    rows = await select(
        call,
        f"SELECT {p}Portal_Url__c FROM {value.name} WHERE DeveloperName = '{APP}' LIMIT 1",  # noqa: S608
    )
    if not rows:
        raise AuraHandledException("NOT_INSTALLED")
    return {"portal": str(rows[0][f"{p}Portal_Url__c"] or "").rstrip("/")}


async def _record(call: Call) -> dict[str, Any] | None:
    """What is known of the access: no secret, which the record does not have."""
    value = own(call, _TOKEN)
    p = prefix_of(value, _TOKEN)
    rows = await select(
        call,
        f"SELECT Id, {p}State__c, {p}Authorized_By__c, {p}Authorized_By__r.Name, {p}Authorized_At__c,"  # noqa: S608
        f" {p}Scopes__c, {p}Expires_At__c FROM {value.name} WHERE {p}App__c = '{APP}' LIMIT 1",
    )
    if not rows:
        return None
    by: Mapping[str, Any] | None = rows[0][f"{p}Authorized_By__r"]
    names = ("State__c", "Authorized_By__c", "Authorized_At__c", "Scopes__c", "Expires_At__c")
    return {"Id": rows[0]["Id"], "allowedBy": by["Name"] if by else None} | {
        name: rows[0][f"{p}{name}"] for name in names
    }


async def _note(call: Call, before: Mapping[str, Any] | None, **fields: Any) -> None:
    """Write what has changed of the access."""
    value = own(call, _TOKEN)
    p = prefix_of(value, _TOKEN)
    changed = {f"{p}{name}": new for name, new in fields.items() if before is None or before[name] != new}
    if before is None:
        await insert(call, value, [{"Name": APP, f"{p}App__c": APP, **changed}])
    elif changed:
        await update(call, value, [(before["Id"], changed)])


def _time(text: str) -> str:
    """A moment as records write it: to the second."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


async def asked(call: Call, path: str, method: str = "GET") -> Answer:
    """`callout:Tieline/path`. Refuses with the code of what keeps the org from asking."""
    try:
        return await call_out(
            call.org, call.conn, call.caller, f"callout:{_CREDENTIAL}/{path}", method=method
        )
    except NoAccess:
        raise AuraHandledException("NO_PRINCIPAL") from None
    except CredentialMissing:
        raise AuraHandledException("NOT_INSTALLED") from None
    except NotAuthenticated:
        raise AuraHandledException("NOT_AUTHORIZED") from None
    except Unreachable:
        raise AuraHandledException("UNREACHABLE") from None


def _told(
    state: str, portal: str, record: Mapping[str, Any] | None, grant: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    known = record if record is not None and state not in ("none", "noPrincipal") else {}
    return {
        "state": state,
        "portal": portal,
        "allowedBy": known.get("allowedBy"),
        "at": known.get("Authorized_At__c"),
        "expiresAt": known.get("Expires_At__c") if grant else None,
        "scopes": (known.get("Scopes__c") or "").split(),
        "account": grant["account"]["name"] if grant else None,
        "user": grant["email"] if grant else None,
    }


@calls_out
async def status(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the contact center takes this org, asked of it now; what has changed is noted in the token's record."""
    portal = (await _client(call))["portal"]
    record = await _record(call)
    try:
        answer = await asked(call, "oauth/grant")
    except AuraHandledException as refused:
        was = record["State__c"] if record else None
        match str(refused):
            case "NOT_AUTHORIZED" if was in ("authorized", "expired"):
                await _note(call, record, State__c="expired")
                return _told("ended", portal, record)
            case "NOT_AUTHORIZED":
                return _told("none", portal, record)
            case "NO_PRINCIPAL":
                return _told("noPrincipal", portal, record)
            case "UNREACHABLE":
                return _told("unreachable", portal, record)
            case _:
                raise
    grant: Any = answer.json()
    if answer.status != 200 or not isinstance(grant, dict):
        return _told("unreachable", portal, record)
    elsewhere = await _elsewhere(call)
    await _note(
        call,
        record,
        State__c="authorized",
        Authorized_By__c=(record or {}).get("Authorized_By__c") or call.caller.user_id,
        Authorized_At__c=_time(grant["allowed_at"]),
        Expires_At__c=_time(grant["ends_at"]),
        Scopes__c=" ".join(grant["scopes"])[:255],
    )
    return _told("elsewhere" if elsewhere else "authorized", portal, await _record(call), grant)


async def integration(call: Call) -> dict[str, Any] | None:
    """How the org stands with the account that was allowed; None where the contact center does not say."""
    answer = await asked(call, f"api/v1/integration?org={call.org.org_id}")
    told: Any = answer.json()
    return told if answer.status == 200 and isinstance(told, dict) else None


async def _elsewhere(call: Call) -> bool:
    try:
        told = await integration(call)
    except AuraHandledException:
        return False
    return told is not None and told.get("elsewhere") is True


async def _principal(call: Call) -> Principal:
    try:
        return await principal_for(call.org, call.conn, call.caller, _CREDENTIAL, _PRINCIPAL)
    except NoAccess:
        raise AuraHandledException("NO_PRINCIPAL") from None
    except CredentialMissing:
        raise AuraHandledException("NOT_INSTALLED") from None


@calls_out
async def authorize(call: Call, parameters: Mapping[str, Any]) -> str:
    """Introduces the org to the contact center, and gives the address at which an administrator allows the access."""
    portal = (await _client(call))["portal"]
    principal = await _principal(call)
    body = json.dumps({"redirect_uris": [callback_url(call.org, principal.provider.name)]}).encode()
    try:
        answer = await ask_site(call.org, call.conn, f"{portal}/oauth/register", body=body)
    except CredentialMissing:
        raise AuraHandledException("NOT_INSTALLED") from None
    except Unreachable:
        raise AuraHandledException("UNREACHABLE") from None
    client: Any = answer.json()
    if answer.status != 201 or not isinstance(client, dict):
        raise AuraHandledException("UNREACHABLE" if answer.status >= 429 else "REFUSED")
    await principal.keep_client(call.conn, client["client_id"], client["client_secret"])
    back = local_path(str(parameters.get("returnUrl") or ""), "/lightning/page/home")
    address = await principal.begin(call.conn, call.caller.user_id, back)
    await _note(call, await _record(call), State__c="pending", Authorized_By__c=call.caller.user_id)
    return address


@calls_out
async def revoke(call: Call, parameters: Mapping[str, Any]) -> bool:
    """Gives the access back and erases it here; false where the contact center could not be told."""
    principal = await _principal(call)
    told = True
    try:
        answer = await asked(call, "oauth/grant", "DELETE")
        told = answer.status == 204
    except AuraHandledException as refused:
        told = str(refused) == "NOT_AUTHORIZED"
    await principal.forget(call.conn)
    await _note(call, await _record(call), State__c="revoked", Expires_At__c=None, Scopes__c=None)
    return told


METHODS: Mapping[str, Method] = {"status": status, "authorize": authorize, "revoke": revoke}

"""Records that an agent may relate a call to: found by what the agent types, read through the connection.

The connection's user may see more than the agent: what the agent may not read in the org is never told. What of this a
real org has not yet confirmed is in `docs/unconfirmed.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tieline.db.database import Transaction
from tieline.errors import TielineError
from tieline.names import with_parts
from tieline.salesforce import owners
from tieline.salesforce.client import SalesforceClient, quoted
from tieline.salesforce.org_settings import RelatedObject
from tieline.salesforce.tables import org_user

MOST = 20
"""Records that one search gives."""
_RESERVED = re.compile(r"""[?&|!{}\[\]()^~*:\\"'+-]""")
_ENOUGH = 2
"""Characters that an org's search asks for at least."""


class RecordsUnavailable(TielineError):
    """The CRM did not answer."""

    code, status = "records_unavailable", 503


class AgentNotInCrm(TielineError):
    """Who the agent is in the CRM is not known, so that nothing of it may be shown to them."""

    code, status = "agent_not_in_crm", 409


class RecordNotFound(TielineError):
    """No such record that the agent may relate an engagement to: it is gone, out of their sight, or of an object that
    is not offered (any more)."""

    code, status = "record_not_found", 404


async def org_user_of(tx: Transaction, connection_id: UUID, user_id: UUID) -> str | None:
    """The id of an agent's user in the org; None while it is not known."""
    return await tx.scalar(
        select(org_user.c.org_user_id).where(
            org_user.c.account_id == tx.account_id,
            org_user.c.user_id == user_id,
            org_user.c.connection_id == connection_id,
        )
    )


async def find(
    client: SalesforceClient, of: RelatedObject, text: str, org_user_id: str
) -> list[dict[str, Any]]:
    """Records that the org's search finds for a text, or else whose names begin with it, best first; as
    `names.stored` gives them, with a `detail`. Raises `CrmFailure`."""
    ids = await _searched(client, of, text)
    if not ids:
        begins = quoted(text)[:-1].replace("%", r"\%").replace("_", r"\_") + "%'"
        ids = [
            str(row["Id"])
            for row in await client.query_all(
                f"SELECT Id FROM {of.object_type} WHERE {of.name_field} LIKE {begins}"  # noqa: S608, quoted
                f" ORDER BY {of.name_field} LIMIT {MOST}"
            )
        ]
    return await read(client, of, ids, org_user_id)


async def _searched(client: SalesforceClient, of: RelatedObject, text: str) -> list[str]:
    """Ids that the org's search finds; the last word may be the beginning of one."""
    words = _RESERVED.sub(lambda found: "\\" + found[0], text)
    if len(text) < _ENOUGH:
        return []
    answer = await client.get(
        "/search", {"q": f"FIND {{{words}*}} IN ALL FIELDS RETURNING {of.object_type}(Id LIMIT {MOST})"}
    )
    records: Sequence[Mapping[str, Any]] = answer.get("searchRecords") or []
    return [str(record["Id"]) for record in records]


async def read(
    client: SalesforceClient, of: RelatedObject, ids: Sequence[str], org_user_id: str
) -> list[dict[str, Any]]:
    """Those of the records that the org's user may read, in the order of `ids`. Raises `CrmFailure`."""
    if not ids:
        return []
    listed = ", ".join(map(quoted, ids))
    fields = dict.fromkeys(("Id", of.name_field, *of.others, *(owners.FIELDS if of.owned else ())))
    rows, allowed = await client.composite_queries(
        [
            f"SELECT {', '.join(fields)} FROM {of.object_type} WHERE Id IN ({listed})",  # noqa: S608, quoted
            "SELECT RecordId, HasReadAccess FROM UserRecordAccess"  # noqa: S608, quoted
            f" WHERE UserId = {quoted(org_user_id)} AND RecordId IN ({listed})",
        ]
    )
    may = {str(row["RecordId"])[:15] for row in allowed["records"] if row.get("HasReadAccess")}
    known = {str(row["Id"])[:15]: _record(of, row) for row in rows["records"] if not row.get("IsConverted")}
    return [known[id[:15]] for id in ids if id[:15] in known and id[:15] in may]


def _record(of: RelatedObject, row: Mapping[str, Any]) -> dict[str, Any]:
    record = {"id": str(row["Id"]), "object_type": of.object_type, "name": str(row.get(of.name_field) or "")}
    record = with_parts(record, row.get("FirstName"), row.get("LastName"))
    owner = owners.owner_of(row)
    if owner["owner_name"]:
        named = {"name": owner["owner_name"]}
        record["owner"] = with_parts(named, owner["owner_first_name"], owner["owner_last_name"])
    account: Mapping[str, Any] = row.get("Account") or {}
    detail = row.get("Subject") or row.get("Company") or account.get("Name")
    return {**record, "detail": str(detail)[:255] if detail else None}

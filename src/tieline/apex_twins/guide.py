"""`TielineGuide` and `TielineGuideSteps`: the state of the set-up guide's steps, as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tieline.apex_twins import presence, related_objects
from tieline.apex_twins.access import APP, asked
from tieline.apex_twins.records import own, prefix_of, select
from tieline.crm.errors import Fault
from tieline.crm.lightning.twins import AuraHandledException, Method, calls_out
from tieline.crm.rest import Call

_SETUP, _CLIENT, _CODE = "Tieline_Product_Setup__c", "Tieline_App_Client__mdt", "Tieline_Country_Code__c"
_ADAPTER = "/cci/multi/callbar-cti"
_AGENTS = "Tieline_Agent"
_SETS = (_AGENTS, "Tieline_Administrator")
_OFFLINE = "-offline-"
_NEEDED = ("ready", "not_ready", "occupied", "wrap_up")


@dataclass
class Facts:
    """What the steps are concluded from; the names are those of the Apex class."""

    installed: bool = False
    access: str = ""
    hidden: bool = False
    ours: int = 0
    foreign: int = 0
    users: int = 0
    unpermitted: int = 0
    permitted: int = 0
    codes: Sequence[str] = ()
    sync: str = "NO_OMNI"
    mapped: Sequence[str] = ()
    goneStatuses: int = 0
    objects: int = 0
    goneObjects: int = 0
    center: Mapping[str, Any] | None = None


@dataclass
class Step:
    """One step: its state, why, and what its sentence counts or names."""

    name: str
    state: str
    code: str = "OK"
    count: int | None = None
    detail: str | None = None
    at: str | None = None


def steps_of(known: Facts) -> list[Step]:
    """The steps in order. Pure: one table of cases holds for it and for `TielineGuideSteps`."""
    return [
        Step("authorize", *(("done", "OK") if known.access == "AUTHORIZED" else ("open", known.access))),
        _connect(known),
        _call_center(known),
        _utility_item(known),
        _permission_sets(known),
        _users(known),
        _client_integration(known),
        _country_codes(known),
        _status_sync(known),
        _related_objects(known),
        _softphone_layout(known),
        _test_call(known),
    ]


def _connect(known: Facts) -> Step:
    if known.center is None:
        return Step("connect", "locked", "NOT_AUTHORIZED")
    connection: str = known.center["connection"]
    return (
        Step("connect", "done") if connection == "connected" else Step("connect", "open", connection.upper())
    )


def _call_center(known: Facts) -> Step:
    if known.hidden:
        return Step("callCenter", "look", "UNKNOWN")
    if known.ours:
        return Step("callCenter", "done", count=known.ours)
    return Step("callCenter", "open", "FOREIGN" if known.foreign else "NONE", known.foreign)


def _utility_item(known: Facts) -> Step:
    name = "utilityItem"
    if known.center is None or _untold(known):
        return Step(name, "locked", _untold(known) or "")
    item = known.center["utility_item"]
    if item["state"] == "ok":
        return Step(name, "done", detail=item["names"], at=item["at"])
    return (
        Step(name, "open", "MISSING", at=item["at"])
        if item["state"] == "missing"
        else Step(name, "look", "UNKNOWN")
    )


def _permission_sets(known: Facts) -> Step:
    name = "permissionSets"
    if not known.installed:
        return Step(name, "locked", "NOT_INSTALLED")
    if known.hidden:
        return Step(name, "look", "UNKNOWN")
    if known.unpermitted:
        return Step(name, "open", "SOME", known.unpermitted)
    return Step(name, "done", count=known.permitted) if known.permitted else Step(name, "open", "NONE")


def _users(known: Facts) -> Step:
    if not known.installed:
        return Step("users", "locked", "NOT_INSTALLED")
    if known.hidden:
        return Step("users", "look", "UNKNOWN")
    if not known.ours:
        return Step("users", "locked", "NO_CALL_CENTER")
    return Step("users", "done", count=known.users) if known.users else Step("users", "open", "NONE")


def _client_integration(known: Facts) -> Step:
    name = "clientIntegration"
    if not known.installed:
        return Step(name, "locked", "NOT_INSTALLED")
    if known.center is None or _untold(known):
        return Step(name, "locked", _untold(known) or "")
    agents = known.center["agents"]
    if agents["not_found"]:
        return Step(name, "open", "NOT_FOUND", agents["not_found"])
    return Step(name, "done", count=agents["joined"]) if agents["joined"] else Step(name, "open", "NONE")


def _country_codes(known: Facts) -> Step:
    name = "countryCodes"
    if not known.installed:
        return Step(name, "locked", "NOT_INSTALLED")
    if not known.codes:
        return Step(name, "look", "DEFAULT")
    if known.center is None or _untold(known):
        return Step(name, "locked", _untold(known) or "")
    detail = ", ".join(f"+{code}" for code in known.codes)
    if list(known.center["country_codes"]) != list(known.codes):
        return Step(name, "open", "NOT_TAKEN", detail=detail)
    if known.center["index"] != "ready":
        return Step(name, "open", "LOADING", detail=detail)
    return Step(name, "done", detail=detail)


def _status_sync(known: Facts) -> Step:
    name = "statusSync"
    if not known.installed:
        return Step(name, "locked", "NOT_INSTALLED")
    if known.sync != "ON":
        return Step(name, "optional", known.sync)
    if known.goneStatuses:
        return Step(name, "open", "GONE", known.goneStatuses)
    left = set(_NEEDED) - {status.partition(":")[0] for status in known.mapped}
    return Step(name, "open", "UNMAPPED", len(left)) if left else Step(name, "done")


def _related_objects(known: Facts) -> Step:
    name = "relatedObjects"
    if not known.installed:
        return Step(name, "locked", "NOT_INSTALLED")
    if known.goneObjects:
        return Step(name, "open", "GONE", known.goneObjects)
    return Step(name, "done", count=known.objects) if known.objects else Step(name, "optional", "NONE")


def _softphone_layout(known: Facts) -> Step:
    name = "softphoneLayout"
    if known.center is None or _untold(known):
        return Step(name, "locked", _untold(known) or "")
    layout = known.center["layout"]
    if layout is None:
        return Step(name, "look", "NOT_REPORTED")
    if layout["missing"]:
        return Step(name, "open", "NO_POP", len(layout["missing"]), at=layout["at"])
    return Step(name, "done", at=layout["at"])


def _test_call(known: Facts) -> Step:
    name = "testCall"
    if known.center is None or _untold(known):
        return Step(name, "locked", _untold(known) or "")
    made = known.center["test_call"]
    if made is None:
        return Step(name, "open", "NONE")
    if made["logged"] == "delivered":
        return Step(name, "done", at=made["at"])
    return Step(name, "open", made["logged"].upper(), at=made["at"])


def _untold(known: Facts) -> str | None:
    """Why the contact center cannot tell of this org; None where it can."""
    if known.center is None:
        return "NOT_AUTHORIZED"
    return None if known.center["connection"] in ("connected", "not_reachable") else "NOT_CONNECTED"


async def _ask(call: Call, known: Facts) -> None:
    try:
        answer = await asked(call, f"api/v1/salesforce/set-up?org={call.org.org_id}")
    except AuraHandledException as refused:
        known.access = str(refused)
        return
    told: Any = answer.json()
    good = answer.status == 200 and isinstance(told, dict)
    known.access, known.center = ("AUTHORIZED", told) if good else ("REFUSED", None)


async def _addresses(call: Call) -> list[str]:
    """Addresses of the contact center as the package has them: the portal's first."""
    value = own(call, _CLIENT)
    p = prefix_of(value, _CLIENT)
    rows = await select(
        call,
        f"SELECT {p}Portal_Url__c, {p}Vanity_Url__c FROM {value.name} WHERE DeveloperName = '{APP}' LIMIT 1",  # noqa: S608
    )
    urls = [rows[0][f"{p}{name}"] for name in ("Portal_Url__c", "Vanity_Url__c")] if rows else []
    return [str(url).rstrip("/") for url in urls if url]


async def _call_centers(call: Call, known: Facts, addresses: Sequence[str]) -> None:
    hosts = {urlsplit(url.lower()).netloc for url in addresses} | set((known.center or {}).get("hosts", ()))
    centers = await select(call, "SELECT Id, AdapterUrl FROM CallCenter ORDER BY InternalName LIMIT 200")
    ours: list[str] = []
    for each in centers:
        url = str(each["AdapterUrl"] or "").lower()
        if _ADAPTER in url and urlsplit(url).netloc in hosts:
            ours.append(each["Id"])
    known.ours, known.foreign = len(ours), len(centers) - len(ours)

    async def count(soql: str) -> int:
        (row,) = await select(call, soql)
        return int(row["n"])

    sets = ", ".join(f"'{name}'" for name in _SETS)
    if ours:
        within = f"IsActive = TRUE AND CallCenterId IN ({', '.join(repr(id) for id in ours)})"
        known.users = await count(f"SELECT COUNT(Id) n FROM User WHERE {within}")  # noqa: S608
        known.unpermitted = await count(
            f"SELECT COUNT(Id) n FROM User WHERE {within} AND Id NOT IN"  # noqa: S608
            f" (SELECT AssigneeId FROM PermissionSetAssignment WHERE PermissionSet.Name IN ({sets}))"
        )
    known.permitted = await count(
        "SELECT COUNT(Id) n FROM PermissionSetAssignment"  # noqa: S608
        f" WHERE PermissionSet.Name = '{_AGENTS}' AND Assignee.IsActive = TRUE"
    )


async def _settings(call: Call, known: Facts) -> None:
    value = own(call, _CODE)
    p = prefix_of(value, _CODE)
    rows = await select(
        call,
        f"SELECT {p}Code__c FROM {value.name} ORDER BY {p}Order__c, {p}Code__c LIMIT 200",  # noqa: S608
    )
    known.codes = [row[f"{p}Code__c"] for row in rows]
    told = await presence.state(call, {})
    if told["enabled"]:
        known.sync = "ON" if told["toSalesforce"] or told["toContactCenter"] else "OFF"
    there = {_OFFLINE, *(each["name"] for each in told["statuses"])}
    known.mapped = [each["center"] for each in told["relations"] if each["salesforce"] in there]
    known.goneStatuses = len(told["relations"]) - len(known.mapped)
    choice = await related_objects.choice(call, {})
    available = {each["name"] for each in choice["available"]}
    known.objects = len(available & set(choice["chosen"]))
    known.goneObjects = len(choice["chosen"]) - known.objects


@calls_out
async def state(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every step with its state."""
    known = Facts()
    try:
        own(call, _SETUP)
        known.installed = True
    except Fault:
        known.installed = False
    addresses = await _addresses(call) if known.installed else []
    await _ask(call, known)
    try:
        await _call_centers(call, known, addresses)
    except Fault:
        known.hidden = True
    if known.installed:
        await _settings(call, known)
    return {
        "steps": [vars(step) for step in steps_of(known)],
        "portal": addresses[0] if addresses else None,
        "asking": bool(known.center and known.center["asking"]),
    }


METHODS: Mapping[str, Method] = {"state": state}

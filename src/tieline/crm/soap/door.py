"""The SOAP door: `/services/Soap/{u,c,m}/{version}`, one table of operations, envelopes in and out.

An operation is one decorated function. It gets the call (who, which org) and the request's element as a `Part`,
and answers plain values: a mapping's entries become elements, a list repeats its element, None is `xsi:nil`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from starlette.requests import Request
from starlette.responses import Response

from ..errors import Fault, Faults, not_found
from ..gateway import calling
from ..options import CallOptions
from ..orgs import Org
from ..query.running import batch_size
from ..rest import MAX_VERSION, MIN_VERSION, Call
from ..saving.storage import storage_fault
from ..sign_in.door import bearer, org_named, org_with_id
from ..softphone import parse_xml
from ..web import MAX_BODY, MAX_DEPLOY, TooLarge, client_address, origin_here, place_of, read_body
from .xml_values import INSTANCE, add, clean, document

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_METADATA = "http://soap.sforce.com/2006/04/metadata"
NAMESPACES: Mapping[str, str] = {
    "u": "urn:partner.soap.sforce.com",
    "c": "urn:enterprise.soap.sforce.com",
    "m": _METADATA,
}
"""By the door's letter in the path: partner, enterprise, metadata."""
_FAULTS: Mapping[str, str] = {
    "u": "urn:fault.partner.soap.sforce.com",
    "c": "urn:fault.enterprise.soap.sforce.com",
    "m": _METADATA,
}
SOBJECTS: Mapping[str, str] = {
    "u": "urn:sobject.partner.soap.sforce.com",
    "c": "urn:sobject.enterprise.soap.sforce.com",
    "m": _METADATA,
}
"""Namespaces of records."""
_FAULT_TYPES: Mapping[str, str] = {
    "INVALID_LOGIN": "LoginFault",
    "INVALID_FIELD": "InvalidFieldFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "MALFORMED_ID": "InvalidIdFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "MALFORMED_SEARCH": "MalformedSearchFault",
}
_MAX_DEPTH = 50
_MAX_ELEMENTS = 500_000
_LIMITS: Mapping[str, int] = {"m": MAX_DEPLOY}
"""Bytes of a request, where a door takes more than the others: packages come in base64."""


@dataclass(frozen=True, slots=True)
class Part:
    """An element of a request by its local name; `text` is None where it is `xsi:nil`, `type` is its `xsi:type`."""

    name: str
    namespace: str
    text: str | None
    type: str | None
    parts: Sequence[Part]

    def all(self, name: str) -> list[Part]:
        """Children of that name."""
        return [part for part in self.parts if part.name == name]

    def one(self, name: str) -> Part | None:
        """The first child of that name."""
        return next((part for part in self.parts if part.name == name), None)

    def value(self, name: str) -> str | None:
        """The text of a child, None where it is missing or nil."""
        found = self.one(name)
        return found.text if found else None

    def need(self, name: str) -> Part:
        """A child that must be there. INVALID_SOAP otherwise."""
        found = self.one(name)
        if found is None:
            raise Fault("soapenv:Client", f"The element {self.name} needs the element {name}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """A child that says `true` or `false`."""
        text = self.value(name)
        return default if text is None else text.strip() in ("true", "1")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks without a session yet: where it came in, and the session id it brought, checked by nobody."""

    org: Org
    door: str
    version: str
    origin: str
    address: str
    session_id: str


Operation = Callable[[Call, Part], Awaitable[Any]]
Entrance = Callable[[Visitor, Part], Awaitable[Any]]

_OPERATIONS: dict[tuple[str, str], tuple[Operation, bool]] = {}
_ENTRANCES: dict[tuple[str, str], Entrance] = {}


def operation(name: str, *, writes: bool = False, doors: str = "uc") -> Callable[[Operation], Operation]:
    """Enters an operation into the table. One that writes runs in a transaction, which a refusal rolls back.

    What it answers becomes the content of `{name}Response`.
    """

    def enter(handler: Operation) -> Operation:
        for door in doors:
            _OPERATIONS[door, name] = (handler, writes)
        return handler

    return enter


def entrance(name: str, *, doors: str = "uc") -> Callable[[Entrance], Entrance]:
    """Enters an operation that needs no session."""

    def enter(handler: Entrance) -> Entrance:
        for door in doors:
            _ENTRANCES[door, name] = handler
        return handler

    return enter


def operations() -> list[str]:
    """Names of all operations, in alphabetical order."""
    return sorted({name for _, name in (*_OPERATIONS, *_ENTRANCES)})


# -- reading and writing -------------------------------------------------------------------------------------


def _part(element: Any, depth: int = 0) -> Part:
    if depth > _MAX_DEPTH:
        raise Fault("soapenv:Client", "The request is nested too deeply")
    name = etree.QName(element)
    kind: str | None = element.get(f"{{{INSTANCE}}}type")
    nil = element.get(f"{{{INSTANCE}}}nil") in ("true", "1")
    return Part(
        name.localname,
        name.namespace or "",
        None if nil else element.text or "",
        kind.rpartition(":")[2] if kind else None,
        [_part(child, depth + 1) for child in element if isinstance(child.tag, str)],
    )


@dataclass(frozen=True, slots=True)
class Message:
    """A request: the operation, and its headers: a session or the org to sign in to, and options."""

    operation: Part
    header: Part | None

    def said(self, name: str, value: str) -> str:
        """A value of a header, empty where it is missing."""
        found = self.header.one(name) if self.header else None
        return ((found.value(value) or "") if found else "").strip()

    @property
    def session_id(self) -> str:
        """The session that the header names, checked by nobody."""
        return self.said("SessionHeader", "sessionId")

    def options(self) -> CallOptions:
        """What the headers ask of the org beyond the request itself."""

        def flag(name: str, value: str, default: bool = False) -> bool:
            text = self.said(name, value)
            return text in ("true", "1") if text else default

        rule_id = self.said("AssignmentRuleHeader", "assignmentRuleId")
        return CallOptions(
            client=self.said("CallOptions", "client")[:100],
            allow_duplicates=flag("DuplicateRuleHeader", "allowSave"),
            duplicate_records=flag("DuplicateRuleHeader", "includeRecordDetails"),
            duplicates_as_caller=flag("DuplicateRuleHeader", "runAsCurrentUser", True),
            auto_assign=bool(rule_id) or flag("AssignmentRuleHeader", "useDefaultRule"),
            assignment_rule=rule_id[:18] or None,
            all_or_none=flag("AllOrNoneHeader", "allOrNone"),
        )


def read_envelope(raw: bytes, namespace: str, limit: int = MAX_BODY) -> Message:
    """A request. A client's fault where it is no such envelope."""
    if raw.count(b"<") > _MAX_ELEMENTS:  # seen before a tree of them takes the memory
        raise Fault("soapenv:Client", f"The request has more than {_MAX_ELEMENTS} elements")
    try:
        root = parse_xml(raw, limit, long_text=limit > MAX_BODY)
    except Fault as fault:
        raise Fault("soapenv:Client", fault.message) from None
    envelope = _part(root)
    if (envelope.name, envelope.namespace) != ("Envelope", ENVELOPE):
        raise Fault("soapenv:Client", "The root element must be a SOAP 1.1 Envelope")
    body = envelope.need("Body")
    if len(body.parts) != 1:
        raise Fault("soapenv:Client", "The Body must hold exactly one operation")
    asked = body.parts[0]
    if asked.namespace != namespace:
        raise Fault("soapenv:Client", f"No operation available for request {{{asked.namespace}}}{asked.name}")
    return Message(asked, envelope.one("Header"))


def _envelope(extra: dict[str | None, str]) -> tuple[Any, Any]:
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=extra | {"soapenv": ENVELOPE, "xsi": INSTANCE})
    return root, etree.SubElement(root, f"{{{ENVELOPE}}}Body")


def _send(root: Any, status: int, headers: Mapping[str, str]) -> Response:
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(document(root), status, headers=safe | dict(headers), media_type="text/xml;charset=UTF-8")


def _answer(door: str, name: str, value: Any, headers: Mapping[str, str]) -> Response:
    own, objects = NAMESPACES[door], SOBJECTS[door]
    root, body = _envelope({None: own} if own == objects else {None: own, "sf": objects})
    add(body, f"{name}Response", value, NAMESPACES[door])
    return _send(root, 200, headers)


def _refuse(door: str, fault: Fault, headers: Mapping[str, str]) -> Response:
    """A fault as Salesforce words it. A code with a colon is the envelope's own, such as `soapenv:Client`."""
    faults = _FAULTS[door]
    root, body = _envelope({"sf": faults})
    element = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    own = ":" in fault.code
    etree.SubElement(element, "faultcode").text = fault.code if own else f"sf:{fault.code}"
    etree.SubElement(element, "faultstring").text = clean(
        fault.message if own else f"{fault.code}: {fault.spoken}"
    )
    if not own:
        kind = _FAULT_TYPES.get(fault.code, "UnexpectedErrorFault")
        detail = etree.SubElement(etree.SubElement(element, "detail"), f"{{{faults}}}{kind}")
        detail.set(f"{{{INSTANCE}}}type", f"sf:{kind}")
        add(detail, "exceptionCode", fault.code, faults)
        add(detail, "exceptionMessage", fault.spoken, faults)
    return _send(root, 500, headers)


# -- the door ------------------------------------------------------------------------------------------------


def _api_version(text: str) -> str:
    whole, _, rest = text.partition(".")
    if not whole.isdecimal() or rest not in ("", "0") or not MIN_VERSION <= int(whole) <= MAX_VERSION:
        raise Fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
    return f"{int(whole)}.0"


async def _work(
    request: Request, org: Org, version: str, session_id: str, message: Message, door: str
) -> Any:
    asked = message.operation
    opening = _ENTRANCES.get((door, asked.name))
    if opening is not None:
        visitor = Visitor(org, door, version, origin_here(request), client_address(request), session_id)
        return await opening(visitor, asked)
    known = _OPERATIONS.get((door, asked.name))
    if known is None:
        raise Fault("soapenv:Client", f"No operation available for request {{{asked.namespace}}}{asked.name}")
    handler, writes = known
    if not session_id:
        raise Fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
    size = message.said("QueryOptions", "batchSize")
    language = message.said("LocaleOptions", "language")
    async with calling(request, org, version, session_id, language) as plain:
        batch = batch_size(f"batchSize={size}") if size else plain.batch
        call = replace(plain, options=message.options(), door=door, batch=batch)
        if not writes:
            return await handler(call, asked)
        async with call.conn.transaction():
            return await handler(call, asked)


async def soap(request: Request) -> Response:
    """`POST /services/Soap/{door}/{version}`. More may follow: `serverUrl` has the org's id there, and
    simple-salesforce the path of a deployment; it says nothing.
    """
    door = request.path_params["door"]
    if door not in NAMESPACES or place_of(request) == "lightning":
        return Response(not_found().message, 404, media_type="text/plain")
    headers: dict[str, str] = {}
    limit = _LIMITS.get(door, MAX_BODY)
    try:
        version = _api_version(request.path_params["version"])
        try:
            raw = await read_body(request, limit)
        except TooLarge:
            raise Fault("soapenv:Client", f"The request is larger than {limit} bytes") from None
        message = read_envelope(raw, NAMESPACES[door], limit)
        asked, session_id = message.operation, message.session_id or bearer(request)
        org = await (
            org_named(request, session_id)
            if session_id
            else org_with_id(request, message.said("LoginScopeHeader", "organizationId"))
        )
        headers["Sforce-Limit-Info"] = org.usage.header
        try:
            value = await _work(request, org, version, session_id, message, door)
        except Faults as faults:
            raise faults.faults[0] from None
        except asyncpg.PostgresError as error:
            raise storage_fault(error) from None
        headers["Sforce-Limit-Info"] = org.usage.header
        return _answer(door, asked.name, value, headers)
    except Fault as fault:
        if fault.code == "INVALID_SESSION_ID" and fault.message == "Session expired or invalid":
            fault = Fault(
                fault.code, "Invalid Session ID found in SessionHeader: Illegal Session. Session not found"
            )
        return _refuse(door, fault, headers)

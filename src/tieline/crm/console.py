# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""What the console's pages ask: one JSON API under the console's own cookie, and the page itself.

Every answer is what the signed-in user may see. Writes need the session's CSRF token and the console's origin.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .access.questions import Caller, require_read, rights
from .access.sharing import reachable
from .access.tabs import objects_shown
from .deploy.components import all_stored
from .errors import Fault, Faults, not_found, session_expired
from .gateway import api_version, raw_path_behind
from .language import speak, standard_name
from .metadata import Field, ObjectType
from .navigation.apps import SOFTPHONE_SIZE
from .navigation.shown import navigation
from .query.running import DEFAULT_BATCH
from .rest import Call, dispatch
from .saving.drafts import Row
from .sign_in import auth, door
from .softphone import definition_size, settings_map
from .softphone_layouts import layout_for
from .values import format_datetime, write_value
from .web import (
    CONSOLE_COOKIE,
    MY_COOKIE,
    cookie_of,
    drop_cookie,
    json_response,
    lightning_origin,
    my_origin,
    org_of,
    origin_here,
    place_of,
    read_json,
    same_origin,
    server_of,
)

VERSION = "66.0"
_PEOPLE = ("FirstName", "LastName")


@dataclass(frozen=True)
class Visit:
    """A request of a signed-in console."""

    call: Call
    session: auth.Session

    @property
    def caller(self) -> Caller:
        """The signed-in user."""
        return self.call.caller

    @property
    def conn(self) -> Any:
        """The request's connection."""
        return self.call.conn

    @property
    def language(self) -> str:
        """`ja` or `en`."""
        return self.caller.words


@asynccontextmanager
async def visiting(request: Request) -> AsyncGenerator[Visit]:
    """The visit behind a request. INVALID_SESSION_ID without a session, 403 for a write from elsewhere."""
    org = org_of(request)
    if place_of(request) != "lightning":
        raise not_found()
    async with org.connection() as conn:
        session = await auth.find_session(conn, "console", cookie_of(request, CONSOLE_COOKIE))
        if session is None:
            raise session_expired()
        speak(session.caller.language)
        if request.method not in ("GET", "HEAD"):
            given = request.headers.get("x-csrf-token", "")
            if not same_origin(request) or not hmac.compare_digest(
                session.csrf.encode(), given.encode("utf-8", "replace")
            ):
                raise Fault("INVALID_CSRF_TOKEN", "This request did not come from the console", status=403)
        call = Call(
            org,
            conn,
            await org.catalogue(conn, session.version),
            session.caller,
            VERSION,
            origin_here(request),
            DEFAULT_BATCH,
        )
        yield Visit(call, session)


Handler = Callable[[Request], Awaitable[Response]]


def answering(handler: Handler) -> Handler:
    """Turns refusals of a handler into answers, worded as the org's API words them."""

    async def wrapped(request: Request) -> Response:
        try:
            return await handler(request)
        except Faults as faults:
            return json_response([fault.as_row() for fault in faults.faults], faults.faults[0].status)
        except Fault as fault:
            return json_response([fault.as_row()], fault.status)

    return wrapped


# -- the page ------------------------------------------------------------------------------------------------


async def page(request: Request) -> Response:
    """The console's page for a signed-in browser; others are sent to sign in and come back."""
    if place_of(request) != "lightning":
        return door.redirect(lightning_origin(request) + request.url.path, 302)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        async with visiting(request) as visit:
            first = await _bootstrap(visit)
            adapters = await _adapter_origins(visit)
            trusted = " ".join(await _trusted_origins(visit))
    except Fault:
        return door.begin_handoff(request, door.local_path(path, door.HOME))
    file = server_of(request).settings.web_dist / "console.html"
    if not file.is_file():
        return door.refuse(request, "error_build", status=503)
    config = json.dumps({"bootstrap": first}, ensure_ascii=False).replace("<", "\\u003c")
    text = await asyncio.to_thread(file.read_text, "utf-8")
    text = re.sub(
        r'(<script type="application/json" id="tieline-config">).*?(</script>)',
        lambda found: found.group(1) + config + found.group(2),
        text,
        count=1,
        flags=re.DOTALL,
    )
    text = text.replace('<html lang="en"', f'<html lang="{visit.language}"', 1)
    frames = " ".join(adapters)
    quoted = " ".join(f'"{origin}"' for origin in adapters)
    headers = {
        "Content-Security-Policy": (
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; "
            f"connect-src 'self' {trusted}; frame-src 'self' {frames}; object-src 'none'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )
        .replace("  ", " ")
        .replace(" ;", ";"),
        "Permissions-Policy": f"camera=(), geolocation=(), microphone=(self {quoted})".replace(" )", ")"),
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
    return Response(text, headers=headers, media_type="text/html")


async def _trusted_origins(visit: Visit) -> list[str]:
    """Origins that pages may talk to: of the active trusted sites that say so."""
    origins: set[str] = set()
    for row in await all_stored(visit.conn, "CspTrustedSite"):
        site = row.source
        if site is None or not site.flag("isActive", True) or not site.flag("isApplicableToConnectSrc"):
            continue
        parts = urlsplit(site.get("endpointUrl") or "")
        if parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
            origins.add(f"{parts.scheme}://{parts.netloc}")
    return sorted(origins)


async def _adapter_origins(visit: Visit) -> list[str]:
    """Origins that the console may frame: of the call centers' adapters and of their standby addresses."""
    rows = await visit.conn.fetch(
        'SELECT c."AdapterUrl" AS url, d.sections FROM data."CallCenter" c'
        ' LEFT JOIN meta.call_center_definition d ON d.call_center_id = c."Id" WHERE NOT c."IsDeleted"'
    )
    origins: set[str] = set()
    for row in rows:
        items = [item for section in row["sections"] or [] for item in section["items"]]
        standby = [item.get("value") or "" for item in items if item["name"] == "reqStandbyUrl"]
        for url in [row["url"] or "", *standby]:
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
                origins.add(f"{parts.scheme}://{parts.netloc}")
    return sorted(origins)


async def _bootstrap(visit: Visit) -> dict[str, Any]:
    caller, call = visit.caller, visit.call
    org_wide: list[dict[str, Any]] = (
        await visit.conn.fetchval("SELECT value FROM meta.setting WHERE name = 'utility_items'") or []
    )
    center = await _call_center(visit)
    size = definition_size(center["settings"] if center else {}) or SOFTPHONE_SIZE
    shown = await objects_shown(visit.conn, call.catalogue, caller)
    return await navigation(visit.conn, call.catalogue, caller, org_wide, size) | {
        "csrf_token": visit.session.csrf,
        "org": {"id": call.org.org_id, "name": call.org.name, "label": call.org.label},
        "user": {
            "id": caller.user_id,
            "name": caller.name,
            "first_name": caller.first_name,
            "last_name": caller.last_name,
            "username": caller.username,
            "email": caller.email,
            "language": "ja" if caller.language == "ja" else "en_US",
            "locale": caller.locale,
            "time_zone": caller.time_zone,
            "profile": caller.profile,
            "permissions": sorted(caller.held),
        },
        "call_center": center,
        "softphone_layout": await layout_for(visit.conn, caller.user_id),
        "objects": [
            {
                "name": value.name,
                "label": value.label_in(visit.language),
                "label_plural": value.label_plural_in(visit.language),
                "key_prefix": value.key_prefix,
                "createable": rights(caller, value).create,
                "has_tab": value.name in shown,
            }
            for value in call.catalogue.objects.values()
            if rights(caller, value).read and (not value.setup or value.name == "User")
        ],
        "session_expires_at": format_datetime(visit.session.expires_at),
    }


async def _call_center(visit: Visit) -> dict[str, Any] | None:
    if visit.caller.call_center_id is None:
        return None
    row = await visit.conn.fetchrow(
        'SELECT c."Id", c."Name", c."InternalName", c."AdapterUrl", d.* FROM data."CallCenter" c'
        ' LEFT JOIN meta.call_center_definition d ON d.call_center_id = c."Id"'
        ' WHERE c."Id" = $1 AND NOT c."IsDeleted"',
        visit.caller.call_center_id,
    )
    if row is None:
        return None
    return {
        "id": row["Id"],
        "internal_name": row["InternalName"],
        "display_name": row["Name"],
        "adapter_url": row["AdapterUrl"],
        "settings": settings_map(row, row["sections"] or []),
    }


@answering
async def bootstrap(request: Request) -> Response:
    """Who is signed in, where, and with which softphone."""
    async with visiting(request) as visit:
        return json_response(await _bootstrap(visit))


@answering
async def data(request: Request) -> Response:
    """The REST resources under the console's session."""
    text = raw_path_behind(request, "/console/api/data")
    version, _, path = text.partition("/")
    api_version(version)
    body = await read_json(request) if request.method in ("POST", "PATCH", "PUT") else None
    async with visiting(request) as visit:
        reply = await dispatch(visit.call, request.method, path, dict(request.query_params), body)
        return json_response(reply.body, reply.status, reply.headers)


# -- rows and the records they refer to ----------------------------------------------------------------------


def number_of(request: Request, name: str, default: int, most: int) -> int:
    """A whole number of the query, at most `most`; `default` where there is none."""
    text = request.query_params.get(name, "")
    return min(int(text), most) if text.isdigit() and len(text) < 9 else default


def typed(request: Request, name: str) -> str:
    """What somebody typed into a search box."""
    return request.query_params.get(name, "").replace("\x00", "").strip()[:200]


def seen_object(visit: Visit, name: str) -> ObjectType:
    """The object of that name as the user sees it. 404 where it does not exist, or not for the user."""
    value = visit.call.catalogue.get(name)
    if value is None:
        raise not_found()
    require_read(visit.caller, value)
    return value


def with_people(value: ObjectType, columns: Sequence[Field]) -> list[Field]:
    """Columns, and the parts of a person's name, so that screens can order them by language."""
    extra = [value.fields[name] for name in _PEOPLE if value.person and name in value.fields]
    return [
        *(item for item in columns if item.name != "Id"),
        *(item for item in extra if item not in columns),
    ]


def column_of(visit: Visit, item: Field) -> dict[str, Any]:
    """A column as lists show it; a look-up's is called after the record it shows."""
    label = item.label_in(visit.language)
    if item.name == "OwnerId":
        label = "所有者" if visit.language == "ja" else "Owner"
    elif item.type == "reference":
        label = re.sub(r"\s*ID$", "", label)
    return {"api_name": item.name, "label": label, "type": item.type, "sortable": item.type != "textarea"}


def row_of(row: Any, columns: Sequence[Field], names: Mapping[str, Row]) -> Row:
    """A row of a list; a look-up's value is the record it points to."""
    found: Row = {"Id": row["Id"]}
    for item in columns:
        content = row[item.name]
        found[item.name] = content if content is None else write_value(content)
        if item.type == "reference" and content is not None:
            found[item.name] = {"Id": content} | names.get(content, {"Name": None})
    return found


async def references(
    visit: Visit, value: ObjectType, rows: Sequence[Any], columns: Sequence[Field]
) -> dict[str, Row]:
    """For every record referred to: `{Name, object, FirstName?, LastName?}` by id, as far as the user may read."""
    wanted: dict[str, set[str]] = {}
    for item in columns:
        if item.type == "reference":
            for row in rows:
                target_id = row[item.name]
                target = visit.call.catalogue.of_id(target_id) if target_id else None
                if target is not None:
                    wanted.setdefault(target.name, set()).add(target_id)
    return await named(visit, wanted)


async def named(visit: Visit, wanted: Mapping[str, set[str]]) -> dict[str, Row]:
    """`{Name, object, FirstName?, LastName?}` by id, for ids by object."""
    found: dict[str, Row] = {}
    for name, ids in wanted.items():
        target = visit.call.catalogue.get(name)
        if target is None or target.name_field is None:
            continue
        parts = [part for part in _PEOPLE if target.person and part in target.fields]
        columns = ", ".join(f'"{part}"' for part in parts)
        params: list[Any] = [list(ids)]
        only = visit.call.records.only_reachable(target, "t", params)
        for row in await visit.conn.fetch(
            f'SELECT "Id", {target.name_field.column} AS n{", " + columns if columns else ""} FROM {target.table} t'
            f' WHERE "Id" = ANY($1){only}',
            *params,
        ):
            shown = standard_name(row["n"], visit.language) if name == "Profile" else row["n"]
            found[row["Id"]] = {"Name": shown, "object": name} | {part: row[part] for part in parts}
    return found


# -- live changes and sign-out -------------------------------------------------------------------------------


@answering
async def events(request: Request) -> Response:
    """Server-sent events: `{object, id, kind}` for records the user may read; a comment every 15 s.

    The stream ends when the session does, so that the page asks again and learns it.
    """
    org = org_of(request)
    async with visiting(request) as visit:
        secret = cookie_of(request, CONSOLE_COOKIE)
        call = visit.call

    async def stream() -> AsyncIterator[bytes]:
        nonlocal call
        loop = asyncio.get_running_loop()
        async with org.changes.subscribe() as queue:
            yield b"retry: 1000\n\n: listening\n\n"
            checked = loop.time()
            while True:
                try:
                    change = await asyncio.wait_for(queue.get(), timeout=15)
                except TimeoutError:
                    change = {}
                if change is None:
                    return
                if loop.time() - checked > 15:
                    async with org.connection() as conn:
                        session = await auth.find_session(conn, "console", secret)
                        if session is None:
                            return
                        whole = await org.catalogue(conn, session.version)
                    call = replace(call, catalogue=whole, caller=session.caller)
                    checked = loop.time()
                if not change:
                    yield b": here\n\n"
                elif await _may_hear(call, change):
                    yield f"data: {json.dumps(change, separators=(',', ':'))}\n\n".encode()

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


async def _may_hear(call: Call, change: Mapping[str, Any]) -> bool:
    """Whether a change is of a record that the user may see; where sharing decides, the database is asked."""
    if change["object"] is None:
        return True
    value = call.catalogue.get(change["object"])
    if value is None:
        return False
    if not call.records.only_reachable(value, "t", []):
        return True
    async with call.org.connection() as conn:
        return bool(await reachable(conn, call.catalogue, call.caller, value, [change["id"]]))


@answering
async def sign_out(request: Request) -> Response:
    """Ends the session here and at the sign-in origin."""
    async with visiting(request) as visit:
        await auth.close_session(visit.conn, visit.session)
        response = json_response({"location": f"{my_origin(request)}/login"})
        drop_cookie(request, response, CONSOLE_COOKIE)
        drop_cookie(request, response, MY_COOKIE)
        return response


ROUTES = [
    Route("/console/api/bootstrap", bootstrap),
    Route("/console/api/data/{rest:path}", data, methods=["GET", "POST", "PATCH", "DELETE"]),
    Route("/console/api/events", events),
    Route("/console/api/session/sign-out", sign_out, methods=["POST"]),
]

"""HTTP matters every door shares: which org is meant, bodies within limits, JSON answers, cookies, checks."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from .errors import Fault
from .lightning.twins import Twins
from .orgs import Org, Orgs
from .pages import Words
from .settings import CrmSettings

MAX_BODY = 5 * 1024 * 1024
MAX_DEPLOY = 50 * 1024 * 1024
MY_COOKIE = "crm_sid"
CONSOLE_COOKIE = "crm_console"
LOGIN_COOKIE = "crm_login"
HANDOFF_COOKIE = "crm_handoff"


class Server:
    """What the application holds for all requests; `twins` stand for Apex that packages bring."""

    def __init__(self, settings: CrmSettings, twins: Twins | None = None):
        self.settings = settings
        self.twins: Twins = twins or {}
        self.orgs = Orgs(settings)
        self.words = Words(settings.locales)


def server_of(request: Request) -> Server:
    """The application's own things."""
    found: Server = request.app.state.server
    return found


def place_of(request: Request) -> str:
    """Which door: base, my or lightning."""
    found: str = request.scope["crm.place"]
    return found


def org_of(request: Request) -> Org:
    """The org the Host header names, or the default one."""
    found: Org = request.scope["crm.org"]
    return found


def origin_here(request: Request) -> str:
    """The origin under which the asker reaches this door."""
    return f"{request.url.scheme}://{request.headers['host']}"


def is_secure(request: Request) -> bool:
    """True where the asker came over TLS, and so must stay."""
    return request.url.scheme == "https"


def my_origin(request: Request) -> str:
    """The org's sign-in origin, by the scheme that the asker came with."""
    org = org_of(request)
    return org.settings.my_origin(org.name, secure=is_secure(request))


def lightning_origin(request: Request) -> str:
    """The origin of the org's console, by the scheme that the asker came with."""
    org = org_of(request)
    return org.settings.lightning_origin(org.name, secure=is_secure(request))


class TooLarge(Exception):
    """The body exceeds the limit of its door."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body, or TooLarge as soon as that is certain."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    raw = b"".join(chunks)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    return raw if coding == "identity" else _decompressed(raw, coding, limit)


def _decompressed(raw: bytes, coding: str, limit: int) -> bytes:
    """The body behind `Content-Encoding`; its limit is that of the text, not of what was sent."""
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding not supported: {coding[:80]}", status=415)
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS if coding == "deflate" else zlib.MAX_WBITS | 16)
    try:
        content = reader.decompress(raw, limit + 1)
    except zlib.error:
        raise Fault("INVALID_INPUT", f"The request body is not {coding}, as Content-Encoding says") from None
    if len(content) > limit:
        raise TooLarge
    if not reader.eof:
        raise Fault("INVALID_INPUT", "The compressed request body is not complete")
    return content


def parse_json(raw: bytes) -> Any:
    """JSON, or JSON_PARSER_ERROR. An empty body is None."""
    if not raw.strip():
        return None

    def refuse(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        where = (
            f" at [line:{error.lineno}, column:{error.colno}]"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise Fault("JSON_PARSER_ERROR", f"The JSON in the body cannot be read{where}") from None


async def read_json(request: Request) -> Any:
    """The body as JSON. UNSUPPORTED_MEDIA_TYPE where it says that it is something else."""
    raw = await read_body(request)
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if raw and kind != "application/json" and not kind.endswith("+json"):
        raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Content-Type not supported: {kind[:80]}", status=415)
    return parse_json(raw)


async def read_form(request: Request) -> dict[str, str]:
    """A form of key and value pairs, in one part or several, or its JSON twin. Anything unreadable is empty."""
    raw = await read_body(request, 64 * 1024)
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return await _read_parts(request, raw)
    if kind.startswith("application/json"):
        try:
            found = parse_json(raw)
        except Fault:
            return {}
        values: dict[str, Any] = found if isinstance(found, dict) else {}
        return {str(name): str(value).replace("\x00", "") for name, value in values.items()}
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {name: value.replace("\x00", "") for name, value in pairs}


async def _read_parts(request: Request, raw: bytes) -> dict[str, str]:
    async def stream() -> AsyncGenerator[bytes]:
        yield raw

    try:
        form = await MultiPartParser(request.headers, stream(), max_files=0, max_fields=100).parse()
    except (MultiPartException, KeyError, ValueError):
        return {}
    return {name: value.replace("\x00", "") for name, value in form.multi_items() if isinstance(value, str)}


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that nobody caches."""
    content = (
        b""
        if body is None
        else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    )
    everything = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | dict(headers or {})
    return Response(
        content, status, headers=everything, media_type="application/json;charset=UTF-8" if content else None
    )


def redirect(location: str, status: int = 303) -> Response:
    """A redirect that nobody caches."""
    return Response(
        None,
        status,
        headers={"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def _cookie_name(request: Request, name: str) -> str:
    """Cookies know no ports, and browsers do not let a page in clear replace one that came over TLS: two names."""
    return f"__Host-{name}" if is_secure(request) else name


def cookie_of(request: Request, name: str) -> str:
    """What `set_cookie` gave the browser, or nothing."""
    return request.cookies.get(_cookie_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """A cookie for this host only that scripts cannot read."""
    response.set_cookie(
        _cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Forgets a cookie."""
    response.delete_cookie(
        _cookie_name(request, name), path="/", httponly=True, samesite="lax", secure=is_secure(request)
    )


def same_origin(request: Request) -> bool:
    """False where a browser says that a page of another origin sent this."""
    origin = request.headers.get("origin")
    if origin is not None and origin != origin_here(request):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def local_path(text: str | None, default: str) -> str:
    """`text` where it is a path on this very origin, else `default`."""
    if (
        not text
        or len(text) > 4000
        or not text.startswith("/")
        or text.startswith(("//", "/\\"))
        or "\\" in text
        or any(ord(char) < 33 or ord(char) == 127 for char in text)
    ):
        return default
    return text


def client_address(request: Request) -> str:
    """The peer's address, for counting attempts."""
    return request.client.host if request.client else "unknown"

"""Where people enter the code that a device shows, and allow or deny it: `/setup/connect` at the sign-in origin."""

from __future__ import annotations

import hmac
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..pages import consent_page, device_done_page, device_page
from ..web import (
    MY_COOKIE,
    client_address,
    cookie_of,
    my_origin,
    org_of,
    place_of,
    read_form,
    redirect,
    same_origin,
    server_of,
)
from . import auth, device, oauth
from .apps import may_use
from .door import refuse
from .guessing import guess_of, wait_or_note, was_right

PATH = "/setup/connect"


def _here(user_code: str) -> str:
    return f"{PATH}?{urlencode({'user_code': user_code})}" if user_code else PATH


async def connect(request: Request) -> Response:
    """The page for a code, and what it sends: first the code, then the decision."""
    org = org_of(request)
    if place_of(request) != "my":
        if request.method != "GET":
            return refuse(request, "error_origin", status=403)
        query = f"?{request.url.query}" if request.url.query else ""
        return redirect(f"{my_origin(request)}{PATH}{query}", 302)
    form = await read_form(request) if request.method == "POST" else {}
    given = form.get("user_code") or request.query_params.get("user_code", "")
    user_code = device.spelt(given)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if session is None:
            return redirect(f"/login?startURL={quote(_here(user_code), safe='')}")
        if request.method == "GET":
            return _page(request, session, user_code)
        if not same_origin(request) or not hmac.compare_digest(
            session.csrf.encode(), form.get("csrf", "").encode("utf-8", "replace")
        ):
            return refuse(request, "error_origin", status=403)
        guess = guess_of(org, "device", session.caller.user_id, client_address(request))
        wait = await wait_or_note(conn, guess)
        if wait:
            return _page(request, session, user_code, "device_too_many", 429, minutes=-(-wait // 60))
        waiting = await device.waiting_for(conn, org, user_code)
        if waiting is None:
            return _page(request, session, user_code, "device_unknown", 400)
        await was_right(conn, guess)
        if not await may_use(conn, waiting.app, session.caller.user_id):
            return _page(request, session, user_code, "device_not_approved", 403)
        decision = form.get("decision")
        if decision not in ("allow", "deny"):
            return _consent(request, session, waiting)
        user_id = session.caller.user_id
        async with conn.transaction():
            if decision == "allow":
                await oauth.approve(conn, user_id, waiting.app.client_id, waiting.scopes)
            state: device.State = "allowed" if decision == "allow" else "denied"
            if not await device.decide(conn, org, user_code, user_id, state):
                return _page(request, session, user_code, "device_unknown", 400)
    return device_done_page(
        server_of(request).words, _language(session), f"device_{state}", app=waiting.app.label
    )


def _language(session: auth.Session) -> str:
    return "ja" if session.caller.language == "ja" else "en"


def _page(
    request: Request,
    session: auth.Session,
    user_code: str,
    error: str | None = None,
    status: int = 200,
    minutes: int = 0,
) -> Response:
    return device_page(
        server_of(request).words,
        _language(session),
        action=PATH,
        csrf=session.csrf,
        user_code=user_code,
        error=error,
        status=status,
        minutes=minutes,
    )


def _consent(request: Request, session: auth.Session, waiting: device.Waiting) -> Response:
    here = quote(_here(waiting.user_code), safe="")
    return consent_page(
        server_of(request).words,
        _language(session),
        app=waiting.app.label,
        username=session.caller.username,
        scopes=waiting.scopes,
        action=PATH,
        hidden={"csrf": session.csrf, "user_code": waiting.user_code},
        targets=(),
        sign_out_url=f"/secur/logout?startURL={here}",
        note="device_note",
        code=waiting.user_code,
    )


ROUTES = [Route(PATH, connect, methods=["GET", "POST"])]

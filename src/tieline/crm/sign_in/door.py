"""Signing in: the form at the org's own origin, consent, and the way from there to the console's origin.

The console has a cookie of its own. It is set by a one-time code that the sign-in origin hands over and that
only the browser which asked for it can use.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from ..pages import browser_language, consent_page, origin_of, refusal_page, sign_in_page
from ..web import (
    CONSOLE_COOKIE,
    HANDOFF_COOKIE,
    LOGIN_COOKIE,
    MY_COOKIE,
    client_address,
    cookie_of,
    drop_cookie,
    lightning_origin,
    local_path,
    my_origin,
    org_of,
    place_of,
    read_form,
    redirect,
    same_origin,
    server_of,
    set_cookie,
)
from . import auth, oauth

HOME = "/lightning/page/home"


def _language(request: Request) -> str:
    return browser_language(request.headers.get("accept-language", ""))


def refuse(
    request: Request, key: str, *, status: int = 400, code: str = "", back: str | None = None
) -> Response:
    """A page that says what is wrong."""
    return refusal_page(
        server_of(request).words, _language(request), key, status=status, code=code, back=back
    )


async def _form_targets(request: Request, start_url: str) -> list[str]:
    """Where the sign-in form may lead by redirects: the console, and a checked callback of the app that asks."""
    org = org_of(request)
    targets = [lightning_origin(request)]
    parts = urlsplit(start_url)
    if parts.path == "/services/oauth2/authorize":
        async with org.connection() as conn:
            try:
                asked = await oauth.check_authorization(conn, org, dict(parse_qsl(parts.query)))
                targets.append(origin_of(asked.redirect_uri))
            except oauth.RedirectError as error:
                targets.append(origin_of(error.location))
            except oauth.RedirectRefused:
                pass
    return targets


async def root(request: Request) -> Response:
    """`/` leads to the console: to `startURL`, with which Salesforce sends people here whose session has ended."""
    start = local_path(request.query_params.get("startURL"), HOME)
    return redirect(lightning_origin(request) + (HOME if start == "/" else start), 302)


async def sign_in(request: Request) -> Response:
    """The sign-in form, and what it sends."""
    org = org_of(request)
    if place_of(request) != "my":
        query = f"?{request.url.query}" if request.url.query else ""
        if request.method == "GET":
            return redirect(f"{my_origin(request)}/login{query}", 302)
        return refuse(request, "error_origin", status=403)
    if request.method == "GET":
        start_url = local_path(request.query_params.get("startURL"), "/")
        hint = request.query_params.get("un", "")[:80]
        return await _sign_in_form(request, start_url, username=hint)
    form = await read_form(request)
    start_url = local_path(form.get("startURL"), "/")
    username, password = form.get("username", "")[:80].strip(), form.get("password", "")[:200]
    expected = cookie_of(request, LOGIN_COOKIE)
    if not same_origin(request):
        return refuse(request, "error_origin", status=403)
    if not expected or not hmac.compare_digest(
        expected.encode(), form.get("csrf", "").encode("utf-8", "replace")
    ):
        return await _sign_in_form(request, start_url, username=username, error="stale", status=403)
    tried = await auth.attempt(org, username, password, client_address(request), "Application")
    if tried.wait:
        response = await _sign_in_form(
            request, start_url, username=username, error="too_many", status=429, minutes=-(-tried.wait // 60)
        )
        response.headers["Retry-After"] = str(tried.wait)
        return response
    if tried.user_id is None:
        return await _sign_in_form(request, start_url, username=username, error="wrong", status=401)
    async with org.connection() as conn:
        secret = await auth.open_session(conn, "my", tried.user_id, org.settings.console_session_hours)
    response = redirect(start_url)
    set_cookie(request, response, MY_COOKIE, secret, seconds=org.settings.console_session_hours * 3600)
    drop_cookie(request, response, LOGIN_COOKIE)
    return response


async def _sign_in_form(
    request: Request,
    start_url: str,
    *,
    username: str = "",
    error: str | None = None,
    status: int = 200,
    minutes: int = 0,
) -> Response:
    org = org_of(request)
    csrf = cookie_of(request, LOGIN_COOKIE) or secrets.token_urlsafe(24)
    response = sign_in_page(
        server_of(request).words,
        _language(request),
        org_label=org.label,
        start_url=start_url,
        csrf=csrf,
        username=username,
        error=error,
        status=status,
        targets=await _form_targets(request, start_url),
        minutes=minutes,
    )
    set_cookie(request, response, LOGIN_COOKIE, csrf, seconds=3600)
    return response


async def sign_out(request: Request) -> Response:
    """Ends the session of this origin and all consoles opened from it."""
    org = org_of(request)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if session:
            await auth.close_session(conn, session)
    start_url = local_path(request.query_params.get("startURL"), "/")
    response = redirect(f"/login?startURL={quote(start_url, safe='')}", 302)
    drop_cookie(request, response, MY_COOKIE)
    return response


# -- OAuth pages ---------------------------------------------------------------------------------------------


async def authorize(request: Request) -> Response:
    """The authorisation endpoint: sign-in, consent, then back to the app."""
    org = org_of(request)
    if place_of(request) != "my":
        if request.method != "GET":
            return refuse(request, "error_origin", status=403)
        return redirect(f"{my_origin(request)}/services/oauth2/authorize?{request.url.query}", 302)
    if request.method == "POST":
        return await _decide(request)
    query = dict(request.query_params)
    if len(query) != len(request.query_params.multi_items()):
        # Said twice, a parameter could mean one thing here and another to whoever looked at it before.
        return refuse(request, "error_request", code="invalid_request")
    async with org.connection() as conn:
        try:
            asked = await oauth.check_authorization(conn, org, query)
        except oauth.RedirectRefused as refused:
            return refuse(request, refused.key, code=refused.code)
        except oauth.RedirectError as error:
            return redirect(error.location, 302)
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if asked.immediate and (session is None or not await _needs_no_page(conn, session, asked)):
            return redirect(
                asked.refused("immediate_unsuccessful", "interaction with the user is needed"), 302
            )
        if session is None or "login" in asked.prompt:
            kept = {name: value for name, value in query.items() if name != "prompt"}
            rest = asked.prompt - {"login"}
            if rest:
                kept["prompt"] = " ".join(sorted(rest))
            start_url = quote(f"/services/oauth2/authorize?{urlencode(kept)}", safe="")
            hint = f"&un={quote(asked.login_hint)}" if asked.login_hint else ""
            return redirect(f"/login?startURL={start_url}{hint}", 302)
        denied = await oauth.app_refuses(conn, session.caller.user_id, asked)
        if denied:
            return redirect(denied, 302)
        if await _needs_no_page(conn, session, asked):
            return redirect(await oauth.issue_code(conn, org, session.caller.user_id, asked), 302)
    language = "ja" if session.caller.language == "ja" else "en"
    text = urlencode(query)
    return consent_page(
        server_of(request).words,
        language,
        app=asked.app.label,
        username=session.caller.username,
        scopes=asked.scopes,
        action="/services/oauth2/authorize",
        hidden={"csrf": session.csrf, "request": text},
        targets=[origin_of(asked.redirect_uri)],
        sign_out_url=f"/secur/logout?startURL={quote('/services/oauth2/authorize?' + text, safe='')}",
    )


async def _needs_no_page(conn: Any, session: auth.Session, asked: oauth.Authorization) -> bool:
    return not asked.prompt and await oauth.is_approved(conn, session.caller.user_id, asked)


async def _decide(request: Request) -> Response:
    org = org_of(request)
    form = await read_form(request)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if session is None:
            start_url = quote(f"/services/oauth2/authorize?{form.get('request', '')}", safe="")
            return redirect(f"/login?startURL={start_url}")
        if not same_origin(request) or not hmac.compare_digest(
            session.csrf.encode(), form.get("csrf", "").encode("utf-8", "replace")
        ):
            return refuse(request, "error_origin", status=403)
        try:
            asked = await oauth.check_authorization(conn, org, dict(parse_qsl(form.get("request", ""))))
        except oauth.RedirectRefused as refused:
            return refuse(request, refused.key, code=refused.code)
        except oauth.RedirectError as error:
            return redirect(error.location)
        if form.get("decision") != "allow":
            return redirect(asked.refused("access_denied", "end-user denied authorization"))
        denied = await oauth.app_refuses(conn, session.caller.user_id, asked)
        if denied:
            return redirect(denied)
        await oauth.approve(conn, session.caller.user_id, asked.app.client_id, asked.scopes)
        return redirect(await oauth.issue_code(conn, org, session.caller.user_id, asked))


# -- the way to the console ----------------------------------------------------------------------------------


def _binding(nonce: str) -> str:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(nonce.encode("utf-8", "replace")).digest())
        .decode()
        .rstrip("=")
    )


def begin_handoff(request: Request, path: str) -> Response:
    """From the console's origin to the sign-in origin, remembering who asked."""
    nonce = cookie_of(request, HANDOFF_COOKIE) or secrets.token_urlsafe(24)
    query = urlencode({"binding": _binding(nonce), "path": path})
    response = redirect(f"{my_origin(request)}/console/handoff?{query}", 302)
    set_cookie(request, response, HANDOFF_COOKIE, nonce, seconds=3600)
    return response


async def handoff(request: Request) -> Response:
    """At the sign-in origin: a signed-in browser gets a one-time code for the console's origin."""
    org = org_of(request)
    if place_of(request) != "my":
        return refuse(request, "error_not_found", status=404)
    binding = request.query_params.get("binding", "")[:100]
    path = local_path(request.query_params.get("path"), HOME)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if session is None:
            back = f"/console/handoff?{urlencode({'binding': binding, 'path': path})}"
            return redirect(f"/login?startURL={quote(back, safe='')}", 302)
        code = secrets.token_urlsafe(32)
        await conn.execute("DELETE FROM auth.handoff WHERE expires_at < now()")
        await conn.execute(
            "INSERT INTO auth.handoff (hash, session_hash, binding, expires_at)"
            " VALUES ($1, $2, $3, now() + interval '60 seconds')",
            auth.token_hash(code),
            session.hash,
            binding.encode(),
        )
    query = urlencode({"code": code, "path": path})
    return redirect(f"{lightning_origin(request)}/console/session?{query}", 302)


async def console_session(request: Request) -> Response:
    """At the console's origin: the code becomes a cookie."""
    org = org_of(request)
    if place_of(request) != "lightning":
        return refuse(request, "error_not_found", status=404)
    path = local_path(request.query_params.get("path"), HOME)
    nonce = cookie_of(request, HANDOFF_COOKIE)
    async with org.connection() as conn:
        row = await conn.fetchrow(
            "DELETE FROM auth.handoff WHERE hash = $1 RETURNING session_hash, binding, expires_at > now() AS live",
            auth.token_hash(request.query_params.get("code", "")),
        )
        if (
            row is None
            or not row["live"]
            or not hmac.compare_digest(row["binding"], _binding(nonce).encode())
        ):
            return refuse(request, "error_origin", status=403, back=path)
        user_id = await conn.fetchval(
            "SELECT user_id FROM auth.web_session WHERE hash = $1 AND expires_at > now()", row["session_hash"]
        )
        if user_id is None:
            return redirect(path, 302)
        hours = org.settings.console_session_hours
        secret = await auth.open_session(conn, "console", user_id, hours, row["session_hash"])
    response = redirect(path, 302)
    set_cookie(request, response, CONSOLE_COOKIE, secret, seconds=hours * 3600)
    drop_cookie(request, response, HANDOFF_COOKIE)
    return response


# -- programs ------------------------------------------------------------------------------------------------


def bearer(request: Request) -> str:
    """The token of the Authorization header, or nothing."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() in ("bearer", "oauth") else ""


async def org_named(request: Request, token: str) -> auth.Org:
    """The org that a token or code names, where the door is open to any; else the door's."""
    return await org_with_id(request, auth.org_id_of_token(token))


async def org_with_id(request: Request, org_id: str | None) -> auth.Org:
    """The org of that id, where the door is open to any; else the door's."""
    if org_id and place_of(request) == "base":
        return await server_of(request).orgs.by_id(org_id) or org_of(request)
    return org_of(request)

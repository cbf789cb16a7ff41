"""The switch for faults on demand: `/services/faults` for programs, `/setup/faults` for administrators.

Programs come with an administrator's access token or with the key of the process (`X-Faults-Key`), which works
also while tokens are what is failing. Nothing here is itself subject to faults.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import Fault, not_found, session_expired
from ..gateway import org_of_token
from ..orgs import Org
from ..pages import page
from ..sign_in import auth
from ..sign_in.door import bearer, refuse
from ..web import (
    MY_COOKIE,
    cookie_of,
    json_response,
    my_origin,
    org_of,
    place_of,
    read_form,
    read_json,
    redirect,
    same_origin,
    server_of,
)
from .faults import KINDS, InvalidRule, rule_of

MAX_DAILY = 10_000_000
_PATH = "/services/faults"


# -- for programs --------------------------------------------------------------------------------------------


async def org_to_control(request: Request) -> Org:
    """The org that the asker may make fail or put back. INVALID_SESSION_ID or INSUFFICIENT_ACCESS otherwise."""
    key = request.app.state.server.settings.faults_key
    given = request.headers.get("x-faults-key", "")
    if place_of(request) == "lightning":
        raise not_found()
    if key and given and hmac.compare_digest(key.encode(), given.encode("utf-8", "replace")):
        named = request.query_params.get("org")
        org = await server_of(request).orgs.by_name(named) if named else org_of(request)
        if org is None:
            raise not_found("There is no org of this name")
        return org
    org = await org_of_token(request)
    async with org.connection() as conn:
        holder = await auth.holder_of(conn, bearer(request)) if bearer(request) else None
    if holder is None or not holder.scopes & {"api", "full"}:
        raise session_expired()
    if not holder.caller.administrator:
        raise Fault("INSUFFICIENT_ACCESS", "This needs the permission Customize Application", status=403)
    return org


async def _set_limit(org: Org, given: Any) -> None:
    if given is not None and (
        not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MAX_DAILY
    ):
        raise Fault("INVALID_INPUT", f"daily_api_requests must be null or a number from 1 to {MAX_DAILY}")
    async with org.connection() as conn:
        if given is None:
            await conn.execute("DELETE FROM meta.setting WHERE name = 'daily_api_requests'")
        else:
            await conn.execute(
                "INSERT INTO meta.setting VALUES ('daily_api_requests', $1)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                given,
            )
        org.usage.expire()
        await org.usage.sync(conn)


def _shown(org: Org) -> dict[str, Any]:
    return {
        "org": org.name,
        "faults": [rule.shown() for rule in org.faults.rules],
        "limits": {"daily_api_requests": org.usage.maximum, "used": org.usage.used},
    }


def _add(org: Org, body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    given: dict[str, Any] = body
    try:
        rule = rule_of(given)
        org.faults.add(rule)
    except InvalidRule as error:
        raise Fault("INVALID_INPUT", str(error)) from None
    return rule.shown()


async def switch(request: Request) -> Response:
    """Lists, adds and clears faults; `/limits` sets the daily limit, `/{id}` is one of them."""
    part = request.path_params.get("id", "")
    try:
        org = await org_to_control(request)
        if part == "limits":
            if request.method != "PUT":
                raise Fault("METHOD_NOT_ALLOWED", "Allowed is PUT", status=405)
            body = await read_json(request)
            values: dict[str, Any] = body if isinstance(body, dict) else {}
            await _set_limit(org, values.get("daily_api_requests"))
            return json_response(_shown(org)["limits"])
        if part:
            rule = next((rule for rule in org.faults.rules if rule.id == part), None)
            if rule is None:
                raise not_found("There is no such fault: it may have been removed")
            if request.method == "DELETE":
                org.faults.remove(part)
                return json_response(None, 204)
            if request.method != "GET":
                raise Fault("METHOD_NOT_ALLOWED", "Allowed are DELETE,GET", status=405)
            return json_response(rule.shown())
        if request.method == "POST":
            return json_response(_add(org, await read_json(request)), 201)
        if request.method == "DELETE":
            org.faults.clear()
            return json_response(None, 204)
        return json_response(_shown(org))
    except Fault as fault:
        return json_response([fault.as_row()], fault.status)


# -- for people ----------------------------------------------------------------------------------------------


async def admin_page(request: Request) -> Response:
    """The faults of the org, and the form that adds and removes them. Administrators only."""
    org = org_of(request)
    if place_of(request) != "my":
        if request.method == "GET":
            return redirect(f"{my_origin(request)}/setup/faults", 302)
        return refuse(request, "error_origin", status=403)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
    if session is None:
        return redirect("/login?startURL=%2Fsetup%2Ffaults", 302)
    if not session.caller.administrator:
        return refuse(request, "error_administrators", status=403, back="/")
    error = ""
    if request.method == "POST":
        form = await read_form(request)
        if not same_origin(request) or not hmac.compare_digest(
            session.csrf.encode(), form.get("csrf", "").encode("utf-8", "replace")
        ):
            return refuse(request, "error_origin", status=403, back="/setup/faults")
        try:
            await _decide(org, form)
            return redirect("/setup/faults")
        except Fault as fault:
            error = fault.message
    language = "ja" if session.caller.language == "ja" else "en"
    return _page(request, org, language, session.csrf, error)


async def _decide(org: Org, form: Mapping[str, str]) -> None:
    if form.get("do") == "clear":
        org.faults.clear()
    elif form.get("do") == "remove":
        org.faults.remove(form.get("id", ""))
    elif form.get("do") == "limit":
        text = form.get("daily_api_requests", "").strip()
        await _set_limit(org, (int(text) if text.isdecimal() and len(text) < 12 else text) if text else None)
    else:
        body: dict[str, Any] = {"applied": form.get("applied") == "on"}
        for name in ("kind", "path", "method", "code"):
            if text := form.get(name, "").strip():
                body[name] = text
        for name in ("count", "delay_ms", "status"):
            if text := form.get(name, "").strip():
                body[name] = int(text) if text.isdecimal() and len(text) < 12 else text
        if text := form.get("per_cent", "").strip():
            body["rate"] = int(text) / 100 if text.isdecimal() and len(text) < 4 else text
        _add(org, body)


def _page(request: Request, org: Org, language: str, csrf: str, error: str) -> Response:
    words = server_of(request).words

    def say(key: str, **values: str) -> str:
        return escape(words.say(language, key, **values))

    token = f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
    rows = "".join(
        f"<li><b>{say(f'fault_{rule.kind}')}</b> <code>{escape(rule.method or '')} {escape(rule.path)}</code><br>"
        f"{say('faults_hits', hits=str(rule.hits), left='∞' if rule.left is None else str(rule.left))}"
        f'<form method="post" action="/setup/faults">{token}<input type="hidden" name="do" value="remove">'
        f'<input type="hidden" name="id" value="{escape(rule.id)}">'
        f'<button class="neutral">{say("faults_remove")}</button></form></li>'
        for rule in org.faults.rules
    )
    kinds = "".join(f'<option value="{kind}">{say(f"fault_{kind}")}</option>' for kind in KINDS)

    def field(name: str, value: str = "") -> str:
        return (
            f'<label for="{name}">{say(f"faults_{name}")}</label>'
            f'<input id="{name}" name="{name}" value="{escape(value)}" maxlength="500">'
        )

    alert = f'<p class="alert" role="alert">{escape(error)}</p>' if error else ""
    body = (
        f"<h1>{say('faults_title')}</h1>{alert}<p>{say('faults_intro')}</p>"
        + (f"<ul>{rows}</ul>" if rows else f"<p>{say('faults_none')}</p>")
        + f'<form method="post" action="/setup/faults">{token}<input type="hidden" name="do" value="add">'
        f'<label for="kind">{say("faults_kind")}</label><select id="kind" name="kind">{kinds}</select>'
        + field("path", "/services/data/*")
        + field("method")
        + field("count", "1")
        + field("per_cent", "100")
        + field("delay_ms")
        + field("status")
        + field("code")
        + f'<label><input type="checkbox" name="applied"> {say("faults_applied")}</label>'
        f"<button>{say('faults_add')}</button></form>"
        f'<form method="post" action="/setup/faults">{token}<input type="hidden" name="do" value="limit">'
        + field("daily_api_requests", str(org.usage.maximum))
        + f'<button class="neutral">{say("faults_set_limit")}</button></form>'
        f'<form method="post" action="/setup/faults">{token}<input type="hidden" name="do" value="clear">'
        f'<button class="neutral">{say("faults_clear")}</button></form>'
    )
    return page(
        language, words.say(language, "faults_title"), body, footer=org.label, status=400 if error else 200
    )


ROUTES = [
    Route(_PATH, switch, methods=["GET", "POST", "DELETE"]),
    Route(f"{_PATH}/{{id}}", switch, methods=["GET", "PUT", "DELETE"]),
    Route("/setup/faults", admin_page, methods=["GET", "POST"]),
]

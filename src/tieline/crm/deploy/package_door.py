"""Packages over HTTP: the shelf for programs, what is installed for Set-up, and the page that installs.

The shelf is `/services/packages`, for administrators' tokens. The page is where Salesforce has it:
`/packaging/installPackage.apexp?p0=04t...`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import answering
from ..errors import Fault
from ..gateway import answer, calling, org_of_token
from ..pages import page
from ..rest import Call, Reply
from ..setup import administering, body_of
from ..sign_in import auth
from ..sign_in.door import refuse
from ..web import (
    MAX_DEPLOY,
    MY_COOKIE,
    TooLarge,
    json_response,
    org_of,
    origin_here,
    place_of,
    read_body,
    redirect,
    same_origin,
    server_of,
)
from . import packages

_VERSION = "66.0"
_SHELF = "/services/packages"
_INSTALL = "/packaging/installPackage.apexp"
_SETUP = "/console/api/setup/packages"
MAX_PROFILES = 200


# -- the shelf -----------------------------------------------------------------------------------------------


async def shelf(request: Request) -> Response:
    """Lists versions; `POST` puts an archive there: `?name=&publisher=&version=&namespace=&description=`."""
    org = await org_of_token(request)
    origin = org.settings.my_origin(org.name)
    try:
        async with calling(request, org, _VERSION) as call:
            if request.method == "POST":
                raw = await read_body(request, MAX_DEPLOY)
                added = await packages.add_version(call, raw, dict(request.query_params))
                return answer(org, Reply(201, added.as_json(origin)))
            found = [version.as_json(origin) for version in await packages.versions(call.conn)]
            return answer(org, Reply(body={"versions": found}))
    except TooLarge:
        fault = Fault("REQUEST_ENTITY_TOO_LARGE", "The package is larger than 50 MB", status=413)
    except Fault as refused:
        fault = refused
    return answer(org, Reply(fault.status, [fault.as_row()]))


async def shelf_version(request: Request) -> Response:
    """One version: shown, or taken off the shelf."""
    org = await org_of_token(request)
    try:
        async with calling(request, org, _VERSION) as call:
            if request.method == "DELETE":
                await packages.remove_version(call, request.path_params["id"])
                return answer(org, Reply(204))
            version = await packages.version_of(call.conn, request.path_params["id"])
            return answer(org, Reply(body=version.as_json(org.settings.my_origin(org.name))))
    except Fault as fault:
        return answer(org, Reply(fault.status, [fault.as_row()]))


# -- Set-up --------------------------------------------------------------------------------------------------


@answering
async def list_installed(request: Request) -> Response:
    """The installed packages."""
    async with administering(request) as visit:
        return json_response({"packages": await packages.installed(visit.conn)})


@answering
async def installed_package(request: Request) -> Response:
    """An installed package with components and data; `DELETE` `{"with_data": true}` begins to uninstall: 202."""
    async with administering(request) as visit:
        if request.method == "DELETE":
            with_data = (await body_of(request)).get("with_data") is True if await request.body() else False
            found = await packages.begin_uninstall(visit.call, request.path_params["id"], with_data=with_data)
            return json_response(found, 202)
        return json_response(await packages.detail(visit.call, request.path_params["id"]))


@answering
async def install(request: Request) -> Response:
    """Begins to install `{"version_id", "audience", "profiles"}`: 202."""
    async with administering(request) as visit:
        body = await body_of(request)
        given: Any = body.get("profiles") or []
        profiles = [str(item) for item in given[:MAX_PROFILES]] if isinstance(given, list) else []  # pyright: ignore[reportUnknownVariableType]
        audience = str(body.get("audience") or "administrators")
        found = await packages.begin_install(
            visit.call, str(body.get("version_id") or ""), audience, profiles
        )
        return json_response(found, 202)


@answering
async def asked_for(request: Request) -> Response:
    """How an installation or uninstallation stands."""
    async with administering(request) as visit:
        return json_response(await packages.request_of(visit.call, request.path_params["id"]))


# -- the page ------------------------------------------------------------------------------------------------


class _Page:
    """The words of a page, escaped, in the user's language."""

    def __init__(self, request: Request, session: auth.Session):
        self.words = server_of(request).words
        self.language = "ja" if session.caller.language == "ja" else "en"
        self.footer = org_of(request).label
        self.csrf = f'<input type="hidden" name="csrf" value="{escape(session.csrf)}">'

    def say(self, key: str, **values: str) -> str:
        return escape(self.words.say(self.language, f"package_{key}", **values))

    def send(self, title: str, body: str, status: int = 200, refresh: str = "") -> Response:
        response = page(
            self.language,
            self.words.say(self.language, f"package_{title}"),
            body,
            status=status,
            footer=self.footer,
        )
        if refresh:
            response.headers["Refresh"] = f"1; url={refresh}"
        return response


async def install_page(request: Request) -> Response:
    """Shows a version and asks for whom to install it, then how far it is, then that it is done."""
    org = org_of(request)
    if place_of(request) != "my":
        if request.method == "GET":
            return redirect(f"{org.settings.my_origin(org.name)}{_INSTALL}?{request.url.query}", 302)
        return refuse(request, "error_origin", status=403)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", request.cookies.get(MY_COOKIE))
        if session is None:
            start = quote(f"{_INSTALL}?{request.url.query}", safe="")
            return redirect(f"/login?startURL={start}", 302)
        if not session.caller.administrator:
            return refuse(request, "error_administrators", status=403, back="/")
        catalogue = await org.catalogue(conn, session.version)
        call = Call(org, conn, catalogue, session.caller, _VERSION, origin_here(request))
        shown = _Page(request, session)
        try:
            if asked := request.query_params.get("request"):
                return await _progress(shown, call, asked)
            version = await packages.version_of(conn, request.query_params.get("p0", ""))
            if request.method == "GET":
                return await _form(shown, call, version)
            async with request.form(max_fields=MAX_PROFILES + 10, max_files=0) as form:
                return await _begin(shown, call, version, form, request, session)
        except Fault as fault:
            body = (
                f"<h1>{shown.say('problem_title')}</h1>"
                f'<p class="alert" role="alert">{escape(fault.message)}</p>'
                f'<p><a href="/">{escape(shown.words.say(shown.language, "back"))}</a></p>'
            )
            return shown.send("problem_title", body, fault.status)


async def _begin(
    shown: _Page,
    call: Call,
    version: packages.Version,
    form: FormData,
    request: Request,
    session: auth.Session,
) -> Response:
    given = str(form.get("csrf") or "")
    if not same_origin(request) or not hmac.compare_digest(
        session.csrf.encode(), given.encode("utf-8", "replace")
    ):
        return refuse(request, "error_origin", status=403, back=f"{_INSTALL}?p0={version.id}")
    profiles = [str(item) for item in form.getlist("profile")]
    audience = str(form.get("audience") or "administrators")
    try:
        asked = await packages.begin_install(call, version.id, audience, profiles)
    except Fault as fault:
        return await _form(shown, call, version, fault.message)
    return redirect(f"{_INSTALL}?p0={version.id}&request={asked['id']}")


async def _form(shown: _Page, call: Call, version: packages.Version, error: str = "") -> Response:
    say = shown.say
    current = next(
        (row for row in await packages.installed(call.conn) if row["package_id"] == version.package_id), None
    )
    components = await packages.contents(call.conn, version)
    profiles = await call.conn.fetch(
        'SELECT "Id" AS id, "Name" AS name FROM data."Profile" WHERE NOT "IsDeleted" ORDER BY "Name"'
    )
    alert = f'<p class="alert" role="alert">{escape(error)}</p>' if error else ""
    verb = "upgrade" if current else "install"
    facts = _facts(
        say,
        (
            ("name", version.name),
            ("publisher", version.publisher),
            ("version", version.text),
            ("namespace", version.namespace or ""),
            ("installed_version", current["version"] if current else ""),
        ),
    )
    about = f"<p>{escape(version.description)}</p>" if version.description else ""
    listed = "".join(
        f"<li>{escape(kind)}: {escape(', '.join(names))}</li>" for kind, names in components.items()
    )
    choices = "".join(
        f'<label class="choice"><input type="radio" name="audience" value="{value}"'
        f"{' checked' if value == 'administrators' else ''}> {say(f'audience_{value}')}</label>"
        for value in packages.AUDIENCES
    )
    boxes = "".join(
        f'<label class="choice"><input type="checkbox" name="profile" value="{row["id"]}"> {escape(row["name"])}</label>'
        for row in profiles
    )
    body = (
        f"<h1>{say(f'{verb}_title', name=version.name)}</h1>{alert}{facts}{about}"
        + (f"<p>{say('keeps_data')}</p>" if current else "")
        + f"<details><summary>{say('components')}</summary><ul>{listed}</ul></details>"
        f'<form method="post" action="{_INSTALL}?p0={escape(version.id)}">{shown.csrf}'
        f"<fieldset><legend>{say('audience')}</legend>{choices}</fieldset>"
        f"<details><summary>{say('profiles')}</summary><fieldset><legend>{say('profiles_for')}</legend>{boxes}"
        f"</fieldset></details><button>{say(verb)}</button></form>"
    )
    return shown.send(f"{verb}_page", body, 400 if error else 200)


def _facts(say: Callable[..., str], rows: Sequence[tuple[str, str]]) -> str:
    return (
        "<dl>"
        + "".join(f"<dt>{say(key)}</dt><dd>{escape(text)}</dd>" for key, text in rows if text)
        + "</dl>"
    )


async def _progress(shown: _Page, call: Call, request_id: str) -> Response:
    say = shown.say
    asked = await packages.request_of(call, request_id)
    version = await packages.version_of(call.conn, asked["version_id"])
    here = f"{_INSTALL}?p0={version.id}&request={asked['id']}"
    if asked["status"] == "IN_PROGRESS":
        count = say("progress", done=str(asked["done"]), total=str(asked["total"]))
        body = (
            f"<h1>{say('installing', name=version.name)}</h1>"
            f'<progress max="{max(asked["total"], 1)}" value="{asked["done"]}" aria-label="{count}"></progress>'
            f'<p role="status">{count}</p>'
        )
        return shown.send("install_page", body, refresh=here)
    if asked["status"] == "ERROR":
        problems = "".join(f"<li>{escape(text)}</li>" for text in asked["problems"])
        body = (
            f"<h1>{say('failed', name=version.name)}</h1>"
            f'<p class="alert" role="alert">{say("nothing_kept")}</p><ul>{problems}</ul>'
            f'<p><a href="{_INSTALL}?p0={version.id}">{say("again")}</a></p>'
        )
        return shown.send("install_page", body)
    body = (
        f'<div role="status"><h1>{say("done_title")}</h1></div>'
        f"{_facts(say, (('name', version.name), ('publisher', version.publisher), ('version', version.text)))}"
        # A link: the console is on another origin, where a form of this page must not lead.
        f'<p><a class="button" href="/lightning/setup/ImportedPackage/home">{say("done")}</a></p>'
    )
    return shown.send("done_title", body)


ROUTES = [
    Route(_SHELF, shelf, methods=["GET", "POST"]),
    Route(f"{_SHELF}/{{id}}", shelf_version, methods=["GET", "DELETE"]),
    Route(_SETUP, list_installed),
    Route(_SETUP, install, methods=["POST"]),
    Route(f"{_SETUP}/requests/{{id}}", asked_for),
    Route(f"{_SETUP}/{{id}}", installed_package, methods=["GET", "DELETE"]),
    Route(_INSTALL, install_page, methods=["GET", "POST"]),
]

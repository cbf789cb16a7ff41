"""The CRM as an ASGI application: doors by host, limits, logs, and the REST and OAuth endpoints.

Three kinds of origin arrive here: the base origin (programs), each org's own origin (sign-in, OAuth, REST) and
each org's console origin. A Host that is none of them is refused.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import (
    addressed,
    batches,
    classic,
    console,
    finding_door,
    personal_settings,
    recycle_door,
    screens,
    snapshots_door,
    ui_api,
)
from .bulk import door as bulk_door
from .bulk.runner import Bulk
from .credentials import door as credentials_door
from .deploy import door as deployments
from .deploy import package_door, tooling
from .deploy import soap as metadata_soap
from .errors import Fault, not_found
from .events import cometd
from .events import door as events_door
from .events.hub import Events
from .faults import door as faults_door
from .faults.layer import FaultLayer
from .gateway import rest
from .language import speak
from .lightning import door as lightning_door
from .lightning.twins import Twins
from .listviews import door as lists_door
from .listviews import resources as list_resources
from .merging import door as merging_door
from .navigation import door as navigation_door
from .omni import door as omni_door
from .orgs import Org
from .pages import STYLE, STYLE_PATH
from .record_pages import routes as record_routes
from .settings import CrmSettings
from .setup import doors as setup_doors
from .shares import door as share_door
from .sign_in import allowed_apps, auth, device_door, door, front_door, oauth_door
from .soap import records as soap_records
from .soap import sign_in as soap_sign_in
from .soap.door import soap
from .tls import Certificates
from .web import (
    Server,
    TooLarge,
    json_response,
    org_of,
    place_of,
    server_of,
)

log: Any = structlog.get_logger("tieline.crm")
_LONG = ("/console/api/events", cometd.PREFIX)
_MAX_URI = 16_384


def create_app(
    settings: CrmSettings,
    host: str = "127.0.0.1",
    certificates: Certificates | None = None,
    twins: Twins | None = None,
) -> ASGIApp:
    """The application; its lifespan opens the orgs and refuses a database of another release.

    Where the settings say so it serves the Pub/Sub API beside, over TLS at `host` with the certificates. `twins` run
    in place of Apex that is deployed.
    """
    server = Server(settings, twins)
    server.orgs.on_open += [Bulk, Events]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        await server.orgs.start()
        try:
            async with AsyncExitStack() as beside:
                clear, secure = settings.pubsub_port, settings.pubsub_tls_port
                if clear or (secure and certificates):
                    from .events import pubsub  # gRPC is loaded by those who serve it

                    await beside.enter_async_context(
                        pubsub.serving(server.orgs, host, clear, secure, certificates)
                    )
                yield
        finally:
            await server.orgs.close()

    app = Starlette(
        routes=doors(settings.web_dist, cometd.CometD(settings.long_poll_s, settings.cometd_clients)),
        lifespan=lifespan,
        middleware=[
            Middleware(Frame, server=server),
            Middleware(GZipMiddleware, minimum_size=1400, compresslevel=4),
            Middleware(RestFirst),
        ],
    )
    app.router.redirect_slashes = False
    app.state.server = server
    return FaultLayer(app, partial(_known_org, server))


def _known_org(server: Server, scope: Scope) -> Org | None:
    """The org that a request will reach, as far as that is known without asking anybody."""
    headers = dict(scope["headers"])
    found = server.settings.place_of(headers.get(b"host", b"").decode("latin-1"))
    if found is None:
        return None
    if found[0] == "base":
        named = auth.org_id_of_token(headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2])
        if named and (org := server.orgs.opened_by_id(named)):
            return org
    return server.orgs.opened(found[1])


def doors(dist: Path = Path(), polling: cometd.CometD | None = None) -> list[Any]:
    """All routes, in the order in which they are tried; `dist` holds the built pages."""
    polling = polling or cometd.CometD(0, 0)
    oauth_path = "/services/oauth2"
    return [
        Route("/", door.root),
        Route("/health", health),
        Route(STYLE_PATH, stylesheet),
        Route("/login", door.sign_in, methods=["GET", "POST"]),
        Route("/secur/logout", door.sign_out),
        Route("/secur/logout.jsp", door.sign_out),
        Route(f"{oauth_path}/authorize", door.authorize, methods=["GET", "POST"]),
        *oauth_door.ROUTES,
        Route("/console/handoff", door.handoff),
        Route("/console/session", door.console_session),
        Route(
            "/console/api/data/v{version}/metadata/deployRequest",
            deployments.deploy_package,
            methods=["POST"],
        ),
        *console.ROUTES,
        *finding_door.ROUTES,
        *lists_door.ROUTES,
        *navigation_door.ROUTES,
        *lightning_door.ROUTES,
        *record_routes.ROUTES,
        *events_door.ROUTES,
        *setup_doors.ROUTES,
        *omni_door.ROUTES,
        *merging_door.ROUTES,
        *share_door.ROUTES,
        *recycle_door.ROUTES,
        *device_door.ROUTES,
        *allowed_apps.ROUTES,
        *personal_settings.ROUTES,
        *faults_door.ROUTES,
        *snapshots_door.ROUTES,
        *front_door.ROUTES,
        *credentials_door.ROUTES,
        *package_door.ROUTES,
        Route("/services/data/v{version}/metadata/deployRequest", deployments.start, methods=["POST"]),
        *bulk_door.ROUTES,
        *cometd.routes(polling),
        Route("/services/data", rest, methods=_METHODS),
        Route("/services/data/{rest:path}", rest, methods=_METHODS),
        Route("/services/Soap/{door}/{version}", soap, methods=["POST"]),
        Route("/services/Soap/{door}/{version}/{rest:path}", soap, methods=["POST"]),
        Route("/support/api/{version}/lightning/{file}", open_cti_script),
        Route("/lightning", console.page),
        Route("/lightning/{rest:path}", console.page),
        Mount("/assets", Assets(directory=dist / "assets", check_dir=False)),
        Mount("/slds", Assets(directory=dist / "slds", check_dir=False)),
        Route("/{rest:path}", nothing_here),
    ]


_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]


class Assets(StaticFiles):
    """Files of the built console: hashed names are kept for ever, the others for an hour."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """A file, with its caching."""
        response = super().file_response(*args, **kwargs)
        hashed = re.search(r"-[A-Za-z0-9_-]{8,}\.\w+$", str(args[0]))
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if hashed else "public, max-age=3600"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


class Frame:
    """Around every request: which org, how long, what is logged, and what becomes of surprises.

    Logs carry no query, header, body or id: those may hold tokens or people's data.
    """

    def __init__(self, app: ASGIApp, server: Server):
        self.app = app
        self.server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        speak(None)
        path: str = re.sub(r"/{2,}", "/", scope["path"])
        scope["path"] = path
        org_name = None
        try:
            refused = await self._enter(scope)
            if refused is not None:
                await refused(scope, receive, noting)
                return
            org_name = scope["crm.org"].name
            limit = (
                None
                if path.startswith(_LONG) or bulk_door.PATH.fullmatch(path)
                else self.server.settings.request_timeout_s
            )
            async with asyncio.timeout(limit):
                await self.app(scope, receive, noting)
        except ClientDisconnect:
            pass
        except TooLarge:
            if not status:
                fault = Fault("REQUEST_ENTITY_TOO_LARGE", "The request body is too large", status=413)
                await _error(fault)(scope, receive, noting)
        except (asyncpg.exceptions.DataError, asyncpg.exceptions.CharacterNotInRepertoireError):
            # Text that cannot be stored or compared, such as NUL, in a place no reader has cleaned it.
            if not status:
                fault = Fault("INVALID_INPUT", "The request contains characters that are not allowed")
                await _error(fault)(scope, receive, noting)
        except (TimeoutError, asyncpg.exceptions.TooManyConnectionsError):
            log.warning("request_timeout", path=_shown(path))
            if not status:
                fault = Fault("SERVER_UNAVAILABLE", "The server is too busy to answer in time", status=503)
                await _error(fault)(scope, receive, noting)
        except (
            OSError,
            asyncpg.exceptions.InterfaceError,
            asyncpg.exceptions.InternalClientError,
            asyncpg.exceptions.PostgresConnectionError,
            asyncpg.exceptions.OperatorInterventionError,
            asyncpg.exceptions.InvalidCatalogNameError,
            asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
        ) as error:
            log.error("database_unreachable", kind=type(error).__name__)
            if not status:
                fault = Fault("SERVER_UNAVAILABLE", "The database cannot be reached", status=503)
                await _error(fault)(scope, receive, noting)
        except Exception as error:
            trace = error.__traceback__
            while trace and trace.tb_next:
                trace = trace.tb_next
            where = (
                f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
            )
            log.error("request_failed", path=_shown(path), kind=type(error).__name__, where=where)
            if not status:
                fault = Fault("UNKNOWN_EXCEPTION", "An unexpected error occurred.", status=500)
                await _error(fault)(scope, receive, noting)
        finally:
            if path != "/health":
                log.info(
                    "request",
                    org=org_name,
                    method=scope["method"],
                    path=_shown(path),
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                )

    async def _enter(self, scope: Scope) -> Response | None:
        size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if size > _MAX_URI:
            return _error(Fault("URI_TOO_LONG", "The URI is longer than 16384 bytes", status=414))
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        found = self.server.settings.place_of(host)
        if found is None:
            return Response("This host name leads to no org.", 421, media_type="text/plain")
        place, name = found
        org = await (self.server.orgs.by_name(name) if name else self.server.orgs.default())
        if org is None:
            if scope["path"] == "/health":
                return Response('{"status":"ok","orgs":0}', media_type="application/json")
            return Response("There is no org of this name.", 404, media_type="text/plain")
        scope["crm.place"] = place
        scope["crm.org"] = org
        return None


class RestFirst:
    """Takes the API's requests out before the routes are tried one after the other: they are nearly all there are.

    It also takes paths that no route's pattern matches, such as those with a line break in them.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        path: str = scope.get("path", "")
        if (
            not path.startswith("/services/data/")
            or path.rstrip("/").endswith("/metadata/deployRequest")
            or bulk_door.PATH.fullmatch(path)
        ):
            await self.app(scope, receive, send)
        elif scope["method"] in _METHODS:
            response = await rest(Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await _error(not_found())(scope, receive, send)


def _shown(path: str) -> str:
    """A path without ids and keys."""
    return "/".join(path.split("/")[:6])


def _error(fault: Fault) -> Response:
    return json_response([fault.as_row()], fault.status)


# -- endpoints -----------------------------------------------------------------------------------------------


async def health(request: Request) -> Response:
    """Whether the org's database answers."""
    async with org_of(request).connection() as conn:
        await conn.fetchval("SELECT 1")
    return json_response({"status": "ok"})


async def stylesheet(request: Request) -> Response:
    """Style of the sign-in pages."""
    return FileResponse(STYLE, headers={"Cache-Control": "public, max-age=3600"}, media_type="text/css")


async def nothing_here(request: Request) -> Response:
    """A page for people, an error for programs."""
    if "text/html" in request.headers.get("accept", ""):
        if request.method == "GET" and place_of(request) != "base" and classic.is_classic(request.url.path):
            return await classic.page(request)
        return door.refuse(request, "error_not_found", status=404, back="/")
    return _error(not_found())


async def open_cti_script(request: Request) -> Response:
    """Our own Open CTI script, for every API version that has methods for Lightning (38.0 on), to any page."""
    file = request.path_params["file"]
    version: str = request.path_params["version"]
    path = server_of(request).settings.web_dist / "opencti_min.js"
    known = re.fullmatch(r"[1-9][0-9]\.0", version) and float(version) >= 38
    if (
        file not in ("opencti_min.js", "opencti.js")
        or not known
        or place_of(request) == "base"
        or not path.is_file()
    ):
        return Response("Not found", 404, media_type="text/plain")
    headers = {
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "public, max-age=300",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, headers=headers, media_type="text/javascript")


RESOURCES = (
    addressed,
    batches,
    events_door,
    list_resources,
    screens,
    ui_api,
    soap_records,
    soap_sign_in,
    metadata_soap,
    tooling,
)
"""Modules that enter their resources into the tables of REST routes and SOAP operations by being imported."""

"""Composition root of the web process: settings → database, switch, CRM → doors → workers. Knows everything."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from uuid import UUID

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy import select, text

from tieline.activation import Activation
from tieline.agents import api as agents_api
from tieline.bus import Bus
from tieline.callbar import api as callbar_api
from tieline.callbar.api import Embedding
from tieline.callbar.commands import Commands
from tieline.callbar.recent import Recent
from tieline.callbar.socket import CallbarDoor
from tieline.customers import Crm
from tieline.db.database import Database, Transaction
from tieline.engagements import agents_api as agents_now_api
from tieline.engagements import api as engagements_api
from tieline.engagements.commands import SwitchDesk, SwitchDirectory
from tieline.engagements.facts import Consumer, Facts
from tieline.engagements.following import RECORDS, Following
from tieline.engagements.service import Engagements
from tieline.engagements.sweep import Sweep
from tieline.identity import account_api, accounts, roles
from tieline.identity import api as identity_api
from tieline.mail import api as mail_api
from tieline.mail.post import Post
from tieline.oauth import api as oauth_api
from tieline.oauth import provider as oauth_provider
from tieline.phone import api as phone_api
from tieline.phone.lines import TestPhoneLines
from tieline.salesforce import api as salesforce_api
from tieline.salesforce import diagnostics, index, org_settings, problems, standing
from tieline.salesforce import guide as salesforce_guide
from tieline.salesforce import home as salesforce_home
from tieline.salesforce.connections import embedded_by
from tieline.salesforce.match import record_now
from tieline.salesforce.tables import connection
from tieline.salesforce.tokens import Salesforce
from tieline.settings import Settings
from tieline.switches import RemoteSwitches, control_key
from tieline.users import api as users_api
from tieline.web.document import api_routes, document
from tieline.web.http import Guard, Shell, install_errors
from tieline.web.pages import Pages

log = structlog.get_logger()


class Web:
    """The web process: its parts, started and stopped together."""

    def __init__(self, settings: Settings, *, directory: SwitchDirectory | None = None) -> None:
        self.settings = settings
        self.db = Database(settings.database_url, pool_size=10)
        self.bus = Bus(settings.database_url)
        self._remote = RemoteSwitches(control_key(settings))
        directory = directory or self._remote
        self.salesforce = Salesforce(self.db, settings)
        self._crm = crm = Crm(self.salesforce)
        self.engagements = Engagements(
            self.db, SwitchDesk(self.db, directory), crm, TestPhoneLines(), portal_url=settings.public_url
        )
        self.sweep = Sweep(self.db, self.engagements)
        self._consumer = Consumer(self.db, directory, Facts(self.db, self.engagements))
        self.callbars = CallbarDoor(self.db, self.bus, Commands(self.engagements, crm, Recent(record_now)))
        self._activation = Activation(self.engagements)
        self.bus.subscribe(org_settings.ORG_SETTINGS, None, self._activation.changed, self._activation.missed)
        crm.when_signed_in(self._activation.due)
        self.settings_told = org_settings.Told(self.salesforce)
        self._following = Following(self.engagements)
        self.bus.subscribe(RECORDS, None, self._following.changed, self._following.missed)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start what runs beside the doors; returns once the bus listens."""
        for work in (
            self.bus.run(),
            self._consumer.run(),
            self.sweep.run(),
            self.callbars.keep_seats(),
            self._following.run(),
            self._activation.run(),
        ):
            self._tasks.append(asyncio.create_task(work))
        async with asyncio.timeout(30):
            await self.bus.listening()
        # What start-up made stays: the collector would go through all of it, for a tenth of a second, again and again
        # while calls come in.
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Send callbars elsewhere, finish what is under way, stop."""
        await self.callbars.close()
        await self.engagements.drain()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await self.settings_told.close()
        await self._crm.close()
        await self._remote.close()
        await self.salesforce.close()
        await self.db.close()

    async def embedding(self, origin: str) -> Embedding | None:
        """The one connection whose callbar a page of `origin` may frame."""
        async with self.db.system() as tx:
            row = await embedded_by(tx, origin)
        if row is None:
            return None
        return Embedding(row.id, row.account_id, tuple(row.origins))

    async def console_origins(self, tx: Transaction) -> Mapping[UUID, str]:
        """Where each connection's records are looked at."""
        rows = await tx.all(
            select(connection.c.id, connection.c.embedding_origins).where(
                connection.c.account_id == tx.account_id
            )
        )
        return {row.id: row.embedding_origins[0] for row in rows if row.embedding_origins}


def create_app(settings: Settings, *, web: Web | None = None) -> FastAPI:
    """The web process as an ASGI application."""
    parts = web or Web(settings)
    pages = Pages(settings.web_dist)
    guard = Guard(parts.db, settings)
    post = Post(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await parts.start()
        yield
        await parts.stop()

    app = FastAPI(
        title="Tieline",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(guard.enter)],
    )
    install_errors(app)
    app.include_router(identity_api.router(guard, post))
    app.include_router(
        engagements_api.router(guard, parts.bus, parts.console_origins, record_now, index.watch)
    )
    app.include_router(callbar_api.router(guard, pages, parts.callbars, parts.embedding))
    app.include_router(phone_api.router(guard, pages, parts.engagements, parts.bus))
    app.include_router(salesforce_api.router(parts.salesforce, guard, parts.settings_told))
    app.include_router(problems.router(guard))
    app.include_router(salesforce_home.router(guard))
    app.include_router(standing.router(guard))
    app.include_router(salesforce_guide.router(guard))
    app.include_router(diagnostics.router(guard))
    app.include_router(account_api.router(guard))
    app.include_router(users_api.router(guard, post))
    app.include_router(mail_api.router(parts.db, post))
    app.include_router(agents_api.router(guard))
    app.include_router(agents_now_api.router(guard))
    app.include_router(oauth_provider.router(guard))
    app.include_router(oauth_api.router(guard, pages))

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        """Answers when this process can serve: the database is there."""
        async with parts.db.system() as tx:
            await tx.execute(text("SELECT 1"))
        return {"status": "ok"}

    # Written when somebody first asks: it takes as long as a third of this application.
    described = cache(lambda: document(app.routes, settings.public_url))

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        """What apps may ask for. It holds nothing of any account, so nobody has to sign in."""
        return JSONResponse(described())

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse("/portal")

    @app.get("/sign-in", include_in_schema=False)
    @app.get("/callbar/sign-in", include_in_schema=False)
    @app.get("/portal", include_in_schema=False)
    @app.get("/portal/{path:path}", include_in_schema=False)
    async def portal(request: Request) -> Response:
        if (moved := await _moved(parts.db, settings, request, guard.vanity(request))) is not None:
            return RedirectResponse(moved)
        return pages.page("portal", {})

    @app.get("/{folder}/{path:path}", include_in_schema=False)
    async def asset(folder: str, path: str) -> Response:
        return pages.asset(f"{folder}/{path}")

    app.add_middleware(Shell)
    _check_rights(app)
    return app


def _check_rights(app: FastAPI) -> None:
    """Whoever adds a route says in the table of roles who may use it."""
    named = [f"{method} {route.path}" for route in api_routes(app.routes) for method in route.methods or ()]
    missing = [name for name in named if name not in roles.OPEN and name not in roles.BY_ROUTE]
    if missing:
        raise RuntimeError(f"Say in tieline/identity/roles.py who may use {', '.join(missing)}.")


async def _moved(db: Database, settings: Settings, request: Request, name: str | None) -> str | None:
    """Where a page of a former vanity host is now. Names that nobody has or had look like all others."""
    if name is None or (new := await accounts.moved_to(db, name)) is None:
        return None
    scheme = settings.public_url.partition("://")[0]
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{scheme}://{new}.{settings.public_host}{request.url.path}{query}"


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0] if route.tags else 'tieline'}_{route.name}"

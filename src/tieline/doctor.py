"""`tieline doctor`: what an installation needs, looked at one by one; each line is OK or says what to repair."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2

from tieline.db.database import APP_ROLE, OWNER_ROLE, SYSTEM_ROLE
from tieline.db.revision import SchemaMismatch, check_head
from tieline.mail import smtp
from tieline.mail.smtp import NotSent
from tieline.settings import Settings, SettingsError, read_settings
from tieline.vault import SecretUnreadable, Vault

_CLOCK_OFF_S = 5.0
_PORTS_TRIED = 5
_WAIT_S = 10
_MAIL_REPAIR = {
    "unreachable": "Check host and port in TIELINE_SMTP_URL, and the firewall between here and there.",
    "sign_in_refused": "Check user and password in TIELINE_SMTP_URL.",
    "certificate_refused": "Its certificate is not trusted here: use the name that is in it, or install its authority.",
    "not_supported": "It offers no STARTTLS or no sign-in: use smtps:// or another port.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `repair` is None when it is as it should be."""

    what: str
    found: str
    repair: str | None = None


async def examined(environ: Mapping[str, str]) -> AsyncGenerator[Finding]:
    """Look at everything in turn. What cannot be looked at because of something before it is left out."""
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        yield Finding("Settings", "cannot be read", str(error))
        return
    yield Finding("Settings", "complete")
    yield Finding("Keys", f"{len(settings.keys.by_id)}, newest {settings.keys.current!r}")
    connection = None
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=_WAIT_S)
    except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
        yield Finding(
            "Database",
            type(error).__name__,
            "PostgreSQL does not answer or refuses the login: check TIELINE_DATABASE_URL (docs/operate/database.md).",
        )
    if connection is not None:
        try:
            async for finding in _database(connection, settings):
                yield finding
        finally:
            await connection.close()
    async for finding in _doors(settings, environ):
        yield finding
    yield _media_ports(settings)
    yield await _mail(settings)
    yield _pages(settings)


async def _database(connection: Any, settings: Settings) -> AsyncGenerator[Finding]:
    version = int(await connection.fetchval("SHOW server_version_num")) // 10000
    yield Finding(
        "Database",
        f"PostgreSQL {version}",
        None if version >= 16 else "PostgreSQL 16 or newer is needed: upgrade the server.",
    )
    missing: list[str] = []
    for role in (OWNER_ROLE, APP_ROLE, SYSTEM_ROLE):
        try:
            await connection.execute(f'SET ROLE "{role}"')
            await connection.execute("RESET ROLE")
        except asyncpg.PostgresError:
            missing.append(role)
    if missing:
        yield Finding(
            "Roles",
            f"not to be taken: {', '.join(missing)}",
            "Run the statements of docs/operate/database.md as the server's superuser.",
        )
        return
    yield Finding("Roles", "all three can be taken")
    began = time.time()
    there = (await connection.fetchval("SELECT clock_timestamp()")).timestamp()
    off = there - (began + time.time()) / 2
    yield Finding(
        "Clock",
        f"{abs(off):.1f} s from the database's",
        None
        if abs(off) <= _CLOCK_OFF_S
        else "Set both clocks by NTP (timedatectl set-ntp true): sign-in codes and sessions depend on them.",
    )
    try:
        await check_head(settings.database_url)
    except SchemaMismatch as error:
        yield Finding("Migrations", "not at the newest", str(error))
        return
    yield Finding("Migrations", "newest")
    await connection.execute(f'SET ROLE "{SYSTEM_ROLE}"')
    yield await _secrets(connection, settings)
    yield await _media(connection)
    waiting = await connection.fetchval(
        "SELECT count(*) FROM mail WHERE state = 'waiting' AND created_at < tieline_now() - interval '10 minutes'"
    )
    if waiting:
        yield Finding(
            "Mail waiting", str(waiting), "Is `tieline worker` running? Its log says why (mail.not_sent)."
        )


async def _secrets(connection: Any, settings: Settings) -> Finding:
    """Whether the keys open what is stored: one secret is enough to tell."""
    vault = Vault(settings.keys)
    row = await connection.fetchrow(
        "SELECT account_id, id, refresh_token FROM connection WHERE refresh_token IS NOT NULL"
        " ORDER BY created_at DESC LIMIT 1"
    )
    if row is None:
        return Finding("Stored secrets", "none yet")
    try:
        vault.open(row["refresh_token"], row["account_id"], row["id"], "refresh_token")
    except SecretUnreadable:
        return Finding(
            "Stored secrets",
            "do not open",
            "TIELINE_KEYS lacks the key that sealed them: add it behind the newest, or connect the CRM again.",
        )
    return Finding("Stored secrets", "open")


async def _media(connection: Any) -> Finding:
    rows = await connection.fetch(
        "SELECT id, address, tieline_now() - heartbeat_at < interval '15 seconds' AS alive FROM media_node"
    )
    alive = [row["id"] for row in rows if row["alive"]]
    if alive:
        return Finding("Media", f"alive: {', '.join(sorted(alive))}")
    return Finding("Media", "no node is alive", "Start `tieline media`: without it nobody hears anybody.")


async def _doors(settings: Settings, environ: Mapping[str, str]) -> AsyncGenerator[Finding]:
    listen = environ.get("TIELINE_WEB_LISTEN", "127.0.0.1:8400")
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - to reach, not to listen
    async with httpx2.AsyncClient(timeout=_WAIT_S, trust_env=False) as http:
        try:
            status = (await http.get(f"http://{host}:{port}/health")).status_code
        except (httpx2.HTTPError, OSError):
            yield Finding(
                "Web",
                f"nothing answers at {listen}",
                "Start `tieline web`, or set TIELINE_WEB_LISTEN as it is set there.",
            )
            return
        yield Finding(
            "Web",
            f"answers at {listen}" if status == 200 else f"HTTP {status} at {listen}",
            None
            if status == 200
            else "Another program has the port, or `tieline web` has no database: see its log.",
        )
        public = urlsplit(settings.public_url)
        if (public.hostname or "").endswith("localhost"):
            return
        repair: str | None = None
        try:
            answer = await http.get(f"{settings.public_url}/health")
            found = f"HTTP {answer.status_code}"
            if answer.status_code != 200:
                repair = "The proxy in front does not lead to `tieline web`."
            elif "date" in answer.headers:
                found = "answers"
        except (httpx2.HTTPError, OSError) as error:
            found = type(error).__name__
            repair = "Browsers cannot come in there: check DNS, certificate and proxy."
        if public.scheme != "https" and repair is None:
            repair = "Browsers give the microphone to https pages only: set TIELINE_PUBLIC_URL to https://."
        yield Finding("Public address", f"{settings.public_url} {found}", repair)


def _media_ports(settings: Settings) -> Finding:
    low, high = settings.media_ports
    taken = [port for port in _some(low, high) if not _free(port)]
    what = f"UDP {low}-{high}"
    if len(taken) == min(_PORTS_TRIED, high - low + 1):
        return Finding(
            "Audio ports",
            f"{what} are taken",
            "Choose others with TIELINE_MEDIA_PORTS, and open them in the firewall.",
        )
    for address in settings.media_address:
        if not _free(0, address):
            return Finding(
                "Audio ports",
                f"{address} is no address of this machine",
                "Set TIELINE_MEDIA_ADDRESS to addresses that the machine of `tieline media` has.",
            )
    return Finding("Audio ports", what)


def _some(low: int, high: int) -> list[int]:
    step = max(1, (high - low) // _PORTS_TRIED)
    return list(range(low, high + 1, step))[:_PORTS_TRIED]


def _free(port: int, address: str = "") -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


async def _mail(settings: Settings) -> Finding:
    if settings.mail is None:
        return Finding("Mail", "none: administrators hand links over (TIELINE_SMTP_URL)")
    if settings.mail.smtp is None:
        return Finding("Mail", "shown in the mailbox page")
    server = f"{settings.mail.smtp.host}:{settings.mail.smtp.port}"
    try:
        await asyncio.to_thread(smtp.check, settings.mail.smtp)
    except NotSent as error:
        return Finding("Mail", f"{server}: {error.code}", _MAIL_REPAIR[error.code])
    return Finding("Mail", server)


def _pages(settings: Settings) -> Finding:
    if (settings.web_dist / "portal.html").exists():
        return Finding("Pages", "built")
    return Finding(
        "Pages", "missing", f"{settings.web_dist} has no pages: run `make setup`, or set TIELINE_WEB_DIST."
    )


async def report(environ: Mapping[str, str], say: Callable[[Finding], None]) -> bool:
    """Say every finding; gives whether all is well."""
    well = True
    async for finding in examined(environ):
        well = well and finding.repair is None
        say(finding)
    return well

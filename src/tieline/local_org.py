"""`tieline crm`: the embedded org alone on this machine, and the commands that snapshot, load and erase it.

Without a database of one's own it brings a PostgreSQL, below `org` in the data folder. While it runs, the file
`served.json` there tells the other commands how to reach that database; it is readable for its owner only.

What serves is imported where it is used: a test suite loads a snapshot often, and that must take no time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tieline.crm import snapshots
from tieline.crm.settings import CrmSettings
from tieline.db.embedded import EmbeddedPostgres
from tieline.demo.places import (
    PASSWORD,
    DemoError,
    addresses,
    check_port,
    crm_settings,
    keys_of,
    only_one,
    secret,
)

_LOGIN = "tieline_crm"


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Where the org answers beside its first port: over TLS, and for the Pub/Sub API over TLS and in clear."""

    tls: int | None = None
    pubsub: int | None = None
    pubsub_plain: int | None = None

    def applied(self, settings: CrmSettings) -> CrmSettings:
        """The settings with these ports."""
        return dataclasses.replace(
            settings, tls_port=self.tls, pubsub_tls_port=self.pubsub, pubsub_port=self.pubsub_plain
        )

    @property
    def secure(self) -> bool:
        """Whether certificates are needed."""
        return self.tls is not None or self.pubsub is not None

    def check(self) -> None:
        """DemoError where one of the ports is taken."""
        for port, what in (
            (self.tls, "CRM over TLS"),
            (self.pubsub, "Pub/Sub API"),
            (self.pubsub_plain, "Pub/Sub API in clear"),
        ):
            if port is not None:
                check_port(port, what)


async def serve_given(environ: Mapping[str, str], listen: str, ports: Ports) -> None:
    """Serves the orgs of the database that the environment names; the demo's way."""
    from tieline.apex_twins import TWINS
    from tieline.crm.serving import serve
    from tieline.crm.tls import local_certificates

    settings, certificates = crm_settings(environ), None
    if ports.secure:
        try:
            ports.check()
            folder = Path(environ.get("TIELINE_DATA_DIR") or "data") / "tls"
            certificates = await asyncio.to_thread(local_certificates, folder, [settings.default_org or ""])
        except DemoError:
            ports = Ports()  # somebody else's; whoever wants TLS stops that or chooses another port
    await serve(ports.applied(settings), listen, certificates, twins=TWINS)


# -- an org alone --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a lone org keeps its data."""

    folder: Path

    @property
    def served(self) -> Path:
        """How to reach the database while it is served."""
        return self.folder / "served.json"


def place_of(environ: Mapping[str, str]) -> Place:
    """The folder `org` in the data folder."""
    return Place(Path(environ.get("TIELINE_DATA_DIR") or "data").resolve() / "org")


@asynccontextmanager
async def _own_database(place: Place, environ: Mapping[str, str]) -> AsyncGenerator[dict[str, str]]:
    """The environment of an org on the database that is given, or else on a PostgreSQL of its own."""
    values = {**environ, "TIELINE_KEYS": environ.get("TIELINE_KEYS") or keys_of(place.folder)}
    if environ.get("TIELINE_CRM_DATABASE_URL"):
        yield values
        return
    # Orgs of tests are made anew in no time: what a power cut may cost here is not worth waiting for the disk.
    quick = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    async with EmbeddedPostgres(place.folder, settings=quick) as postgres:
        password = secret(place.folder / "database.password")
        await postgres.make_login(_LOGIN, password, create_databases=True)
        url = postgres.url(_LOGIN, user=_LOGIN, password=password)
        yield {**values, "TIELINE_CRM_DATABASE_URL": url}


async def serve_alone(
    environ: Mapping[str, str],
    orgs: Sequence[str],
    listen: str,
    ports: Ports,
    *,
    empty: bool,
    person_accounts: bool = False,
) -> None:
    """Makes the orgs where they are missing, serves them, and prints how to sign in.

    Raises `DemoError`, `EmbeddedPostgresError` and `ValueError` (an org's name) with a sentence.
    """
    from tieline.apex_twins import TWINS
    from tieline.crm.serving import serve
    from tieline.crm.tls import local_certificates

    place, port = place_of(environ), int(listen.rpartition(":")[2])
    names = list(dict.fromkeys(orgs)) or ["acme"]
    with only_one(place.folder, "tieline crm"):
        check_port(port, "CRM")
        ports.check()
        async with _own_database(place, environ) as values:
            values.setdefault("TIELINE_CRM_URL", f"http://localhost:{port}")
            settings = dataclasses.replace(
                ports.applied(crm_settings(values)),
                default_org=names[0],
                faults_key=values.get("TIELINE_CRM_FAULTS_KEY") or secret(place.folder / "faults.key"),
            )
            await make_orgs(settings, names, empty=empty, person_accounts=person_accounts)
            certificates = None
            if ports.secure:
                certificates = await asyncio.to_thread(local_certificates, place.folder / "tls", names)
            place.served.unlink(missing_ok=True)
            place.served.touch(mode=0o600)
            place.served.write_text(
                json.dumps({"database_url": settings.database_url, "pid": os.getpid(), "org": names[0]})
            )
            try:
                await serve(
                    settings, listen, certificates, lambda: _tell(settings, names, place), twins=TWINS
                )
            finally:
                place.served.unlink(missing_ok=True)


async def make_orgs(
    settings: CrmSettings, names: Sequence[str], *, empty: bool, person_accounts: bool = False
) -> None:
    """Brings all orgs to this release and makes those of the names that there are not, with sample data.

    `person_accounts` switches those on in all that are named.
    """
    from tieline.crm import sample
    from tieline.crm.database import connect
    from tieline.crm.provision import create_org, migrate_all

    await migrate_all(settings)
    conn = await connect(settings)
    try:
        known = {row["name"] for row in await conn.fetch("SELECT name FROM crm_org")}
    finally:
        await conn.close()
    for name in names:
        if name in known and not person_accounts:
            continue
        await create_org(
            settings,
            name=name,
            label=name.replace("-", " ").title(),
            admin_username=f"admin@{name}.example",
            admin_password=PASSWORD,
            person_accounts=person_accounts,
        )
        if not empty and name not in known:
            await sample.load(settings, name, PASSWORD)


def _print(text: str) -> None:
    from rich.console import Console

    Console(highlight=False).print(text, soft_wrap=True)


def _tell(settings: CrmSettings, names: Sequence[str], place: Place) -> None:
    rows: list[tuple[str, str]] = []
    for name in names:
        rows.append((f"Org {name}", f"[bold]{settings.my_origin(name)}[/]"))
        rows.append(("", f"admin@{name}.example   password {PASSWORD}"))
    rows.append(("API", settings.base_origin))
    if settings.tls_port is not None:
        rows.append(("API over TLS", f"https://localhost:{settings.tls_port}"))
        rows.append(("Authority", str(place.folder / "tls" / "ca.pem")))
        rows.append(("", "for REQUESTS_CA_BUNDLE and NODE_EXTRA_CA_CERTS"))
    if settings.pubsub_tls_port is not None:
        rows.append(("Pub/Sub API", f"localhost:{settings.pubsub_tls_port}"))
    if settings.pubsub_port is not None:
        rows.append(("Pub/Sub API in clear", f"localhost:{settings.pubsub_port}"))
    rows.append(("Access token", "tieline crm token"))
    rows.append(("Faults", f"{settings.my_origin(names[0])}/setup/faults"))
    rows.append(("Stop", "Ctrl-C"))
    _print(f"\n[green]The org is running[/]\n\n{addresses(rows)}")


def reset(environ: Mapping[str, str]) -> None:
    """Erases all lone orgs. Raises `DemoError` while they are served."""
    place = place_of(environ)
    with only_one(place.folder, "tieline crm"):
        for path in place.folder.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    _print(f"Erased {place.folder}.")


@asynccontextmanager
async def reached(environ: Mapping[str, str]) -> AsyncGenerator[tuple[CrmSettings, str]]:
    """Settings that reach the orgs' database, served or not, and the org that is meant without a name."""
    place = place_of(environ)
    if not environ.get("TIELINE_CRM_DATABASE_URL") and place.served.exists():
        told = json.loads(place.served.read_text())
        url = str(told["database_url"])
        keys = environ.get("TIELINE_KEYS") or keys_of(place.folder)
        yield (
            crm_settings({**environ, "TIELINE_CRM_DATABASE_URL": url, "TIELINE_KEYS": keys}),
            str(told["org"]),
        )
        return
    with only_one(place.folder, "tieline crm"):
        async with _own_database(place, environ) as values:
            yield crm_settings(values), "acme"


async def snapshot(environ: Mapping[str, str], action: str, name: str | None, org: str | None) -> None:
    """`save`, `load`, `delete` or `list` snapshots. SnapshotError with a sentence."""
    async with reached(environ) as (settings, first):
        if action == "list":
            for found in await snapshots.listed(settings):
                _print(f"{found.org}\t{found.name}\t{found.created_at:%Y-%m-%d %H:%M:%S}")
            return
        if name is None:
            raise snapshots.SnapshotError(f"Which one? `tieline crm snapshot {action} NAME`")
        verb = {"save": snapshots.save, "load": snapshots.load, "delete": snapshots.delete}[action]
        await verb(settings, org or first, name)


async def load_sample(environ: Mapping[str, str], org: str | None) -> None:
    """Puts the sample records into an org, once."""
    from tieline.crm import sample

    async with reached(environ) as (settings, first):
        await sample.load(settings, org or first, PASSWORD)


async def token(environ: Mapping[str, str], username: str | None, org: str | None) -> None:
    """Prints an access token, and nothing else."""
    from tieline.crm.sign_in import local_token

    async with reached(environ) as (settings, first):
        print(await local_token.issue(settings, org or first, username))

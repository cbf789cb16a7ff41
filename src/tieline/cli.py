"""The command line: one program, started as web, worker, media, crm, or all of them as the demo.

What a command needs is imported by it: a test suite loads snapshots often, and that must take no time.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from tieline.settings import Settings, SettingsError, read_settings

app = typer.Typer(
    help="Tieline: a voice contact center joined to Salesforce.", no_args_is_help=True, add_completion=False
)


@app.callback()
def begin(context: typer.Context) -> None:
    """Tieline: a voice contact center joined to Salesforce."""
    if context.invoked_subcommand != "crm":
        _log()


class Stop(Exception):
    """The command cannot go on; the message is one sentence that says what to do."""


@app.command()
def migrate() -> None:
    """Bring the database's schema to the newest revision."""
    from tieline.db.migrate import migrate as run

    revision = asyncio.run(run(_settings().database_url))
    _print(f"The database stands at revision {revision}.")


@app.command()
def web(
    listen: Annotated[str, typer.Option(help="host:port", envvar="TIELINE_WEB_LISTEN")] = "127.0.0.1:8400",
) -> None:
    """Serve the portal, the callbar, the call pages and the API."""
    from tieline.app import create_app
    from tieline.serving import serve

    settings = _settings()
    _check_schema(settings)
    serve(create_app(settings), listen)


@app.command()
def worker() -> None:
    """Deliver call logs and keep phone indexes fresh."""
    from tieline.worker import run_worker

    settings = _settings()
    _check_schema(settings)
    _run(run_worker(settings))


@app.command()
def media(
    node: Annotated[
        str, typer.Option(help="name of this media node", envvar="TIELINE_MEDIA_NODE")
    ] = "media-1",
) -> None:
    """Run the embedded switch."""
    from tieline.media import serve_media

    settings = _settings()
    _run(serve_media(settings, node=node))


crm_app = typer.Typer(
    help="The embedded CRM: Salesforce-compatible orgs with their console.", add_completion=False
)
app.add_typer(crm_app, name="crm")
_OrgOption = Annotated[str | None, typer.Option("--org", help="which org; the first one without it")]


@crm_app.callback(invoke_without_command=True)
def crm(
    context: typer.Context,
    listen: Annotated[str, typer.Option(help="host:port", envvar="TIELINE_CRM_LISTEN")] = "127.0.0.1:8401",
    tls_port: Annotated[
        int, typer.Option(help="port for TLS; 0: none", envvar="TIELINE_CRM_TLS_PORT", min=0, max=65535)
    ] = 8443,
    org: Annotated[list[str] | None, typer.Option(help="make and serve this org; may be repeated")] = None,
    empty: Annotated[bool, typer.Option(help="no sample data in orgs that are made now")] = False,
    person_accounts: Annotated[
        bool, typer.Option("--person-accounts", help="switch person accounts on in these orgs, for ever")
    ] = False,
    pubsub_port: Annotated[
        int,
        typer.Option(
            help="port for the Pub/Sub API over TLS; 0: none",
            envvar="TIELINE_CRM_PUBSUB_PORT",
            min=0,
            max=65535,
        ),
    ] = 0,
    pubsub_plain_port: Annotated[
        int,
        typer.Option(
            help="port for the Pub/Sub API in clear, on loopback; 0: none",
            envvar="TIELINE_CRM_PUBSUB_PLAIN_PORT",
            min=0,
            max=65535,
        ),
    ] = 0,
) -> None:
    """Serve an org alone on this machine, or the orgs of TIELINE_CRM_DATABASE_URL."""
    if context.invoked_subcommand != "snapshot":  # it says nothing
        _log()
    if context.invoked_subcommand is not None:
        return
    from tieline import local_org

    ports = local_org.Ports(tls_port or None, pubsub_port or None, pubsub_plain_port or None)
    if os.environ.get("TIELINE_CRM_DATABASE_URL") and not org:
        _finish(local_org.serve_given(os.environ, listen, ports))
    else:
        _finish(
            local_org.serve_alone(
                os.environ, org or [], listen, ports, empty=empty, person_accounts=person_accounts
            )
        )


@crm_app.command("snapshot")
def crm_snapshot(
    action: Annotated[str, typer.Argument(help="save, load, list or delete")],
    name: Annotated[str | None, typer.Argument(help="of the snapshot")] = None,
    org: _OrgOption = None,
) -> None:
    """Keep an org as it is now, and put it back later, also while it is served."""
    from tieline import local_org

    if action not in ("save", "load", "list", "delete"):
        _fail(Stop("`tieline crm snapshot` knows save, load, list and delete."))
    _run(local_org.snapshot(os.environ, action, name, org))


@crm_app.command("sample")
def crm_sample(org: _OrgOption = None) -> None:
    """Load the sample data into an org, once."""
    from tieline import local_org

    _run(local_org.load_sample(os.environ, org))


@crm_app.command("token")
def crm_token(
    username: Annotated[str | None, typer.Argument(help="of the user; an administrator without it")] = None,
    org: _OrgOption = None,
) -> None:
    """Print an access token of an org on this machine, for scripts."""
    from tieline import local_org

    _run(local_org.token(os.environ, username, org))


@crm_app.command("reset")
def crm_reset() -> None:
    """Erase the orgs that `tieline crm` keeps on this machine."""
    from tieline import local_org

    try:
        local_org.reset(os.environ)
    except Exception as error:
        _fail(error)


account_app = typer.Typer(
    help="Accounts of this installation, and help for who is locked out.", no_args_is_help=True
)
app.add_typer(account_app, name="account")


@account_app.command("create")
def account_create(
    name: Annotated[str, typer.Option(help="of the account, as people write it")],
    vanity: Annotated[str, typer.Option(help="its part of the address: 3 to 30 letters, digits, hyphens")],
    email: Annotated[str, typer.Option(help="with which the owner signs in")],
    owner: Annotated[str, typer.Option(help="the owner's name")],
    language: Annotated[str, typer.Option(help="en or ja")] = "en",
    time_zone: Annotated[str, typer.Option(help="such as Asia/Tokyo; this machine's unless named")] = "",
    plan: Annotated[str, typer.Option(help="basic, pro, business or education")] = "business",
) -> None:
    """Make an account and its owner; prints the link where the owner chooses a password."""
    from tieline.identity.accounts import local_time_zone
    from tieline.users.operator import create_account

    settings = _settings()
    _check_schema(settings)
    link = _told(
        create_account(
            settings,
            name=name,
            vanity=vanity,
            email=email,
            owner=owner,
            language=language,
            time_zone=time_zone or local_time_zone(),
            plan=plan,
        )
    )
    _print(f"{name} has been made. {owner} chooses a password here, once, within three days:")
    typer.echo(link)


@account_app.command("set")
def account_set(
    vanity: Annotated[str, typer.Argument(help="the account's part of the address")],
    plan: Annotated[str | None, typer.Option(help="basic, pro, business or education")] = None,
    seats: Annotated[
        int | None, typer.Option(help="active users at most; 0: as many as the plan has")
    ] = None,
) -> None:
    """Change an account's plan or its seats; without options, show them."""
    from tieline.users.operator import set_account

    settings = _settings()
    _check_schema(settings)
    _print(_told(set_account(settings, vanity, plan=plan, seats=seats)))


@account_app.command("integrations")
def account_integrations(
    vanity: Annotated[str, typer.Argument(help="vanity name of the account")],
    state: Annotated[str, typer.Argument(help="on or off")],
) -> None:
    """Switch an account's *Integrations* on or off: connections that are there work on, but nobody changes them."""
    if state not in ("on", "off"):
        _fail(ValueError("`tieline account integrations NAME` takes on or off."))
    settings = _settings()
    _check_schema(settings)
    _run(_switch_integrations(settings, vanity, state == "on"))
    _print(f"Integrations of {vanity} are {state}.")


async def _switch_integrations(settings: Settings, vanity: str, on: bool) -> None:
    from tieline.db.database import Database
    from tieline.identity import people

    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.system() as tx:
            if not await people.switch_integrations(tx, vanity, on):
                raise ValueError(f"no account has the vanity name {vanity}")
    finally:
        await db.close()


@account_app.command("password-link")
def account_password_link(
    email: Annotated[str, typer.Argument(help="of a user who cannot sign in")],
    reset_second_step: Annotated[
        bool, typer.Option("--reset-second-step", help="the authenticator app is lost, too")
    ] = False,
) -> None:
    """Print a link where a user chooses a password, for an owner who has nobody else to ask."""
    from tieline.users.operator import password_link

    settings = _settings()
    _check_schema(settings)
    typer.echo(_told(password_link(settings, email, reset_second_step=reset_second_step)))


@app.command()
def doctor() -> None:
    """Look at everything this installation needs; each line is OK or says what to repair. Ends with 1 if one does."""
    from tieline.doctor import Finding, report

    def say(finding: Finding) -> None:
        mark = "OK    " if finding.repair is None else "REPAIR"
        typer.echo(f"{mark}  {finding.what}: {finding.found}")
        if finding.repair is not None:
            typer.echo(f"        {finding.repair}")

    if not asyncio.run(report(os.environ, say)):
        raise SystemExit(1)


@app.command()
def demo() -> None:
    """Start everything on this machine, with a demo account and a demo org."""
    from tieline.demo.run import run_demo

    _run(run_demo())


@app.command()
def package(
    origin: Annotated[
        str, typer.Option(help="where the contact center is, such as https://contact.example.com")
    ],
    vanity: Annotated[
        str, typer.Option(help="the account's own address, such as https://acme.contact.example.com")
    ],
    out: Annotated[Path, typer.Option(help="folder to write to")] = Path("build/package"),
) -> None:
    """Build the Salesforce package for this installation: a zip and a source tree."""
    from tieline.salesforce_package import Hosts, build

    try:
        content, tree = build(out, Hosts.of(origin, vanity))
    except (SettingsError, OSError) as error:
        _fail(ValueError(str(error)))
        raise
    _print(
        f"{content}: the metadata, for a deployment or an org's shelf of packages.\n"
        f"{tree}: the project, for `sf project deploy start`."
    )


@app.command()
def reset(
    empty: Annotated[
        bool, typer.Option(help="next time start with an org as it is new, to set it up by hand")
    ] = False,
) -> None:
    """Erase the demo's data."""
    from tieline.demo.run import reset_demo

    try:
        reset_demo(empty=empty)
    except Exception as error:
        _fail(error)


def _log() -> None:
    from tieline import logs

    logs.configure(os.environ.get("TIELINE_LOG_LEVEL", "info"))


def _print(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text)


def _settings() -> Settings:
    try:
        return read_settings()
    except SettingsError as error:
        _fail(error)
        raise


def _check_schema(settings: Settings) -> None:
    from tieline.db.revision import check_head

    try:
        asyncio.run(check_head(settings.database_url))
    except Exception as error:
        _fail(error)


def _run(work: Coroutine[Any, Any, None]) -> None:
    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_told())
    except Exception as error:
        _fail(error)


def _told(work: Coroutine[Any, Any, str]) -> str:
    """What the work gives; what is wrong with the command's input is said in a sentence."""
    from tieline.errors import TielineError

    try:
        return asyncio.run(work)
    except TielineError as error:
        about = ", ".join(f"{name}: {value}" for name, value in error.params.items())
        said = "" if str(error) == error.code else f": {error}"
        _fail(ValueError(f"{error.code.replace('_', ' ')}{said}{f' ({about})' if about else ''}"))
        raise


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Runs what handles signals itself."""
    try:
        asyncio.run(work)
    except Exception as error:
        _fail(error)


def _fail(error: Exception) -> None:
    """End with one sentence for errors that have one, with a trace for those that should not happen."""
    from tieline.crm.snapshots import SnapshotError
    from tieline.db.embedded import EmbeddedPostgresError
    from tieline.db.revision import SchemaMismatch
    from tieline.web.pages import PagesNotBuilt

    if type(error) in (
        ValueError,
        SnapshotError,
    ):  # how the org's commands say what is wrong with their input
        _print(f"[bold red]That cannot be done.[/] {error}")
        raise SystemExit(1)
    if isinstance(error, Stop | SettingsError | SchemaMismatch | EmbeddedPostgresError | PagesNotBuilt):
        _print(f"[bold red]Tieline cannot start.[/] {error}")
        raise SystemExit(1)
    raise error


def main() -> None:
    """Entry point of the `tieline` program."""
    app()

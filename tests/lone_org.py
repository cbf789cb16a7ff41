"""`tieline crm` as anybody starts it: a process of its own with a PostgreSQL of its own, in an empty folder."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_ports

from tieline.children import dies_with_parent

ADMIN, PASSWORD = "admin@acme.example", "tieline-demo"
_COMMAND = (sys.executable, "-m", "tieline", "crm")


@dataclass
class LoneOrg:
    """A folder, two ports, and the process that serves them while there is one."""

    folder: Path
    port: int
    environment: dict[str, str]
    words: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def told(self) -> str:
        """What the process has said so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    async def start(self) -> None:
        """Starts the process and waits until it serves."""
        with (self.folder / "log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(*_COMMAND, "--listen", f"127.0.0.1:{self.port}", "--tls-port", str(self.port + 1)),
                *self.words,
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )
        async with asyncio.timeout(120):
            while "Ctrl-C" not in self.told:
                assert self.process.returncode is None, self.told
                await asyncio.sleep(0.05)

    async def ended(self, by: signal.Signals) -> int:
        """Sends a signal and waits for the end; answers the exit code."""
        assert self.process is not None
        self.process.send_signal(by)
        code = await asyncio.wait_for(self.process.wait(), 30)
        self.process = None
        return code

    async def token(self) -> str:
        """An administrator's access token, from the command line."""
        asked = await asyncio.create_subprocess_exec(
            *_COMMAND, "token", env=self.environment, stdout=asyncio.subprocess.PIPE
        )
        return (await asked.communicate())[0].decode().strip()


@asynccontextmanager
async def lone_org(folder: Path, *words: str, **more: str) -> AsyncGenerator[LoneOrg]:
    """A running org in the folder; `words` go to the command, `more` into its environment, which has nothing of ours."""
    kept: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith(("TIELINE_", "SF_", "SFDX_"))
    }
    org = LoneOrg(folder, free_ports(2), {**kept, "TIELINE_DATA_DIR": str(folder / "data"), **more}, words)
    await org.start()
    try:
        yield org
    finally:
        if org.process is not None:
            assert await org.ended(signal.SIGINT) == 0, org.told

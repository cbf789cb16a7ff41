"""Deployments that this process is running now, and how far they have come."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """How far a deployment has come, for those who ask meanwhile."""

    status: str = "Pending"
    total: int = 0
    deployed: int = 0
    errors: int = 0
    stopping: bool = False

    def begin(self) -> None:
        """Counts from nothing: the deployment runs, or runs again."""
        self.status, self.total, self.deployed, self.errors = "InProgress", 0, 0, 0


@dataclass
class Running:
    """The deployments of one org in this process, by id."""

    progress: dict[str, Progress] = field(default_factory=dict[str, Progress])
    tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a deployment beside the requests."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def close(self) -> None:
        """Ends what is running; its transaction is undone."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

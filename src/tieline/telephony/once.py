"""Commands that may be sent again are done once.

Owns the results of recent commands. Always holds: while a command id is remembered its work is not begun a
second time, also when the repetition arrives before the first has finished. Failures are not remembered:
sending a failed command again tries again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from tieline.telephony.switch import SwitchError

REMEMBERED_S = 900.0
"""How long a result is kept: longer than any sweep goes on sending a command (ten minutes)."""
REMEMBERED_MAX = 50_000
"""An upper bound for memory; at fifty commands a second it is still more than fifteen minutes."""


@dataclass(slots=True)
class _Done:
    request: Hashable
    task: asyncio.Task[str | None]
    at: float


class CommandMemory:
    """Results of commands by command id, within one run of a switch."""

    def __init__(
        self,
        *,
        remembered_s: float = REMEMBERED_S,
        remembered_max: int = REMEMBERED_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._remembered_s = remembered_s
        self._remembered_max = remembered_max
        self._clock = clock
        self._done: OrderedDict[str, _Done] = OrderedDict()

    async def once(
        self, command_id: str, request: Hashable, do: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Do the command, or give the result it had. `request` says what the command asks for.

        The work goes on when the asker goes away. Raises `command_reused` if the id came with another
        `request` before, else whatever `do` raises.
        """
        self._forget_old()
        known = self._done.get(command_id)
        if known is not None:
            if known.request != request:
                raise SwitchError(
                    "command_reused", f"Command {command_id} was another request before.", retryable=False
                )
            return await asyncio.shield(known.task)

        async def work() -> str | None:
            try:
                return await do()
            except BaseException:
                self._done.pop(command_id, None)
                raise

        task = asyncio.create_task(work())
        self._done[command_id] = _Done(request, task, self._clock())
        return await asyncio.shield(task)

    def _forget_old(self) -> None:
        oldest_kept = self._clock() - self._remembered_s
        while self._done:
            command_id, done = next(iter(self._done.items()))
            if not done.task.done() or (done.at >= oldest_kept and len(self._done) < self._remembered_max):
                return
            del self._done[command_id]

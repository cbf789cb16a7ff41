"""How many API requests an org has served in the last 24 hours, by this process."""

from __future__ import annotations

import time
from collections import deque


class ApiUsage:
    """A rolling count in buckets of one minute."""

    def __init__(self, maximum: int):
        self.maximum = maximum
        self._buckets: deque[list[int]] = deque()
        self._total = 0

    def count(self) -> int:
        """Counts one request; answers how many the last 24 hours saw, this one included."""
        minute = int(time.monotonic() // 60)
        if not self._buckets or self._buckets[-1][0] != minute:
            self._buckets.append([minute, 0])
        self._buckets[-1][1] += 1
        self._total += 1
        while self._buckets[0][0] <= minute - 1440:
            self._total -= self._buckets.popleft()[1]
        return self._total

    @property
    def used(self) -> int:
        """Requests in the last 24 hours."""
        return self._total

    @property
    def header(self) -> str:
        """Value of `Sforce-Limit-Info`."""
        return f"api-usage={self._total}/{self.maximum}"

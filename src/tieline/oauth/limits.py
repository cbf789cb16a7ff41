"""How often an app may ask: so many requests a minute, counted by each process for itself."""

from __future__ import annotations

import time
from collections.abc import Hashable

PER_MINUTE = 1200
"""Requests of one grant: twenty a second, or all at once."""
FAILURES_PER_MINUTE = 30
"""Wrong client secrets from one address: a secret cannot be guessed so, but trying shall not be cheap."""
REGISTRATIONS_PER_MINUTE = 20
"""Orgs that introduce themselves from one address: each leaves a row for an hour."""
_WINDOW_S = 60.0
_MOST_KEYS = 50_000


class Counter:
    """Counts by key in windows of a minute, which begin with a key's first request."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._windows: dict[Hashable, tuple[float, int]] = {}

    def count(self, key: Hashable, by: int = 1) -> tuple[int, int]:
        """Count, and give how many are left (below zero: too many) and after how many seconds all are there again."""
        now = time.monotonic()
        begun, used = self._windows.get(key, (now, 0))
        if now - begun >= _WINDOW_S:
            begun, used = now, 0
            self._windows.pop(key, None)
        used += by
        # Oldest first: a window that was begun anew stands at the end.
        self._windows[key] = (begun, used)
        while len(self._windows) > _MOST_KEYS:
            del self._windows[next(iter(self._windows))]
        return self.limit - used, max(1, round(begun + _WINDOW_S - now))

# ruff: noqa: S608 - tables are named by this program, values are parameters
"""How many API requests, or events, an org has served in the last 24 hours, by all processes that serve it.

Requests are counted in memory and written down by one of them every few seconds, so that counting costs a request
nothing. A process that is killed forgets what it counted since then.
"""

from __future__ import annotations

import time
from typing import Any

SYNC_S = 5.0
"""How long counts wait before they are written; other processes' are as old as that."""


class ApiUsage:
    """A rolling count, kept in minutes in a table of the org's `meta`; a setting of the org may change the limit."""

    def __init__(self, maximum: int, *, table: str = "api_usage", setting: str = "daily_api_requests"):
        self.maximum = maximum
        self._table = table
        self._setting = setting
        self._configured = maximum
        self._stored = 0
        self._pending = 0
        self._due = 0.0

    def add(self, requests: int) -> None:
        """Counts requests."""
        self._pending += requests

    async def count(self, conn: Any) -> int:
        """Counts one request; answers how many the last 24 hours saw, this one included.

        `conn` is in no transaction: whoever comes when the counts are due writes them.
        """
        self._pending += 1
        if time.monotonic() >= self._due:
            await self.sync(conn)
        return self.used

    async def sync(self, conn: Any) -> None:
        """Writes what was counted here and reads what everybody counted, and the limit if one was set."""
        pending, self._pending = self._pending, 0
        self._due = time.monotonic() + SYNC_S
        try:
            row = await conn.fetchrow(
                f"WITH mine AS (INSERT INTO meta.{self._table} AS kept (minute, requests)"
                "  SELECT date_trunc('minute', now()), $1::bigint WHERE $1::bigint > 0"
                "  ON CONFLICT (minute) DO UPDATE SET requests = kept.requests + excluded.requests),"
                f" old AS (DELETE FROM meta.{self._table} WHERE minute <= now() - interval '2 days')"
                f" SELECT $1::bigint + coalesce((SELECT sum(requests) FROM meta.{self._table}"
                "   WHERE minute > now() - interval '1 day'), 0)::bigint AS used,"
                " (SELECT value FROM meta.setting WHERE name = $2) AS maximum",
                pending,
                self._setting,
            )
        except BaseException:
            self._pending += pending
            raise
        self._stored = row["used"]
        self.maximum = row["maximum"] or self._configured

    def expire(self) -> None:
        """The next count writes and reads: the limit has been changed."""
        self._due = 0.0

    @property
    def used(self) -> int:
        """Requests in the last 24 hours."""
        return self._stored + self._pending

    @property
    def header(self) -> str:
        """Value of `Sforce-Limit-Info`."""
        return f"api-usage={self.used}/{self.maximum}"

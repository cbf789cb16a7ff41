"""All routes of record pages, in the order in which they are tried."""

from __future__ import annotations

from . import alike, lookup, page, related, saving

ROUTES = [
    *page.ROUTES,
    *related.ROUTES,
    *alike.ROUTES,
    *saving.ROUTES,
    *lookup.ROUTES,
]

"""HTTP with servers of this machine."""

from __future__ import annotations

from typing import Any

import httpx2


def plain_http(**settings: Any) -> httpx2.AsyncClient:
    """A client without the world's certificates: reading their list costs 40 ms, and each test has its own clients."""
    return httpx2.AsyncClient(verify=False, **settings)

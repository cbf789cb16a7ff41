"""One installation for all faults: starting one costs more than breaking it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.faults.installation import Installation, an_installation

AGENTS = 8


@pytest.fixture(scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Database and people; each test says with `fresh` what shall run."""
    async with an_installation(tmp_path_factory.mktemp("faults"), agents=AGENTS) as installation:
        yield installation


@pytest.fixture
async def both(installation: Installation) -> Installation:
    """Two web nodes and the scripted switch."""
    await installation.fresh("switch", "a", "b")
    return installation

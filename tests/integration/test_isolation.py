"""One account never sees another's rows: at the doors, and in the database behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.integration.center import Center, a_center

from tieline.db.database import Database
from tieline.db.schema import metadata
from tieline.db.tables import engagements
from tieline.ids import new_id

ACCOUNT_TABLES = sorted(t.name for t in metadata.tables.values() if t.info.get("account"))


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def test_engagement_of_another_account_does_not_exist(
    center: Center, database: Database, tmp_path: Path
) -> None:
    await center.call()
    portal = await center.portal("admin")
    mine = (await portal.get("/api/v1/engagements")).json()["engagements"]
    assert len(mine) == 1
    other_pages = tmp_path / "other"
    other_pages.mkdir()
    async with a_center(database, other_pages) as other:
        stranger = await other.portal("admin")
        assert (await stranger.get("/api/v1/engagements")).json()["engagements"] == []
        assert (await stranger.get(f"/api/v1/engagements/{mine[0]['id']}")).status_code == 404
        for path in ("agents", "queues"):
            assert center.tag not in (await stranger.get(f"/api/v1/{path}")).text


@pytest.mark.parametrize("table", ACCOUNT_TABLES)
async def test_row_level_security_hides_every_account_table(database: Database, table: str) -> None:
    async with database.system() as tx:
        protected = await tx.scalar(
            text("SELECT relrowsecurity FROM pg_class WHERE oid = CAST(:table AS regclass)"), {"table": table}
        )
    assert protected
    async with database.account(new_id()) as tx:
        assert await tx.scalar(select(func.count()).select_from(metadata.tables[table])) == 0


async def test_writing_into_another_account_is_refused(center: Center) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with center.db.account(new_id()) as tx:
            await tx.execute(
                engagements.engagement_event.insert().values(
                    account_id=center.account_id, engagement_id=new_id(), sequence=1, at=tx.now, name="x"
                )
            )

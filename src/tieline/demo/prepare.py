"""What a first start, and the first after an upgrade, make: databases at the newest schema, the demo's account and org.

Apart from `run.py` because it needs most of the program, which takes longer to load than a later start may take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieline.crm.provision import create_org, migrate_all
from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server
from tieline.demo.places import ADMINISTRATOR, CRM_LOGIN, LOGIN, ORG, PASSWORD, Places, crm_settings
from tieline.demo.setup import DemoSetup, make_account


async def prepare(at: Places, environment: Mapping[str, str], postgres: EmbeddedPostgres | None) -> None:
    """Databases and logins on a server of ours, the newest schema, the org; what is there stays."""
    if postgres is not None:
        await prepare_server(postgres.url(), login=LOGIN, password=at.password("database"))
        await create_database(postgres.url(), "tieline", login=LOGIN)
        await postgres.make_login(CRM_LOGIN, at.password("crm"), create_databases=True)
    await migrate(environment["TIELINE_DATABASE_URL"])
    await _org(environment)


async def _org(environment: Mapping[str, str]) -> None:
    settings = crm_settings(environment)
    await migrate_all(settings)
    await create_org(
        settings, name=ORG, label="Acme", admin_username=ADMINISTRATOR.email, admin_password=PASSWORD
    )


async def set_up(at: Places, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Make the demo's account, org and connection, once; a set-up that was cut short goes on where it stopped."""
    say("Making the demo account…")
    empty = (at.data_dir / "empty").exists()
    db = Database(environment["TIELINE_DATABASE_URL"], pool_size=2)
    try:
        await make_account(db, empty=empty)
        if not empty:
            async with DemoSetup(at, db) as setup:
                await setup.run(say)
    finally:
        await db.close()

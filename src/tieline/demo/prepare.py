"""What a first start, and the first after an upgrade, make: databases at the newest schema, the demo's account and org.

Apart from `run.py` because it needs most of the program, which takes longer to load than a later start may take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx2

from tieline.crm.provision import create_org, migrate_all
from tieline.crm.sign_in import local_token
from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server
from tieline.demo.places import ADMINISTRATOR, CRM_LOGIN, LOGIN, ORG, PASSWORD, Places, crm_settings
from tieline.demo.setup import DemoSetup, make_account
from tieline.salesforce_package import NAME, PUBLISHER, Hosts, archive, version


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


async def shelve(at: Places, environment: Mapping[str, str]) -> str:
    """Put this release's package on the org's shelf, where it is not there yet; gives the version's id.

    The address of its install page is kept for whoever starts the demo.
    """
    hosts = Hosts.of(at.public_url, at.vanity_url)
    wanted = {"name": NAME, "publisher": PUBLISHER, "version": version(), "label": NAME}
    token = await local_token.issue(crm_settings(environment), ORG)
    async with httpx2.AsyncClient(
        base_url=at.crm_url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
    ) as http:
        shelf = (await http.get("/services/packages")).raise_for_status().json()["versions"]
        found = next((row for row in shelf if row["name"] == NAME and _as_new(row, wanted["version"])), None)
        if found is None:
            answer = await http.post("/services/packages", params=wanted, content=archive(hosts))
            found = answer.raise_for_status().json()
    (at.data_dir / "package").write_text(found["install_url"])
    return found["id"]


def _as_new(row: Mapping[str, str], wanted: str) -> bool:
    """Whether a version on the shelf is the wanted one, or a later one; `1.2` is `1.2.0`."""

    def number(text: str) -> list[int]:
        parts = [int(part) for part in text.split(".")]
        return parts + [0] * (4 - len(parts))

    return number(row["version"]) >= number(wanted)


async def set_up(
    at: Places, environment: Mapping[str, str], package: str, say: Callable[[str], None]
) -> None:
    """Make the demo's account, org and connection, once; a set-up that was cut short goes on where it stopped."""
    say("Making the demo account…")
    empty = at.empty.exists()
    db = Database(environment["TIELINE_DATABASE_URL"], pool_size=2)
    try:
        await make_account(db, empty=empty)
        if not empty:
            async with DemoSetup(at, db, package) as setup:
                await setup.run(say)
    finally:
        await db.close()

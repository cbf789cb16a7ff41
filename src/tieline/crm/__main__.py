"""`python -m tieline.crm --dev`: one org for development, on loopback.

Settings: `--database-url` or `TIELINE_CRM_DATABASE_URL`, `--port` (8401), `--web-dist`. Makes the org `acme`
with an administrator and two sample users where it does not exist yet.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
from pathlib import Path

import uvicorn

from .app import create_app
from .auth import caller_of_user, set_password
from .orgs import Org, connect
from .provision import create_org
from .records import Records
from .schema import load_catalogue
from .settings import CrmSettings

PASSWORD = "tieline-demo"  # noqa: S105 - a development org on loopback
_SAMPLE = (("agent1@acme.example", "花子", "佐藤", "ja"), ("agent2@acme.example", "Ann", "Miller", "en_US"))


async def _prepare(settings: CrmSettings) -> None:
    await create_org(
        settings,
        name="acme",
        label="Acme",
        admin_username="admin@acme.example",
        admin_password=PASSWORD,
    )
    registry = await connect(settings)
    row = await registry.fetchrow("SELECT * FROM crm_org WHERE name = 'acme'")
    await registry.close()
    conn = await connect(settings, row["database_name"])
    try:
        if await conn.fetchval('SELECT count(*) FROM data."User"') > 1:
            return
        instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
        admin = await conn.fetchval('SELECT "Id" FROM data."User"')
        profile = await conn.fetchval('SELECT "Id" FROM data."Profile" WHERE "Name" = \'Standard User\'')
        caller = await caller_of_user(conn, admin)
        assert caller is not None
        async with conn.transaction():
            catalogue = await load_catalogue(conn)
            records = Records(Org(row, settings, None, instance), conn, catalogue, caller)
            for username, first, last, language in _SAMPLE:
                results = await records.create(
                    catalogue.objects["User"],
                    [
                        {
                            "Username": username, "Email": username, "FirstName": first, "LastName": last,
                            "Alias": username.split("@")[0], "ProfileId": profile, "LanguageLocaleKey": language,
                            "LocaleSidKey": "ja_JP" if language == "ja" else "en_US",
                            "TimeZoneSidKey": "Asia/Tokyo" if language == "ja" else "America/Los_Angeles",
                            "EmailEncodingKey": "UTF-8",
                        }
                    ],
                )  # fmt: skip
                await set_password(conn, results[0].id or "", PASSWORD)
    finally:
        await conn.close()


def main() -> None:
    """Prepares the development org and serves it until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tieline.crm", description=__doc__)
    parser.add_argument("--dev", action="store_true", required=True, help="a development org on loopback")
    parser.add_argument("--database-url", default=os.environ.get("TIELINE_CRM_DATABASE_URL"))
    parser.add_argument("--port", type=int, default=8401)
    parser.add_argument("--web-dist", type=Path)
    arguments = parser.parse_args()
    if not arguments.database_url:
        parser.error("give --database-url or TIELINE_CRM_DATABASE_URL")
    port: int = arguments.port
    settings = CrmSettings(
        database_url=arguments.database_url,
        data_key=hashlib.sha256(b"development only: " + arguments.database_url.encode()).digest(),
        base_origin=f"http://localhost:{port}",
        my_pattern=f"http://{{org}}.my.localhost:{port}",
        lightning_pattern=f"http://{{org}}.lightning.localhost:{port}",
        **({"web_dist": arguments.web_dist} if arguments.web_dist else {}),
    )
    asyncio.run(_prepare(settings))
    uvicorn.run(
        create_app(settings), host="127.0.0.1", port=port, access_log=False, timeout_graceful_shutdown=2
    )


if __name__ == "__main__":
    main()

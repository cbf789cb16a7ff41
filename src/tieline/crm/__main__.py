"""`python -m tieline.crm --dev`: one org for development, on loopback.

Settings: `--database-url` or `TIELINE_CRM_DATABASE_URL`, `--port` (8401), `--web-dist`; the holder of
`TIELINE_CRM_FAULTS_KEY` may set faults. Makes the org `acme` with an administrator and two sample users where it
does not exist yet.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
from pathlib import Path

import uvicorn

from . import sample
from .app import create_app
from .provision import create_org
from .settings import CrmSettings

PASSWORD = "tieline-demo"  # noqa: S105 - a development org on loopback


async def _prepare(settings: CrmSettings) -> None:
    await create_org(
        settings,
        name="acme",
        label="Acme",
        admin_username="admin@acme.example",
        admin_password=PASSWORD,
    )
    await sample.load(settings, "acme", PASSWORD, users_only=True)


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
        faults_key=os.environ.get("TIELINE_CRM_FAULTS_KEY"),
        **({"web_dist": arguments.web_dist} if arguments.web_dist else {}),
    )
    asyncio.run(_prepare(settings))
    uvicorn.run(
        create_app(settings), host="127.0.0.1", port=port, access_log=False, timeout_graceful_shutdown=2
    )


if __name__ == "__main__":
    main()

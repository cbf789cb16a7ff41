"""The org as its administrator's tools reach it over REST: packages deployed."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx2
from tests.journeys.conftest import Demo
from tests.journeys.desk import ADMIN, PASSWORD

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
_LOGIN = (
    '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><login xmlns="urn:partner.soap.sforce.com">'
    "<username>{}</username><password>{}</password></login></Body></Envelope>"
)


@asynccontextmanager
async def as_administrator(demo: Demo, email: str = ADMIN.email) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the org's REST API, signed in as tools are."""
    headers = {"Host": f"{demo.org}.my.localhost:{demo.base + 1}"}
    org = f"http://127.0.0.1:{demo.base + 1}"
    async with httpx2.AsyncClient(base_url=org, headers=headers, timeout=30) as http:
        signed = await http.post(
            "/services/Soap/u/66.0",
            content=_LOGIN.format(email, PASSWORD),
            headers={"Content-Type": "text/xml", "SOAPAction": "login"},
        )
        session = re.search(r"<sessionId>([^<]+)<", signed.text)
        assert session, signed.text
        http.headers["Authorization"] = f"Bearer {session.group(1)}"
        yield http


def _packed(files: Mapping[str, str], members: Mapping[str, str]) -> bytes:
    types = "".join(
        f"<types><members>{name}</members><name>{kind}</name></types>" for kind, name in members.items()
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(
            "package.xml", f'<?xml version="1.0"?><Package {NS}>{types}<version>66.0</version></Package>'
        )
        for path, content in files.items():
            out.writestr(path, content)
    return packed.getvalue()


async def deploy(demo: Demo, files: Mapping[str, str], **members: str) -> None:
    """Deploys files; `members` are the names in them by type."""
    async with as_administrator(demo) as http:
        answer = await http.post(
            "/services/data/v66.0/metadata/deployRequest",
            files={
                "json": (None, '{"deployOptions": {}}', "application/json"),
                "file": ("package.zip", _packed(files, members), "application/zip"),
            },
        )
        assert answer.status_code == 201, answer.text
        asked = f"/services/data/v66.0/metadata/deployRequest/{answer.json()['id']}"
        async with asyncio.timeout(30):
            while not (result := (await http.get(asked)).json()["deployResult"])["done"]:
                await asyncio.sleep(0.05)
        assert result["success"], result

"""The org as its administrator's tools reach it: packages deployed over REST."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile

import httpx2
from tests.journeys.conftest import Demo
from tests.journeys.desk import ADMIN, PASSWORD

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


async def deploy(demo: Demo, files: dict[str, str], **members: str) -> None:
    """Deploys files; `members` are the names in them by type."""
    org = f"http://127.0.0.1:{demo.base + 1}"
    login = (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><login xmlns="urn:partner.soap.sforce.com">'
        f"<username>{ADMIN.email}</username><password>{PASSWORD}</password></login></Body></Envelope>"
    )
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
    headers = {"Host": f"acme.my.localhost:{demo.base + 1}"}
    async with httpx2.AsyncClient(base_url=org, headers=headers, timeout=30) as http:
        signed = await http.post(
            "/services/Soap/u/66.0",
            content=login,
            headers={"Content-Type": "text/xml", "SOAPAction": "login"},
        )
        session = re.search(r"<sessionId>([^<]+)<", signed.text)
        assert session, signed.text
        bearer = {"Authorization": f"Bearer {session.group(1)}"}
        answer = await http.post(
            "/services/data/v66.0/metadata/deployRequest",
            files={
                "json": (None, '{"deployOptions": {}}', "application/json"),
                "file": ("package.zip", packed.getvalue(), "application/zip"),
            },
            headers=bearer,
        )
        assert answer.status_code == 201, answer.text
        asked = f"/services/data/v66.0/metadata/deployRequest/{answer.json()['id']}"
        async with asyncio.timeout(30):
            while not (result := (await http.get(asked, headers=bearer)).json()["deployResult"])["done"]:
                await asyncio.sleep(0.05)
        assert result["success"], result

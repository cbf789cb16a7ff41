"""The embedded org as the twin of Salesforce: a process of its own, met over real HTTP."""

from __future__ import annotations

import asyncio
import copy
import html
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
from tests.plain_http import plain_http
from tests.ports import free_ports

from tieline.children import dies_with_parent
from tieline.salesforce.client import API_VERSION
from tieline.salesforce_package import Hosts, metadata, project, zipped

ADMIN, PASSWORD = "admin@acme.example", "tieline-demo"
CLIENT_ID, CLIENT_SECRET = "3MVG9tieline-test", "secret-of-the-test-client"
PUBLIC_URL = "http://localhost:18990"
HOSTS = Hosts.of(PUBLIC_URL, "http://acme.localhost:18990")
FAULTS_HEADER = {"X-Faults-Key": "key-of-the-test"}
CALLBACK = PUBLIC_URL + "/oauth/salesforce/callback"


def package(hosts: Hosts = HOSTS) -> bytes:
    """Our package, with the key and secret that an administrator would read in the org's Set-up."""
    files = metadata(project(), hosts)
    path = "extlClntAppGlobalOauthSets/Tieline_glbloauth.ecaGlblOauth"
    keys = f"<consumerKey>{CLIENT_ID}</consumerKey><consumerSecret>{CLIENT_SECRET}</consumerSecret></Extl"
    return zipped(files | {path: files[path].replace(b"</Extl", keys.encode())})


class Failing:
    """Faults that an org was told to have."""

    def __init__(self, http: httpx2.AsyncClient, url: str, ids: list[str]) -> None:
        self._http = http
        self._url = url
        self.ids = ids

    async def hits(self) -> int:
        """How many requests met them."""
        answers = [
            await self._http.get(f"{self._url}/{rule_id}", headers=FAULTS_HEADER) for rule_id in self.ids
        ]
        return sum(answer.json()["hits"] for answer in answers)


class Org:
    """One org with our metadata in it. `stop` and `start` take it away and bring it back."""

    def __init__(
        self, database_url: str, folder: Path, *, port: int | None = None, callback: str = CALLBACK
    ) -> None:
        """`port` is that of an org that somebody else serves."""
        self.port = port or free_ports()
        self._callback = callback
        self.base = f"http://localhost:{self.port}"
        self.my = f"http://acme.my.localhost:{self.port}"
        self.lightning = f"http://acme.lightning.localhost:{self.port}"
        self._database_url = database_url
        self._log = folder / "org.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.http = plain_http(timeout=30)
        self.username, self.password = ADMIN, PASSWORD
        self._cookies: dict[str, dict[str, str]] = {}
        self._csrf = ""

    def visitor(self, username: str) -> Org:
        """The same org in the browser of another user, who has the administrator's password."""
        other = copy.copy(self)
        other.http = plain_http(timeout=30)
        other.username, other._cookies, other._csrf = username, {}, ""
        return other

    async def permit(self, user_id: str, permission_set: str) -> None:
        """Give a user a permission set."""
        query = f"SELECT Id FROM PermissionSet WHERE Name = '{permission_set}'"
        shown = await self.console("GET", f"data/v{API_VERSION}/query", params={"q": query})
        body = {"AssigneeId": user_id, "PermissionSetId": shown.json()["records"][0]["Id"]}
        path = f"data/v{API_VERSION}/sobjects/PermissionSetAssignment"
        answer = await self.console("POST", path, json=body)
        assert answer.status_code == 201, answer.text

    async def start(self) -> None:
        """Start the process and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, forking takes no time
                [sys.executable, "-m", "tieline.crm", "--dev", "--port", str(self.port)],
                env={
                    **os.environ,
                    "TIELINE_CRM_DATABASE_URL": self._database_url,
                    "TIELINE_CRM_FAULTS_KEY": FAULTS_HEADER["X-Faults-Key"],
                },
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        async with asyncio.timeout(100):
            while True:
                if self._process.poll() is not None:
                    raise RuntimeError(self._log.read_text()[-2000:])
                try:
                    if (await self.http.get(f"{self.base}/health")).status_code == 200:
                        return
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Kill the process, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    @asynccontextmanager
    async def failing(self, *rules: dict[str, Any]) -> AsyncGenerator[Failing]:
        """The org fails by these rules inside."""
        url = f"{self.base}/services/faults"
        ids: list[str] = []
        for rule in rules:
            answer = await self.http.post(url, json=rule, headers=FAULTS_HEADER)
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
        yield Failing(self.http, url, ids)
        for rule_id in ids:
            await self.http.delete(f"{url}/{rule_id}", headers=FAULTS_HEADER)

    async def set_up(self) -> None:
        """Sign in as the administrator and deploy our metadata, as the demo does."""
        await self.sign_in()
        await self.deploy(package())

    async def deploy(self, content: bytes) -> dict[str, Any]:
        """Deploy a zip through the console's session; all of it or nothing. Gives the details."""
        options = {"rollbackOnError": True, "singlePackage": True, "testLevel": "NoTestRun"}
        path = f"data/v{API_VERSION}/metadata/deployRequest"
        answer = await self.console(
            "POST",
            path,
            files={
                "json": (None, json.dumps({"deployOptions": options}), "application/json"),
                "file": ("deploy.zip", content, "application/zip"),
            },
        )
        assert answer.status_code == 201, answer.text
        path += f"/{answer.json()['id']}"
        async with asyncio.timeout(180):
            while True:
                shown = await self.console("GET", path, params={"includeDetails": "true"})
                result = shown.json()["deployResult"]
                if result["done"]:
                    break
                await asyncio.sleep(0.05)
        assert result["status"] == "Succeeded", result["details"]["componentFailures"]
        return result

    async def sign_in(self) -> None:
        """The user's console session, by the sign-in form."""
        page = await self._send("GET", f"{self.my}/login")
        form = hidden(page.text) | {
            "username": self.username,
            "password": self.password,
            "startURL": "/",
        }
        answer = await self._send(
            "POST",
            f"{self.my}/login",
            data=form,
            headers={"Origin": self.my, "Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code in (302, 303), answer.text
        await self._follow("GET", f"{self.lightning}/lightning/page/home")
        bootstrap = await self._send("GET", f"{self.lightning}/console/api/bootstrap")
        assert bootstrap.status_code == 200, bootstrap.text
        self._csrf = bootstrap.json()["csrf_token"]

    async def console(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """A request of the administrator's console."""
        headers = {"X-CSRF-Token": self._csrf, "Origin": self.lightning}
        return await self._send(method, f"{self.lightning}/console/api/{path}", headers=headers, **more)

    async def allow(self, authorize_url: str) -> dict[str, str]:
        """What the administrator's browser does at the authorise page. Gives the callback's parameters."""
        url, page = await self._follow("GET", authorize_url)
        if not url.startswith(self._callback):
            form = hidden(page.text) | {"decision": "allow"}
            answer = await self._send(
                "POST",
                f"{self.my}/services/oauth2/authorize",
                data=form,
                headers={"Origin": self.my, "Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status_code in (302, 303), f"{url}: {answer.status_code} {page.text[-600:]}"
            url = answer.headers["location"]
        assert url.startswith(self._callback), url
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    async def _follow(self, method: str, url: str) -> tuple[str, httpx2.Response]:
        for _ in range(12):
            response = await self._send(method, url)
            if response.status_code not in (301, 302, 303, 307):
                return url, response
            url = urljoin(url, response.headers["location"])
            if url.startswith(self._callback):
                return url, response
        raise AssertionError("too many redirects")

    async def _send(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """One request with the cookies of its host, to the socket address: not everybody resolves *.localhost."""
        parts = urlsplit(url)
        jar = self._cookies.setdefault(parts.netloc, {})
        headers = {"Host": parts.netloc, **more.pop("headers", {})}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        query = urlencode(more.pop("params")) if "params" in more else parts.query
        target = f"http://127.0.0.1:{self.port}{parts.path or '/'}" + (f"?{query}" if query else "")
        response = await self.http.request(method, target, headers=headers, **more)
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            if "max-age=0" in line.lower():
                jar.pop(name, None)
            else:
                jar[name] = value
        return response


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)
    return {name: html.unescape(value) for name, value in found}

"""The demo's set-up: what two administrators would click, done over HTTP by a browser without a screen.

The org's administrator installs the package, activates it, gives permission sets and call center to users, adds the
softphone to their app, makes its layout and contacts; the contact center's administrator connects the org by OAuth and
switches on the agents' client integration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import httpx2
from lxml import html
from sqlalchemy import select

from tieline.agents.service import make_agent
from tieline.db.database import Database
from tieline.demo.places import (
    ADMINISTRATOR,
    AGENTS,
    ORG,
    PASSWORD,
    QUEUE_NUMBERS,
    DemoError,
    Places,
)
from tieline.identity import accounts, people
from tieline.queues.service import make_queue
from tieline.salesforce.client import quoted
from tieline.salesforce.tables import connection

API = "/console/api/data/v66.0"
PACKAGES = "/console/api/setup/packages"
APPS = "/console/api/setup/apps"
INDEX_S = INSTALL_S = 60.0
CALL_CENTER = "TielineContactCenter"
LAYOUTS = "/console/api/setup/softphone-layouts"
LIGHTNING_APPS = "/console/api/setup/lightning-apps"
LAYOUT = "Contact Center"
STANDARD_APPS = ("LightningService", "LightningSales")
SOFTPHONE = {"type": "softphone", "width": 340, "height": 480, "auto_start": True}
INBOUND = {
    "callRelatedFields": ["ANI", "DNIS", "QUEUE"],
    "objects": {
        "Contact": [{"displayName": name, "apiName": name} for name in ("Name", "Phone", "MobilePhone")],
        "Account": [{"displayName": name, "apiName": name} for name in ("Name", "Phone")],
        "Lead": [{"displayName": name, "apiName": name} for name in ("Name", "Phone")],
    },
    "screenPopSettings": {
        "screenPopsOpenWithin": "ExistingWindow",
        "NoMatch": {"screenPopType": "PopToEntity", "screenPopData": "Contact"},
        "SingleMatch": {"screenPopType": "PopToDetail"},
        "MultipleMatches": {"screenPopType": "PopToSearch"},
    },
}
CLIENT_APP = "Tieline"
"""The external client app that the package brings."""

DISPOSITIONS = (
    "Resolved / 解決",
    "Follow-up needed / 要フォロー",
    "Callback requested / 折り返し希望",
    "Wrong number / 間違い電話",
)

# Numbers are written as people write them: that they match all the same is the point.
CONTACTS: tuple[dict[str, str], ...] = (
    {
        "FirstName": "花子",
        "LastName": "佐藤",
        "Phone": "03-1234-5678",
        "Title": "購買部長",
        "Email": "hanako.sato@sakura.example",
        "account": "さくら商事株式会社",
    },
    {
        "FirstName": "健太",
        "LastName": "鈴木",
        "MobilePhone": "090-1234-5678",
        "Email": "kenta.suzuki@sakura.example",
        "account": "さくら商事株式会社",
    },
    {
        "FirstName": "Olivia",
        "LastName": "Martin",
        "Phone": "(415) 555-0123",
        "Title": "Operations Manager",
        "Email": "olivia.martin@bayside.example",
        "account": "Bayside Logistics",
    },
    {
        "FirstName": "Noah",
        "LastName": "Garcia",
        "Phone": "415.555.0177",
        "Title": "Owner",
        "account": "Garcia & Sons",
    },
    {
        "FirstName": "Sofia",
        "LastName": "Garcia",
        "MobilePhone": "+1 415 555 0177",
        "Title": "Bookkeeper",
        "account": "Garcia & Sons",
    },
    {
        "FirstName": "Liam",
        "LastName": "O'Connor",
        "Phone": "+44 20 7946 0018",
        "Email": "liam@oconnor.example",
    },
)
TEST_NUMBERS = (
    {
        "value": "(415) 555-0123",
        "label_en": "Olivia Martin, a known contact",
        "label_ja": "Olivia Martin さん（登録済みの取引先責任者）",
    },
    {
        "value": "415-555-0177",
        "label_en": "A number two contacts share",
        "label_ja": "2 人の取引先責任者が共有する番号",
    },
    {"value": "+1 415 555 0199", "label_en": "An unknown number", "label_ja": "登録のない番号"},
    {
        "value": "03-1234-5678",
        "label_en": "佐藤 花子, typed the Japanese way",
        "label_ja": "佐藤 花子さん（国内表記の番号）",
    },
)


async def make_account(db: Database, *, empty: bool) -> None:
    """The contact center's side: account, users, queue. Doing it twice is doing it once.

    With `empty` it has no numbers of sample contacts to call from.
    """
    async with db.system() as tx:
        if await people.account_by_vanity(tx, ORG) is not None:
            return
        await people.make_account(
            tx,
            name="Acme",
            vanity=ORG,
            test_phone=True,
            web_calls=True,
            time_zone=accounts.local_time_zone(),
            test_numbers=[] if empty else TEST_NUMBERS,
        )
        users: list[UUID] = []
        for who in (ADMINISTRATOR, *AGENTS):
            roles = ["owner", "administrator"] if who is ADMINISTRATOR else ["agent"]
            users.append(
                await people.make_user(
                    tx, email=who.email, name=who.name, language=who.language, roles=roles, password=PASSWORD
                )
            )
        for user in users[1:]:
            await make_agent(tx, user)
        await make_queue(
            tx,
            slug="support",
            name="support",
            numbers=QUEUE_NUMBERS,
            members=users[1:],
            disposition_labels=DISPOSITIONS,
        )


class _Loopback(httpx2.AsyncHTTPTransport):
    """Every name is this machine: programs do not all resolve names below localhost, browsers do."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        here = httpx2.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await super().handle_async_request(here)


class Browser:
    """A browser without a screen: cookies, redirects, forms."""

    def __init__(self) -> None:
        self.http = httpx2.AsyncClient(
            transport=_Loopback(), follow_redirects=True, timeout=30, headers={"Accept-Language": "en"}
        )

    async def submit(self, page: httpx2.Response, fields: Mapping[str, str]) -> httpx2.Response:
        """Fill in the page's form and send it, as the page's button would."""
        forms = html.fromstring(page.content).forms
        if not forms:
            raise DemoError(f"{page.url} shows no form (HTTP {page.status_code}).")
        form = forms[0]
        values = {name: value or "" for name, value in form.form_values()} | dict(fields)
        target = urljoin(str(page.url), form.action or "")
        parts = urlsplit(str(page.url))
        return await self.http.post(
            target, data=values, headers={"Origin": f"{parts.scheme}://{parts.netloc}"}
        )


class DemoSetup:
    """Drives both sides; `package` is the version on the org's shelf that is installed. Use `async with`."""

    def __init__(self, at: Places, db: Database, package: str) -> None:
        self._at = at
        self._db = db
        self._package = package
        self._browser = Browser()
        self._console: dict[str, str] = {}
        self._portal: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._browser.http.aclose()

    async def run(self, say: Callable[[str], object]) -> None:
        """Everything, in the order of the guide; what is there already is left as it is."""
        say("Signing in to the CRM…")
        await self._sign_in_to_console()
        say("Installing the package…")
        await self._install()
        say("Making users and contacts…")
        await self._users()
        await self._softphone()
        await self._country_codes()
        await self._activate()
        await self._contacts()
        say("Connecting the contact center to the CRM…")
        await self._sign_in_to_portal()
        connection_id = await self._connect()
        say("Loading the phone index…")
        await self._indexed(connection_id)

    # -- the CRM's side ---

    async def _sign_in_to_console(self) -> None:
        page = await self._browser.http.get(f"{self._at.console_origin}/lightning/page/home")
        page = await self._browser.submit(page, {"username": ADMINISTRATOR.email, "password": PASSWORD})
        if not str(page.url).startswith(self._at.console_origin):
            raise DemoError(f"Signing in to the CRM led to {page.url} (HTTP {page.status_code}).")
        shown = await self._browser.http.get(f"{self._at.console_origin}/console/api/bootstrap")
        self._console = {
            "X-CSRF-Token": _json(shown)["csrf_token"],
            "Origin": self._at.console_origin,
        }

    async def _crm(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._browser.http.request(
            method, f"{self._at.console_origin}{path}", json=body, headers=self._console
        )
        return _json(answer)

    async def _query(self, soql: str) -> list[dict[str, Any]]:
        answer = await self._browser.http.get(f"{self._at.console_origin}{API}/query", params={"q": soql})
        return _json(answer)["records"]

    async def _ids(self, object_type: str, field: str, value: str) -> list[str]:
        rows = await self._query(f"SELECT Id FROM {object_type} WHERE {field} = {quoted(value)}")  # noqa: S608
        return [row["Id"] for row in rows]

    async def _install(self) -> None:
        """Install for administrators, as the install page does."""
        asked = await self._crm(
            "POST",
            PACKAGES,
            {"version_id": self._package, "audience": "administrators"},
        )
        deadline = time.monotonic() + INSTALL_S
        while asked["status"] == "IN_PROGRESS":
            if time.monotonic() > deadline:
                raise DemoError(f"The package is not installed after {INSTALL_S:.0f} s; see logs/crm.log.")
            await asyncio.sleep(0.05)
            asked = await self._crm("GET", f"{PACKAGES}/requests/{asked['id']}")
        if asked["status"] != "SUCCESS":
            raise DemoError(f"The package could not be installed: {'; '.join(asked['problems'])}")

    async def _permit(self, permission_set: str, users: list[str]) -> None:
        """Give users a permission set, those who do not have it yet."""
        (set_id,) = await self._ids("PermissionSet", "Name", permission_set)
        rows = await self._query(
            f"SELECT AssigneeId FROM PermissionSetAssignment WHERE PermissionSetId = {quoted(set_id)}"  # noqa: S608
        )
        for user in set(users) - {row["AssigneeId"] for row in rows}:
            body = {"AssigneeId": user, "PermissionSetId": set_id}
            await self._crm("POST", f"{API}/sobjects/PermissionSetAssignment", body)

    async def _users(self) -> None:
        centers = await self._ids("CallCenter", "InternalName", CALL_CENTER)
        users: list[str] = []
        for who in AGENTS:
            found = await self._ids("User", "Username", who.email)
            if found:
                users += found
                continue
            made = await self._crm(
                "POST",
                "/console/api/setup/users",
                {
                    "username": who.email,
                    "email": who.email,
                    "first_name": who.first_name,
                    "last_name": who.last_name,
                    "password": PASSWORD,
                    "language": "ja" if who.language == "ja" else "en_US",
                    "locale": "ja_JP" if who.language == "ja" else "en_US",
                    "time_zone": "Asia/Tokyo" if who.language == "ja" else "America/Los_Angeles",
                    "profile": "Standard User",
                },
            )
            users.append(made["id"])
        await self._crm("POST", f"/console/api/setup/call-centers/{centers[0]}/users", {"user_ids": users})
        await self._permit("Tieline_Agent", users)
        await self._permit("Tieline_Administrator", await self._ids("User", "Username", ADMINISTRATOR.email))

    async def _softphone(self) -> None:
        """The utility items and the softphone layout, as App Manager and *Softphone Layouts* write them."""
        layouts = (await self._crm("GET", LAYOUTS))["layouts"]
        if any(layout["name"] == LAYOUT for layout in layouts):
            return
        for app in (await self._crm("GET", LIGHTNING_APPS))["apps"]:
            # The package's console brings its own item; its administration needs none.
            if app["name"] in STANDARD_APPS and all(
                item["type"] != "softphone" for item in app["utility_items"]
            ):
                items = {"utility_items": [SOFTPHONE, *app["utility_items"]]}
                await self._crm("PATCH", f"{LIGHTNING_APPS}/{app['name']}", items)
        body = {"name": LAYOUT, "is_default": True, "layout": {"Inbound": INBOUND}}
        await self._crm("POST", LAYOUTS, body)

    async def _country_codes(self) -> None:
        have = {row["Code__c"] for row in await self._query("SELECT Code__c FROM Tieline_Country_Code__c")}
        for order, code in enumerate(("1", "81"), 1):
            if code not in have:
                row = {"Name": f"+{code}", "Code__c": code, "Order__c": order}
                await self._crm("POST", f"{API}/sobjects/Tieline_Country_Code__c", row)

    async def _activate(self) -> None:
        """Activate the product, as its card does; one that was deactivated stays so."""
        if await self._query("SELECT Id FROM Tieline_Product_Setup__c WHERE Product__c = 'ContactCenter'"):
            return
        (me,) = await self._ids("User", "Username", ADMINISTRATOR.email)
        values = {
            "Name": "ContactCenter",
            "Product__c": "ContactCenter",
            "Active__c": True,
            "Activated_At__c": datetime.now(UTC).isoformat(),
            "Activated_By__c": me,
        }
        await self._crm("POST", f"{API}/sobjects/Tieline_Product_Setup__c", values)

    async def _contacts(self) -> None:
        accounts = {row["Name"]: row["Id"] for row in await self._query("SELECT Id, Name FROM Account")}
        have = {
            (row["FirstName"], row["LastName"])
            for row in await self._query("SELECT FirstName, LastName FROM Contact")
        }
        for contact in CONTACTS:
            fields = dict(contact)
            name = fields.pop("account", None)
            if (fields["FirstName"], fields["LastName"]) in have:
                continue
            if name is not None and name not in accounts:
                accounts[name] = (await self._crm("POST", f"{API}/sobjects/Account", {"Name": name}))["id"]
            await self._crm(
                "POST", f"{API}/sobjects/Contact", fields | ({"AccountId": accounts[name]} if name else {})
            )

    async def _client_keys(self) -> tuple[str, str]:
        """Key and a fresh secret of the package's client app, as its page in Set-up shows them."""
        apps = (await self._crm("GET", APPS))["apps"]
        client_id = next(app["client_id"] for app in apps if app["name"] == CLIENT_APP)
        shown = await self._crm("PATCH", f"{APPS}/{client_id}", {"new_secret": True})
        return client_id, shown["client_secret"]

    # -- the contact center's side ---

    async def _sign_in_to_portal(self) -> None:
        answer = await self._browser.http.post(
            f"{self._at.public_url}/api/v1/session",
            json={"email": ADMINISTRATOR.email, "password": PASSWORD},
            headers={"Origin": self._at.public_url},
        )
        self._portal = {"X-CSRF-Token": _json(answer)["csrf_token"], "Origin": self._at.public_url}

    async def _connect(self) -> UUID:
        http = self._browser.http
        async with self._db.system() as tx:
            row = await tx.one(
                select(connection.c.id, connection.c.state).where(connection.c.name == "Acme CRM")
            )
        if row is not None and row.state == "connected":
            connection_id = row.id
        else:
            if row is not None:
                await http.delete(f"{self._at.public_url}/api/v1/connections/{row.id}", headers=self._portal)
            client_id, secret = await self._client_keys()
            begun = _json(
                await http.post(
                    f"{self._at.public_url}/api/v1/connections",
                    json={
                        "name": "Acme CRM",
                        "environment": "embedded",
                        "client_id": client_id,
                        "client_secret": secret,
                        "api_base": self._at.crm_url,
                        "login_origin": self._at.login_origin,
                        "embedding_origins": [self._at.console_origin, self._at.login_origin],
                    },
                    headers=self._portal,
                )
            )
            # The browser is signed in to the org; what remains is to allow.
            page = await http.get(begun["authorize_url"])
            if "/oauth/salesforce/callback" not in str(page.history[-1].url if page.history else page.url):
                page = await self._browser.submit(page, {"decision": "allow"})
            connection_id = UUID(begun["id"])
        async with self._db.system() as tx:
            state = await tx.scalar(select(connection.c.state).where(connection.c.id == connection_id))
            if state != "connected":
                raise DemoError(f"Connecting to the CRM ended in state {state}.")
            tx.account_id = await people.account_by_vanity(tx, ORG)
            await people.set_client_integration(tx, [who.email for who in AGENTS], connection_id)
        return connection_id

    async def _indexed(self, connection_id: UUID) -> None:
        deadline = time.monotonic() + INDEX_S
        while True:
            async with self._db.system() as tx:
                state = await tx.scalar(
                    select(connection.c.index_state).where(connection.c.id == connection_id)
                )
            if state == "ready":
                return
            if time.monotonic() > deadline:
                raise DemoError(
                    f"The phone index is still {state} after {INDEX_S:.0f} s; see logs/worker.log."
                )
            await asyncio.sleep(0.1)


def _json(answer: httpx2.Response) -> Any:
    if answer.status_code >= 400:
        raise DemoError(
            f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text[:300]}"
        )
    return answer.json() if answer.content else None

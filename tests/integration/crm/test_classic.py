"""Addresses of Salesforce Classic lead to pages of the console."""

from __future__ import annotations

import httpx2
import pytest

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World
from .test_rest import make


@pytest.fixture(autouse=True)
def of_people(browser: Browser, console: Browser) -> None:
    """Requests of these tests are for pages."""
    for each in (browser, console):
        each.http.headers["Accept"] = "text/html"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/home/home.jsp", "/lightning/page/home"),
        ("/003", "/lightning/o/Contact/list"),
        ("/003/o", "/lightning/o/Contact/list"),
        ("/00Q/e?retURL=%2F00Q", "/lightning/o/Lead/new"),
        ("/_ui/search/ui/UnifiedSearchResults?str=Holt+%26+Co", "/lightning/search?q=Holt%20%26%20Co"),
        ("/?ec=302&startURL=%2Fhome%2Fhome.jsp", "/lightning/page/home"),
    ],
)
async def test_a_classic_address_leads_to_its_page(console: Browser, address: str, path: str) -> None:
    for origin in (console.my, console.lightning):
        url, response = await console.follow("GET", f"{origin}{address}")
        assert url == console.lightning + path
        assert response.status_code == 200


async def test_a_bare_id_opens_its_record(console: Browser, admin: httpx2.AsyncClient) -> None:
    contact = await make(admin, "Contact", LastName="Bookmarked")
    for address in (contact, contact[:15], f"{contact}/e"):
        url, _ = await console.follow("GET", f"{console.my}/{address}")
        assert url == f"{console.lightning}/lightning/r/Contact/{contact}/view"


@pytest.mark.parametrize(
    "address", ["/apex/Softphone", "/setup/ui/listCustomTabs.apexp", "/zzz/o", "/p/own/Own/x"]
)
async def test_what_has_no_page_gets_the_console_s_page_about_it(console: Browser, address: str) -> None:
    url, response = await console.follow("GET", f"{console.my}{address}")
    assert url == f"{console.lightning}{address}"
    assert "tieline-config" in response.text


async def test_signing_in_comes_back_to_the_classic_address(world: World, browser: Browser) -> None:
    url, _ = await browser.follow("GET", f"{browser.my}/003/o")
    assert url.startswith(f"{browser.my}/login?startURL=")
    await browser.sign_in(ADMIN, PASSWORD)
    url, _ = await browser.follow("GET", f"{browser.my}/003/o")
    assert url == f"{browser.lightning}/lightning/o/Contact/list"


async def test_a_start_address_elsewhere_is_not_followed(console: Browser) -> None:
    for start in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        response = await console.send("GET", f"{console.my}/", params={"startURL": start})
        assert response.headers["location"] == f"{console.lightning}/lightning/page/home"

"""The console as an agent feels it: first paint, lists of 100,000 records, record pages, tabs.

Times are taken inside the page: from the click to the frame after the wanted page was in the document.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench.figures import Figure, percentile
from bench.org import contacts, served
from playwright.async_api import Page
from tests.journeys.computer import Computer
from tests.journeys.desk import sign_in_to_crm

from tieline.local_org import PASSWORD

RECORDS = 100_000
TABS = 5
_AFTER = """([click, wanted, text]) => new Promise((resolve, reject) => {
  const shown = (element) => element.checkVisibility() && element.textContent.includes(text);
  const there = () => [...document.querySelectorAll(wanted)].some(shown);
  const target = [...document.querySelectorAll(click)].find((element) => element.checkVisibility());
  if (!target || there()) return reject(new Error(target ? 'it is there already' : `nothing to click: ${click}`));
  const began = performance.now();
  const look = () => {
    if (!there()) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  target.click();
  look();
  setTimeout(() => reject(new Error(`not within 20 s: ${wanted}`)), 20000);
})"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


async def run(rounds: int) -> list[Figure]:
    """One org, one browser; each page `4 * rounds` times after one time that is not counted."""
    times = 4 * rounds
    async with AsyncExitStack() as stack:
        org = await stack.enter_async_context(served())
        await contacts(org.http, RECORDS)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-console-")))
        computer = await stack.enter_async_context(Computer(folder))
        page = await computer.open(f"http://localhost:{org.port}/")
        await sign_in_to_crm(page, "agent2@acme.example", PASSWORD)
        painted, drawn = await _first_paints(page, org.port, times)
        listed, opened = list[float](), list[float]()
        for number in range(-1, times):
            await page.goto(f"{_console(org.port)}/lightning/page/home")
            await page.locator("main h1").first.wait_for()
            list_ms, record_ms = await _list_and_record(page, number)
            if number >= 0:
                listed.append(list_ms)
                opened.append(record_ms)
        switched = await _tabs(page, org.port, times)
    return [
        _figure("first paint, nothing in the cache", painted, 1000),
        _figure("home page drawn, nothing in the cache", drawn, None),
        _figure(f"first page of a list of {RECORDS:,} records", listed, 300),
        _figure("record page from a list", opened, 250),
        _figure(f"switch between {TABS} tabs", switched, 100),
    ]


def _figure(name: str, values: list[float], most: float | None) -> Figure:
    note = f"median {statistics.median(values):.0f}, {len(values)} times"
    return Figure(f"{name}, p95", percentile(values, 95), "ms", most=most, note=note)


def _console(port: int) -> str:
    return f"http://acme.lightning.localhost:{port}"


async def _first_paints(page: Page, port: int, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the start of a navigation to the first paint, and to the page's heading."""
    painted, drawn = list[float](), list[float]()
    browser = await page.context.new_cdp_session(page)
    for number in range(-1, times):
        await browser.send("Network.clearBrowserCache")
        await page.goto(f"{_console(port)}/lightning/page/home")
        await page.wait_for_function("() => document.querySelector('main h1')?.textContent.trim()")
        drawn_ms: float = await page.evaluate("() => performance.now()")
        first: Any = await page.wait_for_function(_PAINT)
        if number >= 0:
            drawn.append(drawn_ms)
            painted.append(await first.json_value())
    return painted, drawn


async def _list_and_record(page: Page, number: int) -> tuple[float, float]:
    """The list of contacts, then a record of it that no page has shown yet; each by a click."""
    await page.get_by_role("button", name="Show Navigation Menu", exact=True).click()
    item = page.get_by_role("menuitem", name="Contacts", exact=True)
    await item.evaluate("(element) => element.id = 'item'")
    rows = "main [role=grid] tbody tr a, main table tbody tr a"
    list_ms: float = await page.evaluate(_AFTER, ["#item", rows, "Bench"])
    at = 2 + max(number, 0) % 40
    links = page.locator("main tbody tr").nth(at).get_by_role("link")
    name, path = await links.first.text_content() or "", await links.first.get_attribute("href") or ""
    record_ms: float = await page.evaluate(_AFTER, [f"main a[href='{path}']", "main h1", name])
    await page.evaluate("() => sessionStorage.clear()")
    return list_ms, record_ms


async def _tabs(page: Page, port: int, times: int) -> list[float]:
    """Milliseconds from a click on a tab to its record, all tabs having been shown before."""
    await page.goto(f"{_console(port)}/lightning/o/Contact/list")
    rows = page.locator("main tbody tr")
    await rows.nth(TABS).wait_for()
    found: list[tuple[str, str]] = []
    for at in range(TABS):
        link = rows.nth(at).get_by_role("link").first
        found.append((await link.text_content() or "", await link.get_attribute("href") or ""))
    for name, path in found:
        await page.goto(f"{_console(port)}{path}")
        await page.locator("main h1", has_text=name).first.wait_for()
    took: list[float] = []
    for number in range(TABS + times):
        name, path = found[number % TABS]
        heading = "main h1, main [role=tabpanel] h1"
        ms: float = await page.evaluate(_AFTER, [f"a[href='{path}']:not(main a)", heading, name])
        if number >= TABS:
            took.append(ms)
    return took

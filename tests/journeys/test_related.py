"""An administrator says what calls may be related to; an agent who is in the middle of one relates it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from tests.journeys.computer import Computer
from tests.journeys.conftest import CALLER_HZ, Demo, Street, note, pictured
from tests.journeys.desk import ADMIN, Desk, sign_in_to_crm
from tests.journeys.looks import look
from tests.journeys.org import as_administrator

pytestmark = pytest.mark.timeout(300)


async def related_objects(demo: Demo, computer: Computer) -> tuple[Page, Locator]:
    """The administrator's settings page with its tab of related objects in front."""
    page = await computer.open(demo.crm)
    await sign_in_to_crm(page, ADMIN.email)
    await page.goto(f"{demo.console}/lightning/n/Tieline_Settings")
    await page.get_by_role("tab", name="Related objects").click()
    return page, page.get_by_role("tabpanel").filter(has_text="Object to add")


async def an_opportunity(demo: Demo, owner: str) -> str:
    """A new opportunity of somebody's; gives its name."""
    name = note("Pallets")
    async with as_administrator(demo) as http:
        query = {"q": f"SELECT Id FROM User WHERE Username = '{owner}'"}
        (user,) = (await http.get("/services/data/v66.0/query", params=query)).json()["records"]
        body = {"Name": name, "StageName": "Prospecting", "CloseDate": "2027-01-01", "OwnerId": user["Id"]}
        made = await http.post("/services/data/v66.0/sobjects/Opportunity", json=body)
        assert made.status_code == 201, made.text
    return name


async def test_a_call_is_related_once_an_object_is_chosen(
    demo: Demo, emma: Desk, street: Street, tmp_path: Path
) -> None:
    wrong: list[str] = []
    wanted = await an_opportunity(demo, emma.who.email)
    async with (
        Computer(tmp_path, microphone_for=demo.console, hz=CALLER_HZ) as computer,
        pictured(computer, "admin"),
    ):
        page, panel = await related_objects(demo, computer)
        await panel.get_by_text("No object is chosen").wait_for()
        await emma.become("ready")
        # The pages of three computers may take their time.
        async with demo.queue_set(ring_ms=120_000):
            await street.call("(415) 555-0123")
            await emma.card("incoming").wait_for(timeout=60_000)
            await emma.answer()
        # Nothing is chosen: there is no control.
        await expect(emma.card("talking").get_by_text(emma.say("relate.title"), exact=True)).to_have_count(0)

        for name in ("Opportunity", "Case", "Contact"):
            await panel.get_by_label("Object to add").select_option(label=name)
            await panel.get_by_role("button", name="Add", exact=True).click()
            await panel.get_by_role("row", name=name).wait_for()
        await panel.get_by_role("button", name="Move Case up").click()
        await expect(panel.get_by_role("row").nth(1)).to_contain_text("Case")
        await panel.locator("label", has_text="Offer Opportunity first").click()
        wrong += await look(page, "settings-related-objects", "en")

        # The card of the running call has it within five seconds.
        relate = emma.card("talking").get_by_role("region", name=emma.say("relate.title"))
        await relate.wait_for(timeout=5_000)
        await expect(relate).to_contain_text("Olivia Martin")
        await relate.get_by_role("button", name=emma.say("relate.change")).click()
        await expect(relate.get_by_label(emma.say("relate.object"))).to_have_value("Opportunity")
        options = relate.get_by_label(emma.say("relate.object")).locator("option")
        await expect(options).to_have_text(["Case", "Opportunity", "Contact"])
        await relate.get_by_role("searchbox").fill(wanted[:-2].lower())
        found = relate.get_by_role("listitem").first
        await found.wait_for()
        wrong += await look(emma.page, "callbar-relate", "en")
        await expect(found).to_contain_text(wanted)
        await found.get_by_role("button").click()
        await expect(relate.locator(".cb-relate__record")).to_contain_text(wanted)

        notes = note("About the order")
        await emma.press("hang_up")
        await emma.card("wrap_up").wait_for()
        wrong += await look(emma.page, "callbar-related", "en")
        await emma.finish(notes=notes, caller_left=True)
        # The call is on the opportunity's page, once, and on the contact's.
        await expect(emma.timeline().locator("li", has_text=notes)).to_have_count(1, timeout=20_000)
        await emma.go("/lightning/o/Opportunity/list")
        await emma.page.get_by_role("main").get_by_role("link", name=wanted).first.click()
        await emma.shows_record(wanted, object_type="Opportunity")
        await expect(emma.timeline().locator("li", has_text=notes)).to_have_count(1)

        for name in ("Case", "Opportunity", "Contact"):
            await panel.get_by_role("button", name=f"Remove {name}").click()
            await expect(panel.get_by_role("row", name=name)).to_have_count(0)
        assert computer.unexpected() == []
    assert wrong == []

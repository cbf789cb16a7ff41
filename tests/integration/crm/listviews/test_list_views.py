"""List views: those that come with an org, one's own, and what the API tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from tests.integration.crm.browser import Browser
from tests.integration.crm.conftest import AGENT, PASSWORD, World
from tests.integration.crm.package_files import SESSION, archive, manifest
from tests.integration.crm.test_deploy import deploy
from tests.integration.crm.test_rest import DATA, make


@pytest.fixture
async def agent_console(world: World) -> AsyncIterator[Browser]:
    """An agent's console."""
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def _views(browser: Browser, name: str) -> list[dict[str, Any]]:
    answer = await browser.api("GET", f"lists/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()["views"]


async def _names(browser: Browser, view: str, **query: str) -> list[str]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await browser.api("GET", f"list/Contact?view={view}&{asked}")
    assert answer.status_code == 200, answer.text
    return [row["LastName"] for row in answer.json()["records"]]


async def test_an_object_comes_with_its_standard_views(console: Browser, agent_console: Browser) -> None:
    views = await _views(console, "Contact")
    assert [view["label"] for view in views[:3]] == ["All Contacts", "My Contacts", "New This Week"]
    assert all(view["standard"] and not view["may_change"] for view in views[:3])
    labels = [view["label"] for view in await _views(agent_console, "Contact")]
    assert labels[:2] == ["すべての取引先責任者", "私の取引先責任者"]


async def test_a_deployed_object_comes_with_its_standard_views(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    files = {
        "package.xml": manifest(CustomObject=["Shelf__c"]),
        "objects/Shelf__c.object": SESSION.replace(">Sessions<", ">Shelves<"),
    }
    assert (await deploy(admin, archive(files)))["success"]
    assert [view["name"] for view in await _views(console, "Shelf__c")] == ["AllShelf", "MyShelf"]


async def test_conditions_choose_rows_as_the_logic_says(console: Browser, admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Logic Ltd")
    await make(admin, "Contact", LastName="LogicA", Title="Buyer", AccountId=account)
    await make(admin, "Contact", LastName="LogicB", Title="Seller")
    await make(admin, "Contact", LastName="LogicC", Email="c@logic.example")
    body = {
        "label": "Logic",
        "columns": ["Name", "Title", "AccountId"],
        "conditions": [
            {"field": "LastName", "operator": "startsWith", "values": ["logic"]},
            {"field": "AccountId", "operator": "equals", "values": ["Logic Ltd"]},
            {"field": "Title", "operator": "equals", "values": [""]},
        ],
        "logic": "1 AND (2 OR 3)",
        "sort": "Name",
        "descending": True,
    }
    made = await console.api("POST", "lists/Contact", json=body)
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["name"], view["mine"], view["public"]) == ("Logic", True, False)
    assert await _names(console, view["id"]) == ["LogicC", "LogicA"]
    assert await _names(console, "logic", sort="Name", dir="asc") == ["LogicA", "LogicC"]
    assert await _names(console, view["id"], search="buyer") == ["LogicA"]
    changed = await console.api("PATCH", f"lists/Contact/{view['id']}", json={"logic": "1 AND NOT (2 OR 3)"})
    assert changed.json()["logic"] == "1 AND NOT (2 OR 3)"
    assert await _names(console, view["id"]) == ["LogicB"]
    bad = await console.api("PATCH", f"lists/Contact/{view['id']}", json={"logic": "1 AND"})
    assert (bad.status_code, bad.json()[0]["fields"]) == (400, ["logic"])
    assert (await console.api("DELETE", f"lists/Contact/{view['id']}")).status_code == 204
    assert (await console.api("GET", f"list/Contact?view={view['id']}")).status_code == 404


async def test_mine_are_the_records_one_owns(
    console: Browser, agent_console: Browser, agent: httpx2.AsyncClient
) -> None:
    await make(agent, "Contact", LastName="OwnedByAgent")
    assert "OwnedByAgent" in await _names(agent_console, "MyContact", search="ownedbyagent")
    assert await _names(console, "MyContact", search="ownedbyagent") == []
    assert await _names(console, "AllContact", search="ownedbyagent") == ["OwnedByAgent"]


async def test_one_s_own_views_are_private_until_an_administrator_shares_them(
    console: Browser, agent_console: Browser, agent: httpx2.AsyncClient
) -> None:
    asked = {"clone": "AllContact", "label": "Agents only"}
    own = (await agent_console.api("POST", "lists/Contact", json=asked)).json()
    assert own["label"] not in [view["label"] for view in await _views(console, "Contact")]
    assert (await console.api("GET", f"list/Contact?view={own['id']}")).status_code == 404
    refused = await agent_console.api("PATCH", f"lists/Contact/{own['id']}", json={"public": True})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    shared = (
        await console.api("POST", "lists/Contact", json={"label": "Everybody's", "public": True})
    ).json()
    seen = next(view for view in await _views(agent_console, "Contact") if view["id"] == shared["id"])
    assert (seen["public"], seen["may_change"]) == (True, False)
    for method, path in (("PATCH", shared["id"]), ("DELETE", shared["id"]), ("DELETE", "AllContact")):
        answer = await agent_console.api(method, f"lists/Contact/{path}", json={"label": "x"})
        assert answer.status_code == 403, path
    rows = (
        await agent.get(
            f"{DATA}/query", params={"q": "SELECT Name FROM ListView WHERE SobjectType = 'Contact'"}
        )
    ).json()["records"]
    assert {"Agents only", "Everybody's"} <= {row["Name"] for row in rows}


async def test_an_api_name_is_taken_once(console: Browser) -> None:
    first = await console.api("POST", "lists/Account", json={"label": "Twice", "name": "Twice"})
    assert first.status_code == 201
    again = await console.api("POST", "lists/Account", json={"label": "Twice", "name": "twice"})
    assert again.json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    named = await console.api("POST", "lists/Account", json={"label": "Twice"})
    assert named.json()["name"] == "Twice_2"
    japanese = await console.api("POST", "lists/Account", json={"label": "重要顧客"})
    assert (japanese.json()["label"], japanese.json()["name"]) == ("重要顧客", "View")


async def test_a_pinned_view_opens_first(console: Browser) -> None:
    views = await _views(console, "Lead")
    assert (await console.api("GET", "list/Lead")).json()["view"]["name"] == "AllLead"
    mine = next(view["id"] for view in views if view["name"] == "MyLead")
    assert (await console.api("PUT", "lists/Lead/pin", json={"view": mine})).json() == {"pinned": mine}
    assert (await console.api("GET", "lists/Lead")).json()["pinned"] == mine
    assert (await console.api("GET", "list/Lead")).json()["view"]["name"] == "MyLead"
    await console.api("PUT", "lists/Lead/pin", json={"view": "recent"})
    assert (await console.api("GET", "list/Lead")).json()["view"] is None
    assert (
        await console.api("PUT", "lists/Lead/pin", json={"view": "00B000000000000AAA"})
    ).status_code == 404
    await console.api("PUT", "lists/Lead/pin", json={"view": None})


async def test_fields_say_how_they_are_filtered(console: Browser) -> None:
    fields = {
        field["api_name"]: field for field in (await console.api("GET", "lists/Task/fields")).json()["fields"]
    }
    assert fields["IsClosed"]["operators"] == ["equals", "notEqual"]
    assert "contains" in fields["Subject"]["operators"]
    assert fields["Description"]["operators"] == []
    assert {"value": "Completed", "label": "Completed"} in fields["Status"]["picklist"]


async def test_open_tasks_are_listed(console: Browser, admin: httpx2.AsyncClient) -> None:
    await make(admin, "Task", Subject="Zebra done", Status="Completed")
    await make(admin, "Task", Subject="Zebra open")
    page = (await console.api("GET", "list/Task?view=AllOpenTask&limit=200")).json()
    subjects = {row["Subject"] for row in page["records"]}
    assert "Zebra open" in subjects
    assert "Zebra done" not in subjects
    assert page["sort"] == "ActivityDate"


async def test_the_api_describes_a_view_and_gives_its_rows(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    await make(admin, "Contact", LastName="Restview", Title="Boss")
    body = {
        "label": "Rest view",
        "columns": ["Name", "Title", "OwnerId"],
        "conditions": [{"field": "LastName", "operator": "equals", "values": ["Restview"]}],
    }
    made = (await console.api("POST", "lists/Contact", json=body)).json()
    listed = (await admin.get(f"{DATA}/sobjects/Contact/listviews")).json()
    entry = next(view for view in listed["listviews"] if view["id"] == made["id"])
    assert (entry["developerName"], entry["label"]) == ("Rest_view", "Rest view")
    assert (await admin.get(entry["url"])).json() == entry
    told = (await admin.get(entry["describeUrl"])).json()
    assert [column["fieldNameOrPath"] for column in told["columns"] if not column["hidden"]] == [
        "Name",
        "Title",
        "Owner.Name",
    ]
    again = (await admin.get(f"{DATA}/query", params={"q": told["query"]})).json()
    assert [row["Title"] for row in again["records"]] == ["Boss"]
    results = (await admin.get(entry["resultsUrl"])).json()
    cells = {cell["fieldNameOrPath"]: cell["value"] for cell in results["records"][0]["columns"]}
    assert (cells["Title"], cells["Owner.Name"], results["size"]) == ("Boss", "Administrator", 1)
    row = (
        await admin.get(
            f"{DATA}/query",
            params={"q": f"SELECT DeveloperName, SobjectType FROM ListView WHERE Id = '{made['id']}'"},
        )
    ).json()["records"][0]
    assert (row["DeveloperName"], row["SobjectType"]) == ("Rest_view", "Contact")
    assert (await admin.get(f"{DATA}/sobjects/Contact/listviews/00B000000000000AAA")).status_code == 404
    assert (await admin.get(f"{DATA}/sobjects/User/listviews")).status_code == 404


async def test_a_search_stays_within_a_view(console: Browser, admin: httpx2.AsyncClient) -> None:
    for title in ("Buyer", "Seller"):
        await make(admin, "Contact", FirstName="Wombat", LastName=title, Title=title)
    body = {
        "label": "Wombat buyers",
        "conditions": [{"field": "Title", "operator": "equals", "values": ["Buyer"]}],
    }
    assert (await console.api("POST", "lists/Contact", json=body)).status_code == 201

    async def found(view: str) -> list[str]:
        sosl = f"FIND {{wombat}} RETURNING Contact(LastName USING ListView = {view} ORDER BY LastName)"
        answer = await admin.get(f"{DATA}/search", params={"q": sosl})
        assert answer.status_code == 200, answer.text
        return [row["LastName"] for row in answer.json()["searchRecords"]]

    assert await found("AllContact") == ["Buyer", "Seller"]
    assert await found("Wombat_buyers") == ["Buyer"]
    seller = (
        await admin.get(f"{DATA}/query", params={"q": "SELECT Id FROM Contact WHERE LastName = 'Seller'"})
    ).json()
    await console.api("GET", f"record/{seller['records'][0]['Id']}")
    assert await found("Recent") == ["Seller"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_a_list_goes_on_behind_the_last_record_shown(
    console: Browser, admin: httpx2.AsyncClient, direction: str
) -> None:
    """Equal and empty values in the order lose no record and show none twice, whatever is made or gone meanwhile."""
    family = f"Keyset{direction}"
    people = [
        {"attributes": {"type": "Contact"}, "LastName": f"{family} {number:02}", "Title": title}
        for number, title in enumerate(["b", None, "a", "B", None, "c", "a", None, "b", "A"])
    ]
    made = await admin.post(f"{DATA}/composite/sobjects", json={"records": people})
    assert all(row["success"] for row in made.json()), made.text

    async def rows(**more: object) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in more.items())
        answer = await console.api(
            "GET", f"list/Contact?view=all&search={family}&sort=Title&dir={direction}&{query}"
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] >= len(answer.json()["records"])
        return answer.json()["records"]

    whole = [row["Id"] for row in await rows(limit=50)]
    assert len(whole) == 10
    walked: list[str] = []
    while page := await rows(limit=3, offset=len(walked), after=walked[-1] if walked else ""):
        walked += [row["Id"] for row in page]
    assert walked == whole
    await make(admin, "Contact", LastName=f"{family} first", Title="a" if direction == "asc" else "c")
    behind = [row["Id"] for row in await rows(limit=50, offset=6, after=whole[5])]
    assert behind[-4:] == whole[6:]
    assert (await admin.delete(f"{DATA}/sobjects/Contact/{whole[5]}")).status_code == 204
    assert [row["Id"] for row in await rows(limit=50, offset=6, after=whole[5])] == whole[6:]

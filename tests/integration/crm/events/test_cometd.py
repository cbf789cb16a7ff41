"""Change events and platform events as a subscriber of CometD hears them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from ..conftest import ADMIN, World, client_of
from ..test_rest import DATA, error, make
from .cometd import PATH, Subscriber, subscriber

CONTACTS, ALL = "/data/ContactChangeEvent", "/data/ChangeEvents"


def header(event: dict[str, Any]) -> dict[str, Any]:
    return event["payload"]["ChangeEventHeader"]


def mark() -> str:
    return f"Told{secrets.token_hex(4)}"


async def test_a_new_record_is_told_whole(teller: httpx2.AsyncClient, telling: World) -> None:
    session = await subscriber(teller, CONTACTS)
    name = mark()
    answer = await teller.post(
        f"{DATA}/sobjects/Contact",
        json={"LastName": name, "FirstName": "Ann", "MailingCity": "Paris", "DoNotCall": True},
        headers={"Sforce-Call-Options": "client=Clerk"},
    )
    (event,) = await session.events(1)
    assert event["channel"] == CONTACTS
    about, payload = header(event), event["payload"]
    assert about["entityName"] == "Contact"
    assert about["recordIds"] == [answer.json()["id"]]
    assert (about["changeType"], about["sequenceNumber"]) == ("CREATE", 1)
    assert about["changeOrigin"] == "com/salesforce/api/rest/66.0;client=Clerk"
    assert about["commitUser"] == payload["CreatedById"]
    assert (about["changedFields"], about["nulledFields"]) == ([], [])
    assert payload["Name"] == {"FirstName": "Ann", "LastName": name}
    assert payload["MailingAddress"] == {"City": "Paris"}
    assert payload["DoNotCall"] is True
    assert payload["CreatedDate"].endswith("Z")
    assert {"Phone", "Id", "SystemModstamp", "IsDeleted", "FirstName"}.isdisjoint(payload)
    assert event["event"]["replayId"] > 0
    schema = await teller.get(f"{DATA}/event/eventSchema/{event['schema']}")
    assert schema.json()["name"] == "ContactChangeEvent"
    assert (await teller.get(f"{DATA}/sobjects/ContactChangeEvent/eventSchema")).json() == schema.json()


async def test_a_change_tells_what_changed_and_a_deletion_the_id(teller: httpx2.AsyncClient) -> None:
    record_id = await make(teller, "Contact", LastName=mark(), Title="Old", Phone="1", MailingCity="Rome")
    session = await subscriber(teller, CONTACTS)
    path = f"{DATA}/sobjects/Contact/{record_id}"
    await teller.patch(path, json={"Title": None, "MailingCity": "Bonn", "Phone": "1", "FirstName": "Bo"})
    (event,) = await session.events(1)
    payload = event["payload"]
    assert header(event)["changeType"] == "UPDATE"
    assert sorted(header(event)["changedFields"]) == [
        "LastModifiedDate", "MailingAddress.City", "Name.FirstName", "Title",
    ]  # fmt: skip
    assert header(event)["nulledFields"] == ["Title"]
    assert (payload["Title"], payload["MailingAddress"], payload["Name"]) == (
        None,
        {"City": "Bonn"},
        {"FirstName": "Bo"},
    )
    assert "Phone" not in payload
    await teller.delete(path)
    (event,) = await session.events(1)
    assert (header(event)["changeType"], header(event)["recordIds"]) == ("DELETE", [record_id])
    assert list(event["payload"]) == ["ChangeEventHeader"]


async def test_several_changes_in_one_transaction_are_one_event(teller: httpx2.AsyncClient) -> None:
    """A record that is made and then changed is a creation; records that change alike share an event."""
    session = await subscriber(teller, ALL)
    account = await make(teller, "Account", Name=mark())
    ids = [await make(teller, "Contact", LastName=mark(), AccountId=account) for _ in range(3)]
    await session.events(4)
    body = {"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"{DATA}/sobjects/Box__c", "referenceId": "a", "body": {"Name": "b"}},
        {"method": "PATCH", "url": f"{DATA}/sobjects/Box__c/@{{a.id}}", "referenceId": "b", "body": {"Weight__c": 2.5}},
    ]}  # fmt: skip
    assert (await teller.post(f"{DATA}/composite", json=body)).status_code == 200
    (event,) = await session.events(1)
    assert (header(event)["changeType"], event["payload"]["Weight__c"]) == ("CREATE", 2.5)
    await teller.delete(f"{DATA}/sobjects/Account/{account}")
    events = await session.events(2)
    assert {header(one)["transactionKey"] for one in events} == {header(events[0])["transactionKey"]}
    assert [header(one)["sequenceNumber"] for one in events] == [1, 2]
    merged = next(one for one in events if header(one)["entityName"] == "Contact")
    assert sorted(header(merged)["recordIds"]) == sorted(ids)


async def test_events_come_in_the_order_of_commits_and_once(teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    record_id = await make(teller, "Box__c", Name="0")
    others = [make(teller, "Box__c", Name="other") for _ in range(30)]
    changes = [
        teller.patch(f"{DATA}/sobjects/Box__c/{record_id}", json={"Weight__c": n}) for n in range(1, 31)
    ]
    await asyncio.gather(*others, *changes)
    final = (await teller.get(f"{DATA}/sobjects/Box__c/{record_id}")).json()["Weight__c"]
    events = await session.events(61)
    places = [event["event"]["replayId"] for event in events]
    assert places == sorted(set(places))
    mine = [
        event["payload"].get("Weight__c") for event in events if header(event)["recordIds"] == [record_id]
    ]
    assert len(mine) == 31
    assert mine[-1] == final
    assert (await session.poll(0))[0] == []


async def test_a_replay_id_says_where_to_begin(teller: httpx2.AsyncClient) -> None:
    topic = "/data/Box__ChangeEvent"
    session = await subscriber(teller, topic)
    names = [f"{mark()}{n}" for n in range(3)]
    for name in names:
        await make(teller, "Box__c", Name=name)
    places = [event["event"]["replayId"] for event in await session.events(3)]
    again = await subscriber(teller, topic, replay=places[0])
    assert [event["payload"]["Name"] for event in await again.events(2)] == names[1:]
    everything = await subscriber(teller, topic, replay=-2)
    found = [event["event"]["replayId"] for event in await everything.events(3)]
    while places[-1] not in found:
        found += [event["event"]["replayId"] for event in await everything.events(1)]
    assert set(places) <= set(found)
    newest = await subscriber(teller, topic, replay=-1)
    assert (await newest.poll(0))[0] == []
    for wrong in (10**12, -5, "7", 2**70, True, [1]):
        reply = await Subscriber(teller).handshake()
        other = Subscriber(teller)
        other.client_id = reply["clientId"]
        refused = await other.subscribe(topic, wrong)
        assert refused["successful"] is False
        assert "you provided was invalid" in refused["error"]


async def test_what_is_older_than_72_hours_is_gone_though_nothing_else_happens(
    telling: World, teller: httpx2.AsyncClient
) -> None:
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    await make(teller, "Box__c", Name=mark())
    (old,) = await session.events(1)
    conn = await telling.database()
    # Time moves in the database, for everything there is.
    await conn.execute("UPDATE meta.event SET at = at - interval '72 hours 1 minute'")
    everything = await subscriber(teller, "/data/Box__ChangeEvent", replay=-2)
    assert (await everything.poll(0))[0] == []
    late = await subscriber(teller)
    refused = await late.subscribe("/data/Box__ChangeEvent", old["event"]["replayId"] - 1)
    assert "you provided was invalid" in refused["error"]
    assert await conn.fetchval("SELECT count(*) FROM meta.event") == 0
    # A change that was noted before the org was switched off for days: told nobody, and in nobody's way.
    name = mark()
    await conn.execute(
        "INSERT INTO meta.change (object_name, record_id, after, at) VALUES"
        " ('Box__c', 'a000000000000000AA', '{\"Name\": \"long ago\"}', now() - interval '80 hours')"
    )
    everything = await subscriber(teller, "/data/Box__ChangeEvent", replay=-2)
    await make(teller, "Box__c", Name=name)
    assert [event["payload"]["Name"] for event in await everything.events(1)] == [name]
    await conn.close()


async def test_a_rolled_back_change_is_not_told(teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, CONTACTS, "/event/Alarm__e")
    body = {"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "a", "body": {"LastName": "Never"}},
        {"method": "POST", "url": f"{DATA}/sobjects/Alarm__e", "referenceId": "b", "body": {"Place__c": "Never"}},
        {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "c", "body": {}},
    ]}  # fmt: skip
    await teller.post(f"{DATA}/composite", json=body)
    name = mark()
    await make(teller, "Contact", LastName=name)
    (event,) = await session.events(1)
    assert event["payload"]["Name"] == {"LastName": name}


async def test_platform_events_are_published_and_heard(teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, "/event/Alarm__e")
    answer = await teller.post(
        f"{DATA}/sobjects/Alarm__e",
        json={"Place__c": "屋上", "Loud__c": True, "At__c": "2026-01-31T10:00:00+09:00"},
    )
    assert answer.status_code == 201
    assert answer.json()["errors"][0]["statusCode"] == "OPERATION_ENQUEUED"
    (event,) = await session.events(1)
    assert event["event"]["EventUuid"] == answer.json()["errors"][0]["message"]
    payload = event["payload"]
    assert (payload["Place__c"], payload["Loud__c"]) == ("屋上", True)
    assert payload["At__c"] == "2026-01-31T01:00:00.000Z"
    assert payload["CreatedDate"].endswith("Z")
    assert error(await teller.post(f"{DATA}/sobjects/Alarm__e", json={"Nope__c": 1}))[1] == "INVALID_FIELD"
    asked = await teller.get(f"{DATA}/query", params={"q": "SELECT Id FROM Alarm__e"})
    assert error(asked) == (400, "INVALID_TYPE")
    assert (await teller.get(f"{DATA}/sobjects/Alarm__e/describe")).json()["createable"] is True


async def test_who_may_not_hear_is_refused_or_hears_nothing(
    teller: httpx2.AsyncClient, listener: httpx2.AsyncClient
) -> None:
    session = Subscriber(listener)
    await session.handshake()
    assert (await session.subscribe(CONTACTS))["error"].startswith("403::")
    assert (await session.subscribe("/data/UserChangeEvent"))["error"].startswith("403::")
    for unknown in (
        "/data/Nothing",
        "/data/contactchangeevent",
        "/event/No__e",
        "/x",
        "",
        "/data/",
        "/data/No__chn",
    ):
        assert (await session.subscribe(unknown))["error"].startswith("404::")
    assert (await session.subscribe("/data/*"))["error"].startswith("403:")
    assert (await session.subscribe(ALL))["successful"]  # silent about what its user may not hear
    await make(teller, "Contact", LastName=mark())
    assert (await session.poll(0))[0] == []
    schema = await listener.get(f"{DATA}/sobjects/ContactChangeEvent/eventSchema")
    assert error(schema) == (404, "NOT_FOUND")


async def test_a_client_is_told_what_is_wrong_with_its_session(
    telling: World, teller: httpx2.AsyncClient, listener: httpx2.AsyncClient
) -> None:
    session = Subscriber(teller)
    session.client_id = "unknown"
    _, reply = await session.poll(0)
    assert reply["error"] == "403::Unknown client"
    assert reply["advice"]["reconnect"] == "handshake"
    assert (await session.handshake())["advice"]["reconnect"] == "retry"
    assert (await session.poll(0))[1]["successful"]
    stolen = Subscriber(listener)
    stolen.client_id = session.client_id
    assert (await stolen.poll(0))[1]["error"] == "403::Unknown client"
    async with plain_http(base_url=telling.base) as nobody:
        stolen.http = nobody
        assert (await stolen.poll(0))[1]["error"] == "401::Authentication invalid"
        stolen.client_id = ""
        reply = await stolen.handshake()
        assert reply["error"] == "403::Handshake denied"
        assert reply["ext"]["sfdc"]["failureReason"] == "401::Authentication invalid"
        assert reply["advice"] == {"reconnect": "none"}
    (reply,) = await session.send("/meta/unsubscribe", subscription=CONTACTS)
    assert reply["successful"] is False
    (reply,) = await session.send("/data/ContactChangeEvent", data={"x": 1})
    assert reply["error"].startswith("400::")
    (reply,) = await session.send("/meta/disconnect")
    assert reply["successful"]
    assert (await session.poll(0))[1]["error"] == "403::Unknown client"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[1]", b'"x"', b"[" * 5000, b"null", b"[{}]"])
async def test_what_is_no_message_is_refused(teller: httpx2.AsyncClient, body: bytes) -> None:
    answer = await teller.post(PATH, content=body)
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()[0]["successful"] is False


async def test_other_doors_are_shut(teller: httpx2.AsyncClient) -> None:
    assert (await teller.get(PATH)).status_code == 400
    assert (await teller.post("/cometd/12.0", json=[{"channel": "/meta/handshake"}])).status_code == 404
    assert (await teller.post(PATH, content=b"x" * 70_000)).status_code == 413


async def test_a_slow_subscriber_holds_nobody(teller: httpx2.AsyncClient) -> None:
    """One that does not poll misses nothing and costs the others nothing."""
    topic = "/data/Box__ChangeEvent"
    slow, quick = await subscriber(teller, topic), await subscriber(teller, topic)
    records = [{"attributes": {"type": "Box__c"}, "Name": str(n)} for n in range(200)]
    for _ in range(4):
        answer = await teller.post(f"{DATA}/composite/sobjects", json={"records": records})
        assert all(row["success"] for row in answer.json())
        assert len(await quick.events(200)) >= 200
    assert len(await slow.events(800)) == 800


async def test_two_processes_tell_the_same_story(
    telling: World, teller: httpx2.AsyncClient, small: World
) -> None:
    other = await client_of(small, ADMIN)
    one, two = (
        await subscriber(teller, "/data/Box__ChangeEvent"),
        await subscriber(other, "/data/Box__ChangeEvent"),
    )
    for n in range(5):
        await make(teller if n % 2 else other, "Box__c", Name=str(n))
    heard = [[event["event"]["replayId"] for event in await session.events(5)] for session in (one, two)]
    assert heard[0] == heard[1]
    _, reply = await two.poll(60_000)
    assert reply["advice"]["timeout"] == 400
    third, fourth = Subscriber(other), Subscriber(other)
    assert (await third.handshake())["successful"]
    refused = await fourth.handshake()
    assert refused["ext"]["sfdc"]["failureReason"] == "403::Organization concurrent user limit exceeded"
    await other.aclose()


async def test_a_transaction_that_changes_too_much_tells_that_it_did(quiet: World) -> None:
    """Of twelve changes ten are told one by one: so many are what this org is told to tell of one transaction."""
    http = await client_of(quiet, ADMIN)
    about = {"eventChannel": "ChangeEvents", "selectedEntity": "ContactChangeEvent"}
    path = f"{DATA}/tooling/sobjects/PlatformEventChannelMember"
    assert (await http.post(path, json={"Metadata": about})).status_code == 201
    session = await subscriber(http, ALL)
    records = [{"attributes": {"type": "Contact"}, "LastName": str(n)} for n in range(12)]
    await http.post(f"{DATA}/composite/sobjects", json={"records": records, "allOrNone": True})
    events = await session.events(11)
    assert [header(event)["changeType"] for event in events] == [*["CREATE"] * 10, "GAP_OVERFLOW"]
    assert header(events[-1])["recordIds"] == ["000000000000000AAA"]
    await http.aclose()


async def test_of_an_event_that_is_too_large_only_the_fact_is_told(teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    large = {f"Long{n}__c": "漢" * 120_000 for n in ("", 2, 3)}
    record_id = await make(teller, "Box__c", Name=mark(), **large)
    path = f"{DATA}/sobjects/Box__c/{record_id}"
    for change in ({"Colour__c": "red"}, {name: text[1:] for name, text in large.items()}):
        assert (await teller.patch(path, json=change)).status_code == 204
    assert (await teller.delete(path)).status_code == 204
    events = await session.events(4)
    assert [header(event)["changeType"] for event in events] == [
        "GAP_CREATE", "UPDATE", "GAP_UPDATE", "DELETE"
    ]  # fmt: skip
    for event in events:
        assert header(event)["recordIds"] == [record_id]
    assert {name for name, value in events[2]["payload"].items() if value} == {"ChangeEventHeader"}
    assert header(events[2])["changedFields"] == []


async def test_a_day_has_so_many_deliveries(quiet: World) -> None:
    http = await client_of(quiet, ADMIN)
    session = await subscriber(http, CONTACTS, replay=-2)
    conn = await quiet.database()
    await conn.execute("INSERT INTO meta.event_usage VALUES (now() - interval '1 hour', 1000000)")
    refused = await session.subscribe(ALL)
    assert refused["error"] == "403::Organization total events daily limit exceeded"
    await conn.execute("DELETE FROM meta.event_usage")
    await conn.close()
    assert (await session.subscribe(ALL))["successful"]
    await http.aclose()


async def test_selection_has_its_limits(teller: httpx2.AsyncClient, listener: httpx2.AsyncClient) -> None:
    path = f"{DATA}/tooling/sobjects/PlatformEventChannelMember"

    async def refused(metadata: dict[str, Any], http: httpx2.AsyncClient = teller) -> tuple[int, str]:
        return error(await http.post(path, json={"FullName": mark(), "Metadata": metadata}))

    sixth = {"eventChannel": "ChangeEvents", "selectedEntity": "LeadChangeEvent"}
    assert await refused(sixth) == (400, "LIMIT_EXCEEDED")
    assert await refused(sixth, listener) == (403, "INSUFFICIENT_ACCESS")
    assert (await refused({"eventChannel": "ChangeEvents", "selectedEntity": "Profile"}))[0] == 400
    assert (await refused({"eventChannel": "Wrong", "selectedEntity": "AccountChangeEvent"}))[0] == 400
    own = {"eventChannel": "Mine__chn", "selectedEntity": "AccountChangeEvent"}
    answer = await teller.post(path, json={"FullName": mark(), "Metadata": own})
    assert answer.status_code == 201, answer.text
    session = await subscriber(teller, "/data/Mine__chn")
    name = mark()
    await make(teller, "Account", Name=name)
    await make(teller, "Contact", LastName=name)
    (event,) = await session.events(1)
    assert event["payload"]["Name"] == name
    assert (await teller.get(f"{path}/{answer.json()['id']}")).json()["Metadata"][
        "eventChannel"
    ] == "Mine__chn"
    assert (await teller.delete(f"{path}/{answer.json()['id']}")).status_code == 204
    assert error(await teller.get(f"{path}/{answer.json()['id']}")) == (404, "NOT_FOUND")


async def test_change_events_are_described(teller: httpx2.AsyncClient) -> None:
    described = (await teller.get(f"{DATA}/sobjects/ContactChangeEvent/describe")).json()
    assert described["name"] == "ContactChangeEvent"
    assert {"ReplayId", "ChangeEventHeader", "Title"} <= {item["name"] for item in described["fields"]}
    assert error(await teller.get(f"{DATA}/sobjects/ProfileChangeEvent/describe")) == (404, "NOT_FOUND")


async def test_deliveries_are_counted(teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, CONTACTS)
    before = (await teller.get(f"{DATA}/limits")).json()["DailyDeliveredPlatformEvents"]["Remaining"]
    await make(teller, "Contact", LastName=mark())
    await session.events(1)
    after = (await teller.get(f"{DATA}/limits")).json()["DailyDeliveredPlatformEvents"]["Remaining"]
    assert before - after == 1

"""PushTopics as a subscriber of CometD hears them."""

from __future__ import annotations

import secrets
from typing import Any

import httpx2
import pytest

from ..conftest import ADMIN, World, client_of
from ..office import share
from ..test_deploy import deploy
from ..test_rest import DATA, error, make
from .cometd import subscriber

TOPICS = f"{DATA}/sobjects/PushTopic"


def a_name() -> str:
    return f"T{secrets.token_hex(5)}"


async def topic(http: httpx2.AsyncClient, query: str, **more: Any) -> str:
    """A new PushTopic's channel."""
    name = a_name()
    answer = await http.post(TOPICS, json={"Name": name, "Query": query, "ApiVersion": 66.0} | more)
    assert answer.status_code == 201, answer.text
    return f"/topic/{name}"


async def test_a_topic_tells_of_records_that_match_with_the_fields_of_its_query(
    teller: httpx2.AsyncClient,
) -> None:
    """Opportunities are not among the objects that are selected for change events."""
    name = a_name()
    channel = await topic(
        teller,
        f"SELECT Id, Name, Amount, CloseDate, NextStep FROM Opportunity WHERE Name LIKE '{name}%' AND Amount > 10",
    )
    session = await subscriber(teller, channel)
    more = {"StageName": "Prospecting", "CloseDate": "2026-05-01"}
    await make(teller, "Opportunity", Name=f"{name} small", Amount=10, **more)
    await make(teller, "Opportunity", Name="Other", Amount=20, **more)
    record_id = await make(teller, "Opportunity", Name=f"{name} large", Amount=20.5, **more)
    (heard,) = await session.events(1)
    assert heard["channel"] == channel
    assert set(heard) == {"channel", "event", "sobject"}
    assert heard["event"]["type"] == "created"
    assert heard["event"]["createdDate"].endswith("Z")
    assert heard["event"]["replayId"] > 0
    assert heard["sobject"] == {
        "Id": record_id, "Name": f"{name} large", "Amount": 20.5, "CloseDate": "2026-05-01", "NextStep": None,
    }  # fmt: skip
    assert (await session.poll(0))[0] == []


async def test_every_operation_has_its_type(teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(teller, f"SELECT Id, Rating FROM Account WHERE Name = '{name.upper()}'")
    session = await subscriber(teller, channel)
    record_id = await make(teller, "Account", Name=name)
    path = f"{DATA}/sobjects/Account/{record_id}"
    await teller.patch(path, json={"Rating": "Hot"})
    await teller.delete(path)
    heard = await session.events(3)
    assert [one["event"]["type"] for one in heard] == ["created", "updated", "deleted"]
    assert [one["sobject"] for one in heard] == [
        {"Id": record_id, "Rating": None}, {"Id": record_id, "Rating": "Hot"}, {"Id": record_id},
    ]  # fmt: skip


async def test_only_the_operations_asked_for_are_told(teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(
        teller, f"SELECT Id, Name FROM Account WHERE Name = '{name}'",
        NotifyForOperationCreate=False, NotifyForOperationUpdate=False,
    )  # fmt: skip
    session = await subscriber(teller, channel)
    record_id = await make(teller, "Account", Name=name)
    await teller.patch(f"{DATA}/sobjects/Account/{record_id}", json={"Name": name, "Phone": "1"})
    await teller.delete(f"{DATA}/sobjects/Account/{record_id}")
    (heard,) = await session.events(1)
    assert heard["event"]["type"] == "deleted"
    found = await teller.get(
        f"{DATA}/query",
        params={"q": f"SELECT NotifyForOperations FROM PushTopic WHERE Name = '{channel[7:]}'"},
    )
    assert found.json()["records"][0]["NotifyForOperations"] == "Extended"


@pytest.mark.parametrize(
    ("which", "told"),
    [("All", ["a", "b", "c"]), ("Referenced", ["b", "c"]), ("Select", ["b"]), ("Where", ["c"])],
)
async def test_the_fields_that_are_looked_at_decide_what_is_told(
    teller: httpx2.AsyncClient, which: str, told: list[str]
) -> None:
    name = a_name()
    query = f"SELECT Id, Phone FROM Account WHERE Name = '{name}' AND Rating != 'Cold'"
    session = await subscriber(teller, await topic(teller, query, NotifyForFields=which))
    record_id = await make(teller, "Account", Name=name, Phone="0")
    await session.events(1)
    heard: list[str] = []
    for step, change in (("a", {"Fax": "1"}), ("b", {"Phone": "1"}), ("c", {"Rating": "Hot"})):
        await teller.patch(f"{DATA}/sobjects/Account/{record_id}", json=change)
        other = await make(teller, "Account", Name=name)  # what comes before this one has been told
        while (events := await session.events(1))[-1]["sobject"]["Id"] != other:
            heard.append(step)
        heard += [step] * (len(events) - 1)
    assert heard == told


async def test_a_replay_id_says_where_to_begin_and_a_topic_hears_itself_only(
    teller: httpx2.AsyncClient,
) -> None:
    name = a_name()
    query = f"SELECT Id, Name FROM Account WHERE Name = '{name}'"
    first, second = await topic(teller, query), await topic(teller, query)
    ids = [await make(teller, "Account", Name=name) for _ in range(3)]
    everything = await (await subscriber(teller, first, replay=-2)).events(3)
    assert [one["sobject"]["Id"] for one in everything] == ids
    later = await subscriber(teller, first, replay=everything[0]["event"]["replayId"])
    assert [one["sobject"]["Id"] for one in await later.events(2)] == ids[1:]
    assert (await (await subscriber(teller, first, replay=-1)).poll(0))[0] == []
    other = await (await subscriber(teller, second, replay=-2)).events(3)
    places = {one["event"]["replayId"] for one in other}
    assert places.isdisjoint(one["event"]["replayId"] for one in everything)


async def test_what_is_older_than_a_day_is_not_told(telling: World, teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(teller, f"SELECT Id, Name FROM Account WHERE Name = '{name}'")
    await make(teller, "Account", Name=name)
    await (await subscriber(teller, channel, replay=-2)).events(1)
    conn = await telling.database()
    await conn.execute(
        "UPDATE meta.event SET at = at - interval '25 hours',"
        " content = content || jsonb_build_object('at', (content->>'at')::bigint - 25 * 3600000)"
        " WHERE content->'fields'->>'Name' = $1 AND topic LIKE '/topic/%'",
        name,
    )
    record_id = await make(teller, "Account", Name=name)
    session = await subscriber(teller, channel, replay=-1)
    await teller.patch(f"{DATA}/sobjects/Account/{record_id}", json={"Name": name.lower()})
    await session.events(1)
    kept = await conn.fetchval(
        "SELECT count(*) FROM meta.event WHERE topic LIKE '/topic/%' AND at < now() - interval '24 hours'"
    )
    await conn.close()
    assert kept == 0


async def test_calls_are_told_with_the_numbers_of_push_topics(teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(teller, f"SELECT Id, CallType FROM Task WHERE Subject = '{name}'")
    session = await subscriber(teller, channel)
    for call_type in ("Inbound", "Internal", "Outbound", None):
        await make(teller, "Task", Subject=name, CallType=call_type)
    assert [one["sobject"]["CallType"] for one in await session.events(4)] == ["1", "0", "2", None]


async def test_a_subscriber_hears_of_records_that_are_shared_with_them(
    teller: httpx2.AsyncClient, listener: httpx2.AsyncClient
) -> None:
    name = a_name()
    me = (await listener.get("/services/oauth2/userinfo")).json()["user_id"]
    channel = await topic(teller, f"SELECT Id, Subject FROM Case WHERE Subject = '{name}'")
    assert (await deploy(teller, share("Private")))["success"]
    try:
        session = await subscriber(listener, channel)
        await make(teller, "Case", Subject=name)
        mine = await make(teller, "Case", Subject=name, OwnerId=me)
        (heard,) = await session.events(1)
        assert heard["sobject"] == {"Id": mine, "Subject": name}
        assert (await session.poll(0))[0] == []
        assert len(await (await subscriber(teller, channel, replay=-2)).events(2)) == 2
    finally:
        assert (await deploy(teller, share("ReadWrite")))["success"]


async def test_a_subscriber_hears_of_fields_that_they_may_see(
    teller: httpx2.AsyncClient, listener: httpx2.AsyncClient
) -> None:
    """A field that is selected is left out; who may not see one that is filtered by hears nothing."""
    name = a_name()
    selecting = await topic(teller, f"SELECT Id, Subject, Reason FROM Case WHERE Subject = '{name}'")
    filtering = await topic(teller, f"SELECT Id FROM Case WHERE Subject = '{name}' AND Reason = 'Other'")
    session = await subscriber(listener, selecting, filtering)
    found = await teller.get(
        f"{DATA}/query",
        params={
            "q": "SELECT Id, ParentId FROM FieldPermissions WHERE Field = 'Case.Reason'"
            " AND Parent.Profile.Name = 'Standard User'"
        },
    )
    (row,) = found.json()["records"]
    assert (await teller.delete(f"{DATA}/sobjects/FieldPermissions/{row['Id']}")).status_code == 204
    try:
        record_id = await make(teller, "Case", Subject=name, Reason="Other")
        (heard,) = await session.events(1)
        assert heard["channel"] == selecting
        assert heard["sobject"] == {"Id": record_id, "Subject": name}
        assert (await session.poll(0))[0] == []
        assert (await session.subscribe(filtering))["error"].startswith("403::")
    finally:
        await make(
            teller, "FieldPermissions", ParentId=row["ParentId"], SobjectType="Case", Field="Case.Reason",
            PermissionsRead=True, PermissionsEdit=True,
        )  # fmt: skip


async def test_a_topic_that_is_gone_or_off_is_not_there(teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(teller, f"SELECT Id, Name FROM Account WHERE Name = '{name}'")
    session = await subscriber(teller, channel)
    found = await teller.get(
        f"{DATA}/query", params={"q": f"SELECT Id FROM PushTopic WHERE Name = '{channel[7:]}'"}
    )
    path = f"{TOPICS}/{found.json()['records'][0]['Id']}"
    assert (await teller.patch(path, json={"IsActive": False})).status_code == 204
    assert (await session.subscribe(channel))["error"].startswith("404::")
    assert (await session.subscribe("/topic/Nothing"))["error"].startswith("404::")
    await make(teller, "Account", Name=name)
    assert (await session.poll(0))[0] == []
    new = f"SELECT Id, Phone FROM Account WHERE Name = '{name}'"
    assert (await teller.patch(path, json={"IsActive": True, "Query": new})).status_code == 204
    await make(teller, "Account", Name=name, Phone="7")
    (heard,) = await session.events(1)
    assert heard["sobject"]["Phone"] == "7"
    assert (await teller.delete(path)).status_code == 204
    assert (await session.subscribe(channel))["error"].startswith("404::")


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("SELECT Name FROM Account", "INVALID_FIELD", "Id must be among"),
        ("SELECT Id FROM Account", "INVALID_FIELD", "needs a field other than Id"),
        ("SELECT COUNT() FROM Account", "INVALID_FIELD", "Aggregate queries are not supported"),
        ("SELECT Id, MAX(Name) n FROM Account GROUP BY Id", "INVALID_FIELD", "Aggregate queries are not supported"),
        ("SELECT Id, Parent.Name FROM Account", "INVALID_FIELD", "relationships are not supported"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "INVALID_FIELD", "relationships are not supported"),
        ("SELECT Id FROM Account WHERE Parent.Name = 'x'", "INVALID_FIELD", "relationships are not supported"),
        ("SELECT Id, Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact)", "INVALID_FIELD",
         "semi/anti join sub-selects are not supported"),
        ("SELECT Id, Name FROM Account ORDER BY Name", "INVALID_FIELD", "'ORDER BY' clause is not allowed"),
        ("SELECT Id, Name FROM Account LIMIT 1", "INVALID_FIELD", "'LIMIT' is not allowed"),
        ("SELECT Id, Name FROM Account OFFSET 1", "INVALID_FIELD", "'OFFSET' clause is not allowed"),
        ("SELECT Id, Name FROM Account WHERE NOT Name = 'x'", "INVALID_FIELD", "'NOT' is not supported"),
        ("SELECT Id, Nope__c FROM Account", "INVALID_FIELD", "No such column 'Nope__c'"),
        ("SELECT Id, BillingAddress FROM Account", "INVALID_FIELD", "compound"),
        ("SELECT Id, Name FROM Profile", "INVALID_FIELD", "cannot be the subject"),
        ("SELECT Id, Name FROM Account WHERE Name > ", "MALFORMED_QUERY", ""),
        ("DELETE Account", "MALFORMED_QUERY", ""),
    ],
)  # fmt: skip
async def test_queries_that_no_topic_may_have_are_refused(
    teller: httpx2.AsyncClient, query: str, code: str, said: str
) -> None:
    answer = await teller.post(TOPICS, json={"Name": a_name(), "Query": query, "ApiVersion": 66.0})
    assert error(answer) == (400, code)
    assert said in answer.json()[0]["message"]


async def test_topics_have_their_limits(teller: httpx2.AsyncClient, listener: httpx2.AsyncClient) -> None:
    about = {"Name": a_name(), "Query": "SELECT Id, Name FROM Account", "ApiVersion": 66.0}
    assert (await teller.post(TOPICS, json=about)).status_code == 201

    async def refused(http: httpx2.AsyncClient = teller, **more: Any) -> str:
        answer = await http.post(TOPICS, json=about | {"Name": a_name()} | more)
        return error(answer)[1]

    assert await refused(Name=about["Name"]) == "DUPLICATE_VALUE"
    assert await refused(Name="N" * 26) == "STRING_TOO_LONG"
    assert await refused(Name="a/b") == "FIELD_INTEGRITY_EXCEPTION"
    assert await refused(ApiVersion=20.0) == "FIELD_INTEGRITY_EXCEPTION"
    assert await refused(ApiVersion=None) == "REQUIRED_FIELD_MISSING"
    assert await refused(Query=None) == "REQUIRED_FIELD_MISSING"
    assert await refused(Description="d" * 401) == "STRING_TOO_LONG"
    assert await refused(NotifyForFields="Some") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert await refused(listener) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


async def test_no_more_than_a_hundred_topics_are_active(quiet: World) -> None:
    http = await client_of(quiet, ADMIN)
    records = [
        {
            "attributes": {"type": "PushTopic"},
            "Name": f"N{n}",
            "Query": "SELECT Id, Name FROM Account",
            "ApiVersion": 66,
        }
        for n in range(101)
    ]
    answers = [
        *(await http.post(f"{DATA}/composite/sobjects", json={"records": records[:60]})).json(),
        *(await http.post(f"{DATA}/composite/sobjects", json={"records": records[60:]})).json(),
    ]
    assert [row["success"] for row in answers] == [*[True] * 100, False]
    assert answers[-1]["errors"][0]["statusCode"] == "LIMIT_EXCEEDED"
    assert (await http.post(TOPICS, json=records[100] | {"IsActive": False})).status_code == 201
    await http.delete(
        f"{DATA}/composite/sobjects", params={"ids": ",".join(row["id"] for row in answers[:100])}
    )
    await http.aclose()


async def test_watching_a_topics_object_tells_no_change_events(teller: httpx2.AsyncClient) -> None:
    name = a_name()
    channel = await topic(teller, f"SELECT Id, LastName FROM Lead WHERE LastName = '{name}'")
    session = await subscriber(teller, channel, "/data/ChangeEvents")
    await make(teller, "Lead", LastName=name, Company="C")
    await make(teller, "Account", Name=name)
    heard = await session.events(2)
    assert sorted(one["channel"] for one in heard) == ["/data/ChangeEvents", channel]
    change = next(one for one in heard if one["channel"] == "/data/ChangeEvents")
    assert change["payload"]["ChangeEventHeader"]["entityName"] == "Account"

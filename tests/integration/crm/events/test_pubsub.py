"""Events over the Pub/Sub API, spoken to with gRPC's own client."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import fastavro
import grpc
import httpx2
import pytest

from tieline.crm.events.wire import CLASSES, CUSTOM, EARLIEST, SERVICE

from ..conftest import World
from ..test_rest import DATA, make
from .cometd import subscriber

CONTACTS, ALARMS = "/data/ContactChangeEvent", "/event/Alarm__e"


class Bus:
    """The service as one user calls it."""

    def __init__(self, channel: Any, token: str, org_id: str):
        self.channel = channel
        self.metadata = (("accesstoken", token), ("instanceurl", "https://localhost"), ("tenantid", org_id))

    async def call(self, name: str, request: str, response: str, **fields: Any) -> Any:
        method = self.channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=lambda made: made.SerializeToString(),
            response_deserializer=CLASSES[response].FromString,
        )
        return await method(CLASSES[request](**fields), metadata=self.metadata, timeout=20)

    def stream(self, name: str, response: str) -> Any:
        return self.channel.stream_stream(
            f"/{SERVICE}/{name}",
            request_serializer=lambda made: made.SerializeToString(),
            response_deserializer=CLASSES[response].FromString,
        )(metadata=self.metadata)

    async def subscribe(self, topic: str, wanted: int, **more: Any) -> Any:
        stream = self.stream("Subscribe", "FetchResponse")
        await stream.write(CLASSES["FetchRequest"](topic_name=topic, num_requested=wanted, **more))
        return stream

    async def decoded(self, event: Any) -> dict[str, Any]:
        found = await self.call("GetSchema", "SchemaRequest", "SchemaInfo", schema_id=event.event.schema_id)
        schema = fastavro.parse_schema(json.loads(found.schema_json))
        return fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema, None)


async def read(stream: Any, count: int) -> list[Any]:
    """So many events, in as many answers as they come."""
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            answer = await stream.read()
            assert answer is not grpc.aio.EOF, await stream.details()
            found += answer.events
    return found


async def refusal(work: Any) -> tuple[Any, str]:
    """Status and code of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await work
    return error.value.code(), dict(error.value.trailing_metadata()).get("error-code", "")


def fields_of(definition: str, bitmaps: list[str]) -> set[str]:
    """The names behind bitmaps, worked out from the schema as its documentation says."""
    fields = json.loads(definition)["fields"]
    names: set[str] = set()
    for bitmap in bitmaps:
        place, dash, bits = bitmap.rpartition("-")
        inside = fields
        if dash:
            inside = next(part for part in fields[int(place)]["type"] if isinstance(part, dict))["fields"]
        chosen = bin(int(bits, 16))[2:][::-1]
        prefix = f"{fields[int(place)]['name']}." if dash else ""
        names |= {prefix + inside[n]["name"] for n, bit in enumerate(chosen) if bit == "1"}
    return names


@pytest.fixture
async def bus(telling: World, teller: httpx2.AsyncClient) -> AsyncIterator[Bus]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{telling.settings.pubsub_port}") as channel:
        yield Bus(channel, teller.headers["authorization"].removeprefix("Bearer "), telling.org_id)


@pytest.fixture
async def agents_bus(telling: World, listener: httpx2.AsyncClient) -> AsyncIterator[Bus]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{telling.settings.pubsub_port}") as channel:
        yield Bus(channel, listener.headers["authorization"].removeprefix("Bearer "), telling.org_id)


def mark() -> str:
    return f"Heard{secrets.token_hex(4)}"


async def test_a_topic_has_a_schema(bus: Bus, telling: World) -> None:
    topic = await bus.call("GetTopic", "TopicRequest", "TopicInfo", topic_name=CONTACTS)
    assert (topic.topic_name, topic.tenant_guid) == (CONTACTS, telling.org_id)
    assert (topic.can_subscribe, topic.can_publish) == (True, False)
    schema = await bus.call("GetSchema", "SchemaRequest", "SchemaInfo", schema_id=topic.schema_id)
    fields = json.loads(schema.schema_json)["fields"]
    assert fields[0]["name"] == "ChangeEventHeader"
    assert json.loads(schema.schema_json)["namespace"] == "com.sforce.eventbus"
    assert (await bus.call("GetTopic", "TopicRequest", "TopicInfo", topic_name=ALARMS)).can_publish


async def test_changes_come_with_values_and_bitmaps(bus: Bus, teller: httpx2.AsyncClient) -> None:
    stream = await bus.subscribe(CONTACTS, 2, replay_preset=CUSTOM, replay_id=await place(teller))
    name = mark()
    record_id = await make(
        teller, "Contact", LastName=name, Title="Old", MailingCity="Rome", Birthdate="2001-02-03"
    )
    await teller.patch(
        f"{DATA}/sobjects/Contact/{record_id}", json={"Title": None, "MailingCity": "Bonn", "FirstName": "Bo"}
    )
    events = await read(stream, 2)
    made, changed = [await bus.decoded(event) for event in events]
    assert made["ChangeEventHeader"]["changeType"] == "CREATE"
    assert made["Name"]["LastName"] == name
    assert made["Birthdate"] == 981_158_400_000
    assert isinstance(made["CreatedDate"], int)
    header = changed["ChangeEventHeader"]
    schema = await bus.call("GetSchema", "SchemaRequest", "SchemaInfo", schema_id=events[1].event.schema_id)
    assert fields_of(schema.schema_json, header["changedFields"]) == {
        "Title", "MailingAddress.City", "Name.FirstName", "LastModifiedDate",
    }  # fmt: skip
    assert fields_of(schema.schema_json, header["nulledFields"]) == {"Title"}
    assert changed["MailingAddress"]["City"] == "Bonn"
    assert changed["Title"] is None
    stream.cancel()


async def place(teller: httpx2.AsyncClient) -> bytes:
    """The replay id of an event that has just come."""
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    await make(teller, "Box__c", Name="here")
    (event,) = await session.events(1)
    return event["event"]["replayId"].to_bytes(8, "big")


async def test_a_subscriber_without_a_replay_id_hears_what_comes(
    bus: Bus, teller: httpx2.AsyncClient
) -> None:
    await make(teller, "Contact", LastName="before")
    stream = await bus.subscribe(CONTACTS, 100)
    heard = asyncio.ensure_future(stream.read())
    names: list[str] = []
    while not heard.done():  # nothing tells a client when its subscription has begun
        names.append(mark())
        await make(teller, "Contact", LastName=names[-1])
        await asyncio.wait([heard], timeout=0.05)
    assert (await bus.decoded(heard.result().events[0]))["Name"]["LastName"] in names
    stream.cancel()


async def test_no_more_events_come_than_were_asked_for(bus: Bus, teller: httpx2.AsyncClient) -> None:
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    records = [{"attributes": {"type": "Box__c"}, "Name": str(n)} for n in range(150)]
    await teller.post(f"{DATA}/composite/sobjects", json={"records": records})
    first = (await session.events(150))[0]["event"]["replayId"]
    before = (first - 1).to_bytes(8, "big")
    stream = await bus.subscribe("/data/Box__ChangeEvent", 5, replay_preset=CUSTOM, replay_id=before)
    assert len(await read(stream, 5)) == 5
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(stream.read())), 0.3)
    stream.cancel()
    stream = await bus.subscribe("/data/Box__ChangeEvent", 5000, replay_preset=CUSTOM, replay_id=before)
    found = await read(stream, 100)
    assert len(found) == 100
    await stream.write(CLASSES["FetchRequest"](num_requested=50))
    found += await read(stream, 50)
    names = [(await bus.decoded(event))["Name"] for event in found[:3]]
    assert names == ["0", "1", "2"]
    assert [int.from_bytes(event.replay_id, "big") for event in found] == list(range(first, first + 150))
    stream.cancel()


async def test_platform_events_are_published_and_come_back(bus: Bus) -> None:
    topic = await bus.call("GetTopic", "TopicRequest", "TopicInfo", topic_name=ALARMS)
    found = await bus.call("GetSchema", "SchemaRequest", "SchemaInfo", schema_id=topic.schema_id)
    schema = fastavro.parse_schema(json.loads(found.schema_json))
    out = io.BytesIO()
    at = 1_769_853_600_000
    record = {"CreatedDate": 0, "CreatedById": "me", "Place__c": "屋上", "Loud__c": True, "At__c": at}
    fastavro.schemaless_writer(out, schema, record)
    event = CLASSES["ProducerEvent"](id="one", schema_id=topic.schema_id, payload=out.getvalue())
    broken = CLASSES["ProducerEvent"](id="two", schema_id=topic.schema_id, payload=b"\xff\xff")
    old = CLASSES["ProducerEvent"](id="three", schema_id="old", payload=out.getvalue())
    answer = await bus.call(
        "Publish", "PublishRequest", "PublishResponse", topic_name=ALARMS, events=[event, broken, old]
    )
    assert [result.correlation_key for result in answer.results] == ["one", "two", "three"]
    assert [bool(result.error.msg) for result in answer.results] == [False, True, True]
    stream = await bus.subscribe(ALARMS, 100, replay_preset=EARLIEST)
    events = await read(stream, 1)
    heard = await bus.decoded(events[-1])
    assert (heard["Place__c"], heard["Loud__c"], heard["At__c"]) == ("屋上", True, at)
    stream.cancel()
    publishing = bus.stream("PublishStream", "PublishResponse")
    for name in (ALARMS, ""):
        await publishing.write(CLASSES["PublishRequest"](topic_name=name, events=[event]))
        assert not (await publishing.read()).results[0].error.msg
    publishing.cancel()


async def test_calls_that_cannot_be_answered_say_why(bus: Bus, agents_bus: Bus, telling: World) -> None:
    async def topic(asker: Bus, name: str) -> Any:
        return await asker.call("GetTopic", "TopicRequest", "TopicInfo", topic_name=name)

    async def begin(asker: Bus, name: str, **more: Any) -> Any:
        return await read(await asker.subscribe(name, more.pop("wanted", 1), **more), 1)

    code, detail = await refusal(topic(Bus(bus.channel, "wrong", telling.org_id), CONTACTS))
    assert code == grpc.StatusCode.UNAUTHENTICATED
    assert detail == "sfdc.platform.eventbus.grpc.service.auth.error"
    assert (await refusal(topic(Bus(bus.channel, "", ""), CONTACTS)))[0] == grpc.StatusCode.UNAUTHENTICATED
    assert (await refusal(topic(bus, "/event/Nothing__e")))[0] == grpc.StatusCode.NOT_FOUND
    assert (await refusal(topic(agents_bus, CONTACTS)))[0] == grpc.StatusCode.PERMISSION_DENIED
    missing = bus.call("GetSchema", "SchemaRequest", "SchemaInfo", schema_id="x" * 500)
    assert (await refusal(missing))[0] == grpc.StatusCode.NOT_FOUND
    code, detail = await refusal(begin(bus, CONTACTS, replay_preset=CUSTOM, replay_id=b"x"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert detail.endswith("replayid.corrupted")
    future = (10**15).to_bytes(8, "big")
    code, detail = await refusal(begin(bus, CONTACTS, replay_preset=CUSTOM, replay_id=future))
    assert detail.endswith("replayid.validation.failed")
    assert (await refusal(begin(bus, CONTACTS, wanted=0)))[0] == grpc.StatusCode.INVALID_ARGUMENT
    empty = bus.call("Publish", "PublishRequest", "PublishResponse", topic_name=ALARMS)
    assert (await refusal(empty))[0] == grpc.StatusCode.INVALID_ARGUMENT
    denied = bus.call("Publish", "PublishRequest", "PublishResponse", topic_name=CONTACTS)
    assert (await refusal(denied))[0] == grpc.StatusCode.PERMISSION_DENIED
    stream = await bus.subscribe(CONTACTS, 1)
    await stream.write(CLASSES["FetchRequest"](topic_name=ALARMS, num_requested=1))
    assert (await refusal(_until_refused(stream)))[0] == grpc.StatusCode.INVALID_ARGUMENT


async def _until_refused(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass
    code = await stream.code()
    raise grpc.aio.AioRpcError(code, await stream.initial_metadata(), await stream.trailing_metadata())


async def test_a_subscriber_that_asks_for_nothing_holds_nobody(bus: Bus, teller: httpx2.AsyncClient) -> None:
    here = await place(teller)
    idle = await bus.subscribe("/data/Box__ChangeEvent", 1, replay_preset=CUSTOM, replay_id=here)
    session = await subscriber(teller, "/data/Box__ChangeEvent")
    records = [{"attributes": {"type": "Box__c"}, "Name": str(n)} for n in range(200)]
    for _ in range(3):
        await teller.post(f"{DATA}/composite/sobjects", json={"records": records})
    assert len(await session.events(600)) == 600
    assert len(await read(idle, 1)) == 1
    await idle.write(CLASSES["FetchRequest"](num_requested=100))
    assert len(await read(idle, 100)) == 100
    idle.cancel()

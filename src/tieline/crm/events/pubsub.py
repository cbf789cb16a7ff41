"""The Pub/Sub API: the org's events over gRPC, as many at a time as a subscriber asks for."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import structlog

from ..access.questions import Caller, rights, visible_part
from ..errors import Fault
from ..metadata import Catalogue
from ..orgs import Org, Orgs
from ..sign_in import auth
from ..tls import Certificates
from ..values import read_value
from .channels import Shapes, Topic, TopicRefused, keep_schemas, schema_with_id
from .hub import EARLIEST as FROM_THE_START
from .hub import NEWEST, Event, Events, ReplayRefused, events_of_org
from .platform import publish
from .shape import Shape
from .wire import CLASSES, CUSTOM, EARLIEST, PUBLISH_FAILED, SERVICE, replay_bytes, replay_number

log: Any = structlog.get_logger("tieline.crm")
MAX_REQUESTED = 100
"""Events that a subscriber may have asked for and not yet got."""
MAX_PUBLISHED = 200
MAX_EVENT = 1_000_000
MAX_MESSAGE = 4 * 1024 * 1024
KEEPALIVE_S = 60.0
"""How long a subscriber hears nothing at most; Salesforce promises 270 seconds."""
PUBLISH_IDLE_S = 70.0
_CODE = "sfdc.platform.eventbus.grpc."


class _Refused(Exception):
    """A call that fails: gRPC's status, Salesforce's code, and a sentence."""

    def __init__(self, status: Any, code: str, message: str):
        super().__init__(message)
        self.status = status
        self.code = _CODE + code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who calls, in which org."""

    org: Org
    caller: Caller
    catalogue: Catalogue


class PubSub:
    """The service's methods."""

    def __init__(self, orgs: Orgs):
        self._orgs = orgs

    def handler(self) -> Any:
        """What gRPC needs to find the methods."""
        unary, both = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        methods = {
            "GetTopic": _method(unary, _unary(self.get_topic), "TopicRequest"),
            "GetSchema": _method(unary, _unary(self.get_schema), "SchemaRequest"),
            "Publish": _method(unary, _unary(self.publish), "PublishRequest"),
            "Subscribe": _method(both, _stream(self.subscribe), "FetchRequest"),
            "PublishStream": _method(both, _stream(self.publish_stream), "PublishRequest"),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def _asker(self, context: Any) -> tuple[_Asker, Shapes]:
        """The user of the call's token, and the shapes of their org's events."""
        given = {str(key).lower(): value for key, value in context.invocation_metadata() or ()}
        token, tenant = str(given.get("accesstoken", "")), str(given.get("tenantid", ""))
        org = await self._orgs.by_id(tenant or auth.org_id_of_token(token) or "")
        refused = _Refused(grpc.StatusCode.UNAUTHENTICATED, "service.auth.error", "Authentication failed")
        if org is None or not token:
            raise refused
        async with org.connection() as conn:
            holder = await auth.holder_of(conn, token)
            if holder is None or not holder.scopes & {"api", "full"} or not holder.caller.may("ApiEnabled"):
                raise refused
            catalogue = await org.catalogue(conn, holder.version)
            shapes = await events_of_org(org).shapes(conn, catalogue)
        return _Asker(org, holder.caller, catalogue.whole), shapes

    async def _topic(self, context: Any, name: str) -> tuple[_Asker, Topic]:
        asker, shapes = await self._asker(context)
        try:
            topic = shapes.topic(name, asker.caller)
        except TopicRefused as refused:
            if refused.missing:
                raise _Refused(grpc.StatusCode.NOT_FOUND, "topic.not.found", refused.message) from None
            code = "service.auth.permission.denied"
            raise _Refused(grpc.StatusCode.PERMISSION_DENIED, code, refused.message) from None
        async with asker.org.connection() as conn:
            await keep_schemas(conn, topic)
        return asker, topic

    # -- about topics

    async def get_topic(self, request: Any, context: Any) -> Any:
        """What a topic is, and whether the caller may publish or subscribe."""
        asker, topic = await self._topic(context, request.topic_name)
        shape = _only(topic)
        return CLASSES["TopicInfo"](
            topic_name=topic.name,
            tenant_guid=asker.org.org_id,
            can_publish=_may_publish(asker, topic),
            can_subscribe=True,
            schema_id=shape.id if shape else "",
            rpc_id=_rpc_id(),
        )

    async def get_schema(self, request: Any, context: Any) -> Any:
        """An Avro schema by its id, also of an object that has changed since."""
        asker, shapes = await self._asker(context)
        async with asker.org.connection() as conn:
            found = await schema_with_id(conn, shapes, asker.caller, request.schema_id)
        if found is None:
            raise _Refused(grpc.StatusCode.NOT_FOUND, "schema.not.found", "There is no schema with this id")
        return CLASSES["SchemaInfo"](schema_json=found, schema_id=request.schema_id, rpc_id=_rpc_id())

    # -- subscribing

    async def subscribe(self, requests: AsyncIterator[Any], context: Any) -> AsyncGenerator[Any]:
        """Events of a topic, as many as asked for, until the subscriber leaves."""
        first: Any = await anext(aiter(requests), None)
        if first is None:
            return
        asker, topic = await self._topic(context, first.topic_name)
        events = events_of_org(asker.org)
        async with asker.org.connection() as conn:
            await events.usage.sync(conn)
        cursor = await _beginning(events, first)
        wanted = _Wanted(topic.name)
        wanted.add(first)
        reading = asyncio.create_task(wanted.read(requests))
        rpc_id, heard_at = _rpc_id(), time.monotonic()
        try:
            while True:
                if events.usage.used >= events.usage.maximum:
                    raise _Refused(
                        grpc.StatusCode.RESOURCE_EXHAUSTED,
                        "subscription.limit.exceeded",
                        "The org's daily delivery of events is used up",
                    )
                found, reached = (
                    await events.after(cursor, topic, wanted.count) if wanted.count else ([], cursor)
                )
                if found or time.monotonic() - heard_at >= KEEPALIVE_S:
                    wanted.count -= len(found)
                    events.usage.add(len(found))
                    yield CLASSES["FetchResponse"](
                        events=[_consumer(event, topic) for event in found],
                        latest_replay_id=replay_bytes(reached),
                        rpc_id=rpc_id,
                        pending_num_requested=wanted.count,
                    )
                    heard_at = time.monotonic()
                cursor = reached
                if found:
                    continue
                if reading.done() and (reading.exception() is not None or not wanted.count):
                    reading.result()
                    return
                left = max(KEEPALIVE_S - (time.monotonic() - heard_at), 0.01)
                await _first_of(
                    left, wanted.changed.wait(), events.moved(cursor) if wanted.count else None, reading
                )
                wanted.changed.clear()
        finally:
            reading.cancel()

    # -- publishing

    async def publish(self, request: Any, context: Any) -> Any:
        """Publishes platform events; each has its result."""
        asker, topic = await self._topic(context, request.topic_name)
        shape = _only(topic)
        if shape is None or not _may_publish(asker, topic):
            raise _Refused(
                grpc.StatusCode.PERMISSION_DENIED,
                "service.auth.permission.denied",
                f"You have no right to publish to {topic.name}",
            )
        if not request.events or len(request.events) > MAX_PUBLISHED:
            raise _Refused(
                grpc.StatusCode.INVALID_ARGUMENT,
                "publish.request.invalid",
                f"A request publishes 1 to {MAX_PUBLISHED} events",
            )
        read = [_read(shape, asker, event) for event in request.events]
        good = [item for item in read if not isinstance(item, str)]
        async with asker.org.connection() as conn, conn.transaction():
            done = iter(await publish(conn, shape.value, asker.caller, good) if good else ())
        asker.org.wake("events")
        results: list[Any] = []
        for event, item in zip(request.events, read, strict=True):
            outcome = item if isinstance(item, str) else next(done)
            problem = outcome.message if isinstance(outcome, Fault) else item if isinstance(item, str) else ""
            error = CLASSES["Error"](code=PUBLISH_FAILED, msg=problem) if problem else None
            results.append(CLASSES["PublishResult"](error=error, correlation_key=event.id or _rpc_id()))
        return CLASSES["PublishResponse"](results=results, schema_id=shape.id, rpc_id=_rpc_id())

    async def publish_stream(self, requests: AsyncIterator[Any], context: Any) -> AsyncGenerator[Any]:
        """Publishes request after request to the topic that the first one names."""
        name, source = "", aiter(requests)
        while True:
            try:
                request: Any = await asyncio.wait_for(anext(source, None), PUBLISH_IDLE_S)
            except TimeoutError:
                raise _Refused(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    "publish.stream.idle",
                    "Nothing was published for 70 seconds",
                ) from None
            if request is None:
                return
            name = name or request.topic_name
            if request.topic_name not in ("", name):
                raise _other_topic(name)
            request.topic_name = name
            yield await self.publish(request, context)


class _Wanted:
    """How many events a subscriber still wants."""

    def __init__(self, topic: str):
        self.topic = topic
        self.count = 0
        self.changed = asyncio.Event()

    def add(self, request: Any) -> None:
        """Takes a request into account. _Refused where it asks for too many, or for another topic."""
        if request.topic_name not in ("", self.topic):
            raise _other_topic(self.topic)
        if request.num_requested <= 0:
            raise _Refused(
                grpc.StatusCode.INVALID_ARGUMENT,
                "subscription.fetch.invalid",
                "num_requested must be above 0",
            )
        self.count = min(self.count + request.num_requested, MAX_REQUESTED)
        self.changed.set()

    async def read(self, requests: AsyncIterator[Any]) -> None:
        """Takes all further requests into account."""
        async for request in requests:
            self.add(request)


def _other_topic(name: str) -> _Refused:
    return _Refused(
        grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.topic.changed", f"This stream is about {name}"
    )


async def _beginning(events: Events, request: Any) -> int:
    """Behind which event the subscription begins."""
    preset = request.replay_preset
    wanted = {EARLIEST: FROM_THE_START}.get(preset, NEWEST)
    if preset == CUSTOM:
        number = replay_number(request.replay_id)
        if number is None:
            raise _Refused(
                grpc.StatusCode.INVALID_ARGUMENT,
                "subscription.fetch.replayid.corrupted",
                "The replay_id is not one of this event bus",
            )
        wanted = number
    try:
        return await events.place(wanted)
    except ReplayRefused:
        raise _Refused(
            grpc.StatusCode.INVALID_ARGUMENT,
            "subscription.fetch.replayid.validation.failed",
            "The replay_id is of the future, or of an event that is no longer kept",
        ) from None


async def _first_of(seconds: float, *waiting: Any) -> None:
    """Waits until one of several things happens, or for so many seconds; tasks among them go on."""
    own = [
        asyncio.ensure_future(one) for one in waiting if one is not None and not isinstance(one, asyncio.Task)
    ]
    given = [one for one in waiting if isinstance(one, asyncio.Task) and not one.done()]
    try:
        await asyncio.wait([*own, *given], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in own:
            task.cancel()


def _consumer(event: Event, topic: Topic) -> Any:
    shape = topic.shapes[event.stream]
    payload = shape.encoded(event.content, topic.seen[event.stream])
    produced = CLASSES["ProducerEvent"](id=event.uuid, schema_id=shape.id, payload=payload)
    return CLASSES["ConsumerEvent"](event=produced, replay_id=replay_bytes(event.replay_id))


def _read(shape: Shape, asker: _Asker, event: Any) -> dict[str, Any] | str:
    """What an event says, by field and as it is stored; a sentence where it cannot be published."""
    if len(event.payload) > MAX_EVENT:
        return f"The event is larger than {MAX_EVENT} bytes"
    if event.schema_id != shape.id:
        return "The schema_id is not that of the topic: ask for the topic again"
    visible = visible_part(asker.catalogue, asker.caller).objects[shape.value.name].fields
    try:
        given = {name: value for name, value in shape.decoded(event.payload).items() if value is not None}
        return {name: read_value(visible[name], value) for name, value in given.items()}
    except (ValueError, OverflowError, OSError) as error:
        return str(error)[:200]
    except KeyError as missing:
        return f"Unable to create/update fields: {missing.args[0]}"
    except Fault as fault:
        return fault.message


def _only(topic: Topic) -> Shape | None:
    """The shape of a topic that has one kind of event."""
    return next(iter(topic.shapes.values())) if len(topic.shapes) == 1 else None


def _may_publish(asker: _Asker, topic: Topic) -> bool:
    shape = _only(topic)
    return shape is not None and shape.kind == "platform" and rights(asker.caller, shape.value).create


def _rpc_id() -> str:
    return str(uuid.uuid4())


# -- gRPC ----------------------------------------------------------------------------------------------------


def _serialized(message: Any) -> bytes:
    return message.SerializeToString()


def _method(kind: Callable[..., Any], work: Any, request: str) -> Any:
    return kind(work, request_deserializer=CLASSES[request].FromString, response_serializer=_serialized)


async def _abort(context: Any, refused: _Refused) -> None:
    trailer = (("error-code", refused.code), ("rpc-id", _rpc_id()))
    await context.abort(refused.status, refused.message, trailer)


def _unexpected(error: Exception) -> _Refused:
    log.error("pubsub_failed", kind=type(error).__name__)
    return _Refused(
        grpc.StatusCode.UNAVAILABLE, "service.unavailable", "The server cannot answer at the moment"
    )


def _unary(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    async def answered(request: Any, context: Any) -> Any:
        try:
            return await work(request, context)
        except _Refused as refused:
            await _abort(context, refused)
        except Exception as error:
            await _abort(context, _unexpected(error))

    return answered


def _stream(work: Callable[[Any, Any], AsyncGenerator[Any]]) -> Callable[[Any, Any], AsyncGenerator[Any]]:
    async def answered(requests: AsyncIterator[Any], context: Any) -> AsyncGenerator[Any]:
        made = work(requests, context)
        try:
            async for response in made:
                yield response
        except _Refused as refused:
            await _abort(context, refused)
        except Exception as error:
            await _abort(context, _unexpected(error))
        finally:
            await made.aclose()

    return answered


@asynccontextmanager
async def serving(
    orgs: Orgs, host: str, clear: int | None, secure: int | None, certificates: Certificates | None
) -> AsyncGenerator[None]:
    """Serves the API, in clear on loopback only. RuntimeError where a port is taken."""
    server: Any = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE * 4),
            ("grpc.so_reuseport", 0),
        ),
        maximum_concurrent_rpcs=1_000,
    )
    server.add_generic_rpc_handlers((PubSub(orgs).handler(),))
    if clear:
        server.add_insecure_port(f"127.0.0.1:{clear}")
    if secure and certificates is not None:
        pair = (certificates.key.read_bytes(), certificates.certificate.read_bytes())
        server.add_secure_port(f"{host}:{secure}", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield
    finally:
        await server.stop(1)

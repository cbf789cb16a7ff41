"""`/cometd/XX.0`: events by long polling, as the Bayeux protocol 1.0 and its replay extension say.

Sessions live in this process: a client that another process knows, or that was away for too long, is told to shake
hands again and takes up where it was with its replay id.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import Caller
from ..errors import Fault
from ..orgs import Org
from ..rest import MAX_VERSION, MIN_VERSION
from ..sign_in import auth
from ..sign_in.door import bearer, org_named
from ..web import json_response, parse_json, place_of, read_body
from .channels import Topic, TopicRefused, keep_schemas
from .hub import EARLIEST, NEWEST, Event, Events, ReplayRefused, events_of_org
from .push_topics import PREFIX as PUSHED
from .push_topics import Pushed, handed_over, heard

PREFIX = "/cometd"
MAX_BODY = 64 * 1024
MAX_MESSAGES = 100
MAX_SUBSCRIPTIONS = 50
_PER_ANSWER = 500
_BYTES_PER_ANSWER = 2_000_000
AWAY_S = 40.0
"""How long a client may be away between two polls."""
_RETRY: dict[str, Any] = {"reconnect": "retry", "interval": 0}
_HANDSHAKE: dict[str, Any] = {"reconnect": "handshake", "interval": 500}
_NONE: dict[str, Any] = {"reconnect": "none"}
_Message = dict[str, Any]


@dataclass(slots=True)
class _Subscription:
    """A topic and the place up to which its events were handed over."""

    topic: Topic | Pushed
    cursor: int


@dataclass(slots=True)
class _Client:
    """One session of a subscriber."""

    id: str
    org: Org
    user_id: str
    seen_at: float
    subscriptions: dict[str, _Subscription] = field(default_factory=dict[str, _Subscription])
    polls: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class CometD:
    """All clients of this process."""

    def __init__(self, long_poll_s: float, most_clients: int):
        self._long_poll_s = long_poll_s
        self._most = most_clients
        self._clients: dict[str, _Client] = {}

    async def endpoint(self, request: Request) -> Response:
        """Answers one request with messages; it may take as long as the long poll lasts."""
        version = request.path_params["version"]
        if request.method != "POST":
            return Response("Long polling only: use POST", 400, media_type="text/plain")
        if not re.fullmatch(r"\d\d\.0", version) or not MIN_VERSION <= int(version[:2]) <= MAX_VERSION:
            return Response("Unknown API version", 404, media_type="text/plain")
        if place_of(request) == "lightning":
            return Response("Not found", 404, media_type="text/plain")
        try:
            messages = await _messages(request)
        except Fault as fault:
            return Response(fault.message, 400, media_type="text/plain")
        token = bearer(request)
        org = await org_named(request, token)
        caller = await _caller(org, token)
        answers: list[_Message] = []
        for message in messages:
            answers += await self._answer(request, org, caller, message)
        return json_response(answers)

    async def _answer(
        self, request: Request, org: Org, caller: Caller | None, message: _Message
    ) -> list[_Message]:
        channel = message.get("channel")
        reply: _Message = {"channel": channel if isinstance(channel, str) else "", "successful": False}
        if "id" in message:
            reply["id"] = message["id"]
        if channel == "/meta/handshake":
            return [reply | self._handshake(org, caller, message)]
        client = self._known(org, message.get("clientId"))
        if client is None or (caller is not None and client.user_id != caller.user_id):
            return [reply | {"error": "403::Unknown client", "advice": _HANDSHAKE}]
        reply["clientId"] = client.id
        if caller is None:
            return [reply | {"error": "401::Authentication invalid", "advice": _NONE}]
        client.seen_at = time.monotonic()
        if channel == "/meta/connect":
            return await self._connect(request, client, caller, message, reply)
        if channel == "/meta/disconnect":
            self._clients.pop(client.id, None)
            client.changed.set()
            return [reply | {"successful": True}]
        if channel == "/meta/subscribe":
            return [reply | await self._subscribe(client, caller, message)]
        if channel == "/meta/unsubscribe":
            name = message.get("subscription")
            known = client.subscriptions.pop(name, None) if isinstance(name, str) else None
            if known is None:
                return [reply | {"subscription": name, "error": "403::Not subscribed"}]
            return [reply | {"subscription": name, "successful": True}]
        return [reply | {"error": "400::Publishing is not supported over CometD"}]

    # -- sessions

    def _known(self, org: Org, client_id: Any) -> _Client | None:
        client = self._clients.get(client_id) if isinstance(client_id, str) else None
        if client is None or client.org is not org or self._is_away(client):
            return None
        return client

    def _is_away(self, client: _Client) -> bool:
        return not client.polls and time.monotonic() - client.seen_at > AWAY_S

    def _handshake(self, org: Org, caller: Caller | None, message: _Message) -> _Message:
        features: _Message = {"replay": True, "payload.format": True}
        denied: _Message = {"error": "403::Handshake denied", "advice": _NONE}
        if caller is None:
            return denied | {"ext": {"sfdc": {"failureReason": "401::Authentication invalid"}, **features}}
        kinds = message.get("supportedConnectionTypes")
        if isinstance(kinds, list) and "long-polling" not in kinds:
            return {"error": "400::No supported connection type", "advice": _NONE,
                    "supportedConnectionTypes": ["long-polling"]}  # fmt: skip
        for client in [known for known in self._clients.values() if self._is_away(known)]:
            del self._clients[client.id]
        if sum(client.org is org for client in self._clients.values()) >= self._most:
            reason = "403::Organization concurrent user limit exceeded"
            return denied | {"ext": {"sfdc": {"failureReason": reason}, **features}}
        client = _Client(secrets.token_hex(14), org, caller.user_id, time.monotonic())
        self._clients[client.id] = client
        return {
            "clientId": client.id,
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "successful": True,
            "ext": features,
            "advice": self._advice,
        }

    @property
    def _advice(self) -> _Message:
        return _RETRY | {"timeout": int(self._long_poll_s * 1000)}

    async def _subscribe(self, client: _Client, caller: Caller, message: _Message) -> _Message:
        name = message.get("subscription")
        about: _Message = {"subscription": name}
        if not isinstance(name, str) or "*" in name:
            return about | {"error": f"403:{str(name)[:120]}:Wildcards and lists are not supported"}
        if len(client.subscriptions) >= MAX_SUBSCRIPTIONS and name not in client.subscriptions:
            return about | {"error": f"403:{name[:120]}:More than {MAX_SUBSCRIPTIONS} subscriptions"}
        events = events_of_org(client.org)
        try:
            async with client.org.connection() as conn:
                await events.usage.sync(conn)
                catalogue = await client.org.catalogue(conn)
                shapes = await events.shapes(conn, catalogue)
                push_topics = await events.push_topics(conn, catalogue)
            if events.usage.used >= events.usage.maximum:
                return about | {"error": "403::Organization total events daily limit exceeded"}
            if name.startswith(PUSHED):
                topic = heard(catalogue, push_topics, name, caller)
            else:
                topic = shapes.topic(name, caller)
                async with client.org.connection() as conn:
                    await keep_schemas(conn, topic)
            cursor = await events.place(_replay_id(message, name))
        except TopicRefused as refused:
            code = "404" if refused.missing else "403"
            return about | {"error": f"{code}::{refused.message}"}
        except ReplayRefused:
            given = _replay_id(message, name)
            return about | {
                "error": f"400::The replayId {{{given}}} you provided was invalid. Please provide a valid ID, -2 to "
                "replay all events, or -1 to replay only new events."
            }
        except (TimeoutError, OSError, asyncpg.PostgresError):
            return about | {"error": "503::The server is not ready", "advice": _RETRY | {"interval": 2000}}
        client.subscriptions[name] = _Subscription(topic, cursor)
        client.changed.set()
        return about | {"successful": True}

    # -- polling

    async def _connect(
        self, request: Request, client: _Client, caller: Caller, message: _Message, reply: _Message
    ) -> list[_Message]:
        advice = message.get("advice")
        wait = self._long_poll_s
        if isinstance(advice, dict):
            given: Any = advice.get("timeout")
            if isinstance(given, int | float) and not isinstance(given, bool):
                wait = max(0.0, min(wait, given / 1000))
        client.changed.set()  # of two polls the newer is the one that waits
        client.changed = asyncio.Event()
        client.polls += 1
        try:
            found = await self._poll(request, client, caller, wait)
        finally:
            client.polls -= 1
            client.seen_at = time.monotonic()
        return [*found, reply | {"successful": True, "advice": self._advice}]

    async def _poll(self, request: Request, client: _Client, caller: Caller, wait: float) -> list[_Message]:
        """Messages as soon as there are any; none when the time is over, or when the client leaves."""
        deadline = time.monotonic() + wait
        events = events_of_org(client.org)
        mine = client.changed
        leaving = asyncio.ensure_future(_left(request))
        try:
            while True:
                found = await _ready(events, client, caller)
                left = deadline - time.monotonic()
                if found or left <= 0 or leaving.done() or client.id not in self._clients:
                    return found
                if client.changed is not mine:
                    return []
                cursor = min((one.cursor for one in client.subscriptions.values()), default=events.latest)
                waiting = [asyncio.ensure_future(events.moved(cursor)), asyncio.ensure_future(mine.wait())]
                try:
                    await asyncio.wait([*waiting, leaving], timeout=left, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in waiting:
                        task.cancel()
                if client.changed is mine:
                    mine.clear()
        finally:
            leaving.cancel()


async def _ready(events: Events, client: _Client, caller: Caller) -> list[_Message]:
    """What there is for a client, within the limits of one answer; its places move on."""
    found: list[_Message] = []
    size = 0
    for name, subscription in list(client.subscriptions.items()):
        left = _PER_ANSWER - len(found)
        if left <= 0 or size > _BYTES_PER_ANSWER:
            break
        topic = subscription.topic
        got, cursor = await events.after(subscription.cursor, topic, left)
        if isinstance(topic, Pushed):
            told = await _pushed(events, topic, caller, got)
        else:
            told = [_told(topic, event) for event in got]
        subscription.cursor = cursor
        for data in told:
            if events.usage.used >= events.usage.maximum:
                break
            found.append({"channel": name, "data": data})
            events.usage.add(1)
        size += sum(event.size for event in got)
    return found


def _told(topic: Topic, event: Event) -> _Message:
    """The `data` of a message."""
    shape = topic.shapes[event.stream]
    payload = shape.message(event.content, topic.seen[event.stream])
    return {
        "schema": shape.id,
        "payload": payload,
        "event": {"replayId": event.replay_id, "EventUuid": event.uuid},
    }


async def _pushed(events: Events, topic: Pushed, caller: Caller, got: list[Event]) -> list[_Message]:
    if not got:
        return []
    async with events.org.connection() as conn:
        catalogue = await events.org.catalogue(conn)
        push_topics = await events.push_topics(conn, catalogue)
        contents = [(event.replay_id, event.content) for event in got]
        return await handed_over(conn, catalogue, push_topics, topic, caller, contents)


def _replay_id(message: Mapping[str, Any], name: str) -> int:
    """Where a subscription begins: `ext.replay.{topic}`; at the end without it."""
    ext: Any = message.get("ext")
    replay: Any = ext.get("replay") if isinstance(ext, dict) else None
    given: Any = replay.get(name) if isinstance(replay, dict) else None
    if isinstance(given, int) and not isinstance(given, bool) and EARLIEST <= given < 2**63:
        return given
    return (
        NEWEST if given is None else 2**63 - 1
    )  # what cannot be a replay id is refused like one of the future


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _messages(request: Request) -> list[_Message]:
    raw = await read_body(request, MAX_BODY)
    found = parse_json(raw)
    messages: list[Any] = found if isinstance(found, list) else [found]
    if not messages or len(messages) > MAX_MESSAGES or not all(isinstance(item, dict) for item in messages):
        raise Fault("JSON_PARSER_ERROR", f"The body must be a message, or a list of at most {MAX_MESSAGES}")
    return messages


async def _caller(org: Org, token: str) -> Caller | None:
    """The user of a live token that may use the API."""
    if not token:
        return None
    async with org.connection() as conn:
        holder = await auth.holder_of(conn, token)
    if holder is None or not holder.scopes & {"api", "full"} or not holder.caller.may("ApiEnabled"):
        return None
    return holder.caller


def routes(cometd: CometD) -> list[Route]:
    """The endpoint; clients may append a message's name to its path."""
    methods = ["GET", "POST"]
    return [
        Route(PREFIX + "/{version}", cometd.endpoint, methods=methods),
        Route(PREFIX + "/{version}/{rest:path}", cometd.endpoint, methods=methods),
    ]

# ruff: noqa: S608 - identifiers are constants, values are parameters
"""Omni-Channel in Set-up: the switch, presence statuses with who may take them, configurations, service channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import Visit, answering
from ..errors import not_found
from ..ids import parse_id
from ..omni.presence import SETTING, enabled, leave
from ..web import json_response
from .administration import (
    administering,
    all_saved,
    body_of,
    flag_of,
    looking,
    refusal,
    store_setting,
    text_of,
)

_MOST = 500
_FLAGS = (
    "OptionsIsAutoAcceptEnabled", "OptionsIsDeclineEnabled", "OptionsIsDeclineReasonEnabled",
    "OptionsIsDisconnectSoundEnabled", "OptionsIsRequestSoundEnabled",
)  # fmt: skip


def _named(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MasterLabel": text_of("label", body.get("label"), 80),
        "DeveloperName": text_of("name", body.get("name"), 80),
    }


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST:  # pyright: ignore[reportUnknownArgumentType]
        raise refusal(name, f"must be a list of at most {_MOST} ids")
    given: list[Any] = value
    found = [parse_id(each) for each in given]
    if None in found:
        raise refusal(name, "must be a list of ids")
    return list(dict.fromkeys(each for each in found if each))


async def _require(visit: Visit, name: str, ids: Sequence[str], *objects: str) -> None:
    """INVALID_INPUT unless every id is one of the org's records of these objects."""
    count = 0
    for object_name in objects:
        count += await visit.conn.fetchval(
            f'SELECT count(*) FROM data."{object_name}" WHERE "Id" = ANY($1) AND NOT "IsDeleted"',
            list(ids),
        )
    if count != len(ids):
        raise refusal(name, "names a record that does not exist")


async def _save(visit: Visit, object_name: str, raw_id: str | None, values: Mapping[str, Any]) -> str:
    value = visit.call.catalogue.whole.objects[object_name]
    if raw_id is None:
        return all_saved(await visit.call.records.create(value, [values]))[0]
    return all_saved(await visit.call.records.update(value, [(raw_id, values)]))[0]


# -- settings ------------------------------------------------------------------------------------------------


@answering
async def show_settings(request: Request) -> Response:
    """`{enabled}`."""
    async with looking(request) as visit:
        return json_response({"enabled": await enabled(visit.conn)})


@answering
async def change_settings(request: Request) -> Response:
    """Switches Omni-Channel on or off: `{enabled}`. Off takes everybody offline."""
    body = await body_of(request)
    async with administering(request) as visit, visit.conn.transaction():
        on = flag_of("enabled", body.get("enabled"))
        await store_setting(visit, SETTING, on)
        if not on:
            for row in await visit.conn.fetch(
                'SELECT "UserId" FROM data."UserServicePresence" WHERE "IsCurrentState" AND NOT "IsDeleted"'
            ):
                await leave(visit.conn, row["UserId"])
    return json_response({"enabled": on})


# -- statuses ------------------------------------------------------------------------------------------------


@answering
async def list_statuses(request: Request) -> Response:
    """All presence statuses with their channels and whom they are open to, and what may be chosen for both."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT p."Id" AS id, p."MasterLabel" AS label, p."DeveloperName" AS name,'
            ' array(SELECT s."ServiceChannelId" FROM data."ServiceChannelStatus" s'
            '   WHERE s."ServicePresenceStatusId" = p."Id" AND NOT s."IsDeleted") AS channels,'
            ' array(SELECT a.parent_id FROM meta.presence_status_access a WHERE a.status_id = p."Id") AS open_to'
            ' FROM data."ServicePresenceStatus" p WHERE NOT p."IsDeleted" ORDER BY lower(p."MasterLabel")'
        )
        channels = await visit.conn.fetch(
            'SELECT "Id" AS id, "MasterLabel" AS label FROM data."ServiceChannel" WHERE NOT "IsDeleted"'
            ' ORDER BY lower("MasterLabel")'
        )
        sets = await visit.conn.fetch(
            'SELECT s."Id" AS id, coalesce(p."Name", s."Label") AS label, s."IsOwnedByProfile" AS profile'
            ' FROM data."PermissionSet" s LEFT JOIN data."Profile" p ON p."Id" = s."ProfileId" AND s."IsOwnedByProfile"'
            ' WHERE NOT s."IsDeleted" ORDER BY s."IsOwnedByProfile" DESC, lower(coalesce(p."Name", s."Label"))'
        )
        return json_response(
            {
                "statuses": [dict(row) for row in rows],
                "channels": [dict(row) for row in channels],
                "sets": [dict(row) for row in sets],
            }
        )


@answering
async def save_status(request: Request) -> Response:
    """Makes or changes a status: `{label, name, channels: [id], open_to: [permission set id]}`.

    A status with channels is an online status, one without is a busy one.
    """
    body = await body_of(request)
    async with administering(request) as visit, visit.conn.transaction():
        channels = _texts("channels", body.get("channels", []))
        open_to = _texts("open_to", body.get("open_to", []))
        await _require(visit, "channels", channels, "ServiceChannel")
        await _require(visit, "open_to", open_to, "PermissionSet")
        raw_id = request.path_params.get("id")
        status_id = await _save(visit, "ServicePresenceStatus", raw_id, _named(body))
        link = visit.call.catalogue.whole.objects["ServiceChannelStatus"]
        rows = await visit.conn.fetch(
            'SELECT "Id", "ServiceChannelId" FROM data."ServiceChannelStatus"'
            ' WHERE "ServicePresenceStatusId" = $1 AND NOT "IsDeleted"',
            status_id,
        )
        gone = [row["Id"] for row in rows if row["ServiceChannelId"] not in channels]
        held = {row["ServiceChannelId"] for row in rows}
        if gone:
            all_saved(await visit.call.records.delete(link, gone))
        fresh = [
            {"ServicePresenceStatusId": status_id, "ServiceChannelId": each}
            for each in channels
            if each not in held
        ]
        if fresh:
            all_saved(await visit.call.records.create(link, fresh))
        await visit.conn.execute("DELETE FROM meta.presence_status_access WHERE status_id = $1", status_id)
        await visit.conn.executemany(
            "INSERT INTO meta.presence_status_access VALUES ($1, $2)", [(status_id, each) for each in open_to]
        )
    return json_response({"id": status_id}, 201 if raw_id is None else 200)


# -- channels ------------------------------------------------------------------------------------------------


@answering
async def list_channels(request: Request) -> Response:
    """All service channels, and the objects that a channel may carry."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT "Id" AS id, "MasterLabel" AS label, "DeveloperName" AS name, "RelatedEntity" AS object'
            ' FROM data."ServiceChannel" WHERE NOT "IsDeleted" ORDER BY lower("MasterLabel")'
        )
        return json_response(
            {
                "channels": [dict(row) for row in rows],
                "objects": [
                    {"name": value.name, "label": value.label_in(visit.language)}
                    for value in visit.call.catalogue.objects.values()
                    if not value.setup and "OwnerId" in value.fields
                ],
            }
        )


@answering
async def save_channel(request: Request) -> Response:
    """Makes or changes a service channel: `{label, name, object}`."""
    body = await body_of(request)
    async with administering(request) as visit, visit.conn.transaction():
        value = visit.call.catalogue.whole.get(str(body.get("object") or ""))
        if value is None or value.setup:
            raise refusal("object", "must be an object of the org")
        raw_id = request.path_params.get("id")
        channel_id = await _save(
            visit, "ServiceChannel", raw_id, _named(body) | {"RelatedEntity": value.name}
        )
    return json_response({"id": channel_id}, 201 if raw_id is None else 200)


@answering
async def delete_channel(request: Request) -> Response:
    """Deletes a service channel; statuses lose it."""
    async with administering(request) as visit, visit.conn.transaction():
        value = visit.call.catalogue.whole.objects["ServiceChannel"]
        all_saved(await visit.call.records.delete(value, [request.path_params["id"]]))
    return json_response(None, 204)


# -- configurations ------------------------------------------------------------------------------------------


@answering
async def list_configurations(request: Request) -> Response:
    """All presence configurations with whom they belong to, and the users and profiles there are."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT p.*, array(SELECT o.parent_id FROM meta.presence_config_of o WHERE o.config_id = p."Id") AS given_to'
            ' FROM data."PresenceUserConfig" p WHERE NOT p."IsDeleted" ORDER BY lower(p."MasterLabel")'
        )
        parents = await visit.conn.fetch(
            'SELECT "Id" AS id, "Name" AS label, true AS profile FROM data."Profile" WHERE NOT "IsDeleted"'
            ' UNION ALL SELECT * FROM (SELECT "Id", "Name", false FROM data."User" WHERE "IsActive" AND NOT "IsDeleted"'
            f' ORDER BY lower("Name") LIMIT {_MOST}) u'
        )
        return json_response(
            {
                "configurations": [
                    {
                        "id": row["Id"],
                        "label": row["MasterLabel"],
                        "name": row["DeveloperName"],
                        "capacity": row["Capacity"],
                        "on_decline": row["PresenceStatusOnDeclineId"],
                        "on_timeout": row["PresenceStatusOnPushTimeoutId"],
                        "options": {flag: bool(row[flag]) for flag in _FLAGS},
                        "given_to": row["given_to"],
                    }
                    for row in rows
                ],
                "parents": [dict(row) for row in parents],
            }
        )


@answering
async def save_configuration(request: Request) -> Response:
    """Makes or changes a configuration: `{label, name, capacity, options, on_decline, on_timeout, given_to: [id]}`.

    A user or profile has one configuration; the other one loses it.
    """
    body = await body_of(request)
    capacity: Any = body.get("capacity")
    if not isinstance(capacity, int) or isinstance(capacity, bool) or not 0 <= capacity <= 1000:
        raise refusal("capacity", "must be a number from 0 to 1000")
    given: Any = body.get("options", {})
    if not isinstance(given, dict) or set(given) - set(_FLAGS):  # pyright: ignore[reportUnknownArgumentType]
        raise refusal("options", f"must be an object with some of {', '.join(_FLAGS)}")
    options: dict[str, Any] = given
    async with administering(request) as visit, visit.conn.transaction():
        given_to = _texts("given_to", body.get("given_to", []))
        await _require(visit, "given_to", given_to, "User", "Profile")
        raw_id = request.path_params.get("id")
        config_id = await _save(
            visit,
            "PresenceUserConfig",
            raw_id,
            _named(body)
            | {
                "Capacity": capacity,
                "PresenceStatusOnDeclineId": body.get("on_decline"),
                "PresenceStatusOnPushTimeoutId": body.get("on_timeout"),
            }
            | {flag: flag_of(flag, value) for flag, value in options.items()},
        )
        await visit.conn.execute("DELETE FROM meta.presence_config_of WHERE config_id = $1", config_id)
        await visit.conn.executemany(
            "INSERT INTO meta.presence_config_of VALUES ($1, $2)"
            " ON CONFLICT (parent_id) DO UPDATE SET config_id = excluded.config_id",
            [(each, config_id) for each in given_to],
        )
    return json_response({"id": config_id}, 201 if raw_id is None else 200)


@answering
async def delete_configuration(request: Request) -> Response:
    """Deletes a presence configuration; its users have the default capacity."""
    async with administering(request) as visit, visit.conn.transaction():
        config_id = parse_id(request.path_params["id"])
        if config_id is None:
            raise not_found()
        value = visit.call.catalogue.whole.objects["PresenceUserConfig"]
        all_saved(await visit.call.records.delete(value, [config_id]))
        await visit.conn.execute("DELETE FROM meta.presence_config_of WHERE config_id = $1", config_id)
    return json_response(None, 204)


_PREFIX = "/console/api/setup/omni"

ROUTES = [
    Route(f"{_PREFIX}/settings", show_settings),
    Route(f"{_PREFIX}/settings", change_settings, methods=["PUT"]),
    Route(f"{_PREFIX}/statuses", list_statuses),
    Route(f"{_PREFIX}/statuses", save_status, methods=["POST"]),
    Route(f"{_PREFIX}/statuses/{{id}}", save_status, methods=["PUT"]),
    Route(f"{_PREFIX}/channels", list_channels),
    Route(f"{_PREFIX}/channels", save_channel, methods=["POST"]),
    Route(f"{_PREFIX}/channels/{{id}}", save_channel, methods=["PUT"]),
    Route(f"{_PREFIX}/channels/{{id}}", delete_channel, methods=["DELETE"]),
    Route(f"{_PREFIX}/configurations", list_configurations),
    Route(f"{_PREFIX}/configurations", save_configuration, methods=["POST"]),
    Route(f"{_PREFIX}/configurations/{{id}}", save_configuration, methods=["PUT"]),
    Route(f"{_PREFIX}/configurations/{{id}}", delete_configuration, methods=["DELETE"]),
]

# ruff: noqa: S608 - identifiers are constants, values are parameters
"""Presence of users: the statuses that each may take, the one they are in, and the history of both.

A user has at most one current UserServicePresence. A change ends it and begins another; a logout only ends it, and
who has none is offline. A status with service channels is an online status, one without is a busy one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..access.permissions import new_ids
from ..changes import announce
from ..errors import Fault
from ..sign_in.auth import ASSIGNED_SETS

SETTING = "omni_channel"
DEFAULT_CAPACITY = 5


async def enabled(conn: Any) -> bool:
    """Whether the org has Omni-Channel switched on."""
    return bool(await conn.fetchval("SELECT value FROM meta.setting WHERE name = $1", SETTING))


async def statuses_for(conn: Any, user_id: str) -> list[dict[str, Any]]:
    """The statuses that the user's profile and permission sets open: `{id, label, api_name, channels}`."""
    rows = await conn.fetch(
        'SELECT p."Id" AS id, p."MasterLabel" AS label, p."DeveloperName" AS api_name,'
        " coalesce((SELECT jsonb_agg(jsonb_build_object('channelId', c.\"Id\", 'developerName', c.\"DeveloperName\")"
        '   ORDER BY c."DeveloperName") FROM data."ServiceChannelStatus" s JOIN data."ServiceChannel" c'
        '   ON c."Id" = s."ServiceChannelId" AND NOT c."IsDeleted"'
        '   WHERE s."ServicePresenceStatusId" = p."Id" AND NOT s."IsDeleted"), \'[]\') AS channels'
        ' FROM data."ServicePresenceStatus" p WHERE NOT p."IsDeleted" AND EXISTS ('
        '  SELECT 1 FROM meta.presence_status_access a JOIN data."User" u ON u."Id" = $1 WHERE a.status_id = p."Id"'
        '  AND (a.parent_id IN (SELECT o."Id" FROM data."PermissionSet" o WHERE o."ProfileId" = u."ProfileId"'
        f'   AND o."IsOwnedByProfile" AND NOT o."IsDeleted") OR a.parent_id IN ({ASSIGNED_SETS})))'
        ' ORDER BY lower(p."MasterLabel"), p."Id"',
        user_id,
    )
    return [dict(row) for row in rows]


async def current(conn: Any, user_id: str) -> dict[str, Any] | None:
    """The status that the user is in: `{id, status_id, label, api_name, since}`; None while offline."""
    row = await conn.fetchrow(
        'SELECT u."Id" AS id, u."ServicePresenceStatusId" AS status_id, p."MasterLabel" AS label,'
        ' p."DeveloperName" AS api_name, u."StatusStartDate" AS since FROM data."UserServicePresence" u'
        ' JOIN data."ServicePresenceStatus" p ON p."Id" = u."ServicePresenceStatusId"'
        ' WHERE u."UserId" = $1 AND u."IsCurrentState" AND NOT u."IsDeleted"',
        user_id,
    )
    return dict(row) | {"since": row["since"].isoformat()} if row else None


async def capacity_of(conn: Any, user_id: str) -> int:
    """How much work the user's presence configuration allows: the user's own, the profile's, or the default."""
    found = await conn.fetchval(
        'SELECT c."Capacity" FROM meta.presence_config_of o JOIN data."PresenceUserConfig" c'
        ' ON c."Id" = o.config_id AND NOT c."IsDeleted" JOIN data."User" u ON u."Id" = $1'
        ' WHERE o.parent_id IN (u."Id", u."ProfileId") ORDER BY o.parent_id <> u."Id" LIMIT 1',
        user_id,
    )
    return found if found is not None else DEFAULT_CAPACITY


async def _end(conn: Any, user_id: str) -> str | None:
    """Ends the current presence, if there is one; answers its id."""
    return await conn.fetchval(
        'UPDATE data."UserServicePresence" SET "IsCurrentState" = false, "StatusEndDate" = now(),'
        ' "StatusDuration" = extract(epoch FROM now() - "StatusStartDate")::int,'
        ' "IdleDuration" = extract(epoch FROM now() - "StatusStartDate")::int, "AtCapacityDuration" = 0,'
        ' "LastModifiedDate" = now(), "LastModifiedById" = $1, "SystemModstamp" = now()'
        ' WHERE "UserId" = $1 AND "IsCurrentState" AND NOT "IsDeleted" RETURNING "Id"',
        user_id,
    )


async def take(conn: Any, user_id: str, status_id: str, allowed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Gives the user one of the allowed statuses; answers it. The status they are in already is left as it is."""
    status = next((each for each in allowed if each["id"] == status_id), None)
    if status is None:
        raise Fault(
            "INSUFFICIENT_ACCESS",
            "The user can't be given this presence status.",
            status=403,
            fields=["status_id"],
        )
    async with conn.transaction():
        # Two windows that change the status at once take turns.
        await conn.fetch('SELECT 1 FROM data."User" WHERE "Id" = $1 FOR NO KEY UPDATE', user_id)
        before = await current(conn, user_id)
        if before is not None and before["status_id"] == status_id:
            return status
        ended = await _end(conn, user_id)
        presence_id = (await new_ids(conn, "0N7", 1))[0]
        await conn.execute(
            'INSERT INTO data."UserServicePresence" ("Id", "Name", "UserId", "OwnerId", "ServicePresenceStatusId",'
            ' "IsCurrentState", "IsAway", "StatusStartDate", "ConfiguredCapacity", "AverageCapacity", "IsDeleted",'
            ' "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
            " VALUES ($1, $1, $2, $2, $3, true, $4, now(), $5, 0, false, now(), $2, now(), $2, now())",
            presence_id,
            user_id,
            status_id,
            not status["channels"],
            await capacity_of(conn, user_id),
        )
        changes = [("UserServicePresence", presence_id, "created")]
        await announce(
            conn, changes if ended is None else [("UserServicePresence", ended, "updated"), *changes]
        )
    return status


async def leave(conn: Any, user_id: str) -> None:
    """Takes the user offline."""
    async with conn.transaction():
        ended = await _end(conn, user_id)
        if ended is not None:
            await announce(conn, [("UserServicePresence", ended, "updated")])

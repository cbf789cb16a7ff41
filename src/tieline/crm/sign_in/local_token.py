"""Access tokens for whoever owns the machine: the command line's way in, beside those that OAuth has.

Who can read the org's database may do everything already; this spares scripts the browser.
"""

from __future__ import annotations

import uuid

from ..database import connect
from ..orgs import Org
from ..settings import CrmSettings
from .auth import issue_access_token

CLIENT_ID = "tieline-local"


async def issue(settings: CrmSettings, org_name: str, username: str | None = None) -> str:
    """A token of a user, or without a name of the first administrator. ValueError where there is none."""
    registry = await connect(settings)
    try:
        row = await registry.fetchrow("SELECT * FROM crm_org WHERE name = $1", org_name)
    finally:
        await registry.close()
    if row is None:
        raise ValueError(f"There is no org named {org_name!r}.")
    conn = await connect(settings, row["database_name"])
    try:
        user_id = await conn.fetchval(
            'SELECT u."Id" FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
            ' WHERE u."IsActive" AND NOT u."IsDeleted" AND CASE WHEN $1::text IS NULL'
            ' THEN p."Name" = \'System Administrator\' ELSE lower(u."Username") = lower($1) END'
            ' ORDER BY u."CreatedDate", u."Id" LIMIT 1',
            username,
        )
        if user_id is None:
            raise ValueError(f"There is no active user {username or 'who is an administrator'}.")
        async with conn.transaction():
            await conn.execute(
                "INSERT INTO auth.app (client_id, name, label, scopes) VALUES ($1, $1, 'Tieline command line', $2)"
                " ON CONFLICT DO NOTHING",
                CLIENT_ID,
                ["api"],
            )
            grant_id = uuid.uuid4()
            await conn.execute(
                "INSERT INTO auth.grant (id, client_id, user_id, scopes) VALUES ($1, $2, $3, $4)",
                grant_id,
                CLIENT_ID,
                user_id,
                ["api", "id", "openid", "web"],
            )
            return await issue_access_token(conn, Org(row, settings, None, ""), grant_id)
    finally:
        await conn.close()

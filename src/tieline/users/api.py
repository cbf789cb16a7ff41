"""REST routes of users. Administrators only."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from tieline import audit
from tieline.db.database import Transaction
from tieline.db.statement import Found
from tieline.errors import NotAllowed, NotFound
from tieline.identity import accounts, links, second_step
from tieline.identity.service import SignedIn
from tieline.mail.post import Post
from tieline.mail.post import Wanted as Letter
from tieline.oauth.grants import AppAccess
from tieline.oauth.scopes import USERS
from tieline.salesforce import org_users, survey
from tieline.users import csv_import, skills
from tieline.users import service as users
from tieline.users.service import MOST_AT_ONCE, Draft, Role, Wanted
from tieline.web.document import for_apps
from tieline.web.http import Guard, cursor_of, place_of, uuid_or

Language = Literal["en", "ja"]
Id = Annotated[str, Field(max_length=40)]


class NewUser(BaseModel):
    """A user to be made."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(
        min_length=3, max_length=254, examples=["ann@example.com"], json_schema_extra={"format": "email"}
    )
    name: str = Field(min_length=1, max_length=120, examples=["Ann Lee"])
    language: Language = Field(examples=["en"])
    roles: list[Role] = Field(min_length=1, max_length=3, examples=[["agent"]])
    connection_id: Id | None = None


class UserChange(BaseModel):
    """A user as it is to be; `version` is the one that was read."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=0, le=2**31 - 2, examples=[3])
    name: str = Field(min_length=1, max_length=120, examples=["Ann Lee"])
    language: Language = Field(examples=["en"])
    roles: list[Role] = Field(min_length=1, max_length=3, examples=[["agent"]])
    active: bool = Field(examples=[True])
    connection_id: Id | None = Field(examples=[None])


class SkillWanted(BaseModel):
    """A skill and how well the user has it: 1 (learning) to 5 (expert)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=skills.LONGEST_NAME, examples=["Billing"])
    level: int = Field(ge=1, le=5, examples=[4])


class SkillsWanted(BaseModel):
    """All skills of a user as they are to be."""

    model_config = ConfigDict(extra="forbid")

    skills: list[SkillWanted] = Field(max_length=skills.MOST)


class SkillShown(BaseModel):
    """A skill of a user."""

    name: str = Field(examples=["Billing"])
    level: int = Field(examples=[4])


class ConnectionRef(BaseModel):
    """A connection, by name."""

    id: str
    name: str


class OrgUserShown(BaseModel):
    """Who a user is in the CRM. `found`: how many users there it may be; null members: the CRM does not tell."""

    found: int
    how: Literal["username", "email", "chosen"] | None
    chosen: str | None
    name: str | None
    username: str | None
    permission_set: bool | None
    call_center: bool | None
    matched_at: datetime | None


class UserShown(BaseModel):
    """A user. `invited`: has yet to choose a password; `second_step`: signs in with a code as well."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str = Field(examples=["Ann Lee"])
    email: str = Field(examples=["ann@example.com"])
    language: Language
    roles: list[str] = Field(examples=[["agent"]])
    active: bool
    invited: bool
    second_step: bool
    version: int
    skills: list[SkillShown]
    connection: ConnectionRef | None
    org_user: OrgUserShown | None


class UserPage(BaseModel):
    """A page of users by name; `next` leads to the next one, `total` counts all pages."""

    users: list[UserShown]
    total: int
    next: str | None


class UserMade(BaseModel):
    """A new user. `link` is null for apps; `mailed` says whether an invitation went out."""

    id: str
    link: str | None
    mailed: bool


class NotForApps(NotAllowed):
    """Administrators do this in the portal, no app does. `params.field` names it."""

    code = "not_for_apps"


class ClientIntegration(BaseModel):
    """Whose client integration is to be which connection's; null: off."""

    model_config = ConfigDict(extra="forbid")

    user_ids: list[Id] = Field(min_length=1, max_length=MOST_AT_ONCE)
    connection_id: Id | None


class OrgUser(BaseModel):
    """Who a user is in the CRM."""

    model_config = ConfigDict(extra="forbid")

    username: str | None = Field(max_length=80)


def router(guard: Guard, post: Post) -> APIRouter:
    """Routes of users."""
    routes = APIRouter(prefix="/api/v1", tags=["users"])

    async def invited(tx: Transaction, who: SignedIn, user: Found) -> dict[str, Any]:
        """The user's link, sent by mail where mail is sent; shown as well, for whoever wants to hand it over."""
        link = await links.make_link(tx, user.id, public_url=guard.settings.public_url)
        mailed = await post.put(
            tx,
            "invitation" if user.invited else "password_link",
            to=user.email,
            language=user.language,
            life=links.LIFE,
            name=user.name,
            account=who.account_name,
            by=who.name,
            link=link,
        )
        return {"link": link, "mailed": mailed}

    async def invite_all(tx: Transaction, who: SignedIn, made: Sequence[Draft]) -> None:
        """Mail a link to each new user, where mail is sent."""
        if not made or not post.works:
            return
        ids = [draft.id for draft in made if draft.id is not None]
        urls = await links.make_links(tx, ids, public_url=guard.settings.public_url)
        common = {"account": who.account_name, "by": who.name}
        letters = [
            Letter(draft.email, draft.language, {**common, "name": draft.name, "link": url})
            for draft, url in zip(made, urls, strict=True)
        ]
        await post.put_all(tx, "invitation", letters, life=links.LIFE)

    @routes.get("/users", **for_apps(USERS, NotFound))
    async def listed(
        request: Request,
        search: str = Query("", max_length=100, description="Words in the name or e-mail address."),
        role: Literal["owner", "administrator", "supervisor", "agent"] | None = None,
        active: bool | None = None,
        connection: str = Query("", max_length=40, description="Id of a connection, or `none`."),
        org: Literal["not_found", "several", "no_permission_set", "no_call_center"] | None = None,
        after: str = Query("", max_length=900, description="`next` of the page before."),
        limit: int = Query(50, ge=1, le=200, description="Users of a page."),
    ) -> UserPage:
        """Users by name; `connection` is an id, or `none` for those without; `next` leads to the next page."""
        who = guard.who(request)
        wanted = Wanted(
            search,
            role,
            active,
            uuid_or(connection, NotFound) if connection not in ("", "none") else None,
            connection == "none",
            org,
            place_of(after) if after else None,
            limit,
        )
        async with guard.db.view(who.account_id) as tx:
            rows, total = await users.listed(tx, wanted)
        last = rows[-1] if len(rows) == limit else None
        return UserPage(
            users=[_shown(row) for row in rows],
            total=total,
            next=cursor_of(last.name, last.id) if last is not None else None,
        )

    @routes.post(
        "/users",
        status_code=201,
        **for_apps(USERS, NotForApps, users.EmailTaken, accounts.SeatsTaken, NotFound),
    )
    async def add(request: Request, new: NewUser) -> UserMade:
        """Make a user. `link` is where the user chooses a password: it is shown this once, and not to apps.

        An app makes agents; other roles are given in the portal.
        """
        who = guard.who(request)
        by_app = isinstance(who, AppAccess)
        if by_app and new.roles != ["agent"]:
            raise NotForApps(field="roles")
        async with guard.db.account(who.account_id) as tx:
            id = await users.add(
                tx,
                email=new.email,
                name=new.name,
                language=new.language,
                roles=new.roles,
                connection_id=_connection(new.connection_id),
                by=who.by,
            )
            told = await invited(tx, who, await users.one(tx, id))
        # Whoever holds the link becomes the user: an app was not allowed to be that.
        return UserMade(id=str(id), link=None if by_app else told["link"], mailed=told["mailed"])

    @routes.get("/users/import-template", response_class=Response)
    async def template() -> Response:
        """A CSV file to fill in, with two lines as examples. Excel reads it as UTF-8 by its mark."""
        return Response(
            "\ufeff" + csv_import.TEMPLATE,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="tieline-users.csv"'},
        )

    @routes.post("/users/import")
    async def import_users(request: Request, write: bool = False, invite: bool = False) -> JSONResponse:
        """What would become of each line of a CSV file, the request's body; with `write`, what has become of it."""
        who = guard.who(request)
        lines = await asyncio.to_thread(csv_import.read, await request.body())
        async with guard.db.account(who.account_id) as tx:
            planned = await csv_import.planned(tx, lines, language=who.language)
            if write:
                made = await csv_import.write(tx, planned, who.by)
                if invite:
                    await invite_all(tx, who, made)
        counts = Counter(line.kind for line in planned)
        told = sorted(planned, key=lambda line: (line.kind != "wrong", line.number))
        # Plain values already: to look through ten thousand lines once more would hold up everybody else.
        return JSONResponse(
            {
                "written": write,
                **{kind: counts[kind] for kind in ("new", "changed", "same", "wrong")},
                "lines": [
                    {
                        "number": line.number,
                        "email": line.email[:254],
                        "name": line.name[:120],
                        "kind": line.kind,
                        "reason": line.reason,
                        "value": line.value,
                    }
                    for line in told
                ],
            }
        )

    @routes.put("/users/client-integration")
    async def client_integration(request: Request, wanted: ClientIntegration) -> dict[str, int]:
        """Let users work in a connection's CRM, or in none; gives how many that changed."""
        who = guard.who(request)
        ids = [uuid_or(id, NotFound) for id in wanted.user_ids]
        async with guard.db.account(who.account_id) as tx:
            connection_id = _connection(wanted.connection_id)
            return {"changed": await users.set_client_integration(tx, ids, connection_id, who.by)}

    @routes.get("/users/{user_id}", **for_apps(USERS, NotFound))
    async def one(request: Request, user_id: str) -> UserShown:
        """One user."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return _shown(await users.one(tx, uuid_or(user_id, NotFound)))

    @routes.put(
        "/users/{user_id}",
        **for_apps(
            USERS, NotForApps, users.OwnerProtected, NotFound, users.ChangedMeanwhile, accounts.SeatsTaken
        ),
    )
    async def change(request: Request, user_id: str, wanted: UserChange) -> UserShown:
        """Change a user; refused when somebody else has changed it since it was read.

        An app leaves roles as they are, and does not switch off or on who has another role than agent.
        """
        who = guard.who(request)
        id = uuid_or(user_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            if isinstance(who, AppAccess):
                before = await users.one(tx, id)
                if set(wanted.roles) != set(before.roles) - {"owner"}:
                    raise NotForApps(field="roles")
                if wanted.active != before.active and set(before.roles) != {"agent"}:
                    raise NotForApps(field="active")
            await users.change(
                tx,
                id,
                wanted.version,
                name=wanted.name,
                language=wanted.language,
                roles=wanted.roles,
                active=wanted.active,
                connection_id=_connection(wanted.connection_id),
                by=who.by,
            )
            return _shown(await users.one(tx, id))

    @routes.get("/users/{user_id}/changes")
    async def changes(request: Request, user_id: str) -> dict[str, Any]:
        """Who changed what of a user, the newest change first."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            row = await users.one(tx, uuid_or(user_id, NotFound))
            return {"changes": audit.shown(await audit.recent(tx, users.area_of(row.id)))}

    @routes.put("/users/{user_id}/skills", **for_apps(USERS, NotFound))
    async def change_skills(request: Request, user_id: str, wanted: SkillsWanted) -> UserShown:
        """Set all skills of a user: those not named are taken away."""
        who = guard.who(request)
        id = uuid_or(user_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            both = await skills.replace(tx, id, [(skill.name, skill.level) for skill in wanted.skills])
            if both[0] != both[1]:
                await users.noted(tx, id, who.by, skills=both)
            return _shown(await users.one(tx, id))

    @routes.put("/users/{user_id}/org-user")
    async def org_user(request: Request, user_id: str, wanted: OrgUser) -> UserShown:
        """Say by user name who the user is in the CRM; null: found by itself. The org is asked next."""
        who = guard.who(request)
        id = uuid_or(user_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            before = (await users.one(tx, id)).org_chosen
            await org_users.choose(tx, id, wanted.username)
            row = await users.one(tx, id)
            if row.org_chosen != before:
                await users.noted(tx, id, who.by, org_username=(before, row.org_chosen))
            await survey.ask(tx, [row.connection_id])
            return _shown(row)

    @routes.post("/users/{user_id}/password-link")
    async def password_link(request: Request, user_id: str) -> dict[str, Any]:
        """A one-time link by which the user chooses a password, mailed and shown; older ones end."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            row = await users.one(tx, uuid_or(user_id, NotFound))
            # Whoever holds the link becomes the user: nobody becomes the owner so.
            if "owner" in row.roles and row.id != who.user_id:
                raise users.OwnerProtected
            await users.noted(tx, row.id, who.by, password_link=(None, True))
            return await invited(tx, who, row)

    @routes.post("/users/{user_id}/owner", status_code=204)
    async def hand_over(request: Request, user_id: str) -> None:
        """For the owner: make another user the account's owner."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await users.hand_over(tx, who.user_id, uuid_or(user_id, NotFound), who.by)

    @routes.delete("/users/{user_id}/second-step", status_code=204)
    async def reset_second_step(request: Request, user_id: str) -> None:
        """Take a user's second step away, whose phone is lost; the user's sessions end and a mail tells of it."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            row = await users.one(tx, uuid_or(user_id, NotFound))
            if "owner" in row.roles and row.id != who.user_id:
                raise users.OwnerProtected
            if not row.second_step:
                return
            await second_step.switch_off(tx, row.id)
            await users.noted(tx, row.id, who.by, second_step=(True, False))
            await users.end_sessions(tx, [row.id])
            await post.put(
                tx, "second_step_reset", to=row.email, language=row.language, name=row.name, by=who.name
            )

    return routes


def _connection(id: str | None) -> UUID | None:
    return uuid_or(id, NotFound) if id is not None else None


def _shown(row: Found) -> UserShown:
    named = row.connection_name is not None
    return UserShown(
        id=str(row.id),
        name=row.name,
        email=row.email,
        language=row.language,
        roles=list(row.roles),
        active=row.active,
        invited=row.invited,
        second_step=row.second_step,
        version=row.version,
        skills=[SkillShown(**skill) for skill in row.skills or ()],
        connection=ConnectionRef(id=str(row.connection_id), name=row.connection_name) if named else None,
        org_user=OrgUserShown(
            found=row.org_found,
            how=row.org_how,
            chosen=row.org_chosen,
            name=row.org_name,
            username=row.org_username,
            permission_set=row.org_permission_set,
            call_center=row.org_call_center,
            matched_at=row.org_matched_at,
        )
        if row.org_found is not None
        else None,
    )

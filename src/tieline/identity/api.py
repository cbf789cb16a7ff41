"""Signing in: the portal's session, passwords by link, the second step, the user's own sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tieline.db.database import Transaction
from tieline.errors import InputInvalid, NotFound, NotSignedIn, TielineError
from tieline.identity import attempts, links, roles, second_step, sessions
from tieline.identity import service as identity
from tieline.identity.attempts import key_of
from tieline.identity.service import SignedIn
from tieline.mail.post import Post
from tieline.web.http import PORTAL_COOKIE, Guard, came_from, client_address, uuid_or

Code = Annotated[str, Field(min_length=1, max_length=40)]


class StepOnAlready(TielineError):
    """The second step is on: it is switched off by a code before another app is chosen."""

    code, status = "second_step_on", 409


class Credentials(BaseModel):
    """What the sign-in page sends."""

    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=200)
    code: Code | None = None
    """Of the authenticator app, or a recovery code; for users with a second step."""


class GivenCode(BaseModel):
    """A code of the authenticator app, or a recovery code."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class Forgotten(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=3, max_length=254)


class ChosenPassword(BaseModel):
    """What the page behind a one-time link sends."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=20, max_length=100)
    password: str = Field(max_length=400)


def router(guard: Guard, post: Post) -> APIRouter:
    """Routes of signing in: sessions, passwords, the second step."""
    routes = APIRouter(prefix="/api/v1", tags=["session"])
    vault = post.vault

    def described(who: SignedIn) -> dict[str, Any]:
        return {
            "user": {
                "id": str(who.user_id),
                "name": who.name,
                "email": who.email,
                "language": who.language,
                "roles": sorted(who.roles),
                "rights": roles.rights_of(who.roles),
                "second_step": "missing" if who.must_add_step else "on" if who.second_step else "off",
            },
            "account": {"name": who.account_name, "time_zone": who.time_zone},
            "csrf_token": guard.csrf(who),
        }

    @routes.post("/session")
    async def sign_in(credentials: Credentials, request: Request, response: Response) -> dict[str, Any]:
        """Sign in: sets the session's cookie. A session that was there stays with whoever has it."""
        guard.check_origin(request.headers)
        issued = await identity.sign_in(
            guard.db,
            vault,
            credentials.email,
            credentials.password,
            code=credentials.code,
            came=came_from(request),
            vanity=guard.vanity(request),
        )
        response.set_cookie(
            PORTAL_COOKIE,
            issued.token,
            expires=issued.expires_at,
            httponly=True,
            samesite="lax",
            secure=guard.settings.public_url.startswith("https:"),
        )
        return described(issued.who)

    @routes.get("/session", response_model=None)
    async def session(request: Request) -> dict[str, Any] | Response:
        """Who is signed in; 204 when nobody is, which is no error."""
        try:
            return described(await guard.session(request))
        except NotSignedIn:
            return Response(status_code=204)

    @routes.delete("/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Sign out: the session is dead at once, everywhere."""
        await identity.sign_out(guard.db, guard.who(request))
        response.delete_cookie(PORTAL_COOKIE)

    @routes.delete("/sessions", status_code=204)
    async def sign_out_everywhere(request: Request, response: Response) -> None:
        """End every session of the user: portal, callbars, on every computer."""
        await identity.sign_out_everywhere(guard.db, guard.who(request))
        response.delete_cookie(PORTAL_COOKIE)

    @routes.get("/sessions")
    async def living(request: Request) -> dict[str, Any]:
        """Where the user is signed in, the place last used first."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            rows = await sessions.living(tx, who.user_id)
        return {
            "sessions": [
                {
                    "id": str(row.id),
                    "kind": row.kind,
                    "device": row.device,
                    "address": row.address,
                    "created_at": row.created_at,
                    "last_used_at": row.last_used_at,
                    "current": row.id == who.session_id,
                }
                for row in rows
            ]
        }

    @routes.delete("/sessions/others")
    async def end_others(request: Request) -> dict[str, int]:
        """End all of the user's sessions but this one; gives how many that were."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            return {"ended": await sessions.end_others(tx, who.user_id, who.session_id)}

    @routes.delete("/sessions/{session_id}", status_code=204)
    async def end_one(request: Request, session_id: str) -> None:
        """End one of the user's sessions."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await sessions.end_one(tx, who.user_id, uuid_or(session_id, NotFound))

    @routes.get("/roles")
    async def matrix() -> dict[str, Any]:
        """What each role may do."""
        return {
            "roles": roles.ROLES,
            "rights": [{"key": right.key, "roles": right.roles} for right in roles.RIGHTS],
        }

    @routes.post("/password-reset", status_code=202)
    async def forgotten(wanted: Forgotten, request: Request, later: BackgroundTasks) -> dict[str, Any]:
        """Mail a link to choose a new password, if somebody has this address: the answer is the same for all."""
        guard.check_origin(request.headers)
        if not post.works:
            raise links.NoMail
        if await links.count_reset(guard.db, wanted.email, address=client_address(request)):
            # After the answer, so that its time does not tell whether there was something to do.
            later.add_task(
                links.mail_reset,
                guard.db,
                post,
                wanted.email,
                public_url=guard.settings.public_url,
                vanity=guard.vanity(request),
            )
        return {}

    @routes.post("/password")
    async def choose(request: Request, chosen: ChosenPassword) -> dict[str, str]:
        """Choose a password by a one-time link; no session is needed, and every session of the user ends."""
        guard.check_origin(request.headers)
        return {"email": await links.choose_password(guard.db, post, chosen.token, chosen.password)}

    async def counted(who: SignedIn, act: Callable[[Transaction], Awaitable[list[str]]]) -> list[str]:
        """Do what needs a code; wrong ones count as those at signing in."""
        key = key_of(f"code:{who.user_id}")
        async with guard.db.system() as tx:
            await attempts.check(tx, key, limit=identity.CODES_PER_USER, window=identity.CODE_WINDOW)
        try:
            async with guard.db.account(who.account_id) as tx:
                return await act(tx)
        except second_step.CodeWrong:
            async with guard.db.system() as tx:
                await attempts.count(tx, key)
            # The session is good; what was typed is not.
            raise InputInvalid("not the code of now", field="code", reason="wrong") from None

    @routes.get("/second-step")
    async def step(request: Request) -> dict[str, Any]:
        """Whether the user has a second step, whether the account wants one, and recovery codes that are left."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            left = await second_step.recovery_codes_left(tx, who.user_id)
        return {"on": who.second_step, "missing": who.must_add_step, "recovery_codes_left": left}

    @routes.post("/second-step")
    async def begin(request: Request) -> dict[str, str]:
        """A fresh secret for an authenticator app, shown this once; it counts once confirmed by a code."""
        who = guard.who(request)
        if who.second_step:
            raise StepOnAlready
        async with guard.db.account(who.account_id) as tx:
            begun = await second_step.begin(tx, vault, who.user_id)
        return {"secret": begun.secret, "uri": begun.uri, "picture": begun.picture}

    @routes.put("/second-step")
    async def confirm(request: Request, given: GivenCode) -> dict[str, list[str]]:
        """Switch the second step on; other sessions end, and recovery codes are shown this once."""
        who = guard.who(request)
        if who.second_step:
            raise StepOnAlready

        async def act(tx: Transaction) -> list[str]:
            codes = await second_step.confirm(tx, vault, who.user_id, given.code)
            await sessions.end_others(tx, who.user_id, who.session_id)
            return codes

        return {"recovery_codes": await counted(who, act)}

    @routes.post("/second-step/recovery-codes")
    async def recovery_codes(request: Request, given: GivenCode) -> dict[str, list[str]]:
        """Fresh recovery codes for a code of the app; the old ones end."""
        who = guard.who(request)
        return {
            "recovery_codes": await counted(
                who, lambda tx: second_step.new_recovery_codes(tx, vault, who.user_id, given.code)
            )
        }

    @routes.post("/second-step/off", status_code=204)
    async def off(request: Request, given: GivenCode) -> None:
        """Switch the second step off, for a code. Where the account wants one, a new one is asked for at once."""
        who = guard.who(request)

        async def act(tx: Transaction) -> list[str]:
            if not await second_step.passed(tx, vault, who.user_id, given.code):
                raise second_step.CodeWrong
            await second_step.switch_off(tx, who.user_id)
            return []

        await counted(who, act)

    return routes

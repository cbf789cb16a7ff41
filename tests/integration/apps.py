"""Apps of others, and administrators' browsers that let them in."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from tests.integration.center import Center

CALLBACK = "https://org.example/services/authcallback/tieline?site=1"
PREFERENCES, USERS, USER_INFO = (
    "contact_center_preferences:read",
    "contact_center_users:manage",
    "user_info:read",
)
ALL = [PREFERENCES, USERS, USER_INFO]


@dataclass
class App:
    """A developer app, and an administrator's browser that lets it in."""

    center: Center
    portal: httpx2.AsyncClient
    id: str
    client_id: str
    secret: str | None

    @classmethod
    async def made(
        cls,
        center: Center,
        *,
        confidential: bool = True,
        uris: tuple[str, ...] = (CALLBACK,),
        scopes: Any = ALL,
    ) -> App:
        portal = await center.portal("admin")
        body = {
            "name": f"App {secrets.token_hex(3)}",
            "redirect_uris": list(uris),
            "scopes": scopes,
            "confidential": confidential,
        }
        answer = await portal.post("/api/v1/developer-apps", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return cls(center, portal, made["app"]["id"], made["app"]["client_id"], made["secret"])

    def query(self, challenge: str | None = None, **more: str | None) -> str:
        """The query of an authorization request; keywords change it, None leaves a parameter out."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(ALL),
            "state": "a state & more",
            "code_challenge": challenge or challenge_of("v" * 43),
            "code_challenge_method": "S256",
        } | more
        return urlencode({name: value for name, value in query.items() if value is not None})

    async def answer(
        self, query: str, *, allow: bool = True, portal: httpx2.AsyncClient | None = None
    ) -> httpx2.Response:
        """What the consent page gets for the user's answer."""
        body = {"query": query, "allow": allow}
        return await (portal or self.portal).post("/api/v1/oauth/consent", json=body)

    async def back(self, query: str, *, allow: bool = True) -> dict[str, str]:
        """What the app's callback is told."""
        answer = await self.answer(query, allow=allow)
        assert answer.status_code == 200, answer.text
        to = answer.json()["redirect_to"]
        assert to.startswith(f"{CALLBACK}&"), to
        return dict(parse_qsl(urlsplit(to).query))

    async def token(self, **form: str | None) -> httpx2.Response:
        """Ask the token door as this app."""
        full = {"client_id": self.client_id, "client_secret": self.secret} | form
        data = {name: value for name, value in full.items() if value is not None}
        return await self.center.http.post("/oauth/token", data=data)

    async def code(self, **form: str | None) -> httpx2.Response:
        """Exchange a code."""
        full = {
            "grant_type": "authorization_code",
            "redirect_uri": CALLBACK,
            "code_verifier": "v" * 43,
        } | form
        return await self.token(**full)

    async def refresh(self, token: str, **form: str | None) -> httpx2.Response:
        """Use a refresh token."""
        return await self.token(grant_type="refresh_token", refresh_token=token, **form)

    async def let_in(self, **more: str | None) -> dict[str, Any]:
        """The tokens of a consent."""
        told = await self.back(self.query(**more))
        answer = await self.code(code=told["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def lives(self, token: str) -> bool:
        """Whether an access token is taken."""
        bearer = {"Authorization": f"Bearer {token}"}
        answer = await self.center.http.get("/oauth/userinfo", headers=bearer)
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

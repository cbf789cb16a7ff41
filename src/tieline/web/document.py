"""The public API's document (OpenAPI 3.1): the routes that an app's token opens, as the running application has them.

A route gets in by `for_apps`, which names its scope and the errors it may answer with; everything else is the portal's
own and told to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from tieline.errors import InputInvalid, NotAllowed, TemporarilyUnavailable, TielineError, TooMany
from tieline.oauth.grants import ScopeMissing, TokenInvalid
from tieline.oauth.limits import PER_MINUTE
from tieline.oauth.scopes import PREFERENCES, SCOPES, USER_INFO, USERS
from tieline.web.http import BodyTooLarge

_ALWAYS = (TokenInvalid, ScopeMissing, NotAllowed, InputInvalid, TooMany, TemporarilyUnavailable)
_ERRORS = "x-errors"

_INTRODUCTION = f"""\
For apps that users let in. An app is registered by an administrator under *Developer apps*, and gets its tokens by the
authorization code flow with PKCE (S256). Send the access token as `Authorization: Bearer`; it lives for 15 minutes, a
refresh token is good once and gives both anew.

**Acts for a user.** A token sees and changes what its user may, in the user's account, within its scopes.

**Errors** are problem details (RFC 9457), `application/problem+json`. `code` is stable, `params` tells more, and
`request_id` is what support asks for.

**Limits.** {PER_MINUTE} requests a minute for each time an app was let in. `RateLimit-Remaining` tells how many are left,
`RateLimit-Reset` after how many seconds all are there again; a 429 says in `Retry-After` when to come back.

**Pages.** Lists are by name. `next` of a page, sent as `after`, gives the page behind it; it is null on the last one.

**From browsers.** Pages of other sites cannot read answers (no CORS): an app that is a page asks by its own server.

**Two at once.** What carries a `version` is changed only if nobody else has changed it since it was read; otherwise the
answer is a 409, and reading again shows what it is now."""

_SCOPES = {
    PREFERENCES: "Read presence statuses, and each agent's status now.",
    USERS: "Read and change users, their profile and skills; make agents.",
    USER_INFO: "Read who the user is that let the app in.",
}

_RATE_HEADERS: dict[str, tuple[str, int]] = {
    "RateLimit-Limit": ("Requests a minute.", PER_MINUTE),
    "RateLimit-Remaining": ("How many are left.", PER_MINUTE - 1),
    "RateLimit-Reset": ("Seconds until all are there again.", 60),
}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "params", "request_id"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what programs look at."},
        "params": {
            "type": "object",
            "description": "More about it, such as `field`, `needs`, `retry_after_s`.",
        },
        "request_id": {"type": "string", "description": "Names the request to support."},
    },
}


def for_apps(scope: str, *errors: type[TielineError]) -> dict[str, Any]:
    """What a route that tokens open says of itself to the decorator; `errors` are those beyond what every such route has."""
    return {"openapi_extra": {"security": [{"app": [scope]}], _ERRORS: _told(errors)}}


def document(routes: Iterable[BaseRoute], origin: str) -> dict[str, Any]:
    """The document of what apps may ask for, as served at `origin`."""
    public = [route for route in api_routes(routes) if _ERRORS in (route.openapi_extra or {})]
    told = get_openapi(
        title="Tieline REST API",
        version="1",
        description=_INTRODUCTION,
        routes=public,
        servers=[{"url": origin}],
    )
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            _finish(path, method, operation)
    parts = told["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["schemas"]["Problem"] = _PROBLEM
    parts["headers"] = {
        name: {"description": said, "required": True, "schema": {"type": "integer"}, "example": example}
        for name, (said, example) in _RATE_HEADERS.items()
    }
    parts["securitySchemes"] = {
        "app": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{origin}/oauth/authorize",
                    "tokenUrl": f"{origin}/oauth/token",
                    "refreshUrl": f"{origin}/oauth/token",
                    "scopes": {scope: _SCOPES[scope] for scope in SCOPES},
                }
            },
        }
    }
    return told


def api_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every route that answers requests, also those of included routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        # Routers that an application includes stand in its list as they are.
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from api_routes(router.routes)


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say what the framework does not know: identifiers in paths, headers, and the errors as they are answered."""
    errors = [*_told(_ALWAYS), *operation.pop(_ERRORS)]
    if "requestBody" in operation:
        errors += _told([BodyTooLarge])
    operation["operationId"] = "_".join([method, *re.findall(r"\w+", path.removeprefix("/api/v1"))])
    summary, _, rest = operation["description"].partition("\n\n")
    operation |= {"summary": summary.rstrip("."), "description": rest or summary}
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["in"] == "path":
            parameter |= {"description": "Id of the user.", "schema": {"type": "string", "format": "uuid"}}
        # What is not asked for is left out of a query; there is no null in it.
        elif (choices := [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]) != []:
            parameter["schema"] = choices[0]
    responses: dict[str, Any] = {
        status: answer | {"headers": {name: _ref("headers", name) for name in _RATE_HEADERS}}
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    by_status: dict[int, list[str]] = {}
    for status, code in errors:
        codes = by_status.setdefault(status, [])
        if code not in codes:
            codes.append(code)
    for status, codes in sorted(by_status.items()):
        answer: dict[str, Any] = {
            "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
            "content": {
                "application/problem+json": {
                    "schema": _ref("schemas", "Problem"),
                    "example": {
                        "type": "about:blank",
                        "title": codes[0].replace("_", " "),
                        "status": status,
                        "code": codes[0],
                        "params": {},
                        "request_id": "0196c3f8-5b1c-7d0e-9a51-1f0c6f6f2a11",
                    },
                }
            },
        }
        if status in (429, 503):
            answer["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
        responses[str(status)] = answer
    operation["responses"] = responses


def _told(errors: Iterable[type[TielineError]]) -> list[tuple[int, str]]:
    return [(error.status, error.code) for error in errors]


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}

"""Who may do what: the one table of roles. The doors ask it at every request, the help page shows it. Pure.

A route that no right names is open to nobody; `OPEN` names those that need no portal session, because they have a check
of their own (a one-time link, a token, an origin) or nothing to hide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

ROLES = ("owner", "administrator", "supervisor", "agent")
_OWNER = ("owner",)
_ADMINISTRATORS = ("owner", "administrator")
_MANAGERS = (*_ADMINISTRATORS, "supervisor")
_AGENTS = ("agent",)


@dataclass(frozen=True, slots=True)
class Right:
    """Something that roles may do, and the routes by which they do it."""

    key: str
    """Names it in the catalogues, as `right.<key>`."""
    roles: tuple[str, ...]
    routes: tuple[str, ...] = ()
    early: bool = False
    """Open also to who has to add a second step first: what is needed to do so."""


RIGHTS: Sequence[Right] = (
    Right(
        "own_sign_in",
        ROLES,
        (
            "DELETE /api/v1/session",
            "GET /api/v1/sessions",
            "DELETE /api/v1/sessions",
            "DELETE /api/v1/sessions/others",
            "DELETE /api/v1/sessions/{session_id}",
            "GET /api/v1/second-step",
            "POST /api/v1/second-step",
            "PUT /api/v1/second-step",
        ),
        early=True,
    ),
    Right(
        "own_second_step",
        ROLES,
        ("POST /api/v1/second-step/recovery-codes", "POST /api/v1/second-step/off"),
    ),
    Right("take_calls", _AGENTS, ("POST /api/v1/callbar/grants",)),
    Right(
        "own_engagements",
        ROLES,
        ("GET /api/v1/engagements", "GET /api/v1/engagements/{engagement_id}", "GET /api/v1/live"),
    ),
    Right("read_statuses", ROLES, ("GET /api/v1/statuses",)),
    Right("let_apps_in", ROLES, ("GET /api/v1/oauth/request", "POST /api/v1/oauth/consent")),
    Right("read_roles", ROLES, ("GET /api/v1/roles",)),
    # No route of its own: what the routes of `own_engagements` show to these.
    Right("all_engagements", _MANAGERS),
    Right("live", _MANAGERS, ("GET /api/v1/agents", "GET /api/v1/agents/{user_id}", "GET /api/v1/queues")),
    Right(
        "home",
        _ADMINISTRATORS,
        (
            "GET /api/v1/home",
            "GET /api/v1/integration",
            "GET /api/v1/salesforce/set-up",
            "GET /api/v1/diagnostics",
            "GET /api/v1/problems",
            "POST /api/v1/deliveries/retry",
        ),
    ),
    Right(
        "users",
        _ADMINISTRATORS,
        (
            "GET /api/v1/users",
            "POST /api/v1/users",
            "GET /api/v1/users/import-template",
            "POST /api/v1/users/import",
            "PUT /api/v1/users/client-integration",
            "GET /api/v1/users/{user_id}",
            "PUT /api/v1/users/{user_id}",
            "GET /api/v1/users/{user_id}/changes",
            "PUT /api/v1/users/{user_id}/skills",
            "PUT /api/v1/users/{user_id}/org-user",
            "POST /api/v1/users/{user_id}/password-link",
            "DELETE /api/v1/users/{user_id}/second-step",
        ),
    ),
    Right("statuses", _ADMINISTRATORS, ("PUT /api/v1/statuses/reasons",)),
    Right(
        "connections",
        _ADMINISTRATORS,
        (
            "GET /api/v1/connections",
            "POST /api/v1/connections",
            "PATCH /api/v1/connections/{connection_id}",
            "DELETE /api/v1/connections/{connection_id}",
            "POST /api/v1/connections/{connection_id}/authorise",
            "POST /api/v1/connections/{connection_id}/check",
            "GET /api/v1/connections/{connection_id}/impact",
            "PUT /api/v1/connections/{connection_id}/related-domains",
            "GET /api/v1/call-center/{document}",
            "GET /oauth/salesforce/callback",
        ),
    ),
    Right(
        "apps",
        _ADMINISTRATORS,
        (
            "GET /api/v1/developer-apps",
            "POST /api/v1/developer-apps",
            "PUT /api/v1/developer-apps/{app_id}",
            "DELETE /api/v1/developer-apps/{app_id}",
            "POST /api/v1/developer-apps/{app_id}/secret",
            "GET /api/v1/added-apps",
            "DELETE /api/v1/added-apps/{app_id}",
            "DELETE /api/v1/added-apps/{app_id}/grants/{grant_id}",
        ),
    ),
    Right("account", _ADMINISTRATORS, ("GET /api/v1/account", "PUT /api/v1/account")),
    Right("hand_over", _OWNER, ("POST /api/v1/users/{user_id}/owner",)),
)

OPEN = frozenset(
    (
        # Signing in, and what one-time links open.
        "POST /api/v1/session",
        "GET /api/v1/session",
        "POST /api/v1/password-reset",
        "POST /api/v1/password",
        # The callbar's own sessions, and its pages.
        "GET /cci/multi/callbar-cti",
        "POST /api/v1/callbar/session",
        "POST /api/v1/callbar/session/collect",
        "POST /api/v1/callbar/session/renew",
        "POST /api/v1/callbar/session/resume",
        "DELETE /api/v1/callbar/session",
        # Callers have no user.
        "GET /phone",
        "GET /call/{slug}",
        "GET /api/v1/phone",
        "GET /api/v1/calls/{slug}",
        # Apps prove themselves by secret or token.
        "GET /.well-known/oauth-authorization-server",
        "POST /oauth/token",
        "POST /oauth/revoke",
        "GET /oauth/userinfo",
        "POST /oauth/userinfo",
        "GET /oauth/grant",
        "DELETE /oauth/grant",
        # Orgs introduce themselves; what comes of it can do nothing until an administrator allows it.
        "POST /oauth/register",
        # A hint by an org's page, answered alike for everybody.
        "POST /api/v1/salesforce/settings-changed",
        # Pages and files, the same for everybody; what is in them comes by the routes above.
        "GET /oauth/authorize",
        "GET /api/v1/openapi.json",
        "GET /health",
        "GET /",
        "GET /sign-in",
        "GET /callbar/sign-in",
        "GET /portal",
        "GET /portal/{path:path}",
        "GET /{folder}/{path:path}",
        # The demo's mails, where there is no mail server.
        "GET /api/v1/mailbox",
    )
)

_BY_KEY: Mapping[str, Right] = {right.key: right for right in RIGHTS}
BY_ROUTE: Mapping[str, Right] = {route: right for right in RIGHTS for route in right.routes}


def roles_of(key: str) -> tuple[str, ...]:
    """The roles that have a right."""
    return _BY_KEY[key].roles


def may(roles: Collection[str], key: str) -> bool:
    """Whether somebody with these roles has a right."""
    return not set(roles).isdisjoint(_BY_KEY[key].roles)


def rights_of(roles: Collection[str]) -> list[str]:
    """The rights of somebody with these roles, in the table's order."""
    return [right.key for right in RIGHTS if may(roles, right.key)]

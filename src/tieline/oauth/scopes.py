"""What an app may be allowed: three scopes and no more. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tieline.identity import roles

PREFERENCES = "contact_center_preferences:read"
USERS = "contact_center_users:manage"
USER_INFO = "user_info:read"

SCOPES: Mapping[str, str] = {PREFERENCES: "live", USERS: "users", USER_INFO: "let_apps_in"}
"""Scope -> the right (`identity/roles.py`) of who may allow it. Its token acts for such a user, and is refused once the user
has it no longer."""


def asked(scope: str | None, allowed: Sequence[str]) -> list[str] | None:
    """The scopes a request asks for, in our order; all `allowed` ones if it names none, None if it asks for others."""
    if scope is None or not scope.strip(" "):
        return list(allowed)
    named = scope.split(" ")
    if any(each not in allowed for each in named):
        return None
    return [each for each in SCOPES if each in named]


def not_theirs(scopes: Collection[str], of: Collection[str]) -> list[str]:
    """The scopes that a user with these roles cannot allow."""
    return [scope for scope in scopes if not roles.may(of, SCOPES[scope])]

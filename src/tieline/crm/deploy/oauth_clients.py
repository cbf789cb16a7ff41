"""OAuth clients as metadata: what the files of a connected app or external client app say of an `App`.

Pure: nodes to values of `App`'s own names. Users, profiles and permission sets stay names, for the deployment to find.
"""

from __future__ import annotations

import re
from typing import Any

from ..sign_in.apps import CLIENT_ID, MAX_CALLBACKS, callback_problem, certificate_problem, scope_word
from .archive import Node, Problem

_UNITS = {"HOURS": 3600, "DAYS": 86_400, "MONTHS": 30 * 86_400}
_POLICIES = {
    "infinite": "infinite",
    "zero": "zero",
    "specificlifetime": "lifetime",
    "specificinactivity": "inactivity",
}
MAX_NAMES = 500


def scopes_of(texts: list[str], node: Node) -> list[str]:
    """Scopes by their wire words, each once."""
    words: list[str] = []
    for text in texts:
        word = scope_word(text)
        if word is None:
            raise Problem(f"'{text.strip()[:40]}' is not a valid OAuth scope", node.line)
        if word not in words:
            words.append(word)
    return words


def client_settings(node: Node) -> dict[str, Any]:
    """Callback addresses, certificate and rules; both kinds of app name them alike."""
    callbacks = [text for text in node.need("callbackUrl").split() if text]
    if len(callbacks) > MAX_CALLBACKS:
        raise Problem(f"callbackUrl has more than {MAX_CALLBACKS} addresses", node.line)
    for url in callbacks:
        problem = callback_problem(url)
        if problem:
            raise Problem(f"callbackUrl {url[:80]!r} {problem}", node.line)
    certificate = node.get("certificate") or None
    if certificate is not None:
        problem = certificate_problem(certificate)
        if problem:
            raise Problem(f"certificate {problem}", node.line)
    return {
        "callbacks": callbacks,
        "certificate": certificate,
        "pkce_required": node.flag("isPkceRequired", True),
        "secret_optional": node.flag("isConsumerSecretOptional"),
        "secret_for_refresh": node.flag("isSecretRequiredForRefreshToken", True),
        "rotate_refresh": node.flag("isRefreshTokenRotationEnabled"),
    }


def check_keys(node: Node, client_id: str, secret: str) -> None:
    """Problem where a consumer key or secret cannot be one."""
    if not CLIENT_ID.fullmatch(client_id):
        raise Problem(
            "consumerKey must consist of 8 to 256 letters, digits, dots, dashes and underscores", node.line
        )
    if not 8 <= len(secret) <= 256:
        raise Problem("consumerSecret must have 8 to 256 characters", node.line)


def external_policies(node: Node) -> dict[str, Any]:
    """An external client app's policies. `run_as`, `profiles` and `permission_sets` are names or ids."""
    permitted = node.get("permittedUsersPolicyType") or "AllSelfAuthorized"
    if permitted not in ("AllSelfAuthorized", "AdminApprovedPreAuthorized"):
        raise Problem(f"'{permitted[:40]}' is not a valid value for permittedUsersPolicyType", node.line)
    values = {
        "permitted": "approved" if permitted == "AdminApprovedPreAuthorized" else "all",
        "session_minutes": node.number("sessionTimeoutInMinutes", 0, 0, 1440) or None,
        "run_as": node.get("clientCredentialsFlowUser") or None,
        "profiles": _names(node.get("commaSeparatedProfile"), node),
        "permission_sets": _names(node.get("commaSeparatedPermissionSet"), node),
    }
    if node.flag("isClientCredentialsFlowEnabled") and values["run_as"] is None:
        raise Problem("Required field is missing: clientCredentialsFlowUser", node.line)
    if not node.flag("isClientCredentialsFlowEnabled", values["run_as"] is not None):
        values["run_as"] = None
    return values | _refresh_policy(
        node.get("refreshTokenPolicyType") or "Infinite",
        node.get("refreshTokenValidityPeriod") or "",
        node.get("refreshTokenValidityUnit") or "",
        node,
    )


def connected_app(node: Node) -> dict[str, Any]:
    """A connected app's whole description; `client_id` and `secret` are None where it names none."""
    found = node.all("oauthConfig")
    if not found:
        raise Problem("Required field is missing: oauthConfig", node.line)
    oauth = found[0]
    policies = node.all("oauthPolicy")
    policy = policies[0].get("refreshTokenPolicy") if policies else None
    kind, _, rest = (policy or "infinite").partition(":")
    period, _, unit = rest.partition(":")
    sessions = node.all("sessionPolicy")
    return {
        "label": node.need("label")[:80],
        "contact_email": node.need("contactEmail")[:80],
        "scopes": scopes_of([scope.text for scope in oauth.all("scopes")], oauth),
        "client_id": oauth.get("consumerKey") or None,
        "secret": oauth.get("consumerSecret") or None,
        "permitted": "approved" if oauth.flag("isAdminApproved") else "all",
        "introspect_all": oauth.flag("isIntrospectAllTokens"),
        "run_as": oauth.get("oauthClientCredentialUser") or None,
        "session_minutes": (sessions[0].number("sessionTimeout", 0, 0, 1440) or None) if sessions else None,
        "profiles": [name.text for name in node.all("profileName")][:MAX_NAMES],
        "permission_sets": [name.text for name in node.all("permissionSetName")][:MAX_NAMES],
        **client_settings(oauth),
        **_refresh_policy(kind, period, unit, node),
    }


def _names(text: str | None, node: Node) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if len(names) > MAX_NAMES:
        raise Problem(f"more than {MAX_NAMES} profiles or permission sets", node.line)
    return names


def _refresh_policy(kind: str, period: str, unit: str, node: Node) -> dict[str, Any]:
    policy = _POLICIES.get(kind.replace("_", "").lower())
    if policy is None:
        raise Problem(f"'{kind[:40]}' is not a valid refresh token policy", node.line)
    if policy in ("infinite", "zero"):
        return {"refresh_policy": policy, "refresh_seconds": None}
    seconds = _UNITS.get(unit.upper())
    if seconds is None or not re.fullmatch(r"[1-9]\d{0,3}", period, re.ASCII):
        raise Problem(
            "A refresh token's validity is a number from 1 to 9999 of Hours, Days or Months", node.line
        )
    return {"refresh_policy": policy, "refresh_seconds": int(period) * seconds}

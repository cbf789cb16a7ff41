"""What a CRM's failure means for us, decided in one place.

Three kinds. *later*: the same request may succeed unchanged, so try again. *never*: it will fail until
someone changes the request or the org. *sign_in*: the org no longer takes our token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tieline.errors import TielineError

Kind = Literal["later", "never", "sign_in"]

_LATER_STATUS = frozenset({408, 409, 420, 423, 425, 429})
_LATER_CODES = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "REQUEST_LIMIT_EXCEEDED",
        "SERVER_UNAVAILABLE",
        "SERVICE_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
        "OPERATION_TOO_LARGE",
        "UNKNOWN_EXCEPTION",
        "INTERNAL_ERROR",
        "PROCESSING_HALTED",
        "BATCH_PROCESSING_HALTED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "TRANSACTION_HALTED",
        # Of the whole org, and mended there; no single request is to blame.
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "ORG_LOCKED",
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        # OAuth endpoints
        "temporarily_unavailable",
        "server_error",
    }
)
_SIGN_IN_CODES = frozenset(
    {
        "INVALID_SESSION_ID",
        "INVALID_AUTH_HEADER",
        "invalid_grant",
        "inactive_user",
        "inactive_org",
        "invalid_client",
        "invalid_client_id",
        "invalid_client_credentials",
        "unauthorized_client",
        "access_denied",
    }
)
# A token that is alive but not allowed here: a fresh one would be no better, so nobody refreshes in a circle.
_NOT_MENDED_BY_REFRESH = ("not valid for use with", "not attached to agent")


class CrmFailure(TielineError):
    """A request to the CRM failed. `kind` says what follows, `code` is the CRM's own code or one of ours."""

    status = 502

    def __init__(
        self,
        kind: Kind,
        code: str,
        message: str = "",
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        refreshable: bool = False,
        whole: bool = True,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code, reason=code)
        self.kind: Kind = kind
        self.code = code
        self.message = message
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.refreshable = refreshable
        """True when a fresh access token may help."""
        self.whole = whole
        """False when the CRM understood the request and objects to its content."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as the CRM tells it, in any of its dialects (`errorCode`, `statusCode`, `error`)."""

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()


def problem_in(body: object) -> Problem | None:
    """The first error of an answer's body: an array of errors, one error, a row's `errors`, OAuth's `error`."""
    if isinstance(body, list):
        for item in body:  # pyright: ignore[reportUnknownVariableType]
            found = problem_in(item)  # pyright: ignore[reportUnknownArgumentType]
            if found:
                return found
        return None
    if not isinstance(body, Mapping):
        return None
    error: Mapping[str, Any] = body  # pyright: ignore[reportUnknownVariableType]
    code = error.get("errorCode") or error.get("statusCode") or error.get("error")
    if isinstance(code, str):
        message = str(error.get("message") or error.get("error_description") or "")
        return Problem(code, message, tuple(str(name) for name in error.get("fields") or ()))
    return problem_in(error["errors"]) if error.get("errors") else None


def kind_of(status: int, problem: Problem | None) -> tuple[Kind, bool]:
    """The kind of a failed answer (HTTP status, and its error where it has one), and whether a fresh access
    token may help. The codes are `salesforce.md` 4.4; a code says more than the status it came with."""
    code = problem.code if problem else ""
    if code in _LATER_CODES:
        return "later", False
    if status == 401 or code in _SIGN_IN_CODES:
        text = problem.message.lower() if problem else ""
        return "sign_in", status == 401 and not any(words in text for words in _NOT_MENDED_BY_REFRESH)
    if status >= 500 or status in _LATER_STATUS:
        return "later", False
    # A redirect is a maintenance page or a moved instance; a 2xx without a readable body is a proxy's page.
    if 301 <= status < 400 or status < 300:
        return "later", False
    return "never", False


def failure_of(status: int, body: object, *, retry_after: str | None = None) -> CrmFailure:
    """The failure of an answer. `body` is the parsed JSON, or None when it was none."""
    problem = problem_in(body)
    kind, refreshable = kind_of(status, problem)
    if problem:
        code, message = problem.code, problem.message
    else:
        code = {300: "ambiguous_external_id"}.get(status) or (
            "answer_unreadable" if status < 300 else f"http_{status}"
        )
        message = ""
    return CrmFailure(
        kind,
        code,
        message[:500],
        http_status=status,
        retry_after_s=float(retry_after) if retry_after and retry_after.isdigit() else None,
        refreshable=refreshable,
        whole=status in (401, 403) or status >= 500 or problem is None,
    )

"""Errors are facts with a stable code; each door turns them into its wire format in one place."""

from __future__ import annotations

from typing import Any


class TielineError(Exception):
    """Base of every error a caller can be told.

    `code` is stable and has a sentence in the catalogues, `params` fill that sentence, `status` is the HTTP
    status at REST doors. The message is for logs: English, without secrets or customers' data.
    """

    code = "internal_error"
    status = 500

    def __init__(self, message: str | None = None, **params: Any) -> None:
        super().__init__(message or self.code)
        self.params = params


class NotSignedIn(TielineError):
    """No session, or one that has ended."""

    code, status = "session_missing", 401


class NotAllowed(TielineError):
    """Signed in, but not permitted. `params.needs` names the role."""

    code, status = "not_allowed", 403


class NotFound(TielineError):
    """Nothing by that id in this account; another account's things look exactly so."""

    code, status = "not_found", 404


class InputInvalid(TielineError):
    """The request breaks a rule of its own; `params.field` names the member."""

    code, status = "input_invalid", 422


class TooMany(TielineError):
    """A rate limit. `params.retry_after_s` tells when to try again."""

    code, status = "too_many_attempts", 429


class TemporarilyUnavailable(TielineError):
    """Something we depend on is away; trying again later may work."""

    code, status = "temporarily_unavailable", 503

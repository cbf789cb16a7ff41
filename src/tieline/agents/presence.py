"""Presence: what the server concludes from an agent's status, callbar and engagement. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from tieline.errors import TielineError


class Status(StrEnum):
    """What the agent chooses."""

    READY = "ready"
    NOT_READY = "not_ready"
    OFFLINE = "offline"


class Presence(StrEnum):
    """What the server concludes. `occupied` is the word on screens and in status mappings."""

    READY = "ready"
    RINGING = "ringing"
    OCCUPIED = "occupied"
    WRAP_UP = "wrap_up"
    NOT_READY = "not_ready"
    OFFLINE = "offline"


MISSED_CALL = "missed_call"
"""The reason the system sets when an offer was not answered."""
DEACTIVATED = "deactivated"
"""The reason the system sets while the agent's org has the integration deactivated."""

_OF_ENGAGEMENT = {
    "offered": Presence.RINGING,
    "answering": Presence.OCCUPIED,
    "dialing": Presence.OCCUPIED,
    "connected": Presence.OCCUPIED,
    "wrap_up": Presence.WRAP_UP,
}


class StatusInvalid(TielineError):
    """No such status or reason."""

    code, status = "status_invalid", 422


def concluded(status: str, engagement_state: str | None) -> Presence:
    """The presence that follows from the status and the state of the engagement the agent has, if any.

    An engagement wins over the status: who talks is occupied, even after choosing *Not ready* for afterwards.
    """
    if engagement_state in _OF_ENGAGEMENT:
        return _OF_ENGAGEMENT[engagement_state]
    return Presence(status)


def checked_choice(status: str, reason: str | None, reasons: Collection[str]) -> tuple[Status, str | None]:
    """An agent's own choice, validated; `reasons` may be chosen. Raises `StatusInvalid`."""
    try:
        chosen = Status(status)
    except ValueError:
        raise StatusInvalid(f"no status {status!r}") from None
    if chosen is not Status.NOT_READY:
        return chosen, None
    if reason is not None and reason not in reasons:
        raise StatusInvalid("no such reason")
    return chosen, reason

"""The Switch seam: what we ask of a telephony engine and the facts it reports.

Commands ask; state elsewhere moves only when the switch reports a fact. Every command carries a
`command_id` and may be sent again: a switch that has already done it answers the same result and reports
nothing new. Ids of calls, legs and plays are ours (UUID text) and are never reused.

A *leg* is one party's audio path. It may stand outside any call (an agent's leg waits so for the whole
shift) and then hears nothing but what is played to it. A *call* is a set of legs that hear one another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class SwitchError(Exception):
    """The switch refused or could not do a command; `retryable` tells whether sending it again may help."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class LegRole(StrEnum):
    """Who speaks on a leg."""

    CALLER = "caller"
    AGENT = "agent"


class SwitchEventKind(StrEnum):
    """Facts a switch reports. `data` of each is listed beside it."""

    LEG_CONNECTED = "leg.connected"
    """Audio can flow both ways. data: {}"""
    LEG_GONE = "leg.gone"
    """The leg has ended and its id is dead. data: {reason: LegGoneReason}"""
    LEG_MOVED = "leg.moved"
    """The leg stands in `call_id`, or outside any call when that is None. data: {}"""
    LEG_HELD = "leg.held"
    """data: {held: bool}"""
    LEG_MUTED = "leg.muted"
    """data: {muted: bool}"""
    LEG_DIGIT = "leg.digit"
    """The party pressed a key, told by signalling or heard by the switch. data: {digit: one of 0-9*#A-D}"""
    LEG_DIGITS_SENT = "leg.digits_sent"
    """All digits of one `send_digits` have gone to the party. data: {digits: str}"""
    PLAY_FINISHED = "play.finished"
    """A play reached its end or was stopped. data: {play_id: str, stopped: bool}"""
    CALL_ENDED = "call.ended"
    """The call is gone with all legs that stood in it as callers. data: {}"""


class LegGoneReason(StrEnum):
    """Why a leg ended."""

    REMOVED = "removed"  # we asked
    HUNG_UP = "hung_up"  # the far end closed its connection
    NO_MEDIA = "no_media"  # nothing arrived for `NO_MEDIA_S`
    SET_UP_FAILED = "set_up_failed"  # it never connected within `SET_UP_S`


SET_UP_S = 10.0
"""A leg that has not connected after this many seconds is gone (`set_up_failed`)."""
NO_MEDIA_S = 10.0
"""A caller's leg without a valid RTP packet for this many seconds is gone (`no_media`); agents' legs get three times that
while they stand in a call. Outside calls an agent's leg may send nothing: there ICE consent decides."""

DIGITS_MAX = 32
"""Keys in one `send_digits` or `report_digits`."""


@dataclass(frozen=True, slots=True)
class SwitchEvent:
    """One fact. `(node, epoch, sequence)` identifies it for good; `sequence` has no gaps within an epoch."""

    node: str
    epoch: int
    sequence: int
    kind: SwitchEventKind
    at_ms: int
    """Wall clock of the switch, milliseconds since 1970; for people, never for deciding."""
    call_id: str | None = None
    leg_id: str | None = None
    command_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class SwitchHealth:
    """How a switch node is. `tick_lag_ms` is the 95th percentile of mixer lateness over the last 10 s."""

    node: str
    epoch: int
    calls: int
    legs: int
    tick_lag_ms: float
    accepting: bool
    """False when the node refuses new legs because its mixer would run late."""
    late_share: float = 0.0
    """The share of the last ten seconds' ticks that began more than 20 ms late, 0 to 1."""


class Switch(Protocol):
    """A telephony engine. All methods raise `SwitchError`; unknown ids give code `call_not_found`/`leg_not_found`."""

    async def health(self) -> SwitchHealth: ...

    async def create_call(self, call_id: str, *, command_id: str) -> None:
        """Make an empty call. It lives until `end_call`, even with no leg in it."""
        ...

    async def end_call(self, call_id: str, *, command_id: str) -> None:
        """End the call: callers' legs are removed, agents' legs step outside. Ending twice is ending once."""
        ...

    async def add_webrtc_leg(
        self, leg_id: str, offer_sdp: str, *, role: LegRole, call_id: str | None, command_id: str
    ) -> str:
        """Answer a browser's complete (non-trickle) offer and put the leg into `call_id`; gives the answer SDP.

        The same `leg_id` again with another offer rebuilds the leg's transport in place (a reloaded page):
        it keeps its call, mute and hold, and `leg.connected` is reported again.
        """
        ...

    async def remove_leg(self, leg_id: str, *, command_id: str) -> None:
        """Hang the leg up. Removing a leg that is gone succeeds."""
        ...

    async def move_leg(self, leg_id: str, call_id: str | None, *, command_id: str) -> None:
        """Put the leg into another call, or outside any. Takes effect in one mixer tick; ends a hold."""
        ...

    async def set_muted(self, leg_id: str, muted: bool, *, command_id: str) -> None:
        """A muted leg is heard by nobody; it still hears."""
        ...

    async def set_held(self, leg_id: str, held: bool, *, music: str | None, command_id: str) -> None:
        """A held leg neither hears nor is heard by its call; it hears `music` (a media name) in a loop instead."""
        ...

    async def play(
        self, leg_id: str, media: tuple[str, ...], *, loop_last: bool, play_id: str, command_id: str
    ) -> None:
        """Play media, by name, one after the other to one leg, the last of them for ever if `loop_last`.

        A new play on a leg replaces the running one (which reports `play.finished`, stopped). Moving the
        leg does not stop it. Unknown media: code `media_not_found`.
        """
        ...

    async def stop_play(self, play_id: str, *, command_id: str) -> None: ...

    async def send_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        """Send keys (`0-9*#A-D`, at most `DIGITS_MAX`) to the party on the leg and to nobody else.

        A browser hears them as tone pairs (ITU-T Q.23), 80 ms on and 80 ms off each, over what it hears
        otherwise. They follow those that are still being sent; `leg.digits_sent` tells when the last has
        ended, and never comes if the leg goes before. Codes `digits_invalid` (malformed) and `digits_busy`
        (too many wait already; retryable).
        """
        ...

    async def report_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        """Take in keys that the party pressed and that came by signalling, as a browser's do.

        Each is reported as a `leg.digit`, so that all keys come as facts from one place. Malformed digits:
        code `digits_invalid`.
        """
        ...

    def events(self, *, epoch: int | None, after: int) -> AsyncGenerator[SwitchEvent]:
        """Facts after sequence `after` of `epoch`, then new ones as they happen, until closed.

        A switch that was restarted has a higher epoch and begins at sequence 1; asking with an older epoch
        gives everything of the new one: the asker sees `event.epoch` change and knows that earlier calls died.
        """
        ...

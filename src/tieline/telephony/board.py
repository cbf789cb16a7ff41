"""Who stands in which call and hears what: the rules of a switch without its sound.

The embedded switch and its scripted twin both stand on this board, so that they agree on every rule that is
not about media: what a command changes, which facts it reports and in which order, which ids are unknown.
No input, output or clock in here. Always holds: a leg stands in at most one living call; a play belongs to a
living leg; ids of ended calls, gone legs and finished plays are never used again.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tieline.telephony.switch import DIGITS_MAX, LegGoneReason, LegRole, SwitchError, SwitchEventKind

_REMEMBERED_IDS = 50_000
_DIGITS = re.compile(rf"[0-9*#A-D]{{1,{DIGITS_MAX}}}", re.ASCII)
_UNSENT_MAX = 4 * DIGITS_MAX


class Report(Protocol):
    """Takes a fact; `Journal.append` is one."""

    def __call__(
        self,
        kind: SwitchEventKind,
        *,
        call_id: str | None = None,
        leg_id: str | None = None,
        command_id: str | None = None,
        data: Mapping[str, Any] = ...,
    ) -> object: ...


@dataclass(slots=True)
class Play:
    """Media played to one leg, one after the other; `index` is the one that sounds now."""

    play_id: str
    leg_id: str
    media: tuple[str, ...]
    loop_last: bool
    index: int = 0

    @property
    def sounding(self) -> str:
        """The name of the media that sounds now."""
        return self.media[self.index]


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Keys on their way to the party of a leg."""

    digits: str
    command_id: str | None


@dataclass(slots=True)
class Leg:
    """One party's audio path."""

    leg_id: str
    role: LegRole
    call_id: str | None
    connected: bool = False
    muted: bool = False
    held: bool = False
    hold_music: str | None = None
    play: Play | None = None
    unsent: deque[Digits] = field(default_factory=deque[Digits])
    """Digits that have not gone to the party yet, the ones that sound now first."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one leg hears: other legs, the media of its play, the music of its hold, digits."""

    legs: tuple[str, ...] = ()
    play: Play | None = None
    hold_music: str | None = None
    digits: Digits | None = None


class _SpentIds:
    """The ids that ended lately, so that ending twice is ending once."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, spent: str) -> None:
        self._ids[spent] = None
        if len(self._ids) > _REMEMBERED_IDS:
            self._ids.popitem(last=False)

    def __contains__(self, spent: str) -> bool:
        return spent in self._ids


@dataclass(slots=True)
class Board:
    """Calls, legs and plays of one switch node."""

    report: Report
    legs: dict[str, Leg] = field(default_factory=dict[str, Leg])
    version: int = 0
    """Grows with every change of who hears what, so that a mixer can keep its matrix until then."""
    _calls: dict[str, dict[str, Leg]] = field(default_factory=dict[str, dict[str, Leg]])
    _plays: dict[str, Play] = field(default_factory=dict[str, Play])
    _ended_calls: _SpentIds = field(default_factory=_SpentIds)
    _gone_legs: _SpentIds = field(default_factory=_SpentIds)
    _finished_plays: _SpentIds = field(default_factory=_SpentIds)

    @property
    def call_count(self) -> int:
        """Living calls."""
        return len(self._calls)

    def create_call(self, call_id: str) -> None:
        """Make an empty call; one that lives already is left as it is. Raises `call_ended`."""
        if call_id in self._ended_calls:
            raise SwitchError("call_ended", f"Call {call_id} has ended.", retryable=False)
        self._calls.setdefault(call_id, {})

    def end_call(self, call_id: str, *, command_id: str | None) -> list[str]:
        """End a call; gives the legs that went with it (its callers), for their transports to be closed."""
        if call_id in self._ended_calls:
            return []
        standing = list(self._standing_in(call_id).values())
        gone: list[str] = []
        for leg in standing:
            if leg.role is LegRole.CALLER:
                self.leg_gone(leg.leg_id, LegGoneReason.REMOVED, command_id=command_id)
                gone.append(leg.leg_id)
            else:
                self.move_leg(leg.leg_id, None, command_id=command_id)
        del self._calls[call_id]
        self._ended_calls.add(call_id)
        self.report(SwitchEventKind.CALL_ENDED, call_id=call_id, command_id=command_id)
        return gone

    def check_new_leg(self, leg_id: str, call_id: str | None) -> None:
        """Raise what `add_leg` would raise, before work is spent on the leg's transport."""
        if leg_id in self._gone_legs:
            raise SwitchError("leg_gone", f"Leg {leg_id} has ended; ids are not used again.", retryable=False)
        if leg_id not in self.legs and call_id is not None:
            self._standing_in(call_id)

    def add_leg(self, leg_id: str, role: LegRole, call_id: str | None) -> Leg:
        """Put a new leg into a call, or outside any. A living leg keeps its role, call, mute and hold."""
        self.check_new_leg(leg_id, call_id)
        leg = self.legs.get(leg_id)
        if leg is None:
            leg = Leg(leg_id, role, call_id)
            self.legs[leg_id] = leg
            if call_id is not None:
                self._calls[call_id][leg_id] = leg
        leg.connected = False
        self.version += 1
        return leg

    def leg_connected(self, leg_id: str, *, command_id: str | None = None) -> None:
        """The leg's audio flows now (again)."""
        leg = self.leg(leg_id)
        leg.connected = True
        self.version += 1
        self._say(SwitchEventKind.LEG_CONNECTED, leg, command_id, {})

    def leg_gone(self, leg_id: str, reason: LegGoneReason, *, command_id: str | None = None) -> bool:
        """End a leg and its play; False if it had ended before."""
        if leg_id in self._gone_legs:
            return False
        leg = self.leg(leg_id)
        self._finish(leg, stopped=True, command_id=command_id)
        del self.legs[leg_id]
        if leg.call_id is not None:
            del self._calls[leg.call_id][leg_id]
        self._gone_legs.add(leg_id)
        self.version += 1
        self._say(SwitchEventKind.LEG_GONE, leg, command_id, {"reason": reason.value})
        return True

    def move_leg(self, leg_id: str, call_id: str | None, *, command_id: str | None) -> None:
        """Put the leg into another call or outside any, unheld."""
        leg = self.leg(leg_id)
        target = None if call_id is None else self._standing_in(call_id)
        if leg.held:
            self.set_held(leg_id, False, music=None, command_id=command_id)
        if leg.call_id is not None:
            del self._calls[leg.call_id][leg_id]
        if target is not None:
            target[leg_id] = leg
        leg.call_id = call_id
        self.version += 1
        self._say(SwitchEventKind.LEG_MOVED, leg, command_id, {})

    def set_muted(self, leg_id: str, muted: bool, *, command_id: str | None) -> None:
        """Let nobody hear the leg, or again those who stand with it."""
        leg = self.leg(leg_id)
        leg.muted = muted
        self.version += 1
        self._say(SwitchEventKind.LEG_MUTED, leg, command_id, {"muted": muted})

    def set_held(self, leg_id: str, held: bool, *, music: str | None, command_id: str | None) -> None:
        """Part the leg from its call and let it hear `music`, or join it again."""
        leg = self.leg(leg_id)
        leg.held = held
        leg.hold_music = music if held else None
        self.version += 1
        self._say(SwitchEventKind.LEG_HELD, leg, command_id, {"held": held})

    def pressed(self, leg_id: str, digits: str, *, command_id: str | None = None) -> None:
        """The party on the leg pressed keys. Raises `digits_invalid`."""
        leg = self.leg(leg_id)
        _check_digits(digits)
        for digit in digits:
            self._say(SwitchEventKind.LEG_DIGIT, leg, command_id, {"digit": digit})

    def send_digits(self, leg_id: str, digits: str, *, command_id: str | None) -> None:
        """Let the party hear digits, after those that are on their way. Raises `digits_invalid`, `digits_busy`."""
        leg = self.leg(leg_id)
        _check_digits(digits)
        if sum(len(waiting.digits) for waiting in leg.unsent) + len(digits) > _UNSENT_MAX:
            raise SwitchError("digits_busy", "Earlier digits are still being sent.", retryable=True)
        leg.unsent.append(Digits(digits, command_id))
        self.version += 1

    def digits_sent(self, leg_id: str) -> None:
        """The digits that sounded on the leg have ended: the next begin."""
        leg = self.leg(leg_id)
        sent = leg.unsent.popleft()
        self.version += 1
        self._say(SwitchEventKind.LEG_DIGITS_SENT, leg, sent.command_id, {"digits": sent.digits})

    def play(
        self, leg_id: str, media: tuple[str, ...], *, loop_last: bool, play_id: str, command_id: str | None
    ) -> Play:
        """Begin a play on a leg; the one that ran there is finished, stopped."""
        leg = self.leg(leg_id)
        if not media:
            raise SwitchError("media_not_found", "A play needs at least one medium.", retryable=False)
        if play_id in self._plays or play_id in self._finished_plays:
            raise SwitchError("play_reused", f"Play {play_id} was used before.", retryable=False)
        self._finish(leg, stopped=True, command_id=command_id)
        leg.play = self._plays[play_id] = Play(play_id, leg_id, media, loop_last)
        self.version += 1
        return leg.play

    def stop_play(self, play_id: str, *, command_id: str | None) -> None:
        """Stop a play; stopping one that has finished succeeds and reports nothing."""
        if play_id in self._finished_plays:
            return
        play = self._plays.get(play_id)
        if play is None:
            raise SwitchError("play_not_found", f"There is no play {play_id}.", retryable=False)
        self._finish(self.leg(play.leg_id), stopped=True, command_id=command_id)

    def media_ended(self, play_id: str) -> None:
        """The medium that sounded has reached its end: go on to the next, begin the last anew, or finish."""
        play = self._plays.get(play_id)
        if play is None:
            return
        if play.index + 1 < len(play.media):
            play.index += 1
            self.version += 1
        elif not play.loop_last:
            self._finish(self.leg(play.leg_id), stopped=False, command_id=None)

    def running_play(self, play_id: str) -> Play | None:
        """The play if it has not finished."""
        return self._plays.get(play_id)

    def hearing(self, leg_id: str) -> Hearing:
        """What a leg hears now.

        A play sounds over the voices of the call, and instead of the music of a hold.
        """
        leg = self.leg(leg_id)
        digits = leg.unsent[0] if leg.unsent else None
        if leg.held:
            music = leg.hold_music if leg.play is None else None
            return Hearing(play=leg.play, hold_music=music, digits=digits)
        if leg.call_id is None:
            return Hearing(play=leg.play, digits=digits)
        others = tuple(
            other.leg_id
            for other in self._calls[leg.call_id].values()
            if other is not leg and not other.muted and not other.held
        )
        return Hearing(legs=others, play=leg.play, digits=digits)

    def leg(self, leg_id: str) -> Leg:
        """A living leg. Raises `leg_not_found`."""
        leg = self.legs.get(leg_id)
        if leg is None:
            raise SwitchError("leg_not_found", f"There is no leg {leg_id}.", retryable=False)
        return leg

    def is_gone(self, leg_id: str) -> bool:
        """Whether the leg lived and has ended."""
        return leg_id in self._gone_legs

    def _standing_in(self, call_id: str) -> dict[str, Leg]:
        standing = self._calls.get(call_id)
        if standing is None:
            raise SwitchError("call_not_found", f"There is no call {call_id}.", retryable=False)
        return standing

    def _finish(self, leg: Leg, *, stopped: bool, command_id: str | None) -> None:
        play, leg.play = leg.play, None
        if play is None:
            return
        del self._plays[play.play_id]
        self._finished_plays.add(play.play_id)
        self.version += 1
        data = {"play_id": play.play_id, "stopped": stopped}
        self._say(SwitchEventKind.PLAY_FINISHED, leg, command_id, data)

    def _say(self, kind: SwitchEventKind, leg: Leg, command_id: str | None, data: Mapping[str, Any]) -> None:
        self.report(kind, call_id=leg.call_id, leg_id=leg.leg_id, command_id=command_id, data=data)


def _check_digits(digits: str) -> None:
    if not _DIGITS.fullmatch(digits):
        raise SwitchError(
            "digits_invalid", f"Digits are 1 to {DIGITS_MAX} of 0-9, *, # and A-D.", retryable=False
        )

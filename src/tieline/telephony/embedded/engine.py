"""The embedded switch: rules from the board, sound from the mixer, transport from peers.

Owns the legs' media and their life: set-up timer, far end gone, silence. Runs on one event loop which nothing
else may block. Always holds: a command's effect on sound begins with the next tick; a leg that the board has
ended has no transport; nothing is decoded that nobody hears and nothing encoded that is silent.

When is a leg without packets gone? A caller's always sends. An agent's leg stands outside calls for hours with
its microphone removed and then sends nothing at all; so its packets are only missed while it stands in a call,
and outside calls ICE consent (RFC 7675, about thirty seconds) tells that its browser has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from tieline.telephony.board import Board, Digits, Hearing
from tieline.telephony.embedded.conceal import Samples
from tieline.telephony.embedded.incoming import Incoming
from tieline.telephony.embedded.jitter import FRAME
from tieline.telephony.embedded.library import Player, load_all
from tieline.telephony.embedded.mixer import joined, mix
from tieline.telephony.embedded.opus import SILENCE, Encoder
from tieline.telephony.embedded.peer import Peer, PeerEnd
from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.embedded.ticker import Lateness, beat
from tieline.telephony.journal import Journal
from tieline.telephony.once import CommandMemory
from tieline.telephony.sounds import check_media_names
from tieline.telephony.switch import (
    NO_MEDIA_S,
    SET_UP_S,
    LegGoneReason,
    LegRole,
    SwitchError,
    SwitchEvent,
    SwitchHealth,
)

_log = logging.getLogger(__name__)

AGENT_PATIENCE = 3
"""How many times longer an agent's leg may be without packets than a caller's."""
BUSY_LAG_MS = 60.0
"""Mixer lateness (95th percentile) from which new legs are refused: browsers' buffers begin to run dry."""
CALM = 0.5
"""The share of that lateness below which they are accepted again."""
_WATCH_S = 0.25
_FAILURE_TOLD_EVERY = 500
_SILENT_TAIL = 10
_SILENT_EVERY = 10


@dataclass(slots=True)
class _MediaLeg:
    """A leg's transport and sound. `expected_since` is when packets began to be expected, None if they are not."""

    peer: Peer
    incoming: Incoming = field(default_factory=Incoming)
    encoder: Encoder = field(default_factory=Encoder)
    sources: list[str] = field(default_factory=list[str])
    last_sample: int = 0
    silent_ticks: int = 0
    last_heard_at: float = 0.0
    expected_since: float | None = None


class EmbeddedSwitch:
    """A `Switch` in this process. Use as an async context manager; it mixes while the context is open."""

    def __init__(
        self,
        node: str,
        *,
        ports: MediaPorts | None = None,
        set_up_s: float = SET_UP_S,
        no_media_s: float = NO_MEDIA_S,
        busy_lag_ms: float = BUSY_LAG_MS,
        lateness: Lateness | None = None,
    ) -> None:
        self.node = node
        self.journal = Journal(node)
        self._ports = ports or MediaPorts()
        self._set_up_s = set_up_s
        self._no_media_s = no_media_s
        self._busy_lag_ms = busy_lag_ms
        self._board = Board(self.journal.append)
        self._memory = CommandMemory()
        self._media: dict[str, _MediaLeg] = {}
        self._players: dict[str, Player] = {}
        self._hold_players: dict[str, Player] = {}
        self._digit_players: dict[str, tuple[Digits, Player]] = {}
        self._lateness = lateness or Lateness()
        self._accepting = True
        self._closing: set[asyncio.Task[None]] = set()
        self._rows: dict[str, list[str]] = {}
        self._heard_legs: set[str] = set()
        self._rows_version = -1
        self._tell_failure_from = 0
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(load_all)
        self._stack.enter_context(media_ports(self._ports, asyncio.get_running_loop()))
        self._stack.push_async_callback(self._shut)
        for run in (beat(self._tick, self._lateness), self._watch()):
            task = asyncio.create_task(run)
            self._stack.push_async_callback(_stop, task)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # The seam

    async def health(self) -> SwitchHealth:
        """Counts and lateness; also decides by the latter whether new legs are accepted."""
        lag_ms = self._lateness.p95_ms()
        self._accepting = lag_ms < self._busy_lag_ms * (1.0 if self._accepting else CALM)
        return SwitchHealth(
            node=self.node,
            epoch=self.journal.epoch,
            calls=self._board.call_count,
            legs=len(self._board.legs),
            tick_lag_ms=round(lag_ms, 3),
            accepting=self._accepting,
            late_share=round(self._lateness.late_share(), 4),
        )

    async def create_call(self, call_id: str, *, command_id: str) -> None:
        async def do() -> None:
            self._board.create_call(call_id)

        await self._once(command_id, ("create_call", call_id), do)

    async def end_call(self, call_id: str, *, command_id: str) -> None:
        async def do() -> None:
            for leg_id in self._board.end_call(call_id, command_id=command_id):
                self._drop_media(leg_id)
            self._expect_packets_of_all()

        await self._once(command_id, ("end_call", call_id), do)

    async def add_webrtc_leg(
        self, leg_id: str, offer_sdp: str, *, role: LegRole, call_id: str | None, command_id: str
    ) -> str:
        async def do() -> str:
            return await self._answer(leg_id, offer_sdp, role, call_id)

        request = ("add_webrtc_leg", leg_id, offer_sdp, role, call_id)
        answer = await self._memory.once(command_id, request, do)
        assert answer is not None
        return answer

    async def remove_leg(self, leg_id: str, *, command_id: str) -> None:
        async def do() -> None:
            if self._board.leg_gone(leg_id, LegGoneReason.REMOVED, command_id=command_id):
                self._drop_media(leg_id)

        await self._once(command_id, ("remove_leg", leg_id), do)

    async def move_leg(self, leg_id: str, call_id: str | None, *, command_id: str) -> None:
        async def do() -> None:
            self._board.move_leg(leg_id, call_id, command_id=command_id)
            self._expect_packets(leg_id)

        await self._once(command_id, ("move_leg", leg_id, call_id), do)

    async def set_muted(self, leg_id: str, muted: bool, *, command_id: str) -> None:
        async def do() -> None:
            self._board.set_muted(leg_id, muted, command_id=command_id)

        await self._once(command_id, ("set_muted", leg_id, muted), do)

    async def set_held(self, leg_id: str, held: bool, *, music: str | None, command_id: str) -> None:
        async def do() -> None:
            check_media_names(() if music is None else (music,))
            self._board.set_held(leg_id, held, music=music, command_id=command_id)

        await self._once(command_id, ("set_held", leg_id, held, music), do)

    async def play(
        self, leg_id: str, media: tuple[str, ...], *, loop_last: bool, play_id: str, command_id: str
    ) -> None:
        async def do() -> None:
            check_media_names(media)
            self._board.play(leg_id, media, loop_last=loop_last, play_id=play_id, command_id=command_id)

        await self._once(command_id, ("play", leg_id, media, loop_last, play_id), do)

    async def stop_play(self, play_id: str, *, command_id: str) -> None:
        async def do() -> None:
            self._board.stop_play(play_id, command_id=command_id)

        await self._once(command_id, ("stop_play", play_id), do)

    async def send_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        async def do() -> None:
            self._board.send_digits(leg_id, digits, command_id=command_id)

        await self._once(command_id, ("send_digits", leg_id, digits), do)

    async def report_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        async def do() -> None:
            self._board.pressed(leg_id, digits, command_id=command_id)

        await self._once(command_id, ("report_digits", leg_id, digits), do)

    def events(self, *, epoch: int | None, after: int) -> AsyncGenerator[SwitchEvent]:
        """As the seam says."""
        return self.journal.read(epoch=epoch, after=after)

    # What peers tell (PeerOwner)

    def peer_connected(self, peer: Peer) -> None:
        """Audio can flow on the leg."""
        if self._is_current(peer):
            self._media[peer.leg_id].last_heard_at = time.monotonic()
            self._board.leg_connected(peer.leg_id)
            self._expect_packets(peer.leg_id)

    def peer_ended(self, peer: Peer, end: PeerEnd) -> None:
        """The far end went away by itself."""
        if not self._is_current(peer):
            return
        if end is PeerEnd.CLOSED:
            reason = LegGoneReason.HUNG_UP
        elif peer.connected:
            reason = LegGoneReason.NO_MEDIA
        else:
            reason = LegGoneReason.SET_UP_FAILED
        self._end_leg(peer.leg_id, reason)

    def peer_heard(self, peer: Peer, ssrc: int, timestamp: int, payload: bytes, at: float) -> None:
        """A packet of the leg's sound came."""
        leg = self._media.get(peer.leg_id)
        if leg is not None and leg.peer is peer:
            leg.last_heard_at = at
            leg.incoming.packet(ssrc, timestamp, payload, at)

    # Legs

    async def _answer(self, leg_id: str, offer_sdp: str, role: LegRole, call_id: str | None) -> str:
        self._board.check_new_leg(leg_id, call_id)
        if leg_id not in self._board.legs and not (await self.health()).accepting:
            raise SwitchError("switch_busy", "The switch takes no more legs now.", retryable=True)
        peer = Peer(leg_id, self)
        try:
            answer = await peer.answer(offer_sdp)
            self._board.add_leg(leg_id, role, call_id)
        except BaseException:
            self._close(peer)
            raise
        replaced = self._media.get(leg_id)
        self._media[leg_id] = _MediaLeg(peer)
        if replaced is not None:
            self._close(replaced.peer)
        return answer

    def _is_current(self, peer: Peer) -> bool:
        leg = self._media.get(peer.leg_id)
        return leg is not None and leg.peer is peer

    def _end_leg(self, leg_id: str, reason: LegGoneReason) -> None:
        self._board.leg_gone(leg_id, reason)
        self._drop_media(leg_id)

    def _drop_media(self, leg_id: str) -> None:
        leg = self._media.pop(leg_id, None)
        if leg is not None:
            self._close(leg.peer)

    def _close(self, peer: Peer) -> None:
        async def close() -> None:
            try:
                await peer.close()
            except Exception:
                _log.exception("A leg's connection did not close properly")

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _expect_packets(self, leg_id: str) -> None:
        """Say from when on this leg's packets are missed, after it connected or moved."""
        leg, stands = self._media.get(leg_id), self._board.leg(leg_id)
        if leg is not None:
            expected = stands.role is LegRole.CALLER or stands.call_id is not None
            leg.expected_since = time.monotonic() if expected else None

    def _expect_packets_of_all(self) -> None:
        """After a call ended: the agents who stood in it are not expected to send any more."""
        for leg_id, leg in self._media.items():
            if leg.expected_since is not None and self._board.leg(leg_id).call_id is None:
                self._expect_packets(leg_id)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for leg_id, leg in list(self._media.items()):
                reason = self._why_gone(leg_id, leg, time.monotonic())
                if reason is not None:
                    self._end_leg(leg_id, reason)

    def _why_gone(self, leg_id: str, leg: _MediaLeg, now: float) -> LegGoneReason | None:
        """Why the leg has to end by time alone, None if it need not."""
        if not leg.peer.connected:
            return LegGoneReason.SET_UP_FAILED if now - leg.peer.offered_at > self._set_up_s else None
        if leg.expected_since is None:
            return None
        is_agent = self._board.leg(leg_id).role is LegRole.AGENT
        patience = self._no_media_s * (AGENT_PATIENCE if is_agent else 1)
        silent = now - max(leg.expected_since, leg.last_heard_at) > patience
        return LegGoneReason.NO_MEDIA if silent else None

    async def _shut(self) -> None:
        self.journal.close()
        for leg_id in list(self._media):
            self._drop_media(leg_id)
        if self._closing:
            await asyncio.wait(self._closing)

    # Sound

    def _tick(self, number: int) -> None:
        try:
            self._mix(number)
        except Exception:
            # One bad tick must not silence every call. Told now and then: there are fifty a second.
            if number >= self._tell_failure_from:
                self._tell_failure_from = number + _FAILURE_TOLD_EVERY
                _log.exception("The mixer failed in tick %d", number)

    def _mix(self, number: int) -> None:
        now = time.monotonic()
        if self._rows_version != self._board.version:
            self._route()
        frames: dict[str, Samples | None] = {}
        for leg_id, leg in self._media.items():
            if not leg.peer.connected:
                continue
            if leg_id in self._heard_legs:
                frames[leg_id] = leg.incoming.frame(now)
            else:
                leg.incoming.skip(now)
        for play_id in list(self._players):
            frames[_play_source(play_id)] = self._read_play(play_id)
        for leg_id, player in self._hold_players.items():
            frames[_hold_source(leg_id)] = _read_looped(player)
        for leg_id in list(self._digit_players):
            frames[_digits_source(leg_id)] = self._read_digits(leg_id)
        timestamp = number * FRAME
        for leg_id, mixed in mix(self._rows, frames).items():
            leg = self._media[leg_id]
            if mixed is not None:
                leg.silent_ticks = 0
            else:
                # The encoder hears the end of the sound; then a ready-made silence, and that only now and then.
                leg.silent_ticks += 1
                if leg.silent_ticks > _SILENT_TAIL:
                    if leg.silent_ticks % _SILENT_EVERY == 0:
                        leg.peer.send(SILENCE, timestamp)
                    continue
                mixed = _NOTHING
            if self._rows[leg_id] != leg.sources:
                leg.sources = self._rows[leg_id]
                mixed = joined(mixed, leg.last_sample)
            leg.last_sample = int(mixed[-1])
            leg.peer.send(leg.encoder.encode(mixed), timestamp)

    def _route(self) -> None:
        """Take over who hears what from the board."""
        board = self._board
        self._rows_version = board.version
        self._rows = {}
        self._heard_legs = set()
        plays: dict[str, Player] = {}
        holds: dict[str, Player] = {}
        digits: dict[str, tuple[Digits, Player]] = {}
        for leg_id, media in self._media.items():
            if not media.peer.connected:
                continue
            hearing = board.hearing(leg_id)
            self._rows[leg_id] = _sources(leg_id, hearing)
            self._heard_legs.update(hearing.legs)
            if hearing.play is not None:
                name = hearing.play.sounding
                known = self._players.get(hearing.play.play_id)
                plays[hearing.play.play_id] = (
                    known if known and known.name == name else Player.of_medium(name)
                )
            if hearing.hold_music is not None:
                known = self._hold_players.get(leg_id)
                kept = known is not None and known.name == hearing.hold_music
                holds[leg_id] = known if known and kept else Player.of_medium(hearing.hold_music)
            if hearing.digits is not None:
                sounding = self._digit_players.get(leg_id)
                if sounding is None or sounding[0] is not hearing.digits:
                    sounding = (hearing.digits, Player.of_digits(hearing.digits.digits))
                digits[leg_id] = sounding
        self._players = plays
        self._hold_players = holds
        self._digit_players = digits

    def _read_play(self, play_id: str) -> Samples | None:
        """The play's next frame, over the seam between two media; None when it has finished."""
        parts: list[Samples] = []
        missing = FRAME
        while missing:
            part = self._players[play_id].read(missing)
            if len(part):
                parts.append(part)
                missing -= len(part)
                continue
            self._board.media_ended(play_id)
            play = self._board.running_play(play_id)
            if play is None:
                del self._players[play_id]
                parts.append(np.zeros(missing, np.float32))
                break
            if play.sounding == self._players[play_id].name:
                self._players[play_id].rewind()
            else:
                self._players[play_id] = Player.of_medium(play.sounding)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _read_digits(self, leg_id: str) -> Samples | None:
        """The next frame of the digits that the leg hears; None when they have ended, which is reported."""
        part = self._digit_players[leg_id][1].read(
            FRAME
        )  # a digit and its pause are a whole number of frames
        if len(part):
            return part
        del self._digit_players[leg_id]
        self._board.digits_sent(leg_id)
        return None

    async def _once(
        self, command_id: str, request: tuple[object, ...], do: Callable[[], Awaitable[None]]
    ) -> None:
        await self._memory.once(command_id, request, do)


_NOTHING = np.zeros(FRAME, np.int16)


def _play_source(play_id: str) -> str:
    return f"play:{play_id}"


def _hold_source(leg_id: str) -> str:
    return f"hold:{leg_id}"


def _digits_source(leg_id: str) -> str:
    return f"digits:{leg_id}"


def _sources(leg_id: str, hearing: Hearing) -> list[str]:
    sources = list(hearing.legs)
    if hearing.play is not None:
        sources.append(_play_source(hearing.play.play_id))
    if hearing.hold_music is not None:
        sources.append(_hold_source(leg_id))
    if hearing.digits is not None:
        sources.append(_digits_source(leg_id))
    return sources


def _read_looped(player: Player) -> Samples:
    part = player.read(FRAME)
    while len(part) < FRAME:
        player.rewind()
        part = np.concatenate((part, player.read(FRAME - len(part))))
    return part


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

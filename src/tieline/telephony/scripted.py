"""A switch without sound, for tests: the same verbs and facts, and a script instead of parties.

Tests let the far ends act (`connect`, `hang_up`, `lose_media`, `press`, `end_media`, `restart`), make verbs
fail or wait (`fail_next`, `hold_back`), see what was asked (`commands`) and what would be heard (`hears`).
It stands on the same board as the embedded switch and passes the same contract suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tieline.telephony.board import Board
from tieline.telephony.journal import Journal
from tieline.telephony.once import CommandMemory
from tieline.telephony.sounds import check_media_names
from tieline.telephony.switch import (
    LegGoneReason,
    LegRole,
    SwitchError,
    SwitchEvent,
    SwitchEventKind,
    SwitchHealth,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it reached the switch; a repetition is recorded again."""

    command_id: str
    verb: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])


class ScriptedSwitch:
    """The in-memory twin of the embedded switch."""

    def __init__(self, *, node: str = "scripted", auto_connect: bool = True) -> None:
        """With `auto_connect` a leg connects by itself right after its offer was answered."""
        self.node = node
        self.auto_connect = auto_connect
        self.accepting = True
        self.commands: list[Command] = []
        self._failures: dict[str, list[SwitchError]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._begin(Journal(node))

    def _begin(self, journal: Journal) -> None:
        self.journal = journal
        self.board = Board(journal.append)
        self._memory = CommandMemory()

    # What tests do in the place of the far ends

    def connect(self, leg_id: str) -> None:
        """Audio flows on the leg now."""
        self.board.leg_connected(leg_id)

    def hang_up(self, leg_id: str) -> None:
        """The far end closes its connection."""
        self.board.leg_gone(leg_id, LegGoneReason.HUNG_UP)

    def lose_media(self, leg_id: str) -> None:
        """Nothing has arrived from the far end for too long."""
        self.board.leg_gone(leg_id, LegGoneReason.NO_MEDIA)

    def fail_set_up(self, leg_id: str) -> None:
        """The leg did not connect in time."""
        self.board.leg_gone(leg_id, LegGoneReason.SET_UP_FAILED)

    def press(self, leg_id: str, digit: str) -> None:
        """The party presses a key."""
        self.board.pressed(leg_id, digit)

    def end_media(self, leg_id: str) -> None:
        """The medium that sounds on the leg reaches its end: the next begins, or the play finishes."""
        play = self.board.leg(leg_id).play
        if play is not None:
            self.board.media_ended(play.play_id)

    def restart(self) -> None:
        """The switch process dies and comes back: all calls are gone, a higher epoch begins."""
        died = self.journal
        self._begin(Journal(self.node, epoch=max(died.epoch + 1, Journal(self.node).epoch)))
        died.close()

    def hears(self, leg_id: str) -> set[str]:
        """The sources that the leg hears now: ids of legs and names of media."""
        hearing = self.board.hearing(leg_id)
        heard = {other for other in hearing.legs if self.board.leg(other).connected}
        if hearing.play is not None:
            heard.add(hearing.play.sounding)
        if hearing.hold_music is not None:
            heard.add(hearing.hold_music)
        return heard

    def digits_heard(self, leg_id: str) -> str:
        """The digits that the party has heard since its leg was added."""
        return "".join(
            event.data["digits"]
            for event in self.journal.since(0, limit=self.journal.last)
            if event.kind is SwitchEventKind.LEG_DIGITS_SENT and event.leg_id == leg_id
        )

    def fail_next(self, verb: str, error: SwitchError) -> None:
        """The next command of this verb (a method's name) raises `error` and does nothing."""
        self._failures.setdefault(verb, []).append(error)

    @asynccontextmanager
    async def hold_back(self, verb: str) -> AsyncGenerator[None]:
        """Commands of this verb wait inside the switch until the block is left."""
        gate = self._gates.setdefault(verb, asyncio.Event())
        try:
            yield
        finally:
            gate.set()
            del self._gates[verb]

    # The seam

    async def health(self) -> SwitchHealth:
        """Counts of the board; never late."""
        return SwitchHealth(
            node=self.node,
            epoch=self.journal.epoch,
            calls=self.board.call_count,
            legs=len(self.board.legs),
            tick_lag_ms=0.0,
            accepting=self.accepting,
        )

    async def create_call(self, call_id: str, *, command_id: str) -> None:
        await self._do(command_id, "create_call", lambda: self.board.create_call(call_id), call_id=call_id)

    async def end_call(self, call_id: str, *, command_id: str) -> None:
        def end() -> None:
            self.board.end_call(call_id, command_id=command_id)

        await self._do(command_id, "end_call", end, call_id=call_id)

    async def add_webrtc_leg(
        self, leg_id: str, offer_sdp: str, *, role: LegRole, call_id: str | None, command_id: str
    ) -> str:
        def add() -> str:
            if not self.accepting:
                raise SwitchError("switch_busy", "The switch takes no more legs now.", retryable=True)
            if not offer_sdp.startswith("v=0"):
                raise SwitchError("offer_invalid", "The offer is not an SDP.", retryable=False)
            self.board.add_leg(leg_id, role, call_id)
            if self.auto_connect:
                asyncio.get_running_loop().call_soon(self._connect_if_alive, leg_id)
            return f"v=0\r\no=- {self.journal.last} 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

        answer = await self._do(
            command_id,
            "add_webrtc_leg",
            add,
            leg_id=leg_id,
            offer_sdp=offer_sdp,
            role=role.value,
            call_id=call_id,
        )
        assert answer is not None
        return answer

    def _connect_if_alive(self, leg_id: str) -> None:
        if leg_id in self.board.legs:
            self.board.leg_connected(leg_id)

    async def remove_leg(self, leg_id: str, *, command_id: str) -> None:
        def remove() -> None:
            self.board.leg_gone(leg_id, LegGoneReason.REMOVED, command_id=command_id)

        await self._do(command_id, "remove_leg", remove, leg_id=leg_id)

    async def move_leg(self, leg_id: str, call_id: str | None, *, command_id: str) -> None:
        def move() -> None:
            self.board.move_leg(leg_id, call_id, command_id=command_id)

        await self._do(command_id, "move_leg", move, leg_id=leg_id, call_id=call_id)

    async def set_muted(self, leg_id: str, muted: bool, *, command_id: str) -> None:
        def mute() -> None:
            self.board.set_muted(leg_id, muted, command_id=command_id)

        await self._do(command_id, "set_muted", mute, leg_id=leg_id, muted=muted)

    async def set_held(self, leg_id: str, held: bool, *, music: str | None, command_id: str) -> None:
        def hold() -> None:
            check_media_names(() if music is None else (music,))
            self.board.set_held(leg_id, held, music=music, command_id=command_id)

        await self._do(command_id, "set_held", hold, leg_id=leg_id, held=held, music=music)

    async def play(
        self, leg_id: str, media: tuple[str, ...], *, loop_last: bool, play_id: str, command_id: str
    ) -> None:
        def play() -> None:
            check_media_names(media)
            self.board.play(leg_id, media, loop_last=loop_last, play_id=play_id, command_id=command_id)

        await self._do(
            command_id, "play", play, leg_id=leg_id, media=media, loop_last=loop_last, play_id=play_id
        )

    async def stop_play(self, play_id: str, *, command_id: str) -> None:
        def stop() -> None:
            self.board.stop_play(play_id, command_id=command_id)

        await self._do(command_id, "stop_play", stop, play_id=play_id)

    async def send_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        def send() -> None:
            self.board.send_digits(leg_id, digits, command_id=command_id)
            self.board.digits_sent(leg_id)

        await self._do(command_id, "send_digits", send, leg_id=leg_id, digits=digits)

    async def report_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        def report() -> None:
            self.board.pressed(leg_id, digits, command_id=command_id)

        await self._do(command_id, "report_digits", report, leg_id=leg_id, digits=digits)

    def events(self, *, epoch: int | None, after: int) -> AsyncGenerator[SwitchEvent]:
        """As the seam says; a `restart` breaks the stream with a retryable error."""
        return self.journal.read(epoch=epoch, after=after)

    async def _do(
        self, command_id: str, verb: str, act: Callable[[], str | None], **params: Any
    ) -> str | None:
        self.commands.append(Command(command_id, verb, params))
        gate = self._gates.get(verb)
        if gate is not None:
            await gate.wait()
        failures = self._failures.get(verb)
        if failures:
            raise failures.pop(0)
        return await self._memory.once(command_id, (verb, *params.values()), _async(act))


def _async(act: Callable[[], str | None]) -> Callable[[], Awaitable[str | None]]:
    async def run() -> str | None:
        return act()

    return run

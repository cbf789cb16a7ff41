"""The rules of calls, legs and plays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tieline.telephony.board import Board, Hearing
from tieline.telephony.journal import Journal
from tieline.telephony.switch import LegGoneReason, LegRole, SwitchError
from tieline.telephony.switch import SwitchEventKind as Kind


def a_board() -> tuple[Board, Journal]:
    journal = Journal("test", epoch=1)
    return Board(journal.append), journal


def kinds(journal: Journal) -> list[Kind]:
    return [event.kind for event in journal.since(0)]


def test_a_play_sounds_over_the_voices_of_the_call() -> None:
    board, _ = a_board()
    board.create_call("call")
    board.add_leg("a", LegRole.CALLER, "call")
    board.add_leg("b", LegRole.AGENT, "call")
    play = board.play("a", ("tone/beep",), loop_last=False, play_id="p", command_id=None)
    assert board.hearing("a") == Hearing(legs=("b",), play=play)


def test_a_play_to_a_held_leg_sounds_instead_of_the_music() -> None:
    board, _ = a_board()
    board.create_call("call")
    board.add_leg("a", LegRole.CALLER, "call")
    board.set_held("a", True, music="music/calm", command_id=None)
    play = board.play("a", ("tone/beep",), loop_last=False, play_id="p", command_id=None)
    assert board.hearing("a") == Hearing(play=play)
    board.media_ended("p")
    assert board.hearing("a") == Hearing(hold_music="music/calm")


def test_a_held_leg_may_hear_nothing() -> None:
    board, _ = a_board()
    board.create_call("call")
    board.add_leg("a", LegRole.CALLER, "call")
    board.set_held("a", True, music=None, command_id=None)
    assert board.hearing("a") == Hearing()


def test_digits_are_sent_one_command_after_the_other() -> None:
    board, journal = a_board()
    board.add_leg("a", LegRole.CALLER, None)
    board.send_digits("a", "12", command_id="first")
    board.send_digits("a", "3", command_id="second")
    heard: list[str] = []
    while (sounding := board.hearing("a").digits) is not None:
        heard.append(sounding.digits)
        board.digits_sent("a")
    assert heard == ["12", "3"]
    told = [(event.kind, event.command_id, event.data) for event in journal.since(0)]
    assert told == [
        (Kind.LEG_DIGITS_SENT, "first", {"digits": "12"}),
        (Kind.LEG_DIGITS_SENT, "second", {"digits": "3"}),
    ]


def test_digits_that_wait_are_bounded_and_go_with_their_leg() -> None:
    board, journal = a_board()
    board.add_leg("a", LegRole.CALLER, None)
    for _ in range(4):
        board.send_digits("a", "0" * 32, command_id=None)
    with pytest.raises(SwitchError) as refused:
        board.send_digits("a", "0", command_id=None)
    assert (refused.value.code, refused.value.retryable) == ("digits_busy", True)
    board.leg_gone("a", LegGoneReason.HUNG_UP)
    assert kinds(journal) == [Kind.LEG_GONE]


def test_ending_a_call_reports_every_part_of_it_in_order() -> None:
    board, journal = a_board()
    board.create_call("call")
    board.add_leg("a", LegRole.CALLER, "call")
    board.add_leg("b", LegRole.AGENT, "call")
    board.play("a", ("music/calm",), loop_last=True, play_id="p", command_id=None)
    board.set_held("b", True, music=None, command_id=None)
    assert board.end_call("call", command_id="end") == ["a"]
    assert board.end_call("call", command_id="again") == []
    assert kinds(journal) == [
        Kind.LEG_HELD,
        Kind.PLAY_FINISHED,
        Kind.LEG_GONE,
        Kind.LEG_HELD,
        Kind.LEG_MOVED,
        Kind.CALL_ENDED,
    ]
    assert {event.command_id for event in journal.since(1)} == {"end"}


def test_media_that_ends_after_its_play_was_stopped_changes_nothing() -> None:
    board, journal = a_board()
    board.add_leg("a", LegRole.AGENT, None)
    board.play("a", ("tone/beep",), loop_last=False, play_id="p", command_id=None)
    board.stop_play("p", command_id=None)
    board.media_ended("p")
    assert kinds(journal) == [Kind.PLAY_FINISHED]


def test_a_play_of_nothing_is_refused_and_leaves_the_running_one() -> None:
    board, _ = a_board()
    board.add_leg("a", LegRole.AGENT, None)
    running = board.play("a", ("music/calm",), loop_last=True, play_id="p", command_id=None)
    for media, play_id in (((), "q"), (("music/calm",), "p")):
        with pytest.raises(SwitchError):
            board.play("a", media, loop_last=True, play_id=play_id, command_id=None)
    assert board.hearing("a").play is running


def test_a_move_into_an_unknown_call_changes_nothing() -> None:
    board, journal = a_board()
    board.create_call("call")
    board.add_leg("a", LegRole.CALLER, "call")
    board.set_held("a", True, music=None, command_id=None)
    with pytest.raises(SwitchError):
        board.move_leg("a", "nowhere", command_id=None)
    assert board.leg("a").held
    assert kinds(journal) == [Kind.LEG_HELD]


CALLS, LEGS, PLAYS = (st.sampled_from([f"{kind}{n}" for n in range(4)]) for kind in ("call", "leg", "play"))


class BoardMachine(RuleBasedStateMachine):
    """Any commands in any order; what is refused must change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.board, self.journal = a_board()

    def attempt(self, verb: str, *given: Any, **named: Any) -> None:
        before = self.journal.last
        try:
            getattr(self.board, verb)(*given, **named)
        except SwitchError:
            assert self.journal.last == before

    @rule(call=CALLS)
    def create(self, call: str) -> None:
        self.attempt("create_call", call)

    @rule(call=CALLS)
    def end(self, call: str) -> None:
        self.attempt("end_call", call, command_id="x")

    @rule(leg=LEGS, call=st.none() | CALLS, role=st.sampled_from(LegRole))
    def add(self, leg: str, call: str | None, role: LegRole) -> None:
        self.attempt("add_leg", leg, role, call)

    @rule(leg=LEGS)
    def connect(self, leg: str) -> None:
        self.attempt("leg_connected", leg)

    @rule(leg=LEGS, reason=st.sampled_from(LegGoneReason))
    def go(self, leg: str, reason: LegGoneReason) -> None:
        self.attempt("leg_gone", leg, reason)

    @rule(leg=LEGS, call=st.none() | CALLS)
    def move(self, leg: str, call: str | None) -> None:
        self.attempt("move_leg", leg, call, command_id="x")

    @rule(leg=LEGS, muted=st.booleans())
    def mute(self, leg: str, muted: bool) -> None:
        self.attempt("set_muted", leg, muted, command_id="x")

    @rule(leg=LEGS, held=st.booleans())
    def hold(self, leg: str, held: bool) -> None:
        self.attempt("set_held", leg, held, music="music/calm", command_id="x")

    @rule(leg=LEGS, play=PLAYS, loop=st.booleans(), count=st.integers(0, 2))
    def play(self, leg: str, play: str, loop: bool, count: int) -> None:
        self.attempt("play", leg, ("tone/440",) * count, loop_last=loop, play_id=play, command_id="x")

    @rule(play=PLAYS)
    def stop(self, play: str) -> None:
        self.attempt("stop_play", play, command_id="x")

    @rule(play=PLAYS)
    def finish(self, play: str) -> None:
        self.attempt("media_ended", play)

    @invariant()
    def hearing_is_mutual_except_for_the_muted(self) -> None:
        legs = self.board.legs
        for leg_id, leg in legs.items():
            hearing = self.board.hearing(leg_id)
            assert leg_id not in hearing.legs
            assert (hearing.hold_music is None) or (leg.held and hearing.play is None)
            for other in hearing.legs:
                assert legs[other].call_id == leg.call_id is not None
                assert not legs[other].muted and not legs[other].held and not leg.held
                assert leg.muted or leg_id in self.board.hearing(other).legs

    @invariant()
    def each_end_is_reported_once(self) -> None:
        events = self.journal.since(0, limit=100_000)
        for kind, name in ((Kind.LEG_GONE, "leg_id"), (Kind.CALL_ENDED, "call_id")):
            ended = [getattr(event, name) for event in events if event.kind is kind]
            assert len(ended) == len(set(ended))
        finished = [event.data["play_id"] for event in events if event.kind is Kind.PLAY_FINISHED]
        assert len(finished) == len(set(finished))
        gone = {event.leg_id for event in events if event.kind is Kind.LEG_GONE}
        assert not gone & set(self.board.legs)

    @invariant()
    def sequences_have_no_gap(self) -> None:
        events = self.journal.since(0, limit=100_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))


BoardMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBoard = BoardMachine.TestCase

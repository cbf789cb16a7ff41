"""The table of an engagement's life: what always holds, whatever happens in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.engagements.engagement import (
    TRANSITIONS,
    WAITING,
    State,
    TransitionRefused,
    Trigger,
    after,
    allowed,
    end_cause,
    outcome,
)


def walk(triggers: list[Trigger], begin: State = State.ARRIVING) -> list[State]:
    """States passed through when facts that do not apply are dropped, as the service does."""
    states = [begin]
    for trigger in triggers:
        if allowed(states[-1], trigger):
            states.append(after(states[-1], trigger))
    return states


anything = st.lists(st.sampled_from(Trigger), max_size=40)


@given(anything, st.sampled_from([State.ARRIVING, State.DIALING]))
def test_closed_is_final(triggers: list[Trigger], begin: State) -> None:
    states = walk(triggers, begin)
    assert State.CLOSED not in states[:-1]


@given(anything)
def test_who_was_called_waits_in_no_queue_before_talking(triggers: list[Trigger]) -> None:
    states = walk(triggers, State.DIALING)
    before = states[: states.index(State.CONNECTED)] if State.CONNECTED in states else states
    assert not WAITING.intersection(before)


@given(anything)
def test_nobody_talks_before_an_offer_was_accepted(triggers: list[Trigger]) -> None:
    states = walk(triggers)
    if State.CONNECTED in states:
        before = states[: states.index(State.CONNECTED)]
        assert before[-2:] == [State.OFFERED, State.ANSWERING]


@given(anything)
def test_wrap_up_follows_a_conversation_only(triggers: list[Trigger]) -> None:
    states = walk(triggers)
    if State.WRAP_UP in states:
        assert states[states.index(State.WRAP_UP) - 1] is State.CONNECTED


@given(anything)
def test_a_conversation_returns_to_the_queue_only_for_a_lost_agent(triggers: list[Trigger]) -> None:
    states = walk([t for t in triggers if t is not Trigger.AGENT_LOST])
    if State.CONNECTED in states:
        assert not WAITING.intersection(states[states.index(State.CONNECTED) :])


@given(anything, st.integers(1, 3))
def test_a_fact_told_again_changes_nothing(triggers: list[Trigger], times: int) -> None:
    doubled = [t for t in triggers for _ in range(1 + times)]
    facts = {Trigger.CALLER_GONE, Trigger.SWITCH_LOST, Trigger.WRAPPED_UP, Trigger.CALLER_CONNECTED}
    if facts.issuperset(triggers):
        # The last word may differ by one step: a caller who is gone twice cannot leave twice.
        assert walk(doubled)[-1] == walk(triggers)[-1]


@pytest.mark.parametrize("state", [s for s in State if s is not State.CLOSED])
def test_every_state_can_be_left_without_the_agent(state: State) -> None:
    """No state waits for a person alone: a fact of the switch or a deadline leads out of each."""
    of_its_own = {
        Trigger.CALLER_GONE,
        Trigger.SWITCH_LOST,
        Trigger.OFFER_ENDED,
        Trigger.JOIN_FAILED,
        Trigger.WRAPPED_UP,
    }
    assert any((state, trigger) in TRANSITIONS for trigger in of_its_own)


def test_refusal_tells_the_state() -> None:
    with pytest.raises(TransitionRefused) as refused:
        after(State.CLOSED, Trigger.ACCEPTED)
    assert refused.value.params == {"state": "closed"}


@pytest.mark.parametrize("state", sorted(WAITING))
def test_leaving_before_anybody_talked_is_abandoning(state: State) -> None:
    assert outcome(state, Trigger.CALLER_GONE) == "abandoned"
    assert end_cause(state, Trigger.CALLER_GONE, "hung_up") == "abandoned"


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("removed", "agent_hung_up"),
        ("hung_up", "caller_hung_up"),
        ("no_media", "caller_lost"),
        (None, "caller_hung_up"),
    ],
)
def test_end_of_a_conversation_names_who_ended_it(reason: str | None, cause: str) -> None:
    assert end_cause(State.CONNECTED, Trigger.CALLER_GONE, reason) == cause
    assert outcome(State.CONNECTED, Trigger.CALLER_GONE) == "answered"

"""The life of an engagement as one table of allowed transitions. Pure: no I/O, no clock.

Work facts (offers, wrap-up) are ours; media facts (a leg is up, is gone, has moved) are the switch's, and only
its reports move the states that depend on them: `arriving`, `answering` and the end of a conversation.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from tieline.errors import TielineError


class State(StrEnum):
    """Where an engagement stands."""

    ARRIVING = "arriving"
    """The caller's leg is being set up."""
    QUEUED = "queued"
    """The caller waits and hears greeting and music."""
    OFFERED = "offered"
    """One agent's callbar rings."""
    ANSWERING = "answering"
    """The agent accepted; the switch is joining the two."""
    DIALING = "dialing"
    """Outbound: the agent hears it ring at the customer's."""
    CONNECTED = "connected"
    """They talk (or the customer is on hold)."""
    WRAP_UP = "wrap_up"
    """The conversation is over; the agent finishes the record."""
    CLOSED = "closed"


class Trigger(StrEnum):
    """What may happen to an engagement."""

    CALLER_CONNECTED = "caller_connected"
    CALLER_GONE = "caller_gone"
    OFFERED = "offered"
    OFFER_ENDED = "offer_ended"
    ACCEPTED = "accepted"
    AGENT_JOINED = "agent_joined"
    JOIN_FAILED = "join_failed"
    CONVERSATION_ENDED = "conversation_ended"
    AGENT_LOST = "agent_lost"
    WRAPPED_UP = "wrapped_up"
    SWITCH_LOST = "switch_lost"


TRANSITIONS: MappingProxyType[tuple[State, Trigger], State] = MappingProxyType(
    {
        (State.ARRIVING, Trigger.CALLER_CONNECTED): State.QUEUED,
        (State.ARRIVING, Trigger.CALLER_GONE): State.CLOSED,
        (State.ARRIVING, Trigger.SWITCH_LOST): State.CLOSED,
        (State.QUEUED, Trigger.OFFERED): State.OFFERED,
        (State.QUEUED, Trigger.CALLER_GONE): State.CLOSED,
        (State.QUEUED, Trigger.SWITCH_LOST): State.CLOSED,
        (State.OFFERED, Trigger.ACCEPTED): State.ANSWERING,
        # Missed or declined: back into the queue, with the place it had.
        (State.OFFERED, Trigger.OFFER_ENDED): State.QUEUED,
        (State.OFFERED, Trigger.CALLER_GONE): State.CLOSED,
        (State.OFFERED, Trigger.SWITCH_LOST): State.CLOSED,
        (State.ANSWERING, Trigger.AGENT_JOINED): State.CONNECTED,
        (State.ANSWERING, Trigger.JOIN_FAILED): State.QUEUED,
        # The caller hung up in the moment of answer: nobody talked, so it was abandoned.
        (State.ANSWERING, Trigger.CALLER_GONE): State.CLOSED,
        (State.ANSWERING, Trigger.SWITCH_LOST): State.CLOSED,
        (State.DIALING, Trigger.CALLER_CONNECTED): State.CONNECTED,
        # Busy, no answer, unreachable, or the agent gave up: there is still something to write down.
        (State.DIALING, Trigger.CALLER_GONE): State.WRAP_UP,
        (State.DIALING, Trigger.CONVERSATION_ENDED): State.WRAP_UP,
        (State.DIALING, Trigger.SWITCH_LOST): State.WRAP_UP,
        # The agent's audio did not come back: the caller is told and is the first of the queue.
        (State.CONNECTED, Trigger.AGENT_LOST): State.QUEUED,
        (State.CONNECTED, Trigger.CALLER_GONE): State.WRAP_UP,
        (State.CONNECTED, Trigger.CONVERSATION_ENDED): State.WRAP_UP,
        (State.CONNECTED, Trigger.SWITCH_LOST): State.WRAP_UP,
        (State.WRAP_UP, Trigger.WRAPPED_UP): State.CLOSED,
    }
)

WAITING = frozenset({State.ARRIVING, State.QUEUED, State.OFFERED, State.ANSWERING})
"""The caller is there and nobody has talked to them yet: leaving now is abandoning."""


class TransitionRefused(TielineError):
    """The engagement is not in a state that allows this; `params.state` is the one it is in."""

    code, status = "engagement_state", 409


class CallerGone(TielineError):
    """The caller had already left when the command came."""

    code, status = "caller_gone", 409


def after(state: State, trigger: Trigger) -> State:
    """The state that follows. Raises `TransitionRefused` when the table has no such transition."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise TransitionRefused(f"{trigger} does not apply in {state}", state=State(state).value) from None


def allowed(state: State, trigger: Trigger) -> bool:
    """Whether the table has this transition; facts that come late or twice are dropped by it."""
    return (state, trigger) in TRANSITIONS


def outcome(state: State, trigger: Trigger) -> str:
    """What an engagement came to, once `trigger` ends its waiting or its conversation in `state`.

    `answered` when somebody talked, `abandoned` when the caller left before, `unanswered` when whom we called
    did not answer, `failed` when we lost the call.
    """
    if state is State.CONNECTED:
        return "answered"
    if trigger is Trigger.SWITCH_LOST:
        return "failed"
    return "unanswered" if state is State.DIALING else "abandoned"


UNANSWERED = frozenset({"busy", "no_answer", "unreachable"})
"""Why whom we called did not answer."""


def end_cause(state: State, trigger: Trigger, reason: str | None) -> str:
    """Why it ended, as the story tells it. `reason` is the switch's reason for the caller's leg being gone."""
    if trigger is Trigger.SWITCH_LOST:
        return "switch_failed"
    if state is State.DIALING:
        return reason if reason in UNANSWERED else "agent_hung_up" if reason == "removed" else "unreachable"
    if trigger is Trigger.CONVERSATION_ENDED:
        return "agent_lost"
    if state in WAITING:
        return "abandoned"
    causes: dict[str | None, str] = {"removed": "agent_hung_up", "no_media": "caller_lost"}
    return causes.get(reason, "caller_hung_up")

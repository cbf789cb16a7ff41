"""Why a verb on engagements is refused: facts with stable codes that screens have sentences for."""

from __future__ import annotations

from tieline.errors import NotFound, TielineError


class EngagementNotFound(NotFound):
    """No such engagement, or not this agent's."""

    code = "engagement_not_found"


class AudioNotConnected(TielineError):
    """The agent's audio is not up."""

    code, status = "audio_not_connected", 409


class StillPending(TielineError):
    """The last request of this engagement is still waiting for the switch."""

    code, status = "still_pending", 409


class AgentBusy(TielineError):
    """The agent has an engagement already."""

    code, status = "agent_busy", 409


class AgentWithoutQueue(TielineError):
    """Calls out are booked on a queue, and the agent serves none."""

    code, status = "agent_without_queue", 409


class NoSwitch(TielineError):
    """No media node lives: calls cannot be taken."""

    code, status = "switch_unavailable", 503


class SwitchBusy(TielineError):
    """The switch takes no more audio now."""

    code, status = "switch_busy", 503

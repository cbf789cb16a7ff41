"""Routing: choosing the agent for an offer. Pure; the store gives the candidates, free and reachable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready, reachable agent of the queue."""

    agent_id: UUID
    idle_since: datetime
    place: tuple[str, int]
    """The media node of the agent's audio, and which of its lives: only calls of the same can be joined to it."""


def by_longest_idle(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates in the order in which they are to be tried: free for the longest time first.

    Agents free since the same moment are ordered by id, so that every node tries them alike.
    """
    return sorted(candidates, key=lambda c: (c.idle_since, c.agent_id))

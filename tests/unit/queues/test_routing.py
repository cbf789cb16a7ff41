"""The order in which agents are tried."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tieline.queues.routing import Candidate, by_longest_idle

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
candidates = st.lists(
    st.builds(
        Candidate,
        st.uuids(),
        st.integers(0, 600).map(lambda s: NOON - timedelta(seconds=s)),
        st.sampled_from(["one", "two"]),
    ),
    max_size=20,
)


@given(candidates)
def test_nobody_is_tried_before_somebody_idle_for_longer(found: list[Candidate]) -> None:
    order = by_longest_idle(found)
    assert sorted(order, key=repr) == sorted(found, key=repr)
    assert all(a.idle_since <= b.idle_since for a, b in itertools.pairwise(order))


def test_same_moment_is_decided_alike_on_every_node() -> None:
    one, two = Candidate(UUID(int=1), NOON, ("m", 1)), Candidate(UUID(int=2), NOON, ("m", 1))
    assert by_longest_idle([two, one]) == by_longest_idle([one, two]) == [one, two]

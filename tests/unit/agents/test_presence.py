"""Presence follows from status and engagement."""

from __future__ import annotations

import pytest

from tieline.agents.presence import Presence, StatusInvalid, checked_choice, concluded

REASONS = ("break", "lunch")


@pytest.mark.parametrize("status", ["ready", "not_ready", "offline"])
@pytest.mark.parametrize(
    ("engagement", "presence"),
    [
        ("offered", "ringing"),
        ("answering", "occupied"),
        ("dialing", "occupied"),
        ("connected", "occupied"),
        ("wrap_up", "wrap_up"),
    ],
)
def test_an_engagement_wins_over_the_status(status: str, engagement: str, presence: str) -> None:
    assert concluded(status, engagement) is Presence(presence)


@pytest.mark.parametrize("status", ["ready", "not_ready", "offline"])
def test_without_engagement_presence_is_the_status(status: str) -> None:
    assert concluded(status, None) is Presence(status)


def test_only_not_ready_has_a_reason() -> None:
    assert checked_choice("ready", "lunch", REASONS) == ("ready", None)
    assert checked_choice("not_ready", "lunch", REASONS) == ("not_ready", "lunch")


@pytest.mark.parametrize(
    ("status", "reason"), [("away", None), ("not_ready", "missed_call"), ("not_ready", "x")]
)
def test_unknown_choices_are_refused(status: str, reason: str | None) -> None:
    with pytest.raises(StatusInvalid):
        checked_choice(status, reason, REASONS)

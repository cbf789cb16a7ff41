"""The mixing matrix."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tieline.telephony.embedded.mixer import joined, mix

LEVELS = st.dictionaries(st.sampled_from("abcde"), st.one_of(st.none(), st.integers(-30_000, 30_000)))
ROWS = st.dictionaries(st.sampled_from("vwxyz"), st.lists(st.sampled_from("abcde"), unique=True))


def frame(level: float) -> np.ndarray:
    return np.full(960, level, np.float32)


def test_each_listener_hears_the_sum_of_their_row() -> None:
    mixed = mix({"x": ["a", "b"], "y": ["b"]}, {"a": frame(100), "b": frame(20)})
    assert mixed["x"] is not None and mixed["y"] is not None
    assert set(mixed["x"]) == {120}
    assert set(mixed["y"]) == {20}


def test_who_has_nothing_to_hear_gets_nothing() -> None:
    assert mix({"x": [], "y": ["gone"], "z": ["a"]}, {"a": None}) == {"x": None, "y": None, "z": None}


def test_a_sum_beyond_16_bits_is_clipped() -> None:
    mixed = mix({"x": ["a", "b"]}, {"a": frame(-30_000), "b": frame(-30_000)})
    assert mixed["x"] is not None
    assert set(mixed["x"]) == {-32_767}


def test_a_cut_goes_on_from_the_last_sample_and_is_itself_after_5_ms() -> None:
    time = np.arange(960) / 48_000
    sound = (8_000 * np.cos(2 * np.pi * 300 * time)).astype(np.int16)
    bent = joined(sound, -8_000)
    assert bent[0] == -8_000
    assert np.abs(np.diff(bent.astype(int))).max() < 500
    assert np.array_equal(bent[240:], sound[240:])


@given(ROWS, LEVELS)
def test_nobody_hears_a_source_outside_their_row(
    rows: dict[str, list[str]], levels: dict[str, int | None]
) -> None:
    frames = {name: None if level is None else frame(level) for name, level in levels.items()}
    for listener, mixed in mix(rows, frames).items():
        sounding = [levels[source] for source in rows[listener] if levels.get(source) is not None]
        if not sounding:
            assert mixed is None
        else:
            assert mixed is not None
            assert set(mixed) == {max(-32_767, min(32_767, sum(level for level in sounding if level)))}

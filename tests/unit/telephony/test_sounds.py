"""The media: present, audible, seamless."""

from __future__ import annotations

import numpy as np
import pytest

from tieline.telephony.embedded.library import Player, samples
from tieline.telephony.sounds import COMPOSED, RECORDED, check_media_names, tone_hz
from tieline.telephony.sounds.composed import COMPOSERS, RATE
from tieline.telephony.switch import SwitchError


@pytest.mark.parametrize("name", sorted(RECORDED | COMPOSED))
def test_every_medium_is_audible_and_not_clipped(name: str) -> None:
    sound = samples(name).astype(float)
    assert 1_000 < np.abs(sound).max() < 32_000
    assert np.sqrt((sound**2).mean()) > 500


def test_every_composed_name_has_its_composer() -> None:
    assert set(COMPOSERS) == COMPOSED


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_is_spoken_lasts_a_sentence_or_two(name: str) -> None:
    assert 3 < len(samples(name)) / RATE < 11


def test_all_that_is_spoken_is_about_equally_loud() -> None:
    loud: list[float] = []
    for name in RECORDED:
        pieces = samples(name).astype(float)[: len(samples(name)) // 19_200 * 19_200].reshape(-1, 19_200)
        levels = 20 * np.log10(np.sqrt((pieces**2).mean(axis=1)) / 32_768 + 1e-9)
        loud.append(float(np.mean(levels[levels > -40])))
    assert max(loud) - min(loud) < 4


@pytest.mark.parametrize("name", ["music/calm", "tone/440"])
def test_what_loops_has_no_seam(name: str) -> None:
    sound = samples(name).astype(float)
    assert abs(sound[0] - sound[-1]) <= np.abs(np.diff(sound)).max()


def test_a_test_tone_has_its_pitch() -> None:
    sound = samples("tone/1234").astype(float)
    assert int(np.argmax(np.abs(np.fft.rfft(sound)))) == 1234


@pytest.mark.parametrize(
    "name", ["", "music", "music/none", "tone/0", "tone/20001", "tone/-5", "../greeting/en"]
)
def test_unknown_media_are_refused(name: str) -> None:
    with pytest.raises(SwitchError) as refused:
        check_media_names([name])
    assert refused.value.code == "media_not_found"
    assert tone_hz(name) is None


def test_a_player_reads_to_the_end_and_begins_again() -> None:
    player = Player.of_medium("tone/beep")
    length = len(samples("tone/beep"))
    assert len(player.read(length - 100)) == length - 100
    assert len(player.read(960)) == 100
    assert len(player.read(960)) == 0
    player.rewind()
    assert len(player.read(960)) == 960

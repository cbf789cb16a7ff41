"""The samples of the media, loaded or composed once per process."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

import av
import numpy as np
from numpy.typing import NDArray

from tieline.telephony.embedded.opus import pcm
from tieline.telephony.sounds import COMPOSED, RECORDED, check_media_names, composed, tone_hz

Pcm = NDArray[np.int16]


def samples(name: str) -> Pcm:
    """The medium's samples, 48 kHz mono. Raises `media_not_found`."""
    check_media_names((name,))
    hertz = tone_hz(name)
    return _lasting(name) if hertz is None else _test_tone(hertz)


@cache
def _lasting(name: str) -> Pcm:
    return _recorded(name) if name in RECORDED else composed.COMPOSERS[name]()


@lru_cache(maxsize=32)
def _test_tone(hertz: int) -> Pcm:
    return composed.test_tone(hertz)


def _recorded(name: str) -> Pcm:
    file = resources.files("tieline.telephony.sounds").joinpath(f"{name}.opus")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=composed.RATE)
    parts: list[Pcm] = []
    with file.open("rb") as opened, av.open(opened, "r") as container:
        for frame in container.decode(audio=0):
            parts.extend(pcm(part).copy() for part in resampler.resample(frame))
        parts.extend(pcm(part).copy() for part in resampler.resample(None))
    return np.concatenate(parts)


def load_all() -> None:
    """Make every medium that has a length of its own; takes about a second, so not while calls are mixed."""
    for name in (*RECORDED, *COMPOSED):
        samples(name)
    for key in composed.DIGIT_HZ:
        composed.digit(key)


class Player:
    """Plays samples from their beginning, frame by frame."""

    def __init__(self, name: str, found: Pcm) -> None:
        self.name = name
        self._samples = found
        self._position = 0

    @classmethod
    def of_medium(cls, name: str) -> Player:
        """Plays the medium of that name. Raises `media_not_found`."""
        return cls(name, samples(name))

    @classmethod
    def of_digits(cls, digits: str) -> Player:
        """Plays the tones of digits, each with its pause."""
        return cls(digits, np.concatenate([composed.digit(key) for key in digits]))

    def read(self, length: int) -> NDArray[np.float32]:
        """The next samples, fewer than `length` at the end and none after it."""
        part = self._samples[self._position : self._position + length]
        self._position += len(part)
        return part.astype(np.float32)

    def rewind(self) -> None:
        """Begin again."""
        self._position = 0

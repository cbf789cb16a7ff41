"""Loss concealment: go on with the last pitch periods, fading, and blend back into what arrives.

The idea is that of ITU-T G.711 Appendix I, at 48 kHz. Pure numpy on float32 samples in the 16-bit range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_HISTORY = 2_880  # 60 ms
_COARSE = 6  # pitch is looked for at 8 kHz first
_LAG_MIN = 120  # 2.5 ms = 400 Hz
_LAG_MAX = 960  # 20 ms = 50 Hz
_COMPARED = 960
_FULL = 480  # 10 ms at full level,
_FADED = 3_840  # silent after 80 ms
_BLEND = 240  # 5 ms


class Concealer:
    """Remembers what was played on one leg and invents what did not arrive."""

    def __init__(self) -> None:
        self._history: Samples = np.zeros(_HISTORY, np.float32)
        self._cycle: Samples | None = None
        self._made = 0

    def played(self, frame: Samples) -> Samples:
        """Note a frame that did arrive; gives it back, blended with the concealment it follows, if any."""
        if self._cycle is not None:
            length = min(_BLEND, len(frame))
            invented = self._invent(length)
            rise = np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
            frame = frame.copy()
            frame[:length] = frame[:length] * rise + invented * (1.0 - rise)
            self._cycle = None
            self._made = 0
        if len(frame) >= _HISTORY:
            self._history = frame[-_HISTORY:].copy()
        else:
            self._history[: -len(frame)] = self._history[len(frame) :]
            self._history[-len(frame) :] = frame
        return frame

    def missing(self, length: int) -> Samples:
        """`length` samples in the place of sound that did not arrive."""
        if self._cycle is None:
            lag = self._pitch_lag()
            self._cycle = self._history[-lag:].copy()
            self._made = 0
        return self._invent(length)

    def reset(self) -> None:
        """Silence was played."""
        self._history[:] = 0.0
        self._cycle = None
        self._made = 0

    def _invent(self, length: int) -> Samples:
        assert self._cycle is not None
        if self._made >= _FADED:
            return np.zeros(length, np.float32)
        positions = np.arange(self._made, self._made + length)
        gain = np.clip((_FADED - positions) / (_FADED - _FULL), 0.0, 1.0).astype(np.float32)
        self._made += length
        return self._cycle[positions % len(self._cycle)] * gain

    def _pitch_lag(self) -> int:
        coarse = self._history.reshape(-1, _COARSE).mean(axis=1)
        lag = _best_lag(coarse, _COMPARED // _COARSE, _LAG_MIN // _COARSE, _LAG_MAX // _COARSE) * _COARSE
        low, high = max(_LAG_MIN, lag - _COARSE), min(_LAG_MAX, lag + _COARSE)
        return _best_lag(self._history, _COMPARED, low, high)


def _best_lag(signal: Samples, compared: int, low: int, high: int) -> int:
    """The lag in [low, high] at which the last `compared` samples resemble the earlier ones most."""
    recent = signal[-compared:]
    earlier = signal[len(signal) - compared - high : len(signal) - low]
    products = np.correlate(earlier, recent, "valid")
    squares = np.concatenate(([0.0], np.cumsum(np.square(earlier, dtype=np.float64))))
    energies = squares[compared:] - squares[: len(squares) - compared]
    scores = products / np.sqrt(energies + 1.0)
    return high - int(np.argmax(scores))

"""Sounds made by arithmetic: the music of a hold, ringback, busy, beep, digits, test tones.

Nothing here is recorded or borrowed; the music is ours. All results are 48 kHz mono int16 and loop without a
seam.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
_PEAK = 32_767

Wave = NDArray[np.float64]
Pcm = NDArray[np.int16]


def test_tone(hertz: int) -> Pcm:
    """One second of a sine of a whole number of hertz, at half of full scale."""
    return _pcm(0.5 * _sine(float(hertz), 1.0))


def ringback() -> Pcm:
    """What a caller hears while it rings: 425 Hz, one second on and four off (ITU-T E.180)."""
    return _pcm(np.concatenate((0.2 * _soft(_sine(425.0, 1.0)), np.zeros(4 * RATE))))


def busy() -> Pcm:
    """425 Hz, half a second on and half a second off (ITU-T E.180)."""
    return _pcm(np.concatenate((0.2 * _soft(_sine(425.0, 0.5)), np.zeros(RATE // 2))))


def beep() -> Pcm:
    """A fifth of a second of 1000 Hz."""
    return _pcm(0.25 * _soft(_sine(1000.0, 0.2)))


DIGIT_ON_S = 0.08
DIGIT_OFF_S = 0.08
_DIGIT_ROWS = ("123A", "456B", "789C", "*0#D")
_DIGIT_ROW_HZ = (697, 770, 852, 941)
_DIGIT_COLUMN_HZ = (1209, 1336, 1477, 1633)
DIGIT_HZ: dict[str, tuple[int, int]] = {
    digit: (_DIGIT_ROW_HZ[row], _DIGIT_COLUMN_HZ[column])
    for row, digits in enumerate(_DIGIT_ROWS)
    for column, digit in enumerate(digits)
}
"""The two pitches of each key (ITU-T Q.23)."""


@cache
def digit(key: str) -> Pcm:
    """A key's tone pair and the pause after it; the higher pitch 2 dB above the lower (ITU-T Q.24 allows up to 4)."""
    low, high = DIGIT_HZ[key]
    tones = 0.16 * _sine(float(low), DIGIT_ON_S) + 0.2 * _sine(float(high), DIGIT_ON_S)
    return _pcm(np.concatenate((_soft(tones, 0.003), np.zeros(int(DIGIT_OFF_S * RATE)))))


_BEAT_S = 0.75
_BARS = (
    # Chord as notes of the MIDI scale, and the melody's four beats over it (None rests).
    ((48, 55, 60, 64), (67, None, 64, None)),
    ((45, 52, 57, 60), (69, None, 64, 60)),
    ((41, 48, 53, 57), (65, 64, 60, None)),
    ((43, 50, 55, 59), (62, None, 67, None)),
    ((40, 47, 52, 55), (64, None, 67, 71)),
    ((45, 52, 57, 60), (72, None, 69, None)),
    ((50, 53, 57, 60), (65, None, 62, 57)),
    ((43, 50, 55, 59), (59, 62, 67, None)),
)


def calm_music() -> Pcm:
    """Eight slow bars of struck tones over a soft chord, 24 seconds; what rings on at the end wraps to the start."""
    bar_s = 4 * _BEAT_S
    length = int(len(_BARS) * bar_s * RATE)
    music = np.zeros(length)
    struck = {note: _struck(_hertz(note), 2.2) for note in sorted(_struck_notes())}
    pads = {note: _pad(_hertz(note), bar_s + 0.6) for note in {note for chord, _ in _BARS for note in chord}}
    for number, (chord, melody) in enumerate(_BARS):
        begin_s = number * bar_s
        for note in chord:
            _add(music, begin_s, 0.05 * pads[note])
        for beat in range(4):
            _add(music, begin_s + beat * _BEAT_S, 0.06 * struck[_arpeggio(chord, beat)])
            note = melody[beat]
            if note is not None:
                _add(music, begin_s + beat * _BEAT_S, 0.13 * struck[note])
    # Well below a voice, for it is heard for minutes.
    return _pcm(0.35 * music / np.max(np.abs(music)))


COMPOSERS: dict[str, Callable[[], Pcm]] = {
    "music/calm": calm_music,
    "tone/ringback": ringback,
    "tone/busy": busy,
    "tone/beep": beep,
}
"""What makes each composed medium."""


def _arpeggio(chord: tuple[int, ...], beat: int) -> int:
    """The note of the chord, an octave up, that is struck on a beat."""
    return chord[(0, 2, 1, 3)[beat]] + 12


def _struck_notes() -> set[int]:
    played = {note for _, melody in _BARS for note in melody if note is not None}
    return played | {_arpeggio(chord, beat) for chord, _ in _BARS for beat in range(4)}


def _hertz(note: int) -> float:
    return 440.0 * 2.0 ** ((note - 69) / 12.0)


def _time(seconds: float) -> Wave:
    return np.arange(int(seconds * RATE)) / RATE


def _sine(hertz: float, seconds: float) -> Wave:
    return np.sin(2.0 * np.pi * hertz * _time(seconds))


def _soft(wave: Wave, edge_s: float = 0.01) -> Wave:
    """The wave with its first and last moments faded, so that it does not click."""
    edge = int(edge_s * RATE)
    shape = np.ones(len(wave))
    shape[:edge] = np.linspace(0.0, 1.0, edge)
    shape[-edge:] = shape[:edge][::-1]
    return wave * shape


def _struck(hertz: float, seconds: float) -> Wave:
    """A bell-like tone: overtones that die sooner the higher they are."""
    time = _time(seconds)
    wave = np.zeros_like(time)
    for overtone, level, decay in ((1, 1.0, 1.6), (2, 0.35, 2.8), (3, 0.12, 4.5), (4, 0.06, 6.0)):
        wave += level * np.exp(-decay * time) * np.sin(2.0 * np.pi * hertz * overtone * time)
    return _soft(wave)


def _pad(hertz: float, seconds: float) -> Wave:
    """A sustained tone that swells and fades."""
    time = _time(seconds)
    swell = np.sin(np.pi * time / seconds) ** 0.7
    slow = 1.0 + 0.15 * np.sin(2.0 * np.pi * 0.5 * time)
    return swell * slow * (np.sin(2.0 * np.pi * hertz * time) + 0.3 * np.sin(4.0 * np.pi * hertz * time))


def _add(music: Wave, begin_s: float, wave: Wave) -> None:
    begin = int(begin_s * RATE)
    before_end = min(len(wave), len(music) - begin)
    music[begin : begin + before_end] += wave[:before_end]
    music[: len(wave) - before_end] += wave[before_end:]


def _pcm(wave: Wave) -> Pcm:
    return np.clip(np.round(wave * _PEAK), -_PEAK, _PEAK).astype(np.int16)

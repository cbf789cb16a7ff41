"""A small adaptive jitter buffer for Opus packets of one leg.

Pure: arrival and playout times are passed in. Always holds: a lost packet is concealed in its own place and
changes no delay; a late one adds only the time it was late; delay that was not needed for a while is given
back, one frame at a time, by squeezing two frames into one.

The *margin* of a packet is how long it lay here before it was played. The smallest margin of the last seconds
is delay that nobody needed: when it exceeds a frame and some headroom, one frame can go. A network that has
calmed down (margins alike for a second) is not watched longer. Whenever delay that was given back turns out to
be needed after all, one that is not calm is watched twice as long, until half a minute has passed in peace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice

RATE = 48_000
"""Samples a second, of RTP time stamps and of all audio in the switch."""
FRAME = 960
"""Samples in one tick of 20 ms."""

HEADROOM_S = 0.010
"""Margin that is always kept; the first packet after silence waits this long."""
FAST_MARGIN_S = 0.080
"""Beyond this the buffer does not wait a whole window before it gives delay back."""
_FRAME_S = FRAME / RATE
_FAST_WINDOW = 10
_SQUEEZED_EVERY = 4
"""Packets from one that is squeezed to the next: now and then it is hardly heard, in a row it would be."""
_WINDOW = 100
_CALM = 50
"""Packets alike after which a network counts as calm: with the squeezing, delay is back within two seconds."""
_WINDOW_MAX = 1_500
_STARVED_MAX = RATE // 5
_JUMP = RATE * 5
_CAPACITY = 50
_KEPT_AFTER_OVERFLOW = 5

# Samples per Opus frame by the configuration number in the packet's first byte (RFC 6716, table 2).
_OPUS_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,
    *(480, 960) * 2,
    *(120, 240, 480, 960) * 4,
)
_OPUS_MAX_SAMPLES = 5_760


def opus_samples(payload: bytes) -> int:
    """The duration of an Opus packet in samples at 48 kHz (RFC 6716, section 3.1); 0 if it is malformed."""
    if not payload:
        return 0
    frame = _OPUS_FRAME_SAMPLES[payload[0] >> 3]
    code = payload[0] & 3
    if code == 0:
        count = 1
    elif code < 3:
        count = 2
    else:
        count = payload[1] & 0x3F if len(payload) > 1 else 0
    samples = frame * count
    return samples if samples <= _OPUS_MAX_SAMPLES else 0


class Kind(Enum):
    """What to do for the next stretch of time."""

    PLAY = "play"
    """Decode `payload` and play it."""
    SQUEEZE = "squeeze"
    """Decode `payload`, take again, and fade the one into the other: two frames in the time of one."""
    CONCEAL = "conceal"
    """Nothing came for `samples`: continue the sound that was."""
    IDLE = "idle"
    """The far end sends nothing: silence."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to one `take`."""

    kind: Kind
    payload: bytes = b""
    samples: int = FRAME


_IDLE = Taken(Kind.IDLE)


@dataclass(frozen=True, slots=True)
class _Packet:
    payload: bytes
    samples: int
    at: float


class JitterBuffer:
    """Packets in, in any order; packets out, in playing order, one stretch at a time."""

    def __init__(self) -> None:
        self._packets: dict[int, _Packet] = {}
        self._newest: int | None = None
        self._next: int | None = None
        self._played_until: int | None = None
        self._starved = 0
        self._margins: deque[float] = deque(maxlen=_WINDOW_MAX)
        self._window = _WINDOW
        self._squeezed_before = _SQUEEZED_EVERY
        self._gave_back = False
        self._in_peace = 0

    def put(self, timestamp: int, payload: bytes, at: float) -> None:
        """Take in a packet that arrived at `at` (seconds, any monotonic clock) with its RTP time stamp."""
        samples = opus_samples(payload)
        if samples == 0:
            return
        if self._newest is None:
            position = timestamp
        else:
            step = (timestamp - self._newest) & 0xFFFFFFFF
            if step >= 1 << 31:
                step -= 1 << 32
            if abs(step) > _JUMP:
                self.reset()
                position = timestamp
            else:
                position = self._newest + step
        passed = self._next if self._next is not None else self._played_until
        if passed is not None and position < passed:
            return
        if self._starved and position == self._next:
            # It was late, not lost.
            self._in_peace = 0
            if self._gave_back:
                self._gave_back = False
                self._window = min(self._window * 2, _WINDOW_MAX)
        self._packets[position] = _Packet(payload, samples, at)
        self._newest = position if self._newest is None else max(self._newest, position)
        if len(self._packets) > _CAPACITY:
            self._drop_oldest()

    def take(self, now: float) -> Taken:
        """What to play for the next stretch, at time `now` of the clock of `put`."""
        if self._next is None:
            if not self._packets:
                return _IDLE
            first = min(self._packets)
            if now - self._packets[first].at < HEADROOM_S:
                return _IDLE
            self._next = first
        packet = self._packets.pop(self._next, None)
        if packet is not None:
            return self._play(packet, now)
        if not self._packets:
            self._starved += FRAME
            if self._starved > _STARVED_MAX:
                self._pause()
                return _IDLE
            return Taken(Kind.CONCEAL)
        first = min(self._packets)
        remaining = first - self._next - self._starved
        self._starved = 0
        if remaining <= 0 or remaining > _STARVED_MAX:
            self._next = first
            return self._play(self._packets.pop(first), now)
        # Lost: what follows is here. Conceal in its place, so that the delay stays what it is.
        concealed = min(remaining, FRAME)
        self._next = first - remaining + concealed
        return Taken(Kind.CONCEAL, samples=concealed)

    def reset(self) -> None:
        """Forget everything, for another stream begins."""
        self._packets.clear()
        self._newest = None
        self._played_until = None
        self._pause()

    def _pause(self) -> None:
        self._next = None
        self._starved = 0
        self._margins.clear()

    def _play(self, packet: _Packet, now: float) -> Taken:
        assert self._next is not None
        self._next += packet.samples
        self._played_until = self._next
        self._starved = 0
        self._margins.append(now - packet.at)
        self._squeezed_before += 1
        self._in_peace += 1
        if self._in_peace == _WINDOW_MAX:
            self._window = _WINDOW
        if self._next in self._packets and self._has_needless_delay():
            for index in range(len(self._margins)):
                self._margins[index] -= _FRAME_S
            self._squeezed_before = 0
            self._gave_back = True
            return Taken(Kind.SQUEEZE, packet.payload, packet.samples)
        return Taken(Kind.PLAY, packet.payload, packet.samples)

    def _has_needless_delay(self) -> bool:
        margins = self._margins
        count = len(margins)
        if (
            count < _FAST_WINDOW
            or margins[-1] <= _FRAME_S + HEADROOM_S
            or self._squeezed_before % _SQUEEZED_EVERY
        ):
            return False
        if min(islice(margins, count - _FAST_WINDOW, None)) > FAST_MARGIN_S:
            return True
        calm = _CALM
        if count < calm:
            return False
        smallest, largest = _bounds(islice(margins, count - calm, None))
        if smallest <= _FRAME_S + HEADROOM_S:
            return False
        if largest - smallest <= _FRAME_S:
            return True
        return (
            count >= self._window and min(islice(margins, count - self._window, None)) > _FRAME_S + HEADROOM_S
        )

    def _drop_oldest(self) -> None:
        for position in sorted(self._packets)[:-_KEPT_AFTER_OVERFLOW]:
            del self._packets[position]
        self._next = min(self._packets)
        self._starved = 0
        self._margins.clear()


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    found = list(values)
    return min(found), max(found)

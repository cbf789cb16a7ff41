"""The sound that comes from one leg: packets in, one frame of 20 ms per tick out, whatever the network did."""

from __future__ import annotations

import numpy as np

from tieline.telephony.embedded.conceal import Concealer, Samples
from tieline.telephony.embedded.jitter import FRAME, JitterBuffer, Kind
from tieline.telephony.embedded.opus import Decoder, OpusError

_FADE_IN = np.linspace(0.0, 1.0, FRAME, dtype=np.float32)
SILENT_FRAME: Samples = np.zeros(FRAME, np.float32)
SILENT_FRAME.flags.writeable = False


class Incoming:
    """Jitter buffer, decoder and concealment of one leg."""

    def __init__(self) -> None:
        self._jitter = JitterBuffer()
        self._decoder = Decoder()
        self._concealer = Concealer()
        self._ready: Samples = np.empty(0, np.float32)
        self._ssrc: int | None = None

    def packet(self, ssrc: int, timestamp: int, payload: bytes, at: float) -> None:
        """Take in an RTP packet's content; another `ssrc` is another stream and begins anew."""
        if ssrc != self._ssrc:
            self._ssrc = ssrc
            self._jitter.reset()
        self._jitter.put(timestamp, payload, at)

    def frame(self, now: float) -> Samples:
        """The next `FRAME` samples."""
        while len(self._ready) < FRAME:
            more = self._more(now)
            if more is None:
                if not len(self._ready):
                    return SILENT_FRAME
                more = np.zeros(FRAME - len(self._ready), np.float32)
            self._ready = more if not len(self._ready) else np.concatenate((self._ready, more))
        frame, self._ready = self._ready[:FRAME], self._ready[FRAME:]
        return frame

    def skip(self, now: float) -> None:
        """Let a frame's time pass unheard, without the work of decoding."""
        passed = len(self._ready)
        self._ready = self._ready[:0]
        while passed < FRAME:
            taken = self._jitter.take(now)
            if taken.kind is Kind.IDLE:
                break
            if taken.kind is not Kind.SQUEEZE:
                passed += taken.samples
        self._concealer.reset()

    def _more(self, now: float) -> Samples | None:
        taken = self._jitter.take(now)
        if taken.kind is Kind.IDLE:
            self._concealer.reset()
            return None
        if taken.kind is Kind.CONCEAL:
            return self._concealer.missing(taken.samples)
        samples = self._decode(taken.payload, taken.samples)
        if taken.kind is Kind.SQUEEZE:
            following = self._jitter.take(now)
            if following.payload:
                samples = _squeezed(samples, self._decode(following.payload, following.samples))
        return self._concealer.played(samples)

    def _decode(self, payload: bytes, samples: int) -> Samples:
        try:
            return self._decoder.decode(payload)
        except OpusError:
            return self._concealer.missing(samples)


def _squeezed(first: Samples, second: Samples) -> Samples:
    """Two stretches faded into one as long as the second."""
    if len(first) != len(second):
        return second
    rise = _FADE_IN if len(second) == FRAME else np.linspace(0.0, 1.0, len(second), dtype=np.float32)
    return (first * (1.0 - rise) + second * rise).astype(np.float32)

"""The mixing matrix: frames of sources in, the frame that each listener hears out. Pure.

Always holds: nobody hears a source that is not in their row; a sum that exceeds 16 bits is clipped, not
wrapped; a listener whose sources are all silent gets None, so that nothing needs to be encoded for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tieline.telephony.embedded.conceal import Samples

_LIMIT = 32_767.0
_BENT = 240  # 5 ms
_DECAY = np.linspace(1.0, 0.0, _BENT, dtype=np.float32)


def mix(
    rows: Mapping[str, Sequence[str]], frames: Mapping[str, Samples | None]
) -> dict[str, NDArray[np.int16] | None]:
    """For each listener of `rows` the sum of their sources' `frames`; None where nothing sounds.

    A source without a frame, or with None, is silent in this tick.
    """
    mixed: dict[str, NDArray[np.int16] | None] = {}
    sums: dict[tuple[str, ...], NDArray[np.int16] | None] = {}
    for listener, sources in rows.items():
        sounding = tuple(source for source in sources if frames.get(source) is not None)
        if sounding not in sums:
            sums[sounding] = _sum([frame for source in sounding if (frame := frames[source]) is not None])
        mixed[listener] = sums[sounding]
    return mixed


def joined(frame: NDArray[np.int16], last: int) -> NDArray[np.int16]:
    """The frame, bent at its beginning so that it goes on from the sample `last`: a cut that does not click."""
    step = last - int(frame[0])
    bent = frame.astype(np.float32)
    bent[:_BENT] += step * _DECAY
    return np.clip(bent, -_LIMIT, _LIMIT).astype(np.int16)


def _sum(frames: Sequence[Samples]) -> NDArray[np.int16] | None:
    if not frames:
        return None
    total = frames[0] if len(frames) == 1 else np.sum(frames, axis=0, dtype=np.float32)
    return np.clip(total, -_LIMIT, _LIMIT).astype(np.int16)

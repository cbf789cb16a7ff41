"""Ids: UUIDv7, made here, so that they order by time and are known before the row exists."""

from __future__ import annotations

import os
import time
from uuid import UUID

_last = 0


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 of its fractions, 62 random bits.

    Those that one process makes rise, also within a millisecond, and when its clock is set back.
    """
    global _last
    _last = max(_last + 1, (time.time_ns() << 12) // 1_000_000)
    value = (_last >> 12) << 80 | (_last & 0xFFF) << 64 | int.from_bytes(os.urandom(8))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)

"""An agent's last callbar goes away: nobody rings in vain, and nobody who talked is forgotten."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import expect
from tests.journeys.computer import hears, recording
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, OTHER_AGENT_HZ, Demo, Street, unknown_number
from tests.journeys.desk import ADMIN, MISAKI, Desk
from tests.journeys.test_portal import portal

from tieline.telephony.embedded.library import samples

OFFLINE_S, LOST_S = 20.0, 30.0
LATE_S = 5.0
"""Signs of life are looked at every two seconds, and the page takes a moment to show it."""
_ENVELOPE = 480
"""Samples of a hundredth of a second."""


async def test_who_has_closed_the_last_callbar_is_offline_and_the_ringing_call_moves_on(
    demo: Demo, emma: Desk, misaki: Desk, street: Street
) -> None:
    live = await portal(demo, street, ADMIN.email)
    row = live.get_by_role("row", name=MISAKI.email)
    async with demo.queue_set(ring_ms=60_000):
        await misaki.become("ready")
        phone = await street.call("(415) 555-0123")
        await misaki.card("incoming").wait_for()
        await emma.become("ready")
        await misaki.page.close()
        closed_at = time.monotonic()
        await emma.card("incoming").wait_for(timeout=(OFFLINE_S + LATE_S) * 1000)
        moved_s = time.monotonic() - closed_at
        await expect(row).to_contain_text("Offline")
        print(f"\noffered to the next after {moved_s:.1f} s")
        assert OFFLINE_S - 3 < moved_s < OFFLINE_S + LATE_S
    await emma.press("answer")
    await emma.card("talking").wait_for()
    await hears(phone, AGENT_HZ)
    await emma.finish()
    await live.context.close()
    misaki.page = await misaki.computer.open(f"{demo.console}/lightning/page/home")
    await misaki.open_phone()
    await misaki.sees("offline")


async def test_a_caller_whose_agent_is_lost_is_told_and_goes_before_everybody(
    demo: Demo, emma: Desk, misaki: Desk, street: Street
) -> None:
    # Somebody has waited for longer: the agent who is there did not want that call.
    earlier = unknown_number()
    await misaki.become("ready")
    waiting = await street.call(earlier[0])
    await misaki.card("incoming").wait_for()
    await misaki.press("decline")
    await expect(misaki.card("incoming")).to_have_count(0)
    phone = await street.call("(415) 555-0123")
    await expect(misaki.card("incoming")).to_contain_text("Olivia")
    await misaki.answer()
    await hears(phone, OTHER_AGENT_HZ)

    await misaki.page.close()
    closed_at = time.monotonic()
    state = phone.locator(".ph-call__state")
    await asyncio.sleep(LOST_S - 3)
    await expect(state).to_have_text("Talking")
    async with recording(phone) as heard:
        await expect(state).to_have_text("Waiting in the queue")
        lost_s = time.monotonic() - closed_at
        await asyncio.sleep(len(samples("notice/sorry-en")) / 48_000 + 0.5)
    print(f"\nback in the queue after {lost_s:.1f} s")
    assert LOST_S - 1 < lost_s < LOST_S + LATE_S
    likeness = {
        notice: how_alike(heard[0], samples(notice))
        for notice in ("notice/sorry-en", "notice/sorry-ja", "notice/busy-en", "greeting/en", "music/calm")
    }
    print(likeness)
    assert likeness.pop("notice/sorry-en") > 0.8 > max(likeness.values())

    await emma.choose("ready")
    await expect(emma.card("incoming")).to_contain_text("Olivia Martin")
    await emma.press("answer")
    await emma.card("talking").wait_for()
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
    await expect(waiting.locator(".ph-call__state")).to_have_text("Waiting in the queue")
    await waiting.get_by_role("button", name="Hang up", exact=True).click()
    await emma.finish()
    misaki.page = await misaki.computer.open(f"{demo.console}/lightning/page/home")
    await misaki.open_phone()
    await misaki.sees("offline")


def how_alike(recording: bytes, medium: NDArray[np.int16]) -> float:
    """How much the loudness of some part of a recording goes like that of a medium: 1 is the same, 0 is chance."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
    parts: list[NDArray[Any]] = []
    with av.open(io.BytesIO(recording), "r") as container:
        for frame in container.decode(audio=0):
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    heard, wanted = envelope(np.concatenate(parts)), envelope(medium)
    wanted = wanted[: min(len(wanted), len(heard))]
    best = 0.0
    for begin in range(len(heard) - len(wanted) + 1):
        part = heard[begin : begin + len(wanted)]
        if part.std() > 0:
            best = max(best, float(np.corrcoef(part, wanted)[0, 1]))
    return best


def envelope(pcm: NDArray[Any]) -> NDArray[np.float64]:
    """How loud each hundredth of a second is."""
    whole = pcm[: len(pcm) // _ENVELOPE * _ENVELOPE].astype(np.float64).reshape(-1, _ENVELOPE)
    return np.sqrt((whole**2).mean(axis=1))

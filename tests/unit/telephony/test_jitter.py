"""The jitter buffer: what is lost is concealed in place, what is late costs only its lateness."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tieline.telephony.embedded.jitter import (
    FRAME,
    HEADROOM_S,
    JitterBuffer,
    Kind,
    opus_samples,
)

TICK = 0.020
PHASE = 0.007
ORIGIN = 0xFFFF_FFFF - 40 * FRAME
"""Time stamps wrap in the middle of every run."""


def packet(number: int) -> bytes:
    """An Opus packet of 20 ms that carries its number."""
    return bytes([0xF8]) + number.to_bytes(4, "big")


def number_of(payload: bytes) -> int:
    return int.from_bytes(payload[1:], "big")


def run(arrivals: dict[int, float], ticks: int) -> list[tuple[Kind, int | None, float]]:
    """Play `ticks` frames; each is what was done, the number of the packet played and how long after its sending."""
    buffer = JitterBuffer()
    waiting = sorted((at, number) for number, at in arrivals.items())
    done: list[tuple[Kind, int | None, float]] = []
    for tick in range(ticks):
        now = tick * TICK + PHASE
        while waiting and waiting[0][0] <= now:
            at, number = waiting.pop(0)
            buffer.put((ORIGIN + number * FRAME) & 0xFFFF_FFFF, packet(number), at)
        passed = 0
        while passed < FRAME:
            taken = buffer.take(now)
            if taken.kind is not Kind.SQUEEZE:
                passed += taken.samples
            number = number_of(taken.payload) if taken.payload else None
            done.append((taken.kind, number, now - (number or 0) * TICK))
    return done


def played(done: list[tuple[Kind, int | None, float]]) -> list[int]:
    return [number for _, number, _ in done if number is not None]


def on_time(count: int, *, lost: set[int] | None = None) -> dict[int, float]:
    return {number: number * TICK for number in range(count) if number not in (lost or set())}


def test_packets_in_time_are_played_in_order_without_concealment() -> None:
    done = run(on_time(200), 200)
    kinds = [kind for kind, _, _ in done]
    assert kinds.count(Kind.CONCEAL) == 0
    assert played(done) == list(range(len(played(done))))
    assert len(played(done)) >= 197


def test_the_delay_of_a_quiet_network_is_under_a_frame_and_headroom() -> None:
    delays = [delay for kind, _, delay in run(on_time(200), 200) if kind is Kind.PLAY]
    assert max(delays) <= TICK + HEADROOM_S + 1e-9


def test_one_lost_packet_is_one_concealed_frame_and_no_later_delay() -> None:
    done = run(on_time(200, lost={100}), 195)
    after_first = done[next(index for index, entry in enumerate(done) if entry[0] is Kind.PLAY) :]
    assert [kind for kind, _, _ in after_first].count(Kind.CONCEAL) == 1
    delays = {round(delay, 6) for kind, _, delay in after_first if kind is Kind.PLAY}
    assert len(delays) == 1


def test_a_burst_of_losses_is_concealed_in_its_place() -> None:
    done = run(on_time(200, lost={100, 101, 102, 103}), 195)
    delays = [round(delay, 6) for kind, _, delay in done if kind is Kind.PLAY]
    assert [kind for kind, _, _ in done].count(Kind.CONCEAL) == 4
    assert delays[0] == delays[-1]


def test_reordered_packets_are_played_in_order() -> None:
    arrivals = on_time(100)
    arrivals[50], arrivals[51] = 51 * TICK, 50 * TICK
    assert played(run(arrivals, 95)) == sorted(played(run(arrivals, 95)))


def test_a_packet_that_comes_twice_is_played_once() -> None:
    buffer = JitterBuffer()
    for at in (0.0, 0.001):
        buffer.put(0, packet(1), at)
    buffer.put(FRAME, packet(2), 0.02)
    kinds = [buffer.take(0.03 + tick * TICK) for tick in range(3)]
    assert [taken.payload for taken in kinds] == [packet(1), packet(2), b""]


def test_delay_after_a_stall_is_given_back() -> None:
    # Half a second of packets arrives at once, as after a Wi-Fi hiccup.
    arrivals = on_time(1500)
    for number in range(100, 125):
        arrivals[number] = 125 * TICK
    done = run(arrivals, 1490)
    delays = [delay for kind, _, delay in done if kind in (Kind.PLAY, Kind.SQUEEZE)]
    assert max(delays[130:200]) > 0.1
    assert delays[-1] <= 2 * TICK + HEADROOM_S


def test_steady_jitter_is_absorbed_after_a_while() -> None:
    random = np.random.default_rng(4)
    arrivals = {number: number * TICK + float(random.uniform(0, 0.05)) for number in range(2000)}
    done = run(arrivals, 1990)
    concealed = [kind for kind, _, _ in done[1000:]].count(Kind.CONCEAL)
    assert concealed <= 20
    assert max(delay for kind, _, delay in done[1000:] if kind is Kind.PLAY) <= 0.12


def test_delay_after_a_bad_time_is_given_back_within_two_seconds() -> None:
    random = np.random.default_rng(7)
    for _ in range(20):
        arrivals = on_time(1_000)
        for number in range(200, 700):
            if random.random() < 0.05:
                del arrivals[number]
            else:
                arrivals[number] += float(random.uniform(0, 0.1))
        done = run(arrivals, 990)
        sent_s = [(number or 0) * TICK for kind, number, _ in done]
        missing = [kind in (Kind.CONCEAL, Kind.IDLE) for kind, _, _ in done]
        bad = [gone for gone, at in zip(missing, sent_s, strict=True) if at < 14.0]
        assert max(sum(group) for _, group in itertools.groupby(bad[10:])) <= 5
        after = [delay for kind, number, delay in done if kind is Kind.PLAY and number and number >= 800]
        assert max(after) <= TICK + HEADROOM_S + 1e-9


def test_silence_is_idle_and_speech_after_it_starts_within_two_ticks() -> None:
    arrivals = {number: number * TICK for number in (*range(50), *range(150, 200))}
    done = run(arrivals, 200)
    kinds = [kind for kind, _, _ in done]
    assert kinds[80:140].count(Kind.IDLE) == 60
    first = next(entry for entry in done if entry[1] == 150)
    assert first[2] <= 2 * TICK


def test_a_flood_does_not_grow_the_buffer() -> None:
    buffer = JitterBuffer()
    for number in range(10_000):
        buffer.put(number * FRAME, packet(number), 0.0)
    kinds: list[Kind] = []
    while (taken := buffer.take(1.0)).kind is not Kind.IDLE:
        kinds.append(taken.kind)
        assert len(kinds) < 100


def test_another_stream_of_time_stamps_begins_anew() -> None:
    buffer = JitterBuffer()
    buffer.put(0, packet(1), 0.0)
    assert buffer.take(0.02).payload == packet(1)
    buffer.put(2_000_000_000, packet(2), 0.03)
    assert buffer.take(0.05).payload == packet(2)


def test_opus_durations_follow_the_first_byte() -> None:
    assert opus_samples(bytes([0xF8])) == 960  # CELT, 20 ms
    assert opus_samples(bytes([31 << 3 | 1])) == 1920  # two frames
    assert opus_samples(bytes([3 << 3])) == 2880  # SILK, 60 ms
    assert opus_samples(bytes([16 << 3])) == 120  # CELT, 2.5 ms
    assert opus_samples(bytes([31 << 3 | 3, 4])) == 3840  # four frames
    assert opus_samples(bytes([3 << 3 | 3, 3])) == 0  # more than 120 ms is malformed
    assert opus_samples(b"") == 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(0, 0.3, allow_nan=False)),
        min_size=20,
        max_size=120,
    )
)
def test_whatever_the_network_does_each_packet_plays_at_most_once_and_in_order(
    delays: list[float | None],
) -> None:
    arrivals = {number: number * TICK + delay for number, delay in enumerate(delays) if delay is not None}
    order = played(run(arrivals, len(delays) + 30))
    assert order == sorted(set(order))

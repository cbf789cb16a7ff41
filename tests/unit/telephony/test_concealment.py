"""A lost packet is heard as a shade, not as a hole."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tieline.telephony.embedded.conceal import Concealer
from tieline.telephony.embedded.incoming import Incoming
from tieline.telephony.embedded.jitter import FRAME, RATE
from tieline.telephony.embedded.opus import Encoder

TICK = 0.020
PIECE = 240  # 5 ms


def tone(hertz: float, frames: int) -> NDArray[np.int16]:
    time = np.arange(frames * FRAME) / RATE
    return (8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def received(hertz: float, frames: int, lost: set[int]) -> NDArray[np.float32]:
    """What an incoming leg gives for a tone of which some packets are lost."""
    encoder, incoming, sound = Encoder(), Incoming(), tone(hertz, frames)
    packets = [encoder.encode(sound[number * FRAME : (number + 1) * FRAME]) for number in range(frames)]
    heard = []
    for number in range(frames):
        if number not in lost:
            incoming.packet(1, number * FRAME, packets[number], number * TICK)
        heard.append(incoming.frame(number * TICK + 0.012))
    return np.concatenate(heard)


def longest_hole_ms(heard: NDArray[np.float32]) -> float:
    """The longest stretch that is 20 dB below the tone."""
    levels = np.sqrt((heard.reshape(-1, PIECE) ** 2).mean(axis=1))
    longest = current = 0
    for level in levels:
        current = current + 1 if level < 566 else 0
        longest = max(longest, current)
    return longest * PIECE * 1000 / RATE


def test_one_lost_packet_leaves_no_hole() -> None:
    for hertz in (120, 215, 440, 1000):
        heard = received(hertz, 100, {50})[10 * FRAME :]
        assert longest_hole_ms(heard) == 0, hertz


def test_five_lost_packets_leave_a_hole_under_100_ms() -> None:
    heard = received(440, 100, {50, 51, 52, 53, 54})[10 * FRAME :]
    assert longest_hole_ms(heard) < 100


def test_the_tone_is_itself_again_after_a_loss() -> None:
    heard = received(440, 100, {50})
    tail = heard[60 * FRAME : 80 * FRAME]
    spectrum = np.abs(np.fft.rfft(tail * np.hanning(len(tail))))
    assert abs(np.argmax(spectrum) * RATE / len(tail) - 440) < 5


def test_concealment_continues_the_wave_without_a_step() -> None:
    concealer = Concealer()
    sound = tone(300, 4).astype(np.float32)
    for number in range(3):
        concealer.played(sound[number * FRAME : (number + 1) * FRAME])
    invented = concealer.missing(FRAME)
    before = sound[: 3 * FRAME]
    joined = np.concatenate((before, invented))
    usual = np.abs(np.diff(before)).max()
    assert np.abs(np.diff(joined)).max() < 1.5 * usual


def test_concealment_fades_to_silence() -> None:
    concealer = Concealer()
    concealer.played(tone(300, 3).astype(np.float32))
    levels = [float(np.abs(concealer.missing(FRAME)).max()) for _ in range(6)]
    assert levels[0] > 6000
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0.0


def test_silence_is_concealed_by_silence() -> None:
    assert not Concealer().missing(FRAME).any()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=30))
def test_no_payload_can_break_the_mixer(payloads: list[bytes]) -> None:
    incoming = Incoming()
    for number, payload in enumerate(payloads):
        incoming.packet(1, number * FRAME, payload, number * TICK)
        assert len(incoming.frame(number * TICK + 0.012)) == FRAME
        incoming.skip(number * TICK + 0.013)


def test_a_packet_that_is_no_opus_is_concealed_and_the_next_one_played() -> None:
    encoder, incoming, sound = Encoder(), Incoming(), tone(440, 40)
    for number in range(40):
        packet = encoder.encode(sound[number * FRAME : (number + 1) * FRAME])
        if number == 20:
            packet = packet[:1]
        incoming.packet(1, number * FRAME, packet, number * TICK)
        heard = incoming.frame(number * TICK + 0.012)
    assert np.abs(heard).max() > 4000

"""What the embedded switch relies on inside aiortc, beyond its public interface.

When one of these fails after an upgrade, `embedded/peer.py` has to follow. What `embedded/ports.py` replaces in
aioice is held by `tests/unit/telephony/test_media_ports.py`.
"""

from __future__ import annotations

import inspect
from fractions import Fraction
from importlib.metadata import version

import av
from aiortc import RTCPeerConnection
from aiortc.codecs.opus import OpusEncoder
from aiortc.rtcrtpreceiver import RTCRtpReceiver, StreamStatistics


def test_the_version_is_the_one_that_was_examined() -> None:
    assert version("aiortc") == "1.16.0"


def test_a_receiver_is_handed_its_packets_by_one_method() -> None:
    parameters = list(inspect.signature(RTCRtpReceiver._handle_rtp_packet).parameters)
    assert parameters == ["self", "packet", "arrival_time_ms"]


async def test_receiver_reports_come_from_the_streams_that_are_counted_by_hand() -> None:
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    assert vars(receiver)["_RTCRtpReceiver__remote_streams"] == {}
    assert callable(StreamStatistics(48_000).add)
    await connection.close()


def test_packets_that_are_encoded_already_are_sent_as_they_are() -> None:
    packet = av.Packet(b"\xf8\xff\xfe")
    packet.pts, packet.time_base = 960, Fraction(1, 48_000)
    assert OpusEncoder().pack(packet) == ([b"\xf8\xff\xfe"], 960)

"""One browser's connection: ICE, DTLS and SRTP by aiortc, and nothing else of it.

aiortc's own jitter buffer, decoder and encoder are left aside: received packets are handed on as they come and
finished Opus packets are sent as they are. Handing on needs a private hook of aiortc 1.16 (`_handle_rtp_packet`
of a receiver); `tests/contract/test_aiortc.py` holds what is relied upon.
"""

from __future__ import annotations

import asyncio
import re
import time
from enum import Enum
from fractions import Fraction
from typing import Any, Protocol, cast

import av
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpreceiver import StreamStatistics

from tieline.telephony.embedded.jitter import RATE
from tieline.telephony.switch import SwitchError

_TIME_BASE = Fraction(1, RATE)
_SENT_AHEAD_MAX = 10
_CLOSE_CAUSE_S = 0.02
_CLOSE_S = 5.0
_OFFER_MAX = 65_536
_SECTIONS = re.compile(r"^m=(\w+)", re.MULTILINE)
_CANDIDATE = re.compile(r"^a=candidate:", re.MULTILINE)
_CANDIDATES_MAX = 64
_HIDDEN_ADDRESS = re.compile(r"^a=candidate:(?:\S+ ){4}\S+\.local .*(?:\r\n|\n)", re.MULTILINE)
_LAST_CANDIDATE = re.compile(r"^a=end-of-candidates(?:\r\n|\n)", re.MULTILINE)
_OPUS_TYPE = re.compile(r"^a=rtpmap:(\d+) opus/48000", re.MULTILINE)


def without_hidden_addresses(offer_sdp: str) -> str:
    """The offer without the multicast names that a browser gives while no microphone is granted to the page.

    Resolving one takes a second and fails outside the browser's own network; the browser's checks reach us
    without it and tell its address.
    """
    shown, hidden = _HIDDEN_ADDRESS.subn("", offer_sdp)
    return _LAST_CANDIDATE.sub("", shown) if hidden else offer_sdp


class PeerEnd(Enum):
    """Why a connection ended by itself."""

    CLOSED = "closed"
    """The far end said good-bye (DTLS close_notify)."""
    LOST = "lost"
    """The far end stopped answering ICE consent checks, or never completed the handshake."""


class PeerOwner(Protocol):
    """Whom a peer tells what happens. Called on the event loop; must not block."""

    def peer_connected(self, peer: Peer) -> None: ...
    def peer_ended(self, peer: Peer, end: PeerEnd) -> None: ...
    def peer_heard(self, peer: Peer, ssrc: int, timestamp: int, payload: bytes, at: float) -> None: ...


class _Outgoing(MediaStreamTrack):
    """The packets to be sent; when the connection cannot keep up the oldest are dropped."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[Any] = asyncio.Queue(_SENT_AHEAD_MAX)

    def put(self, packet: Any) -> None:
        if self._packets.full():
            self._packets.get_nowait()
        self._packets.put_nowait(packet)

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._packets.get()


class Peer:
    """The transport of a leg; a leg whose page was reloaded gets a new one."""

    def __init__(self, leg_id: str, owner: PeerOwner) -> None:
        self.leg_id = leg_id
        self.offered_at = time.monotonic()
        self.connected = False
        self._owner = owner
        self._ended = False
        self._connection = RTCPeerConnection()
        self._outgoing = _Outgoing()
        self._opus_types: frozenset[int] = frozenset()

    async def answer(self, offer_sdp: str) -> str:
        """The SDP answer to a complete offer. Raises `offer_invalid`, or `switch_busy` without a free port."""
        if len(offer_sdp) > _OFFER_MAX or _SECTIONS.findall(offer_sdp) != ["audio"]:
            raise SwitchError("offer_invalid", "The offer must have one audio section.", retryable=False)
        if len(_CANDIDATE.findall(offer_sdp)) > _CANDIDATES_MAX:
            # Each is sent checks: an offer must not make us knock at a thousand doors.
            raise SwitchError("offer_invalid", "The offer has too many candidates.", retryable=False)
        connection = self._connection
        transceiver = connection.addTransceiver(self._outgoing, direction="sendrecv")
        capabilities = RTCRtpReceiver.getCapabilities("audio")
        assert capabilities is not None
        transceiver.setCodecPreferences([codec for codec in capabilities.codecs if codec.name == "opus"])
        try:
            await connection.setRemoteDescription(
                RTCSessionDescription(sdp=without_hidden_addresses(offer_sdp), type="offer")
            )
        except Exception as error:
            # aiortc's parser fails in many ways on what is no offer for one Opus stream.
            raise SwitchError(
                "offer_invalid", f"The offer cannot be read: {error}", retryable=False
            ) from error
        self._hand_on_packets(transceiver.receiver)
        assert transceiver.receiver.transport is transceiver.sender.transport
        transport = transceiver.receiver.transport
        transport.on("statechange", lambda: self._dtls_changed(transport.state))
        transport.transport.on("statechange", lambda: self._ice_changed(transport.transport.state))
        await connection.setLocalDescription(await connection.createAnswer())
        sdp = connection.localDescription.sdp
        self._opus_types = frozenset(int(number) for number in _OPUS_TYPE.findall(sdp))
        if "a=candidate:" not in sdp:
            raise SwitchError("switch_busy", "No UDP port is free for the leg.", retryable=True)
        return sdp

    def send(self, payload: bytes, timestamp: int) -> None:
        """Send an Opus packet; `timestamp` in samples since any origin."""
        packet = av.Packet(payload)
        packet.pts = timestamp
        packet.time_base = _TIME_BASE
        self._outgoing.put(packet)

    async def close(self) -> None:
        """Say good-bye to the far end and free the ports. Nothing is reported any more."""
        self._ended = True
        async with asyncio.timeout(_CLOSE_S):
            await self._connection.close()

    def _hand_on_packets(self, receiver: RTCRtpReceiver) -> None:
        # The receiver's own statistics feed its RTCP receiver reports, by which the browser sees loss.
        streams = cast("dict[int, StreamStatistics]", vars(receiver)["_RTCRtpReceiver__remote_streams"])

        async def handle(packet: Any, arrival_time_ms: int) -> None:
            if packet.payload_type not in self._opus_types:
                return
            statistics = streams.get(packet.ssrc)
            if statistics is None:
                streams.clear()
                statistics = streams[packet.ssrc] = StreamStatistics(RATE)
            statistics.add(packet)
            if not self._ended:
                self._owner.peer_heard(self, packet.ssrc, packet.timestamp, packet.payload, time.monotonic())

        cast("Any", receiver)._handle_rtp_packet = handle

    def _dtls_changed(self, state: str) -> None:
        if state == "connected" and not self._ended:
            self.connected = True
            self._owner.peer_connected(self)
        elif state == "failed":
            self._end(PeerEnd.LOST)
        elif state == "closed":
            # A lost ICE consent closes DTLS too; which of both it was shows a moment later.
            asyncio.get_running_loop().call_later(_CLOSE_CAUSE_S, self._end, PeerEnd.CLOSED)

    def _ice_changed(self, state: str) -> None:
        if state == "failed":
            self._end(PeerEnd.LOST)

    def _end(self, end: PeerEnd) -> None:
        if not self._ended:
            self._ended = True
            self._owner.peer_ended(self, end)

"""What benches of the media process need: the process itself on a core of its own, and callers who speak.

The callers' words are the spoken greetings, encoded once, so that decoding and encoding cost what speech costs.
They do not decode what they hear: they count packets, and hand them to whoever wants to look.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tieline.telephony.embedded.library import samples
from tieline.telephony.embedded.opus import Encoder
from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.media import MediaSettings, run_media
from tieline.telephony.remote import RemoteSwitch
from tieline.telephony.switch import LegRole, SwitchEventKind

CONTROL_KEY = "media-bench-control-key"
SWITCH_UDP = (45000, 45499)
CALLER_UDP = (45500, 45999)
_FRAME = 960
_TIME_BASE = Fraction(1, 48_000)


def new_id() -> str:
    """An id for a call, a leg or a command."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class MediaProcess:
    """A media process of its own, as in production."""

    switch: RemoteSwitch
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def a_media_process(*, core: int | None = None) -> AsyncGenerator[MediaProcess]:
    """A media process, kept on one core if given; it ends with the block."""
    settings = MediaSettings(
        node="bench",
        control_key=CONTROL_KEY,
        addresses=("127.0.0.1",),
        first_port=SWITCH_UDP[0],
        last_port=SWITCH_UDP[1],
    )
    given = json.dumps({"core": core, "settings": asdict(settings)})
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, given, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().strip()
        async with RemoteSwitch(address, CONTROL_KEY) as switch:
            yield MediaProcess(switch, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def callers_here(*, core: int | None = None) -> AsyncGenerator[None]:
    """Let this process be the callers', kept on one core if given."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        with media_ports(MediaPorts(("127.0.0.1",), *CALLER_UDP), asyncio.get_running_loop()):
            yield
    finally:
        os.sched_setaffinity(0, before)


@cache
def spoken_packets() -> list[bytes]:
    """A minute's worth or less of speech as Opus packets of 20 ms."""
    encoder = Encoder()
    sound = np.concatenate([samples("greeting/en"), samples("greeting/ja")])
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    # The pauses between sentences are left out: silence costs less.
    return [encoder.encode(frame) for frame in frames if np.abs(frame).max() > 200]


def tone_packets(hertz: int) -> list[bytes]:
    """A second of a tone of a whole number of hertz, which repeats without a seam."""
    encoder = Encoder()
    time_s = np.arange(2 * 48_000) / 48_000
    wave = (8_000 * np.sin(2 * np.pi * hertz * time_s)).astype(np.int16).reshape(-1, _FRAME)
    return [encoder.encode(frame) for frame in wave][50:]


class _Speech(MediaStreamTrack):
    kind = "audio"

    def __init__(self, packets: Sequence[bytes], begin: int) -> None:
        super().__init__()
        self._packets = packets
        self._begin = begin
        self._origin: float | None = None
        self._count = 0

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        if self._origin is None:
            self._origin = time.monotonic()
        wait = self._origin + self._count * 0.02 - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        packet = av.Packet(self._packets[(self._begin + self._count) % len(self._packets)])
        packet.pts = self._count * _FRAME
        packet.time_base = _TIME_BASE
        self._count += 1
        return packet


class Caller:
    """One party: says `packets`, from number `begin` on, again and again, and counts what it gets."""

    def __init__(self, packets: Sequence[bytes], begin: int = 0) -> None:
        self.leg_id = new_id()
        self.received = 0
        self.on_packet: Callable[[bytes], None] | None = None
        """Called with the payload of each packet that arrives."""
        self._connection = RTCPeerConnection()
        self._connection.addTrack(_Speech(packets, begin))

    async def join(self, switch: RemoteSwitch, call_id: str | None, role: LegRole) -> None:
        """Connect to the switch; returns when sound can flow."""
        connection = self._connection
        await connection.setLocalDescription(await connection.createOffer())
        answer = await switch.add_webrtc_leg(
            self.leg_id, connection.localDescription.sdp, role=role, call_id=call_id, command_id=new_id()
        )
        await connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        receiver: Any = connection.getReceivers()[0]

        async def count(packet: Any, arrival_time_ms: int) -> None:
            self.received += 1
            if self.on_packet is not None:
                self.on_packet(packet.payload)

        receiver._handle_rtp_packet = count
        async with asyncio.timeout(20):
            async for event in switch.events(epoch=None, after=0):
                if event.leg_id == self.leg_id and event.kind is SwitchEventKind.LEG_CONNECTED:
                    break

    async def leave(self) -> None:
        """Hang up."""
        await self._connection.close()


def _serve() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # the process ends with the bench
    given = json.loads(sys.argv[1])
    if given["core"] is not None:
        os.sched_setaffinity(0, {given["core"]})
    chosen: Any = {**given["settings"], "addresses": tuple(given["settings"]["addresses"])}
    settings = MediaSettings(**chosen)

    async def started(node: str, epoch: int, address: str) -> None:
        print(address, flush=True)

    asyncio.run(run_media(settings, on_started=started))


if __name__ == "__main__":
    _serve()

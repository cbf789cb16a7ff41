"""What the switch contract needs around a switch: parties who speak tones and tell what they hear.

A `Rig` is one switch with parties. `EmbeddedRig` runs the media process of its own, reaches it through
`RemoteSwitch` and lets real WebRTC peers send real tones, measured by FFT at the other end. `ScriptedRig` is
the twin. Both speak of sources by the id of the speaking leg or the name of the medium.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import json
import math
import os
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import av
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tieline.telephony.media import MediaSettings, run_media
from tieline.telephony.remote import RemoteSwitch
from tieline.telephony.scripted import ScriptedSwitch
from tieline.telephony.sounds.composed import DIGIT_HZ
from tieline.telephony.switch import LegRole, Switch, SwitchError, SwitchEvent, SwitchEventKind

if TYPE_CHECKING:  # this file is a program as well, which knows no `tests`
    from tests.contract.relay import Relay

CONTROL_KEY = "contract-suite-control-key"
SET_UP_S = 2.0
NO_MEDIA_S = 3.0
CONTROL_PORTS = (18500, 18599)
SWITCH_UDP = (45000, 45499)
PEER_UDP = (45500, 45899)
MEDIA = ("tone/600", "tone/700", "tone/850")

_RATE = 48_000
_FRAME = 960
_HEARD_S = 0.30
_AUDIBLE = 300.0
_KEPT = 3_000  # frames: a minute
_TONE_RMS = 8_000 / math.sqrt(2)


def new_id() -> str:
    """An id for a call, a leg, a play or a command."""
    return str(uuid.uuid4())


async def eventually(what: Callable[[], object], expected: object, *, within_s: float = 8.0) -> None:
    """Wait until `what()` equals `expected`; fail with what it was instead."""
    deadline = time.monotonic() + within_s
    while (found := what()) != expected:
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {within_s} s, not {expected!r}")
        await asyncio.sleep(0.02)


@contextlib.contextmanager
def going_first() -> Iterator[bool]:
    """Let this process run before others, as the media process does; gives False where that is not permitted."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Story:
    """All events of a switch since its start, as one consumer sees them; it resumes when the stream breaks."""

    def __init__(self, switch: Switch) -> None:
        self.events: list[SwitchEvent] = []
        self._switch = switch
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            last = self.events[-1] if self.events else None
            try:
                async for event in self._switch.events(
                    epoch=last.epoch if last else None, after=last.sequence if last else 0
                ):
                    self.events.append(event)
            except SwitchError as error:
                assert error.retryable, error
                await asyncio.sleep(0.05)

    def about(self, thing: str, kind: SwitchEventKind | None = None) -> list[SwitchEvent]:
        """Events of a leg or a call, of one kind if given."""
        return [
            event
            for event in self.events
            if thing in (event.leg_id, event.call_id) and (kind is None or event.kind is kind)
        ]

    async def until(
        self, thing: str, kind: SwitchEventKind, *, times: int = 1, within_s: float = 8.0
    ) -> SwitchEvent:
        """Wait for the nth event of a kind about a leg or call."""
        deadline = time.monotonic() + within_s
        while len(found := self.about(thing, kind)) < times:
            if time.monotonic() > deadline:
                told = [event.kind.value for event in self.about(thing)]
                raise AssertionError(f"no {kind.value} number {times} within {within_s} s, only {told}")
            await asyncio.sleep(0.01)
        return found[times - 1]

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class Rig(Protocol):
    """One switch with parties."""

    switch: Switch
    story: Story

    async def join(self, role: LegRole, call_id: str | None) -> str:
        """A new party, connected; gives its leg."""
        ...

    async def rejoin(self, leg_id: str) -> None:
        """The party's page was reloaded: the same leg with a new offer, connected again."""
        ...

    async def offer(self) -> str:
        """An offer that nobody will follow up."""
        ...

    async def never_connect(self, leg_id: str) -> None:
        """Let the time pass in which a leg must connect."""
        ...

    async def hang_up(self, leg_id: str) -> None: ...

    async def fall_silent(self, leg_id: str) -> None:
        """The party's network dies: nothing comes any more, not even a good-bye."""
        ...

    async def remove_microphone(self, leg_id: str) -> None:
        """The party's page takes its track away: the connection lives, nothing is sent any more."""
        ...

    async def bring_microphone(self, leg_id: str) -> None: ...

    async def medium_ends(self, leg_id: str) -> None:
        """Let the time pass that the medium needs which the leg hears."""
        ...

    async def restart(self) -> None:
        """Kill the switch and start it again under the same name."""
        ...

    def hears(self, leg_id: str) -> set[str]: ...

    def digits_heard(self, leg_id: str) -> str:
        """The keys' tones that the party has heard since it joined."""
        ...


class ScriptedRig:
    """The contract on the scripted twin."""

    def __init__(self) -> None:
        self.switch = ScriptedSwitch(auto_connect=False)
        self.story = Story(self.switch)

    async def join(self, role: LegRole, call_id: str | None) -> str:
        leg_id = new_id()
        await self.switch.add_webrtc_leg(
            leg_id, await self.offer(), role=role, call_id=call_id, command_id=new_id()
        )
        self.switch.connect(leg_id)
        await self.story.until(leg_id, SwitchEventKind.LEG_CONNECTED)
        return leg_id

    async def rejoin(self, leg_id: str) -> None:
        times = len(self.story.about(leg_id, SwitchEventKind.LEG_CONNECTED))
        role = self.switch.board.leg(leg_id).role
        await self.switch.add_webrtc_leg(
            leg_id, await self.offer(), role=role, call_id=None, command_id=new_id()
        )
        self.switch.connect(leg_id)
        await self.story.until(leg_id, SwitchEventKind.LEG_CONNECTED, times=times + 1)

    async def offer(self) -> str:
        return f"v=0\r\no=- {uuid.uuid4().int} 0 IN IP4 127.0.0.1\r\n"

    async def never_connect(self, leg_id: str) -> None:
        self.switch.fail_set_up(leg_id)

    async def hang_up(self, leg_id: str) -> None:
        self.switch.hang_up(leg_id)

    async def fall_silent(self, leg_id: str) -> None:
        self.switch.lose_media(leg_id)

    async def remove_microphone(self, leg_id: str) -> None:
        leg = self.switch.board.leg(leg_id)
        if leg.role is LegRole.CALLER or leg.call_id is not None:
            self.switch.lose_media(leg_id)

    async def bring_microphone(self, leg_id: str) -> None:
        pass

    async def medium_ends(self, leg_id: str) -> None:
        self.switch.end_media(leg_id)

    async def restart(self) -> None:
        self.switch.restart()

    def hears(self, leg_id: str) -> set[str]:
        return self.switch.hears(leg_id)

    def digits_heard(self, leg_id: str) -> str:
        return self.switch.digits_heard(leg_id)

    async def close(self) -> None:
        await self.story.close()


class EmbeddedRig:
    """The contract on the embedded switch in its process, with WebRTC peers."""

    def __init__(self, process: MediaProcess) -> None:
        self._process = process
        self._parties: dict[str, Party] = {}
        self._roles: dict[str, LegRole] = {}
        self._pitches = iter(range(1000, 4000, 110))
        self.switch = process.switch
        self.story = Story(self.switch)

    async def join(
        self, role: LegRole, call_id: str | None, *, sweeping: bool = False, relay: Relay | None = None
    ) -> str:
        """A new party, connected, over a path of its own if there is a `relay`."""
        leg_id = new_id()
        self._roles[leg_id] = role
        party = Party(SWEEP if sweeping else next(self._pitches))
        await self._connect(party, leg_id, call_id, relay)
        return leg_id

    async def rejoin(self, leg_id: str) -> None:
        replaced = self._parties[leg_id]
        await self._connect(Party(replaced.hertz), leg_id, None)
        await replaced.vanish()

    async def _connect(
        self, party: Party, leg_id: str, call_id: str | None, relay: Relay | None = None
    ) -> None:
        times = len(self.story.about(leg_id, SwitchEventKind.LEG_CONNECTED))
        self._parties[leg_id] = party
        offer = await party.offer()
        answer = await self.switch.add_webrtc_leg(
            leg_id,
            relay.offer(offer) if relay else offer,
            role=self._roles[leg_id],
            call_id=call_id,
            command_id=new_id(),
        )
        await party.accept(relay.answer(answer) if relay else answer)
        await self.story.until(leg_id, SwitchEventKind.LEG_CONNECTED, times=times + 1)

    async def offer(self) -> str:
        party = Party(0)
        offer = await party.offer()
        await party.vanish()
        return offer

    async def never_connect(self, leg_id: str) -> None:
        pass

    async def hang_up(self, leg_id: str) -> None:
        await self._parties[leg_id].hang_up()

    async def fall_silent(self, leg_id: str) -> None:
        await self._parties[leg_id].vanish()

    async def remove_microphone(self, leg_id: str) -> None:
        self._parties[leg_id].stop_speaking()

    async def bring_microphone(self, leg_id: str) -> None:
        self._parties[leg_id].speak()

    async def medium_ends(self, leg_id: str) -> None:
        pass

    async def restart(self) -> None:
        await self._process.kill()
        await self._process.start()

    def hears(self, leg_id: str) -> set[str]:
        pitches = {other: party.hertz for other, party in self._parties.items()}
        pitches.update({name: int(name.removeprefix("tone/")) for name in MEDIA})
        return self._parties[leg_id].hears(pitches)

    def digits_heard(self, leg_id: str) -> str:
        return "".join(tone.digit for tone in self.digit_tones(leg_id))

    def digit_tones(self, leg_id: str) -> list[DigitTone]:
        """The keys' tones that the party has heard, with their lengths."""
        return self._parties[leg_id].digit_tones()

    def party(self, leg_id: str) -> Party:
        """Who is on the leg."""
        return self._parties[leg_id]

    def connection_state(self, leg_id: str) -> str:
        """The state of the party's end of the connection."""
        return self._parties[leg_id].connection_state

    async def heard_at_all(self, leg_id: str) -> None:
        """Wait until the party hears anything that is not silence."""
        await eventually(self._parties[leg_id].hears_anything, True)

    async def close(self) -> None:
        await self.story.close()
        for leg_id in self._parties:
            with contextlib.suppress(SwitchError):
                await self.switch.remove_leg(leg_id, command_id=new_id())
        await asyncio.gather(*(party.hang_up() for party in self._parties.values()))


@dataclass(slots=True)
class DigitTone:
    """A key's tone pair as it was heard: when it began and how long it lasted."""

    digit: str
    begin_s: float
    seconds: float


def _pitch(samples: np.ndarray[Any, Any]) -> float:
    """The strongest pitch of a frame, finer than the spectrum's lines."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * len(samples)))
    line = int(np.argmax(spectrum[1:-1])) + 1
    below, at, above = np.log(spectrum[line - 1 : line + 2] + 1e-9)
    curved = below - 2 * at + above
    offset = 0.5 * (below - above) / curved if curved else 0.0
    return (line + offset) * _RATE / (4 * len(samples))


def _digit_in(samples: np.ndarray[Any, Any], strong: float = 2_000.0) -> str:
    """The key whose tone pair sounds through these samples, or an empty text."""
    time_s = np.arange(len(samples)) / _RATE
    levels = {
        hertz: 2 * abs(np.mean(samples * np.exp(-2j * np.pi * hertz * time_s)))
        for hertz in {hertz for pair in DIGIT_HZ.values() for hertz in pair}
    }
    digit, pair = max(DIGIT_HZ.items(), key=lambda entry: min(levels[hertz] for hertz in entry[1]))
    return digit if min(levels[hertz] for hertz in pair) > strong else ""


SWEEP = -1
"""Instead of a pitch: a tone that rises from `SWEEP_LOW_HZ` by `SWEEP_HZ` in each second, so that it tells its age."""
SWEEP_LOW_HZ, SWEEP_HZ = 600, 1_200


class _Speech(MediaStreamTrack):
    """A tone, a sweep, or silence at 0 Hz, encoded once and sent again and again."""

    kind = "audio"

    def __init__(self, hertz: int) -> None:
        super().__init__()
        self._packets = _tone_packets(hertz)
        self._origin: float | None = None
        self._count = 0
        self.began_at = 0.0

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        if self._origin is None:
            self._origin = self.began_at = time.monotonic()
        wait = self._origin + self._count * 0.02 - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        packet = av.Packet(self._packets[self._count % len(self._packets)])
        packet.pts = self._count * _FRAME
        packet.time_base = Fraction(1, _RATE)
        self._count += 1
        return packet


def _tone_packets(hertz: int) -> list[bytes]:
    codec: Any = av.CodecContext.create("libopus", "w")
    codec.bit_rate, codec.format, codec.layout, codec.sample_rate = 32_000, "s16", "mono", _RATE
    packets: list[bytes] = []
    for number in range(60):
        time_s = (np.arange(_FRAME) + number * _FRAME) / _RATE
        swept = SWEEP_LOW_HZ * time_s + SWEEP_HZ * (time_s % 1) ** 2 / 2
        cycles = swept if hertz == SWEEP else hertz * time_s
        wave = (8000 * np.sin(2 * np.pi * cycles)).astype(np.int16)
        frame = av.AudioFrame(format="s16", layout="mono", samples=_FRAME)
        frame.planes[0].update(wave.tobytes())
        frame.sample_rate, frame.pts = _RATE, number * _FRAME
        packets.extend(bytes(packet) for packet in codec.encode(frame))
    # The first ones hold the codec's beginning; a whole second repeats without a seam.
    return packets[10:60]


class Party:
    """A browser's stand-in: sends one tone, keeps the last moments of what it receives."""

    def __init__(self, hertz: int) -> None:
        self.hertz = hertz
        self._connection = RTCPeerConnection()
        self._sender = self._connection.addTrack(_Speech(hertz))
        self._heard: deque[tuple[float, np.ndarray[Any, Any]]] = deque(maxlen=_KEPT)
        self._positions: deque[int] = deque(maxlen=_KEPT)
        self._listening: asyncio.Task[None] | None = None

        @self._connection.on("track")
        def listen(track: MediaStreamTrack) -> None:
            self._listening = asyncio.create_task(self._listen(track))

    async def offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                self._heard.append((time.monotonic(), frame.to_ndarray()[0, ::2].astype(np.int16)))
                self._positions.append(frame.pts)

    def hears_anything(self) -> bool:
        """Whether the last frame was not silence."""
        return bool(self._heard) and float(np.abs(self._heard[-1][1].astype(float)).max()) > _AUDIBLE

    def hears(self, pitches: dict[str, int]) -> set[str]:
        """Those of the named pitches that sounded during the last moments."""
        since = time.monotonic() - _HEARD_S
        parts = [samples for at, samples in self._heard if at >= since]
        if not parts:
            return set()
        samples = np.concatenate(parts)
        window = np.hanning(len(samples))
        time_s = np.arange(len(samples)) / _RATE
        heard: set[str] = set()
        for name, hertz in pitches.items():
            turned = samples * window * np.exp(-2j * np.pi * hertz * time_s)
            amplitude = 2 * abs(turned.sum()) / (_HEARD_S * _RATE / 2)
            if amplitude > _AUDIBLE:
                heard.add(name)
        return heard

    def longest_silence_s(self, spans: Iterable[tuple[float, float]]) -> float:
        """The longest stretch without sound in what came within these spans of time (monotonic).

        Silent is what is 20 dB below a party's tone, and what did not come. Measured on the time stamps of the
        switch, so that an ear that was late to listen does not count.
        """
        longest = 0.0
        for begin, end in spans:
            loud: list[float] = []
            for (at, samples), position in zip(self._heard, self._positions, strict=True):
                if not begin <= at <= end:
                    continue
                for part, piece in enumerate(samples.astype(float).reshape(-1, 240)):
                    if np.sqrt(np.mean(piece**2)) > _TONE_RMS / 10:
                        loud.append(self._unwrapped(position) / _RATE + part * 0.005)
            steps = [after - before for before, after in itertools.pairwise(loud)]
            longest = max(longest, max(steps, default=end - begin) - 0.005)
        return longest

    def skips_at(self, since: float) -> list[float]:
        """When the switch left out ticks, because its machine held it up (monotonic)."""
        came = list(zip(self._heard, self._positions, strict=True))
        return [
            heard[0]
            for (_, before), (heard, position) in itertools.pairwise(came)
            if heard[0] >= since and (position - before) % (1 << 32) != _FRAME
        ]

    def sweep_age_s(self, sender: Party, since: float) -> float:
        """How old the sender's sweep was, plus an unknown constant, modulo one second: the median since then."""
        ages: list[float] = []
        for (at, samples), position in zip(self._heard, self._positions, strict=True):
            hertz = _pitch(samples)
            passed = (hertz - SWEEP_LOW_HZ) / SWEEP_HZ
            if at >= since and 0.05 < passed < 0.95:
                ages.append((self._unwrapped(position) / _RATE - sender.began_at - passed) % 1)
        turned = np.exp(2j * np.pi * np.array(ages))
        middle = float(np.angle(turned.mean())) / (2 * np.pi)
        return (middle + float(np.median((np.array(ages) - middle + 0.5) % 1 - 0.5))) % 1

    @property
    def began_at(self) -> float:
        """When it began to speak (monotonic)."""
        track = self._sender.track
        assert isinstance(track, _Speech)
        return track.began_at

    def _unwrapped(self, position: int) -> int:
        return (position - self._positions[0] + (1 << 31)) % (1 << 32)

    def digit_tones(self) -> list[DigitTone]:
        """The keys' tones in what was received, by windows of 20 ms in steps of 5."""
        samples = np.concatenate([np.empty(0), *(samples for _, samples in self._heard)])
        tones: list[DigitTone] = []
        step, before = _FRAME // 4, ""
        for begin in range(0, len(samples) - _FRAME, step):
            digit = _digit_in(samples[begin : begin + _FRAME])
            if digit and digit == before:
                tones[-1].seconds = (begin + _FRAME) / _RATE - tones[-1].begin_s
            elif digit:
                tones.append(DigitTone(digit, begin / _RATE, 0.02))
            before = digit
        return tones

    @property
    def connection_state(self) -> str:
        return self._connection.connectionState

    def stop_speaking(self) -> None:
        """What `replaceTrack(null)` does in a browser."""
        self._sender.replaceTrack(None)

    def speak(self) -> None:
        self._sender.replaceTrack(_Speech(self.hertz))

    async def hang_up(self) -> None:
        """Close the connection as a browser does."""
        await self._connection.close()
        if self._listening is not None:
            self._listening.cancel()

    async def vanish(self) -> None:
        """Lose the network: close the sockets before anything can be said."""
        for transceiver in self._connection.getTransceivers():
            for protocol in transceiver.sender.transport.transport._connection._protocols:
                protocol.transport.abort()
        await self.hang_up()


class MediaProcess:
    """The media process under test: an OS process of its own."""

    def __init__(self, **settings: Any) -> None:
        """`settings` are fields of `MediaSettings` that are to differ."""
        self._process: asyncio.subprocess.Process | None = None
        self._settings = settings
        self._port = 0
        self.switch: RemoteSwitch

    async def start(self) -> None:
        usual: dict[str, Any] = {
            "node": "contract",
            "control_key": CONTROL_KEY,
            "control_port": self._port,
            "addresses": ("127.0.0.1",),
            "first_port": SWITCH_UDP[0],
            "last_port": SWITCH_UDP[1],
            "set_up_s": SET_UP_S,
            "no_media_s": NO_MEDIA_S,
        }
        settings = MediaSettings(**(usual | self._settings))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, json.dumps(asdict(settings)), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            address = (await self._process.stdout.readline()).decode().strip()
        if self._port == 0:
            self._port = int(address.rpartition(":")[2])
            self.switch = RemoteSwitch(address, CONTROL_KEY)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end; gives its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(10):
            return await self._process.wait()


@contextlib.asynccontextmanager
async def a_media_process(**settings: Any) -> AsyncIterator[MediaProcess]:
    """A media process that is stopped at the end; `settings` are fields of `MediaSettings` that are to differ."""
    process = MediaProcess(**settings)
    await process.start()
    try:
        yield process
    finally:
        await process.switch.aclose()
        await process.stop()


def main() -> None:
    """The media process itself: settings as JSON in the first argument; prints its address when it is open."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    given = json.loads(sys.argv[1])
    given["addresses"] = tuple(given["addresses"])

    async def started(node: str, epoch: int, address: str) -> None:
        print(address, flush=True)

    announce: Callable[[str, int, str], Awaitable[None]] = started
    asyncio.run(run_media(MediaSettings(**given), on_started=announce))


if __name__ == "__main__":
    main()

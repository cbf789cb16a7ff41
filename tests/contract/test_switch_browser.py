"""What the switch contract promises, with a real Chromium as the agent: the parts that only a browser shows."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright
from tests.contract.switch_peers import (
    NO_MEDIA_S,
    PEER_UDP,
    EmbeddedRig,
    MediaProcess,
    a_media_process,
    eventually,
    new_id,
)

from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.switch import LegRole
from tieline.telephony.switch import SwitchEventKind as Kind

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

IDLE_S = 36.0
"""Longer than ICE consent (30 s) and than an agent's patience in a call."""
URL = "http://localhost:18591/"
FLAGS = [
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PAGE = """
<!doctype html><body style="height:100vh"><script>
let context, microphone, peer, sender, old, heardAt = null;
async function begin() {
  await navigator.mediaDevices.getUserMedia({ audio: true });
  context = new AudioContext({ latencyHint: "interactive" });
  await context.resume();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(context);
  tone.connect(new GainNode(context, { gain: 0.3 })).connect(out);
  tone.start();
  microphone = out.stream.getAudioTracks()[0];
}
async function offer() {
  peer = new RTCPeerConnection();
  sender = microphone ? peer.addTrack(microphone) : peer.addTransceiver("audio").sender;
  peer.ontrack = ({ track }) => {
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.srcObject = stream;
    element.muted = true;
    element.play();
    const analyser = new AnalyserNode(context, { fftSize: 256 });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      if (heardAt === null && Math.max(...samples) > 0.05) heardAt = Date.now();
    }, 5);
  };
  await peer.setLocalDescription(await peer.createOffer());
  while (peer.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 5));
  return peer.localDescription.sdp;
}
const accept = (sdp) => peer.setRemoteDescription({ type: "answer", sdp });
const state = () => peer.connectionState;
</script>
"""


@pytest.fixture
async def process() -> AsyncIterator[MediaProcess]:
    ports = MediaPorts(("127.0.0.1",), *PEER_UDP)
    with media_ports(ports, asyncio.get_running_loop()):
        async with a_media_process() as process:
            yield process


@pytest.fixture
async def rig(process: MediaProcess) -> AsyncIterator[EmbeddedRig]:
    rig = EmbeddedRig(process)
    yield rig
    await rig.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = await browser.new_page()
        await page.route(URL, lambda route: route.fulfill(content_type="text/html", body=PAGE))
        await page.goto(URL)
        await page.mouse.click(100, 100)
        await page.evaluate("begin()")
        yield page
        await browser.close()


async def join(page: Page, rig: EmbeddedRig, call_id: str | None, *, role: LegRole = LegRole.AGENT) -> str:
    leg_id = new_id()
    offer = await page.evaluate("offer()")
    answer = await rig.switch.add_webrtc_leg(leg_id, offer, role=role, call_id=call_id, command_id=new_id())
    await page.evaluate("sdp => accept(sdp)", answer)
    await rig.story.until(leg_id, Kind.LEG_CONNECTED)
    return leg_id


async def test_an_agent_idles_without_a_track_and_then_talks_at_once(rig: EmbeddedRig, page: Page) -> None:
    agent = await join(page, rig, None)
    await page.evaluate("sender.replaceTrack(null)")
    await asyncio.sleep(IDLE_S)
    assert await page.evaluate("state()") == "connected"
    assert not rig.story.about(agent, Kind.LEG_GONE)

    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    caller = await rig.join(LegRole.CALLER, call_id)
    asked_at = time.time()
    await asyncio.gather(
        page.evaluate("sender.replaceTrack(microphone)"),
        rig.switch.move_leg(agent, call_id, command_id=new_id()),
    )
    await rig.heard_at_all(caller)
    heard_by_caller_ms = (time.time() - asked_at) * 1000
    await page.wait_for_function("heardAt !== null", timeout=5_000)
    heard_by_agent_ms = await page.evaluate("heardAt") - asked_at * 1000
    print(
        f"caller heard the agent after {heard_by_caller_ms:.0f} ms, agent the caller after {heard_by_agent_ms:.0f} ms"
    )
    # A bound for a busy machine; the figure itself is printed.
    assert max(heard_by_caller_ms, heard_by_agent_ms) < 1_000


async def test_a_page_without_a_microphone_connects_and_hears(rig: EmbeddedRig, page: Page) -> None:
    # Without a granted microphone Chromium offers multicast names instead of addresses.
    await page.evaluate("microphone = null")
    offer = await page.evaluate("offer()")
    leg_id, hidden = (
        new_id(),
        "\r\na=candidate:1 1 udp 2113937151 8c4d1c2b-0000-4000-8000-000000000000.local 50000 typ host",
    )
    lines = [line for line in offer.split("\r\n") if not line.startswith("a=candidate:")]
    offer = "\r\n".join(lines).replace("\r\na=ice-ufrag", hidden + "\r\na=ice-ufrag", 1)
    answer = await rig.switch.add_webrtc_leg(
        leg_id, offer, role=LegRole.AGENT, call_id=None, command_id=new_id()
    )
    await page.evaluate("sdp => accept(sdp)", answer)
    await rig.story.until(leg_id, Kind.LEG_CONNECTED)
    await rig.switch.play(leg_id, ("tone/440",), loop_last=True, play_id=new_id(), command_id=new_id())
    await page.wait_for_function("heardAt !== null", timeout=5_000)


async def test_a_closed_connection_is_a_hang_up_at_once(rig: EmbeddedRig, page: Page) -> None:
    agent = await join(page, rig, None)
    await page.evaluate("peer.close()")
    gone = await rig.story.until(agent, Kind.LEG_GONE, within_s=2.0)
    assert gone.data == {"reason": "hung_up"}


@pytest.mark.parametrize(
    ("role", "patience_s"), [(LegRole.CALLER, NO_MEDIA_S), (LegRole.AGENT, 3 * NO_MEDIA_S)]
)
async def test_a_killed_browser_is_gone_when_its_media_has_been_missed_long_enough(
    rig: EmbeddedRig, page: Page, role: LegRole, patience_s: float
) -> None:
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    other = await rig.join(LegRole.CALLER, call_id)
    leg = await join(page, rig, call_id, role=role)
    await rig.heard_at_all(other)
    assert page.context.browser is not None
    devtools = await page.context.browser.new_browser_cdp_session()
    told = await devtools.send("SystemInfo.getProcessInfo")
    (browser_pid,) = [process["id"] for process in told["processInfo"] if process["type"] == "browser"]
    os.kill(browser_pid, signal.SIGKILL)
    killed_at = time.monotonic()
    gone = await rig.story.until(leg, Kind.LEG_GONE, within_s=patience_s + 2.0)
    assert (gone.data, gone.call_id) == ({"reason": "no_media"}, call_id)
    assert time.monotonic() - killed_at > patience_s - 0.5
    await eventually(lambda: rig.hears(other), set())
    assert not rig.story.about(other, Kind.LEG_GONE)


@pytest.mark.parametrize("leave", ["close", "reload"])
async def test_a_page_that_closes_its_connection_when_it_is_left_is_a_hang_up_at_once(
    rig: EmbeddedRig, page: Page, leave: str
) -> None:
    # Without this handler Chromium says nothing when a tab is closed: `no_media` would tell much later.
    await page.evaluate("addEventListener('pagehide', () => peer.close())")
    agent = await join(page, rig, None)
    await (page.reload() if leave == "reload" else page.close(run_before_unload=True))
    gone = await rig.story.until(agent, Kind.LEG_GONE, within_s=2.0)
    assert gone.data == {"reason": "hung_up"}


async def test_a_reloaded_page_takes_its_leg_over(rig: EmbeddedRig, page: Page) -> None:
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    caller = await rig.join(LegRole.CALLER, call_id)
    agent = await join(page, rig, call_id)
    await rig.heard_at_all(caller)
    offer = await page.evaluate("(old = peer, offer())")
    answer = await rig.switch.add_webrtc_leg(
        agent, offer, role=LegRole.AGENT, call_id=call_id, command_id=new_id()
    )
    await page.evaluate("sdp => accept(sdp)", answer)
    await rig.story.until(agent, Kind.LEG_CONNECTED, times=2)
    await page.evaluate("(heardAt = null, old.close())")
    await page.wait_for_function("heardAt !== null", timeout=5_000)
    await eventually(lambda: bool(rig.story.about(agent, Kind.LEG_GONE)), False)

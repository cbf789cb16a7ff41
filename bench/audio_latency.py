"""How long a voice travels through the switch, beside a direct browser-to-browser call in the same moment.

One page sends the same gated tone over two connections: straight to the other page and through the media
process. The other page listens to both, so every burst gives a pair of latencies under equal conditions; each
contains the browser's own encoding, jitter buffer and playout. Goal: the median through the switch is at most
80 ms above the direct one.

    python bench/audio_latency.py [--bursts 20] [--chromium /usr/bin/chromium]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from playwright.async_api import Page, async_playwright

from tieline.telephony.media import MediaSettings, run_media
from tieline.telephony.remote import RemoteSwitch
from tieline.telephony.switch import LegRole

GOAL_MS = 80.0
CONTROL_KEY = "audio-latency-bench-key"
PAGE = "http://localhost:18590/"
CHROMIUM_FLAGS = (
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

SCRIPT = """
<!doctype html><title>audio latency</title><body style="height:100vh"><script>
const now = () => performance.timeOrigin + performance.now();
const paths = {};
let context, gate, voice;

async function begin() {
  // A granted microphone lets the page show its real addresses, as a call page's does.
  await navigator.mediaDevices.getUserMedia({ audio: true });
  context = new AudioContext({ latencyHint: "interactive" });
  await context.resume();
  const tone = new OscillatorNode(context, { frequency: 880 });
  gate = new GainNode(context, { gain: 0 });
  voice = new MediaStreamAudioDestinationNode(context);
  tone.connect(gate).connect(voice);
  tone.start();
  return context.state;
}

function connection(name) {
  const peer = new RTCPeerConnection();
  peer.addTrack(voice.stream.getAudioTracks()[0], voice.stream);
  const path = (paths[name] = { peer, heardAt: null });
  peer.ontrack = ({ streams: [stream] }) => {
    const element = new Audio();
    element.srcObject = stream; // Chromium pulls a remote stream only for an element
    element.muted = true;
    element.play();
    const analyser = new AnalyserNode(context, { fftSize: 256 });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      if (path.heardAt !== null) return;
      analyser.getFloatTimeDomainData(samples);
      if (Math.max(...samples) > 0.05) path.heardAt = now();
    }, 5);
  };
  return peer;
}

async function described(peer, description) {
  await peer.setLocalDescription(description);
  while (peer.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 5));
  return peer.localDescription.sdp;
}

const offer = async (name) => { const peer = connection(name); return described(peer, await peer.createOffer()); };
const answer = async (name, sdp) => {
  const peer = connection(name);
  await peer.setRemoteDescription({ type: "offer", sdp });
  return described(peer, await peer.createAnswer());
};
const accept = (name, sdp) => paths[name].peer.setRemoteDescription({ type: "answer", sdp });
const states = () => Object.values(paths).map((path) => path.peer.connectionState);
const arm = () => { for (const path of Object.values(paths)) path.heardAt = null; };
const heard = () => Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, path.heardAt]));
function burst(seconds) {
  const at = context.currentTime;
  gate.gain.setValueAtTime(0.8, at);
  gate.gain.setValueAtTime(0, at + seconds);
  return now();
}
</script>
"""


@asynccontextmanager
async def a_media_process() -> AsyncIterator[RemoteSwitch]:
    """A media process of its own, as in production."""
    settings = MediaSettings(
        node="bench", control_key=CONTROL_KEY, addresses=("127.0.0.1",), first_port=45000, last_port=45999
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--media", json.dumps(asdict(settings)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            address = (await process.stdout.readline()).decode().strip()
        async with RemoteSwitch(address, CONTROL_KEY) as switch:
            yield switch
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _serve_media(given: dict[str, Any]) -> None:
    async def started(node: str, epoch: int, address: str) -> None:
        print(address, flush=True)

    await run_media(MediaSettings(**{**given, "addresses": tuple(given["addresses"])}), on_started=started)


async def _open(browser: Any) -> Page:
    context = await browser.new_context()
    page: Page = await context.new_page()
    await page.route(PAGE, lambda route: route.fulfill(content_type="text/html", body=SCRIPT))
    await page.goto(PAGE)
    await page.mouse.click(200, 200)
    state = await page.evaluate("begin()")
    assert state == "running", f"the page's sound is {state}"
    return page


async def _connect(speaker: Page, listener: Page, switch: RemoteSwitch) -> None:
    offer = await speaker.evaluate("offer('direct')")
    answer = await listener.evaluate("sdp => answer('direct', sdp)", offer)
    await speaker.evaluate("sdp => accept('direct', sdp)", answer)
    call_id = str(uuid.uuid4())
    await switch.create_call(call_id, command_id=str(uuid.uuid4()))
    for page, role in ((speaker, LegRole.CALLER), (listener, LegRole.AGENT)):
        offer = await page.evaluate("offer('switch')")
        answer = await switch.add_webrtc_leg(
            str(uuid.uuid4()), offer, role=role, call_id=call_id, command_id=str(uuid.uuid4())
        )
        await page.evaluate("sdp => accept('switch', sdp)", answer)
    for page in (speaker, listener):
        await page.wait_for_function("states().every((state) => state === 'connected')", timeout=15_000)


async def measure(chromium: str, bursts: int) -> dict[str, list[float]]:
    """Latencies in milliseconds per path, a value for each burst that was heard on both."""
    latencies: dict[str, list[float]] = {"direct": [], "switch": []}
    async with a_media_process() as switch, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        speaker, listener = await _open(browser), await _open(browser)
        await _connect(speaker, listener, switch)
        await asyncio.sleep(3)
        for _ in range(bursts):
            await listener.evaluate("arm()")
            sent_at = await speaker.evaluate("burst(0.15)")
            await asyncio.sleep(0.8 + random.random() * 0.02)
            heard = await listener.evaluate("heard()")
            if all(heard.values()):
                for path in latencies:
                    latencies[path].append(heard[path] - sent_at)
        health = await switch.health()
        print(f"mixer lateness p95 {health.tick_lag_ms:.1f} ms")
        await browser.close()
    return latencies


def main() -> None:
    """Measure, print medians and the difference; exit code 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--bursts", type=int, default=20)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--media", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.media:
        asyncio.run(_serve_media(json.loads(given.media)))
        return
    latencies = asyncio.run(measure(given.chromium, given.bursts))
    heard = len(latencies["direct"])
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"bursts heard on both paths: {heard} of {given.bursts}")
    if heard < given.bursts / 2:
        sys.exit("too few bursts were heard")
    medians = {path: statistics.median(values) for path, values in latencies.items()}
    for path, values in latencies.items():
        spread = f"{min(values):.0f}-{max(values):.0f}"
        print(f"{path:>7}: median {medians[path]:.0f} ms (range {spread})")
    added = medians["switch"] - medians["direct"]
    print(f"added by the switch: {added:.0f} ms (goal <= {GOAL_MS:.0f} ms)")
    sys.exit(0 if added <= GOAL_MS else 1)


if __name__ == "__main__":
    main()

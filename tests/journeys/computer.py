"""A computer with a browser, a microphone that plays a tone, and a user who clicks.

Every browser of the journeys starts here, by our own command line, because a test tool's defaults hide real
faults: they switch storage partitioning off, allow pop-ups and sound without a gesture, and stop throttling. The
microphone is granted in the profile, to one origin only; third-party cookies are blocked as they are in life.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import os
import shutil
import struct
import subprocess
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, Frame, Page, async_playwright
from tests.journeys.network import Network

START_S = 30.0
WAIT_MS = 15_000
_ALLOW, _BLOCK = 1, 2
_BLOCK_THIRD_PARTY_COOKIES = 1


def tone_file(path: Path, hz: float, *, seconds: float = 6.0) -> Path:
    """A WAV with a voice-like tone: `hz` with syllables, so that noise suppression does not take it for noise."""
    rate = 48_000
    frames = bytearray()
    for n in range(int(rate * seconds)):
        t = n / rate
        syllable = 0.5 - 0.5 * math.cos(2 * math.pi * 4 * t)  # four a second, like speech
        pause = 1.0 if t % 1.5 < 1.2 else 0.0
        frames += struct.pack("<h", int(0.6 * 32767 * syllable * pause * math.sin(2 * math.pi * hz * t)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(frames))
    return path


class Computer:
    """One user's machine: a Chromium of its own with a profile of its own. Use `async with`."""

    def __init__(
        self,
        folder: Path,
        *,
        microphone_for: str | None = None,
        microphone_blocked_for: str | None = None,
        hz: float = 440.0,
        language: str = "en-US",
        network: Network | None = None,
    ) -> None:
        self._folder = folder
        self._network = network
        self._microphone_for = microphone_for
        self._microphone_blocked_for = microphone_blocked_for
        self._hz = hz
        self._language = language
        self._stack = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self.problems: list[str] = []
        """Errors that pages wrote to their consoles."""
        self.expected: str | None = None
        """A part of the errors that this journey means to cause; the browser tells them when it likes."""

    async def __aenter__(self) -> Self:
        profile = self._folder / "profile"
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(self._preferences()))
        tone = tone_file(self._folder / "tone.wav", self._hz)
        binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        assert binary, "Chromium is missing: apt-get install chromium"
        command = [
            binary,
            "--headless=new",
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            f"--lang={self._language}",
            f"--accept-lang={self._language}",
            "--window-size=1280,860",
            "--no-first-run",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--disable-component-update",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--password-store=basic",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={tone}",
            "--allow-loopback-in-peer-connection",
            "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter,Translate",
            *([f"--host-resolver-rules={self._network.names}"] if self._network else []),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        ]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder
        )
        self._stack.push_async_callback(self._kill)
        playwright = await self._stack.enter_async_context(async_playwright())
        self.browser: Browser = await playwright.chromium.connect_over_cdp(await self._endpoint(profile))
        self.context: BrowserContext = self.browser.contexts[0]
        self.context.set_default_timeout(WAIT_MS)
        self.context.on("page", self._watch)
        await self.context.add_init_script(_COUNT_TONES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def _preferences(self) -> dict[str, Any]:
        microphone = {
            f"{origin},*": {"setting": setting}
            for origin, setting in ((self._microphone_for, _ALLOW), (self._microphone_blocked_for, _BLOCK))
            if origin is not None
        }
        return {
            "intl": {"accept_languages": self._language, "selected_languages": self._language},
            "profile": {
                "cookie_controls_mode": _BLOCK_THIRD_PARTY_COOKIES,
                "content_settings": {"exceptions": {"media_stream_mic": microphone}},
            },
        }

    async def _endpoint(self, profile: Path) -> str:
        path = profile / "DevToolsActivePort"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if path.exists() and (lines := path.read_text().splitlines()) and len(lines) > 1:
                return f"http://127.0.0.1:{lines[0]}"
            await asyncio.sleep(0.05)
        raise TimeoutError("Chromium did not start")

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda m: self.problems.append(f"{page.url}: {m.text}") if m.type == "error" else None,
        )

    def unexpected(self) -> list[str]:
        """The errors that the journey did not mean to cause."""
        return [p for p in self.problems if self.expected is None or self.expected not in p]

    async def somebody_else(self, locale: str) -> BrowserContext:
        """Another user of this computer: with a profile of their own, without the microphone."""
        context = await self.browser.new_context(locale=locale)
        context.set_default_timeout(WAIT_MS)
        context.on("page", self._watch)
        return context

    async def open(self, url: str) -> Page:
        """A new tab at an address."""
        page = await self.context.new_page()
        await page.goto(url)
        return page


async def until(condition: Callable[[], Awaitable[Any]], what: str, *, seconds: float = 15.0) -> Any:
    """Ask again until the answer is true; gives it. For facts that a page has no locator for."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.1)


# The ring is made of tones that the page has played by the browser; the browser counts them.
_COUNT_TONES = """
window.__tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.__tones += 1;
  return start.apply(this, when);
};
"""


async def rings(where: Page | Frame) -> int:
    """How many tones of the ring the page has sounded since it was loaded."""
    return await where.evaluate("window.__tones")


_LISTEN = """
() => {
  const element = [...document.querySelectorAll('audio')].find((a) => a.srcObject);
  if (!element) return null;
  if (element.paused) return { paused: true };
  if (!window.__ear || window.__ear.stream !== element.srcObject) {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    new MediaStreamAudioSourceNode(context, { mediaStream: element.srcObject }).connect(analyser);
    window.__ear = { stream: element.srcObject, analyser, context };
  }
  const { analyser, context } = window.__ear;
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const hz = context.sampleRate / analyser.fftSize;
  return [...bins].map((db, i) => [i * hz, db]).filter(([f, db]) => f > 80 && f < 6000 && db > -75);
}
"""


async def loudest(where: Page | Frame) -> float | None:
    """The loudest frequency that plays on the page now, Hz; None in silence."""
    bins = await where.evaluate(_LISTEN)
    if not bins or isinstance(bins, dict):
        return None
    return max(bins, key=lambda bin_: bin_[1])[0]


async def hears(where: Page | Frame, hz: float, *, seconds: float = 15.0) -> None:
    """Wait until the tone `hz` is what plays on the page."""
    heard: list[float | None] = []

    async def now() -> bool:
        heard.append(await loudest(where))
        return heard[-1] is not None and abs(heard[-1] - hz) < 12

    try:
        await until(now, "tone", seconds=seconds)
    except AssertionError:
        raise AssertionError(f"{hz} Hz was not heard, but {heard[-8:]}") from None


async def hears_not(where: Page | Frame, hz: float, *, during: float = 1.5) -> None:
    """Wait until the tone is gone, and stays so for a while."""
    quiet_since = time.monotonic()
    deadline = time.monotonic() + 15
    while time.monotonic() - quiet_since < during:
        heard = await loudest(where)
        if heard is not None and abs(heard - hz) < 12:
            quiet_since = time.monotonic()
        if time.monotonic() > deadline:
            raise AssertionError(f"{hz} Hz did not stop")
        await asyncio.sleep(0.05)


_RECORD = """
() => {
  const element = [...document.querySelectorAll('audio')].find((a) => a.srcObject);
  const recorder = new MediaRecorder(element.srcObject, { mimeType: 'audio/webm;codecs=opus' });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  window.__record = { recorder, parts };
  recorder.start();
}
"""
_RECORDED = """
async () => {
  const { recorder, parts } = window.__record;
  await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop(); });
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
"""


@asynccontextmanager
async def recording(where: Page | Frame) -> AsyncIterator[list[bytes]]:
    """Record what plays on the page; at the end the list holds the recording (WebM with Opus)."""
    found: list[bytes] = []
    await where.evaluate(_RECORD)
    yield found
    found.append(base64.b64decode(await where.evaluate(_RECORDED)))

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MicrophoneRefused } from "../data/rtc.ts";
import { Audio, type AudioState } from "./audio.ts";

class FakePeer {
  connectionState: RTCPeerConnectionState = "new";
  iceGatheringState = "complete";
  localDescription = { sdp: "offer" };
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  attached: unknown[] = [];
  answer: unknown = null;
  closed = false;
  addTransceiver() {
    return { sender: { replaceTrack: (track: unknown) => Promise.resolve(void this.attached.push(track)) } };
  }
  createOffer() {
    return Promise.resolve({});
  }
  setLocalDescription() {
    return Promise.resolve();
  }
  setRemoteDescription(answer: unknown) {
    this.answer = answer;
    return Promise.resolve();
  }
  close() {
    this.closed = true;
  }
  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

class FakeTrack {
  readyState = "live";
  onended: (() => void) | null = null;
  stop() {
    this.readyState = "ended";
  }
}

function aShift(permission: PermissionState = "granted") {
  const peers: FakePeer[] = [];
  const tracks: FakeTrack[] = [];
  const states: AudioState[] = [];
  const world = {
    peers,
    tracks,
    states,
    microphone: null as MicrophoneRefused | null,
    exchange: (): Promise<string> => Promise.resolve("answer"),
  };
  const audio = new Audio({
    createPeer: () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    openMicrophone: () => {
      if (world.microphone) return Promise.reject(world.microphone);
      const track = new FakeTrack();
      tracks.push(track);
      return Promise.resolve(track as unknown as MediaStreamTrack);
    },
    permission: () => Promise.resolve(permission),
    exchange: () => world.exchange(),
    play: () => undefined,
    changed: (state) => states.push(state),
  });
  return { audio, ...world, world };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

async function upAndIdle() {
  const shift = aShift();
  void shift.audio.start();
  await settle();
  shift.peers[0]!.become("connected");
  return shift;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the start of the shift", () => {
  test("a microphone granted before connects without asking and without opening it", async () => {
    const { audio, peers, tracks } = await upAndIdle();
    expect(audio.state).toEqual({ kind: "up" });
    expect(peers[0]!.answer).toEqual({ type: "answer", sdp: "answer" });
    expect(tracks).toHaveLength(0);
  });

  test("the browser asks only after the explanation, and the microphone is closed again", async () => {
    const { audio, peers, tracks } = aShift("prompt");
    await audio.start();
    expect(audio.state).toEqual({ kind: "explain" });
    expect(peers).toHaveLength(0);
    await audio.ask();
    expect(tracks.map((track) => track.readyState)).toEqual(["ended"]);
    expect(audio.state.kind).toBe("connecting");
  });

  test("a refused microphone is named, and can be tried again", async () => {
    const { audio, world } = aShift("prompt");
    await audio.start();
    world.microphone = new MicrophoneRefused("denied");
    await audio.ask();
    expect(audio.state).toEqual({ kind: "refused", trouble: "denied" });
    world.microphone = null;
    await audio.ask();
    expect(audio.state.kind).toBe("connecting");
  });
});

describe("a call", () => {
  test("opens the microphone at ring and closes it at the end", async () => {
    const { audio, peers, tracks } = await upAndIdle();
    audio.want(true);
    await settle();
    expect(tracks).toHaveLength(1);
    expect(peers[0]!.attached).toEqual([tracks[0]]);
    audio.want(false);
    await settle();
    expect(peers[0]!.attached.at(-1)).toBeNull();
    expect(tracks[0]!.readyState).toBe("ended");
  });

  test("that is over before the microphone has opened leaves it closed", async () => {
    const { audio, tracks } = await upAndIdle();
    audio.want(true);
    audio.want(false);
    await settle();
    expect(tracks.every((track) => track.readyState === "ended")).toBe(true);
  });

  test("goes on with another device when the microphone is pulled out", async () => {
    const { audio, peers, tracks } = await upAndIdle();
    audio.want(true);
    await settle();
    tracks[0]!.readyState = "ended";
    tracks[0]!.onended?.();
    await settle();
    expect(tracks).toHaveLength(2);
    expect(peers[0]!.attached.at(-1)).toBe(tracks[1]);
  });
});

describe("a lost connection", () => {
  test("that failed is replaced at once, with the voice in it", async () => {
    const { audio, peers, tracks } = await upAndIdle();
    audio.want(true);
    await settle();
    peers[0]!.become("failed");
    await settle();
    expect(peers[0]!.closed).toBe(true);
    expect(peers).toHaveLength(2);
    expect(audio.state.kind).toBe("connecting");
    peers[1]!.become("connected");
    await settle();
    expect(audio.state).toEqual({ kind: "up" });
    expect(peers[1]!.attached.at(-1)).toBe(tracks[0]);
  });

  test("that comes back within two seconds is kept", async () => {
    const { audio, peers } = await upAndIdle();
    peers[0]!.become("disconnected");
    await vi.advanceTimersByTimeAsync(1_500);
    peers[0]!.become("connected");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(peers).toHaveLength(1);
    expect(audio.state).toEqual({ kind: "up" });
  });

  test("that stays away is replaced", async () => {
    const { peers } = await upAndIdle();
    peers[0]!.become("disconnected");
    await vi.advanceTimersByTimeAsync(2_100);
    expect(peers).toHaveLength(2);
  });

  test("is tried again with growing pauses while the server refuses", async () => {
    const { audio, peers, world } = aShift();
    world.exchange = () => Promise.reject(new Error("switch_unavailable"));
    void audio.start();
    await settle();
    await vi.advanceTimersByTimeAsync(100);
    expect(peers).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(600);
    expect(peers).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(600);
    expect(peers).toHaveLength(3);
    expect(peers.slice(0, 2).every((peer) => peer.closed)).toBe(true);
  });

  test("whose set-up never completes is given up after twelve seconds", async () => {
    const { audio, peers } = aShift();
    void audio.start();
    await vi.advanceTimersByTimeAsync(12_100);
    expect(peers).toHaveLength(2);
  });

  test("after the end of the shift is not rebuilt", async () => {
    const { audio, peers } = await upAndIdle();
    audio.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(peers).toHaveLength(1);
    expect(peers[0]!.closed).toBe(true);
    expect(audio.state).toEqual({ kind: "off" });
  });
});

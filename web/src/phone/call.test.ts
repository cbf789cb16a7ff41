import { describe, expect, test } from "vitest";
import type { PhoneMessage, PhoneLineHandlers, PhoneRequest } from "../data/phone.ts";
import { MicrophoneRefused } from "../data/rtc.ts";
import { PhoneCall } from "./call.ts";

const TO = { to: "+14155550100", queue: null, from: "+819012345678", claimed_name: null };

class FakeTrack {
  enabled = true;
  stopped = false;
  stop() {
    this.stopped = true;
  }
}

function aPhone() {
  const tracks: FakeTrack[] = [];
  const lines: { sent: PhoneRequest[]; closed: boolean }[] = [];
  const peers: {
    closed: boolean;
    answer: unknown;
    connectionState: string;
    onconnectionstatechange: null | (() => void);
  }[] = [];
  const world = { now: 0, refused: null as MicrophoneRefused | null };
  const rings: string[] = [];
  let handlers: PhoneLineHandlers | null = null;
  const call = new PhoneCall({
    openMicrophone: () => {
      if (world.refused) return Promise.reject(world.refused);
      const track = new FakeTrack();
      tracks.push(track);
      return Promise.resolve(track as unknown as MediaStreamTrack);
    },
    createPeer: () => {
      const peer = {
        closed: false,
        answer: null as unknown,
        connectionState: "new",
        onconnectionstatechange: null,
        iceGatheringState: "complete",
        localDescription: { sdp: "offer" },
        addTransceiver: () => undefined,
        createOffer: () => Promise.resolve({}),
        setLocalDescription: () => Promise.resolve(),
        setRemoteDescription: (answer: unknown) => Promise.resolve(void (peer.answer = answer)),
        close: () => (peer.closed = true),
      };
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    openLine: (given) => {
      const line = { sent: [] as PhoneRequest[], closed: false };
      lines.push(line);
      handlers = given;
      queueMicrotask(() => given.opened());
      return {
        send: (message) => {
          line.sent.push(message);
          return true;
        },
        close: () => (line.closed = true),
      };
    },
    play: () => undefined,
    ring: { start: () => rings.push("ring"), stop: () => rings.push("silence") },
    now: () => world.now,
  });
  return {
    call,
    tracks,
    lines,
    peers,
    world,
    rings,
    says: (message: PhoneMessage) => handlers?.received(message),
    breaks: () => handlers?.lost(),
    reopens: () => handlers?.opened(),
    stage: () => call.state.stage,
  };
}

const state = (
  now: Extract<PhoneMessage, { type: "state" }>["state"],
  cause: string | null = null,
  digits = "",
): PhoneMessage => ({ type: "state", call_id: "c", state: now, cause, digits });

const settle = () => new Promise((resolve) => setTimeout(resolve));

async function talking() {
  const phone = aPhone();
  await phone.call.call(TO);
  await settle();
  phone.says({ type: "accepted", call_id: "c", sdp: "answer", key: "k" });
  phone.says(state("waiting"));
  phone.world.now = 5_000;
  phone.says(state("talking"));
  return phone;
}

test("a call dials what was chosen, with a complete offer", async () => {
  const { call, lines } = aPhone();
  await call.call(TO);
  await settle();
  expect(lines.map((line) => line.sent)).toEqual([[{ type: "dial", ...TO, sdp: "offer" }]]);
});

test("waiting, talking and hold follow the server, and the talk's time goes on through a hold", async () => {
  const { says, stage, world, peers } = await talking();
  expect(peers[0]!.answer).toEqual({ type: "answer", sdp: "answer" });
  expect(stage()).toEqual({ kind: "talking", since: 5_000 });
  world.now = 9_000;
  says(state("held"));
  expect(stage()).toEqual({ kind: "held", since: 5_000 });
});

test("an ended call says why, closes the microphone and can be repeated", async () => {
  const { call, says, stage, world, tracks, peers, lines } = await talking();
  world.now = 65_000;
  says(state("ended", "agent_hung_up"));
  expect(stage()).toEqual({ kind: "ended", cause: "agent_hung_up", talkedMs: 60_000 });
  expect(tracks[0]!.stopped).toBe(true);
  expect(peers[0]!.closed).toBe(true);
  await call.call(TO);
  expect(lines).toHaveLength(2);
  expect(stage().kind).toBe("calling");
});

test("hanging up tells the server and does not wait for it", async () => {
  const { call, lines, stage, says } = await talking();
  call.hangUp();
  expect(lines[0]?.sent.at(-1)).toEqual({ type: "hang_up" });
  expect(lines[0]?.closed).toBe(true);
  expect(stage()).toMatchObject({ kind: "ended", cause: "caller_hung_up" });
  says(state("talking"));
  expect(stage().kind).toBe("ended");
});

test("hanging up while the browser still asks for the microphone leaves nothing open", async () => {
  const { call, tracks, lines, stage } = aPhone();
  const calling = call.call(TO);
  call.hangUp();
  await calling;
  expect(tracks[0]!.stopped).toBe(true);
  expect(lines).toEqual([]);
  expect(stage().kind).toBe("ended");
});

test("a refusal and a refused microphone keep their reasons", async () => {
  const phone = aPhone();
  await phone.call.call(TO);
  phone.says({ type: "refused", code: "number_invalid", params: {} });
  expect(phone.stage()).toEqual({ kind: "refused", code: "number_invalid", params: {} });
  phone.world.refused = new MicrophoneRefused("denied");
  await phone.call.call(TO);
  expect(phone.stage()).toEqual({ kind: "microphone_refused", trouble: "denied" });
});

test("a call goes on while the line is down, and is taken up over the next one", async () => {
  const { call, lines, stage, says, breaks, reopens } = await talking();
  breaks();
  expect(call.state.lineLost).toBe(true);
  expect(stage()).toEqual({ kind: "talking", since: 5_000 });
  call.press("7");
  reopens();
  expect(lines[0]?.sent.at(-1)).toEqual({ type: "resume", call_id: "c", key: "k" });
  says(state("held"));
  expect(call.state.lineLost).toBe(false);
  expect(stage()).toEqual({ kind: "held", since: 5_000 });
  expect(lines[0]?.sent.at(-1)).toEqual({ type: "digits", digits: "7" });
});

test("a call that ended while the line was down says why, and one that nobody knows is over", async () => {
  const known = await talking();
  known.breaks();
  known.reopens();
  known.says(state("ended", "agent_hung_up"));
  expect(known.stage()).toMatchObject({ kind: "ended", cause: "agent_hung_up" });
  expect(known.call.state.lineLost).toBe(false);
  const unknown = await talking();
  unknown.breaks();
  unknown.reopens();
  unknown.says({ type: "refused", code: "call_gone", params: {} });
  expect(unknown.stage()).toMatchObject({ kind: "ended", cause: "over" });
});

test("a line that breaks before the call was accepted, or a lost transport, ends the call", async () => {
  const line = aPhone();
  await line.call.call(TO);
  await settle();
  line.breaks();
  expect(line.stage()).toMatchObject({ kind: "ended", cause: "connection_lost" });
  const transport = await talking();
  transport.peers[0]!.connectionState = "failed";
  transport.peers[0]!.onconnectionstatechange?.();
  expect(transport.stage()).toMatchObject({ kind: "ended", cause: "connection_lost" });
  expect(transport.lines[0]?.sent.at(-1)).toEqual({ type: "hang_up" });
});

test("mute silences the own microphone only", async () => {
  const { call, tracks } = await talking();
  call.mute(true);
  expect(tracks[0]!.enabled).toBe(false);
  expect(call.state.muted).toBe(true);
  call.mute(false);
  expect(tracks[0]!.enabled).toBe(true);
});

test("keys go out together and what the agent pressed is shown", async () => {
  const { call, lines, says } = await talking();
  for (const key of "12#") call.press(key);
  await expect.poll(() => lines[0]?.sent.at(-1)).toEqual({ type: "digits", digits: "12#" });
  says(state("talking", null, "5"));
  expect(call.state.digits).toBe("5");
});

describe("a telephone that is called", () => {
  const RINGS: PhoneMessage = { type: "ringing", call_id: "c", from: "+1 415-555-0100" };

  async function listening() {
    const phone = aPhone();
    phone.call.listen("(415) 555-0123");
    await settle();
    phone.says({ type: "listening", number: "+14155550123", display: "+1 415-555-0123" });
    return phone;
  }

  async function ringing() {
    const phone = await listening();
    phone.says(RINGS);
    return phone;
  }

  test("says at which number, again after its line broke", async () => {
    const { call, lines, breaks, reopens } = await listening();
    const listen = { type: "listen", number: "(415) 555-0123" };
    expect(lines[0]?.sent).toEqual([listen]);
    expect(call.state.listening).toMatchObject({ kind: "on", display: "+1 415-555-0123" });
    breaks();
    expect(call.state.listening.kind).toBe("asked");
    reopens();
    expect(lines[0]?.sent).toEqual([listen, listen]);
    call.listen(null);
    expect(lines[0]?.sent.at(-1)).toEqual({ type: "listen", number: null });
    expect(lines[0]?.closed).toBe(true);
  });

  test("rings, is answered, talks and is free again on the same line", async () => {
    const { call, stage, rings, says, lines, peers } = await ringing();
    expect(stage()).toEqual({ kind: "ringing", from: "+1 415-555-0100" });
    expect(rings).toEqual(["ring"]);
    await call.answer();
    expect(rings.at(-1)).toBe("silence");
    expect(lines[0]?.sent.at(-1)).toEqual({ type: "answer", call_id: "c", sdp: "offer" });
    says({ type: "accepted", call_id: "c", sdp: "answer", key: "k" });
    expect(peers[0]?.answer).toEqual({ type: "answer", sdp: "answer" });
    says(state("talking"));
    expect(stage().kind).toBe("talking");
    call.hangUp();
    expect(lines[0]?.sent.at(-1)).toEqual({ type: "hang_up" });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.closed).toBe(false);
  });

  test("declines", async () => {
    const { call, stage, lines, rings } = await ringing();
    call.decline();
    expect(lines[0]?.sent.at(-1)).toEqual({ type: "decline", call_id: "c" });
    expect(rings.at(-1)).toBe("silence");
    expect(stage().kind).toBe("idle");
  });

  test("declines by itself when it may not use the microphone", async () => {
    const { call, stage, lines, world } = await ringing();
    world.refused = new MicrophoneRefused("denied");
    await call.answer();
    expect(lines[0]?.sent.at(-1)).toEqual({ type: "decline", call_id: "c" });
    expect(stage().kind).toBe("microphone_refused");
  });

  test("has missed the call when the caller gives up, or another telephone was faster", async () => {
    const missed = await ringing();
    missed.says(state("ended", "agent_hung_up"));
    expect(missed.stage()).toMatchObject({ kind: "ended", cause: "missed" });
    const slower = await ringing();
    slower.says(state("talking"));
    expect(slower.stage().kind).toBe("idle");
  });

  test("hears that its number is none", async () => {
    const { call, says, stage } = aPhone();
    call.listen("12");
    await settle();
    says({ type: "refused", code: "number_invalid", params: {} });
    expect(call.state.listening.kind).toBe("off");
    expect(stage()).toMatchObject({ kind: "refused", code: "number_invalid" });
  });

  test("hears nothing of calls that are not its own", async () => {
    const { stage, says } = await listening();
    says(state("talking"));
    expect(stage().kind).toBe("idle");
  });
});

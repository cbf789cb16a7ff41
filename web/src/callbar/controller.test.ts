import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CallbarLineHandlers, CommandRefused } from "../data/callbar_socket.ts";
import type { CallbarSession } from "../data/callbar_session.ts";
import { Problem } from "../data/http.ts";
import { type ClickedNumber, type Host, HostRefused, type Pop, type ViewedRecord } from "../hosts/host.ts";
import type { Event, RecentCall, Snapshot } from "../protocol/callbar.ts";
import { aMatch, anEngagement, anEvent, aSnapshot } from "./builders.ts";
import type { AudioState } from "./audio.ts";
import { Callbar } from "./controller.ts";

const SESSION: CallbarSession = { token: "bearer", expires_at: "2026-11-22T20:00:00Z", language: "ja" };

interface Sent {
  name: string;
  params: Record<string, unknown>;
}

function aCallbar(
  options: { session?: CallbarSession | null; resume?: () => Promise<CallbarSession | null> } = {},
) {
  const log: string[] = [];
  const sent: Sent[] = [];
  const pops: Pop[] = [];
  const refusals = new Map<string, CommandRefused>();
  let handlers: CallbarLineHandlers | null = null;
  let listener: ((record: ViewedRecord) => void) | null = null;
  let clicked: ((number: ClickedNumber) => void) | null = null;
  let audioChanged: (state: AudioState) => void = () => undefined;
  const world = {
    popFails: false,
    layout: Promise.resolve<Record<string, unknown>>({ Inbound: { screenPopSettings: {} } }),
    hostFails: false,
    windowCode: Promise.resolve<string | null>("code"),
    collected: null as CallbarSession | Problem | null,
    renewal: SESSION as CallbarSession | Problem,
    audioUp: true,
    recent: [] as RecentCall[],
  };
  const host: Host = {
    ready: () => (world.hostFails ? Promise.reject(new HostRefused("gone")) : Promise.resolve()),
    softphoneLayout: () => world.layout,
    pop: (pop) => {
      if (world.popFails) return Promise.reject(new HostRefused("no"));
      pops.push(pop);
      return Promise.resolve();
    },
    show: () => Promise.resolve(void log.push("show")),
    look: () => Promise.resolve(),
    refresh: () => Promise.resolve(void log.push("refresh")),
    onRecord: (heard) => (listener = heard),
    dialingPrefixes: () => Promise.resolve({ outside: "9", long_distance: "1", international: "01" }),
    clickToDial: (enabled) => Promise.resolve(void log.push(enabled ? "clickable" : "not clickable")),
    onNumber: (heard) => (clicked = heard),
    onMessage: () => Promise.resolve(),
    publish: () => Promise.resolve(),
  };
  const callbar = new Callbar({
    config: { connection_id: "c1", host_origin: "https://acme.lightning.example" },
    host,
    line: (given) => {
      handlers = given;
      return {
        start: (hello) => log.push(hello ? `line ${hello.token} ${hello.seat}` : "line warm"),
        stop: () => log.push("line stopped"),
        hurry: () => log.push("hurry"),
        requestSnapshot: () => log.push("snapshot requested"),
        forgetCommands: () => undefined,
        command: (name, params = {}) => {
          sent.push({ name, params });
          const refusal = refusals.get(name);
          if (refusal) return Promise.reject(refusal);
          return Promise.resolve(name === "calls.recent" ? { calls: world.recent } : null);
        },
      };
    },
    audio: ({ changed }) => ({
      start: () => {
        log.push("audio started");
        audioChanged = changed;
        if (world.audioUp) changed({ kind: "up" });
        return Promise.resolve();
      },
      ask: () => Promise.resolve(),
      want: (wanted) => log.push(wanted ? "microphone on" : "microphone off"),
      stop: () => log.push("audio stopped"),
    }),
    ring: () => ({
      wake: () => undefined,
      start: () => log.push("ring"),
      stop: () => log.push("silence"),
    }),
    sessions: {
      resume:
        options.resume ?? (() => Promise.resolve(options.session === undefined ? SESSION : options.session)),
      open: (connection, code, secret) => {
        log.push(`exchange ${connection} ${code} ${secret}`);
        return Promise.resolve(SESSION);
      },
      collect: () =>
        world.collected instanceof Problem
          ? Promise.reject(world.collected)
          : Promise.resolve(world.collected),
      renew: (token) => {
        log.push(`renew ${token}`);
        return world.renewal instanceof Problem
          ? Promise.reject(world.renewal)
          : Promise.resolve(world.renewal);
      },
      close: (token) => Promise.resolve(void log.push(`close ${token}`)),
    },
    seat: () => Promise.resolve("seat"),
    challenge: () => Promise.resolve({ secret: "secret", challenge: "challenge", digits: "42" }),
    openWindow: (address) => {
      log.push(`window ${address}`);
      return { code: world.windowCode, focus: () => undefined, cancel: () => undefined };
    },
    language: "en",
    now: () => Date.now(),
  });
  const fact = (message: Snapshot | Event) => handlers?.fact(message);
  return {
    callbar,
    log,
    sent,
    pops,
    world,
    refusals,
    snapshot: (part: Partial<Snapshot> = {}) => fact(aSnapshot(part)),
    event: (part: Partial<Event> = {}) => fact(anEvent(part)),
    ended: () => handlers?.ended(),
    lost: () => handlers?.lost(),
    recordsChanged: () => handlers?.records(),
    crm: (connected: boolean) => handlers?.crm(connected),
    clicks: (number: string, record: ClickedNumber["record"] = null) => clicked?.({ number, record }),
    audio: (state: AudioState) => audioChanged(state),
    sees: (recordId: string, objectType = "Contact") => listener?.({ objectType, recordId }),
    names: () => sent.map((each) => each.name),
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

async function atWork() {
  const made = aCallbar();
  void made.callbar.start();
  await settle();
  made.snapshot();
  await settle();
  made.log.length = 0;
  made.sent.length = 0;
  return made;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the start", () => {
  test("warms the line while the session is being resumed, and audio waits for the owner", async () => {
    const { callbar, log, snapshot } = aCallbar();
    void callbar.start();
    expect(log).toEqual(["line warm"]);
    await settle();
    expect(log).toContain("line bearer seat");
    expect(log).not.toContain("audio started");
    snapshot();
    expect(log).toContain("audio started");
    expect(callbar.state.language).toBe("ja");
  });

  test("reports the layout once per connection", async () => {
    const { names, snapshot, lost, callbar } = aCallbar();
    void callbar.start();
    await settle();
    snapshot();
    snapshot({ sequence: 8 });
    expect(names()).toEqual(["layout.report"]);
    lost();
    expect(callbar.state.model.link).toBe("lost");
    snapshot({ sequence: 9 });
    expect(names()).toEqual(["layout.report", "layout.report"]);
  });

  test("works without a page that answers, and says so", async () => {
    const { callbar, world, snapshot } = aCallbar();
    world.hostFails = true;
    void callbar.start();
    await settle();
    snapshot();
    expect(callbar.state.hostLost).toBe(true);
    expect(callbar.state.model.link).toBe("open");
  });
});

describe("sign-in", () => {
  test("opens the window with the challenge and exchanges the code with the secret", async () => {
    const { callbar, log } = aCallbar({ session: null });
    void callbar.start();
    await settle();
    expect(callbar.state.model.link).toBe("sign_in");
    expect(callbar.state.signIn).toEqual({ kind: "idle" });
    callbar.signIn();
    const { signIn } = callbar.state;
    expect(signIn).toEqual({ kind: "waiting", digits: "42", window: "open" });
    await settle();
    expect(log.find((line) => line.startsWith("window"))).toContain(
      "challenge=challenge&connection=c1&origin=https",
    );
    expect(log).toContain("exchange c1 code secret");
    expect(log.at(-1)).toBe("line bearer seat");
  });

  test("is offered again when the window is closed without a code", async () => {
    const { callbar, world } = aCallbar({ session: null });
    world.windowCode = Promise.resolve(null);
    void callbar.start();
    await settle();
    callbar.signIn();
    await settle();
    expect(callbar.state.signIn).toEqual({ kind: "waiting", digits: "42", window: "gone" });
  });

  test("that cannot be asked for says why", async () => {
    const { callbar } = aCallbar({
      resume: () => Promise.reject(new Problem("connection_unknown", 404, {}, "r1")),
    });
    void callbar.start();
    await settle();
    const { signIn } = callbar.state;
    expect(signIn).toEqual({ kind: "failed", problem: { code: "connection_unknown", requestId: "r1" } });
  });

  test("refused by the line is resumed once from the cookie, then asked for", async () => {
    const { callbar, ended, log } = await atWork();
    ended();
    await settle();
    expect(log).toContain("line bearer seat");
    ended();
    await settle();
    expect(callbar.state.model.link).toBe("sign_in");
    expect(log).toContain("audio stopped");
  });

  test("sign-out saves the notes before the session is closed", async () => {
    const { callbar, snapshot, names, log } = await atWork();
    snapshot({ engagements: [anEngagement({ state: "connected", popped: true })] });
    callbar.write("e1", { notes: "half a" });
    await callbar.signOut();
    expect(names()).toEqual(["engagement.note"]);
    expect(log).toContain("close bearer");
  });
});

describe("a mirror of the callbar that has the audio", () => {
  test("rings, pops, opens the microphone and speaks of records for none", async () => {
    const { event, snapshot, sees, log, pops, sent } = await atWork();
    snapshot({ sequence: 8, owner: false });
    expect(log).toContain("audio stopped");
    log.length = 0;
    event({ sequence: 9, engagement: anEngagement() });
    sees("003000000000002AAA");
    await settle();
    expect(log.filter((line) => ["ring", "show", "microphone on"].includes(line))).toEqual([]);
    expect(pops).toEqual([]);
    expect(sent).toEqual([]);
  });

  test("takes the audio when asked to, and then rings and pops", async () => {
    const { callbar, snapshot, log, names, pops } = await atWork();
    snapshot({ sequence: 8, owner: false, engagements: [anEngagement()] });
    callbar.useHere();
    expect(names()).toEqual(["seat.take"]);
    snapshot({ sequence: 8, engagements: [anEngagement()] });
    await settle();
    expect(log).toContain("audio started");
    expect(log).toContain("ring");
    expect(pops).toHaveLength(1);
  });

  test("to which the call comes is brought into view", async () => {
    const { snapshot, log } = await atWork();
    const engagements = [anEngagement({ state: "connected", popped: true })];
    snapshot({ sequence: 8, owner: false, engagements });
    expect(log).not.toContain("show");
    snapshot({ sequence: 8, engagements });
    snapshot({ sequence: 9, engagements });
    expect(log.filter((line) => line === "show")).toHaveLength(1);
  });
});

describe("a ringing engagement", () => {
  test("rings, shows the callbar, opens the microphone and the record, once", async () => {
    const { event, log, pops, sent } = await atWork();
    event({ engagement: anEngagement() });
    await settle();
    event({ sequence: 9, name: "engagement.matched", engagement: anEngagement() });
    await settle();
    expect(log).toContain("ring");
    expect(log).toContain("microphone on");
    expect(log.filter((line) => line === "show")).toHaveLength(1);
    expect(pops).toHaveLength(1);
    expect(sent).toEqual([{ name: "engagement.popped", params: { engagement_id: "e1" } }]);
  });

  test("or a call that is on after a reload brings the callbar into view", async () => {
    const { snapshot, log } = await atWork();
    snapshot({ engagements: [anEngagement({ state: "connected", popped: true })] });
    expect(log).toContain("show");
  });

  test("that another callbar has opened already is not opened again", async () => {
    const { event, pops } = await atWork();
    event({ engagement: anEngagement({ popped: true }) });
    await settle();
    expect(pops).toEqual([]);
  });

  test("whose record the host would not open can be opened from the card", async () => {
    const { callbar, event, pops, names, world } = await atWork();
    world.popFails = true;
    event({ engagement: anEngagement() });
    await settle();
    expect(callbar.state.model.pop_failed).toEqual({ e1: true });
    expect(names()).toEqual([]);
    world.popFails = false;
    callbar.openRecord("e1", { id: "003000000000001AAA", object_type: "Contact" });
    expect(pops).toHaveLength(1);
  });

  test("whose record the agent opened before the layout was known is left at that record", async () => {
    const { callbar, event, snapshot, pops, sent, world } = aCallbar();
    world.layout = new Promise((resolve) => setTimeout(() => resolve({ Inbound: {} }), 500));
    await callbar.start();
    snapshot();
    event({ engagement: anEngagement() });
    callbar.openRecord("e1", { id: "003000000000002AAA", object_type: "Contact" });
    await vi.advanceTimersByTimeAsync(500);
    expect(pops).toEqual([expect.objectContaining({ recordId: "003000000000002AAA" })]);
    expect(sent).toContainEqual({ name: "engagement.popped", params: { engagement_id: "e1" } });
  });

  test("is silent again when it has gone, and its notice leaves by itself", async () => {
    const { callbar, event, log } = await atWork();
    event({ engagement: anEngagement({ popped: true }) });
    event({ sequence: 9, name: "engagement.abandoned", gone: { id: "e1", why: "abandoned" } });
    expect(log.slice(-2)).toEqual(["silence", "microphone off"]);
    expect(callbar.state.model.notices).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(callbar.state.model.notices).toEqual([]);
  });

  test("answered too late explains the refusal", async () => {
    const { callbar, event, refusals } = await atWork();
    refusals.set("engagement.answer", new CommandRefused("caller_gone", {}));
    event({ engagement: anEngagement({ popped: true }) });
    callbar.act("engagement.answer", "e1");
    await settle();
    expect(callbar.state.model.refusal?.code).toBe("caller_gone");
  });
});

describe("records the agent goes to", () => {
  test("are told while an engagement is on, once each", async () => {
    const { sees, event, sent } = await atWork();
    sees("003000000000002AAA");
    expect(sent).toEqual([]);
    event({ engagement: anEngagement({ popped: true, match: aMatch({ status: "none", records: [] }) }) });
    sees("003000000000002AAA");
    sees("003000000000002AAA");
    sees("00Q000000000002AAA", "Lead");
    expect(sent.map((each) => each.params)).toEqual([
      { object_type: "Contact", record_id: "003000000000002AAA" },
      { object_type: "Lead", record_id: "00Q000000000002AAA" },
    ]);
  });

  test("that the protocol would refuse are not told", async () => {
    const { sees, event, sent } = await atWork();
    event({ engagement: anEngagement({ popped: true }) });
    for (const [id, type] of [
      ["003", "Contact"],
      ["003000000000002AAA", "Con tact"],
      ["003000000000002AAA", ""],
    ] as const)
      sees(id, type);
    expect(sent).toEqual([]);
  });
});

describe("notes", () => {
  const talking = { engagements: [anEngagement({ state: "connected", popped: true })] };

  test("are saved when the agent pauses, once", async () => {
    const { callbar, snapshot, sent } = await atWork();
    snapshot(talking);
    callbar.write("e1", { notes: "O" });
    await vi.advanceTimersByTimeAsync(400);
    callbar.write("e1", { notes: "Or" });
    callbar.write("e1", { disposition_id: "d1" });
    await vi.advanceTimersByTimeAsync(599);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([
      { name: "engagement.note", params: { engagement_id: "e1", notes: "Or", disposition_id: "d1" } },
    ]);
  });

  test("of somebody who never pauses are saved every two seconds", async () => {
    const { callbar, snapshot, sent } = await atWork();
    snapshot(talking);
    for (let tick = 0; tick < 50; tick++) {
      callbar.write("e1", { notes: "x".repeat(tick) });
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect(sent.length).toBeLessThanOrEqual(3);
  });

  test("go out before the engagement is closed", async () => {
    const { callbar, snapshot, names } = await atWork();
    snapshot({ engagements: [anEngagement({ state: "wrap_up", popped: true })] });
    callbar.write("e1", { notes: "last words" });
    callbar.act("engagement.close", "e1");
    expect(names()).toEqual(["engagement.note", "engagement.close"]);
  });

  test("a cleared disposition is sent as empty", async () => {
    const { callbar, snapshot, sent } = await atWork();
    snapshot({ engagements: [anEngagement({ state: "wrap_up", disposition_id: "d1", popped: true })] });
    callbar.write("e1", { disposition_id: null });
    callbar.leaving();
    expect(sent[0]?.params).toMatchObject({ disposition_id: "" });
  });
});

test("a gap asks for a snapshot, once", async () => {
  const { event, log } = await atWork();
  event({ sequence: 12 });
  event({ sequence: 13 });
  expect(log.filter((line) => line === "snapshot requested")).toHaveLength(1);
});

describe("the page around the callbar is refreshed", () => {
  const related = { id: "003", object_type: "Contact", name: "Hanako", owner: null };
  const wrapUp = anEngagement({ state: "wrap_up", popped: true });
  test.each([
    ["the call log arrives", { name: "call_log.delivered" }],
    ["the engagement is closed", { gone: { id: "e1", why: "closed" as const } }],
    ["a record was related", { engagement: { ...wrapUp, related } }],
  ])("when %s", async (_, part) => {
    const { event, snapshot, log } = await atWork();
    snapshot({ engagements: [wrapUp] });
    event(part);
    expect(log.filter((line) => line === "refresh")).toHaveLength(1);
  });

  test("when a snapshot comes in the place of the event", async () => {
    const { snapshot, log } = await atWork();
    snapshot({ engagements: [wrapUp] });
    snapshot({ sequence: 9 });
    expect(log.filter((line) => line === "refresh")).toHaveLength(1);
  });
});

describe("a window that cannot hand a code over", () => {
  async function waiting() {
    const made = aCallbar({ session: null });
    made.world.windowCode = Promise.resolve(null);
    void made.callbar.start();
    await settle();
    made.callbar.signIn();
    await settle();
    return made;
  }

  test("is waited for: the session comes once somebody has typed the digits there", async () => {
    const { log, world } = await waiting();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(log).not.toContain("line bearer seat");
    world.collected = SESSION;
    await vi.advanceTimersByTimeAsync(1_500);
    expect(log).toContain("line bearer seat");
  });

  test("with wrong digits means to begin anew", async () => {
    const { callbar, world } = await waiting();
    world.collected = new Problem("code_invalid", 403);
    await vi.advanceTimersByTimeAsync(1_500);
    const problem = { code: "digits_wrong", requestId: null };
    expect(callbar.state.signIn).toEqual({ kind: "failed", problem });
    expect(callbar.state.model.link).toBe("sign_in");
  });

  test("is not waited for without end, and what is shown then says so", async () => {
    const { callbar, log, world } = await waiting();
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 2_000);
    const problem = { code: "code_invalid", requestId: null };
    expect(callbar.state.signIn).toEqual({ kind: "failed", problem });
    world.collected = SESSION;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(log).not.toContain("line bearer seat");
  });
});

describe("calling somebody", () => {
  const RECORD = { id: "003000000000001AAA", object_type: "Contact", name: "Olivia Martin" };

  test("sends the number as typed, with the prefixes of the call center", async () => {
    const { callbar, sent } = await atWork();
    await callbar.dial("9 415 555 0123");
    const prefixes = { outside: "9", long_distance: "1", international: "01" };
    expect(sent).toEqual([
      { name: "engagement.dial", params: { number: "9 415 555 0123", prefixes, record: null } },
    ]);
  });

  test("by a click into a phone field relates the record and shows the callbar", async () => {
    const { clicks, sent, log } = await atWork();
    clicks("(415) 555-0123", RECORD);
    await settle();
    expect(log).toContain("show");
    expect(sent[0]?.params).toMatchObject({ number: "(415) 555-0123", record: RECORD });
  });

  test("is refused here while an engagement is on", async () => {
    const { callbar, clicks, event, sent } = await atWork();
    event({ engagement: anEngagement({ state: "connected", popped: true }) });
    clicks("(415) 555-0123", RECORD);
    await settle();
    expect(callbar.state.model.refusal).toMatchObject({ code: "agent_busy" });
    expect(sent.map((each) => each.name)).not.toContain("engagement.dial");
  });

  test("waits for the audio, and takes the phone over from another window first", async () => {
    const made = aCallbar();
    made.world.audioUp = false;
    void made.callbar.start();
    await settle();
    made.snapshot({ owner: false });
    made.clicks("(415) 555-0123", RECORD);
    await settle();
    expect(made.names()).toEqual(["seat.take"]);
    made.snapshot({ sequence: 8, owner: true });
    await settle();
    expect(made.names()).not.toContain("engagement.dial");
    made.audio({ kind: "up" });
    await settle();
    expect(made.names()).toContain("engagement.dial");
  });

  test("is tried again while the server has not heard of our audio yet", async () => {
    const { callbar, refusals, names } = await atWork();
    refusals.set("engagement.dial", new CommandRefused("audio_not_connected", {}));
    const dialled = callbar.dial("4155550123");
    await vi.advanceTimersByTimeAsync(400);
    refusals.clear();
    await vi.advanceTimersByTimeAsync(400);
    await dialled;
    expect(names().filter((name) => name === "engagement.dial")).toHaveLength(3);
    expect(callbar.state.model.refusal).toBeNull();
  });

  test("go on while the CRM does not take the connection, which is said until it does or the line begins anew", async () => {
    const { callbar, crm, lost } = await atWork();
    crm(false);
    expect(callbar.state.crmLost).toBe(true);
    crm(true);
    expect(callbar.state.crmLost).toBe(false);
    crm(false);
    lost();
    expect(callbar.state.crmLost).toBe(false);
  });

  test("of before are read while somebody looks, and again when the CRM tells something new", async () => {
    const { callbar, world, names, recordsChanged, lost, snapshot } = await atWork();
    const party = { direction: "inbound" as const, e164: "+14155550123", display: "(415) 555-0123" };
    const named = (name: string) => [
      { ...party, record: { id: "003", object_type: "Contact", name, owner: "Emma" } },
    ];
    const reads = () => names().filter((name) => name === "calls.recent").length;
    recordsChanged();
    expect(reads()).toBe(0);
    world.recent = named("Before");
    const end = callbar.watchRecent();
    await vi.advanceTimersByTimeAsync(0);
    expect(callbar.state.recent).toEqual(named("Before"));
    world.recent = named("After");
    recordsChanged();
    await vi.advanceTimersByTimeAsync(0);
    expect(callbar.state.recent).toEqual(named("After"));
    world.recent = named("While away");
    lost();
    snapshot({ sequence: 9 });
    await vi.advanceTimersByTimeAsync(0);
    expect(callbar.state.recent).toEqual(named("While away"));
    end();
    recordsChanged();
    expect(reads()).toBe(3);
    await callbar.signOut();
    expect(callbar.state.recent).toEqual([]);
  });

  test("by clicking is possible exactly while the line is up", async () => {
    const { log, lost, snapshot } = await atWork();
    lost();
    expect(log).toContain("not clickable");
    log.length = 0;
    snapshot({ sequence: 9 });
    expect(log).toContain("clickable");
  });
});

test("keys pressed in quick succession travel together, in order", async () => {
  const { callbar, sent } = await atWork();
  for (const key of "1234#") callbar.press("e1", key);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(150);
  callbar.press("e1", "0");
  await vi.advanceTimersByTimeAsync(150);
  expect(sent.map((each) => each.params["digits"])).toEqual(["1234#", "0"]);
});

describe("the session", () => {
  test("is renewed at half of its life, and tried again when that fails", async () => {
    vi.setSystemTime("2026-11-22T10:00:20Z");
    const { log, world } = await atWork();
    world.renewal = new Problem("unreachable", 0);
    await vi.advanceTimersByTimeAsync(5 * 3_600_000);
    expect(log).toContain("renew bearer");
    log.length = 0;
    world.renewal = { ...SESSION, expires_at: "2026-11-23T05:00:00Z" };
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log).toEqual(["renew bearer"]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(log).toHaveLength(1);
  });

  test("of which little is left is renewed before it is over", async () => {
    vi.setSystemTime("2026-11-22T19:59:40Z");
    const { log } = await atWork();
    await vi.advanceTimersByTimeAsync(11_000);
    expect(log).toContain("renew bearer");
  });

  test("that ends in a call leaves the audio alone and asks to sign in beside it", async () => {
    const { callbar, log, event, ended, snapshot } = await atWork();
    const engagement = anEngagement({ state: "connected", popped: true });
    event({ engagement });
    ended();
    await settle();
    ended();
    await settle();
    expect(callbar.state.model.link).toBe("sign_in_again");
    expect(callbar.state.model.snapshot?.engagements).toHaveLength(1);
    expect(log).not.toContain("audio stopped");
    callbar.signIn();
    await settle();
    expect(log).toContain("exchange c1 code secret");
    snapshot({ sequence: 9, engagements: [engagement] });
    expect(callbar.state.model.link).toBe("open");
    expect(log).not.toContain("audio stopped");
  });

  test("of somebody else beside a call does not get the call's audio", async () => {
    const { log, event, ended, snapshot, callbar } = await atWork();
    event({ engagement: anEngagement({ state: "connected", popped: true }) });
    ended();
    await settle();
    ended();
    await settle();
    callbar.signIn();
    await settle();
    snapshot({ agent: { ...aSnapshot().agent, id: "a2" } });
    expect(log).toContain("audio stopped");
  });

  test("that ends while idle leads to the sign-in page", async () => {
    const { callbar, log, ended } = await atWork();
    ended();
    await settle();
    ended();
    await settle();
    expect(callbar.state.model.link).toBe("sign_in");
    expect(log).toContain("audio stopped");
  });
});

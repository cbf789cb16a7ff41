import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { Event, Snapshot } from "../protocol/callbar.ts";
import { anEngagement, anEvent, aSnapshot } from "./builders.ts";
import {
  applyEvent,
  callerOf,
  draftOf,
  EMPTY,
  type Fact,
  foremost,
  isRinging,
  type Model,
  needsMicrophone,
  reduce,
  unpopped,
} from "./model.ts";

const after = (...facts: Fact[]): Model => facts.reduce(reduce, EMPTY);
const snapshotFact = (part: Partial<Snapshot> = {}): Fact => ({
  kind: "snapshot",
  snapshot: aSnapshot(part),
  at: 0,
});
const eventFact = (part: Partial<Event> = {}): Fact => ({ kind: "event", event: anEvent(part), at: 0 });

const shared = resolve(import.meta.dirname, "../../../contract/callbar_cases.json");

describe("a snapshot and the events after it", () => {
  const cases = existsSync(shared)
    ? (JSON.parse(readFileSync(shared, "utf8")) as {
        name: string;
        snapshot: Snapshot;
        events: Event[];
        expect: Snapshot;
      }[])
    : [];
  const timeless = ({ time: _, ...rest }: Snapshot) => rest;
  test.each(cases.map((each) => [each.name, each] as const))("equal the later snapshot: %s", (_, each) => {
    let snapshot = each.snapshot;
    for (const event of each.events) {
      const next = applyEvent(snapshot, event);
      if (next === null) throw new Error(`gap before ${event.sequence}`);
      snapshot = next;
    }
    expect(timeless(snapshot)).toEqual(timeless(each.expect));
  });

  test("an engagement that is new comes last, one that is known is replaced in its place", () => {
    const first = anEngagement({ id: "e1", state: "wrap_up" });
    const second = anEngagement({ id: "e2" });
    const before = aSnapshot({ engagements: [first] });
    const offered = applyEvent(before, anEvent({ engagement: second }))!;
    expect(offered.engagements.map((each) => each.id)).toEqual(["e1", "e2"]);
    const changed = applyEvent(offered, anEvent({ sequence: 9, engagement: { ...first, notes: "x" } }))!;
    expect(changed.engagements.map((each) => each.id)).toEqual(["e1", "e2"]);
    expect(changed.engagements[0]?.notes).toBe("x");
  });

  test("parts that an event does not carry stay as they were", () => {
    const before = aSnapshot({ engagements: [anEngagement()] });
    const next = applyEvent(before, anEvent({ name: "call_log.delivered" }))!;
    expect(next.agent).toBe(before.agent);
    expect(next.engagements).toBe(before.engagements);
    expect(next.sequence).toBe(8);
  });

  test("an event that came before is not applied again", () => {
    const before = aSnapshot({ sequence: 8 });
    expect(applyEvent(before, anEvent({ sequence: 8, engagement: anEngagement() }))).toBe(before);
  });

  test("a missing event is a gap, which a new snapshot fills", () => {
    const model = after(snapshotFact(), eventFact({ sequence: 9, engagement: anEngagement() }));
    expect(model.gap).toBe(true);
    expect(model.snapshot?.engagements).toEqual([]);
    const filled = reduce(model, snapshotFact({ sequence: 9, engagements: [anEngagement()] }));
    expect(filled.gap).toBe(false);
    expect(filled.snapshot?.engagements).toHaveLength(1);
  });
});

describe("notices", () => {
  const ringing = snapshotFact({ engagements: [anEngagement()] });

  test.each(["missed", "abandoned", "withdrawn"] as const)("tell of an engagement that was %s", (why) => {
    const model = after(ringing, eventFact({ gone: { id: "e1", why } }));
    expect(model.notices).toEqual([{ id: "e1", why, caller: "Hanako Yamada", queue: "support", at: 0 }]);
    expect(reduce(model, { kind: "notice.dismissed", id: "e1" }).notices).toEqual([]);
  });

  test("tell of an offer that a snapshot no longer has, as far as it can be told why", () => {
    expect(after(ringing, snapshotFact({ sequence: 9 })).notices).toMatchObject([{ id: "e1", why: "over" }]);
    const { agent } = aSnapshot();
    const presence = {
      ...agent.presence,
      state: "not_ready",
      status: "not_ready",
      reason: "missed_call",
    } as const;
    const missed = snapshotFact({ sequence: 9, agent: { ...agent, presence } });
    expect(after(ringing, missed).notices).toMatchObject([{ id: "e1", why: "missed" }]);
    const declined: Fact = { kind: "asked", key: "1", command: "engagement.decline", engagement_id: "e1" };
    expect(after(ringing, declined, snapshotFact({ sequence: 9 })).notices).toEqual([]);
  });

  test.each(["declined", "closed"] as const)("say nothing of what the agent did: %s", (why) => {
    expect(after(ringing, eventFact({ gone: { id: "e1", why } })).notices).toEqual([]);
  });
});

describe("notes", () => {
  const talking = snapshotFact({ engagements: [anEngagement({ state: "connected", notes: "server" })] });
  const typed: Fact = { kind: "draft", engagement_id: "e1", draft: { notes: "typed" } };

  test("typed here win over the server's copy, which arrives later", () => {
    const late = eventFact({ engagement: anEngagement({ state: "connected", notes: "serv" }) });
    const model = after(talking, typed, late);
    expect(draftOf(model, model.snapshot!.engagements[0]!)).toEqual({ notes: "typed", disposition_id: null });
  });

  test("survive a snapshot while the engagement is open, and go with it", () => {
    const again = after(talking, typed, talking);
    expect(again.drafts["e1"]?.notes).toBe("typed");
    expect(reduce(again, eventFact({ gone: { id: "e1", why: "closed" } })).drafts).toEqual({});
  });
});

describe("commands", () => {
  const asked: Fact = { kind: "asked", key: "1", command: "engagement.answer", engagement_id: "e1" };
  const ringing = snapshotFact({ engagements: [anEngagement()] });

  test("that were refused explain themselves until the next one", () => {
    const refused: Fact = { kind: "refused", key: "1", code: "caller_gone", params: {}, at: 5 };
    const model = after(ringing, asked, refused);
    expect(model.asked).toEqual({});
    expect(model.refusal).toMatchObject({
      code: "caller_gone",
      command: "engagement.answer",
      engagement_id: "e1",
    });
    const noted: Fact = { kind: "asked", key: "2", command: "engagement.note", engagement_id: "e1" };
    expect(reduce(model, noted).refusal).not.toBeNull();
    expect(reduce(model, { ...asked, key: "3" }).refusal).toBeNull();
  });

  test("the ring is silent from the click on, and sounds again when it was refused", () => {
    expect(isRinging(after(ringing))).toBe(true);
    const model = after(ringing, asked);
    expect(isRinging(model)).toBe(false);
    expect(isRinging(reduce(model, { kind: "refused", key: "1", code: "x", params: {}, at: 0 }))).toBe(true);
  });

  test("the switch's failure later on is explained like a refusal", () => {
    const failed = eventFact({
      name: "engagement.request_failed",
      engagement: anEngagement({ state: "connected" }),
    });
    expect(after(ringing, failed).refusal).toMatchObject({ command: null, code: "request_failed" });
  });
});

describe("what follows from the model", () => {
  const withStates = (...states: ("offered" | "answering" | "connected" | "wrap_up")[]) =>
    after(
      snapshotFact({ engagements: states.map((state, index) => anEngagement({ id: `e${index}`, state })) }),
    );

  test("the microphone is open from ring to the end of the talk", () => {
    expect(needsMicrophone(withStates())).toBe(false);
    for (const state of ["offered", "answering", "connected"] as const)
      expect(needsMicrophone(withStates(state))).toBe(true);
    expect(needsMicrophone(withStates("wrap_up"))).toBe(false);
  });

  test("what rings comes before what is being wrapped up", () => {
    expect(foremost(withStates("wrap_up", "offered"))?.state).toBe("offered");
    expect(foremost(withStates("wrap_up", "connected"))?.state).toBe("connected");
    expect(foremost(withStates())).toBeNull();
  });

  test("only what nobody has opened is opened", () => {
    const model = after(
      snapshotFact({ engagements: [anEngagement({ id: "e1", popped: true }), anEngagement({ id: "e2" })] }),
    );
    expect(unpopped(model).map((each) => each.id)).toEqual(["e2"]);
  });

  test("a caller is a record, else what they said, else the number", () => {
    const many = { status: "many" as const, records: [], search: null, new_record_phone: null };
    const party = anEngagement().party;
    expect(callerOf(anEngagement())).toBe("Hanako Yamada");
    expect(callerOf(anEngagement({ match: many }))).toBe("090-1234-5678");
    expect(callerOf(anEngagement({ match: many, party: { ...party, claimed_name: "Ken" } }))).toBe("Ken");
    const related = { id: "003", object_type: "Contact", name: "Just created", owner: null };
    expect(callerOf(anEngagement({ match: many, related }))).toBe("Just created");
    const withheld = { ...party, e164: null, display: null, withheld: true };
    expect(callerOf(anEngagement({ match: many, party: withheld }))).toBeNull();
  });

  test("durations follow the server's clock", () => {
    const at = Date.parse("2026-11-22T10:00:10Z");
    expect(after({ kind: "snapshot", snapshot: aSnapshot(), at }).clock_offset_ms).toBe(10_000);
  });

  test("signing out forgets what was shown", () => {
    const model = after(snapshotFact({ engagements: [anEngagement()] }), { kind: "link", link: "sign_in" });
    expect(model.snapshot).toBeNull();
    expect(isRinging(model)).toBe(false);
  });
});

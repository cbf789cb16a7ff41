import { expect, test } from "vitest";
import type { StatusRelation, StatusSync } from "../protocol/callbar.ts";
import { centerOf, type Command, type Fact, salesforceOf, START, step, type Sync } from "./status_sync.ts";

const relation = (contact_center: string, salesforce: string): StatusRelation => ({
  contact_center,
  salesforce,
  label: salesforce,
});
const RELATIONS = [
  relation("ready", "Available"),
  relation("not_ready:lunch", "Lunch"),
  relation("not_ready", "Away"),
  relation("occupied", "On_Call"),
  relation("wrap_up", "On_Call"),
  relation("offline", "offline"),
];
const both = (relations: StatusRelation[] = RELATIONS, part: Partial<StatusSync> = {}): StatusSync => ({
  to_salesforce: true,
  to_contact_center: true,
  relations,
  ...part,
});

/** The commands after facts, as `side status`. */
function after(facts: Fact[]): { sync: Sync; commands: string[] } {
  let sync = START;
  const commands: string[] = [];
  for (const fact of facts) {
    const next = step(sync, fact);
    sync = next.sync;
    if (next.command) commands.push(`${next.command.side} ${next.command.status}`);
  }
  return { sync, commands };
}

const rules = (value: StatusSync | null = both()): Fact => ({ kind: "rules", rules: value });
const center = (status: string): Fact => ({ kind: "center", status });
const chosen = (status: string): Fact => ({ kind: "salesforce", status, change: true });
const told = (status: string): Fact => ({ kind: "salesforce", status, change: false });

test("a reason without a relation follows as not ready, and what no relation names as nothing", () => {
  expect(salesforceOf(RELATIONS, "not_ready:lunch")).toBe("Lunch");
  expect(salesforceOf(RELATIONS, "not_ready:training")).toBe("Away");
  expect(salesforceOf([relation("ready", "Available")], "not_ready:lunch")).toBeNull();
  expect(centerOf(RELATIONS, "Lunch")).toBe("not_ready:lunch");
  // Nobody can be put into a call.
  expect(centerOf(RELATIONS, "On_Call")).toBeNull();
  expect(centerOf(RELATIONS, "Unknown")).toBeNull();
  // The first of several holds.
  expect(centerOf([relation("not_ready:lunch", "Away"), relation("not_ready", "Away")], "Away")).toBe(
    "not_ready:lunch",
  );
});

test.each<[string, Fact[], string[]]>([
  ["nothing happens without rules", [rules(null), center("ready"), chosen("Lunch")], []],
  ["nothing is written without a console", [rules(), center("ready"), center("occupied")], []],
  [
    "the next console is given what the contact center says by then",
    [rules(), center("ready"), told("Available"), { kind: "gone" }, center("occupied"), told("offline")],
    ["salesforce On_Call"],
  ],
  [
    "a call is followed, and its echo is no change",
    [rules(), center("ready"), told("Available"), center("occupied"), told("On_Call"), center("wrap_up")],
    ["salesforce On_Call"],
  ],
  [
    "a person's choice is followed the other way, and its echo is no change",
    [rules(), center("ready"), told("Available"), chosen("Lunch"), center("not_ready:lunch")],
    ["center not_ready:lunch"],
  ],
  [
    "one way alone: a person's choice stands until the contact center's next change",
    [
      rules(both(RELATIONS, { to_contact_center: false })),
      center("ready"),
      told("Available"),
      chosen("Lunch"),
      center("occupied"),
    ],
    ["salesforce On_Call"],
  ],
  [
    "the other way alone",
    [
      rules(both(RELATIONS, { to_salesforce: false })),
      center("ready"),
      told("Lunch"),
      center("not_ready:lunch"),
      center("occupied"),
      chosen("Available"),
    ],
    ["center not_ready:lunch", "center ready"],
  ],
  [
    "a status that was taken away on the other side is left alone",
    [rules(), center("ready"), told("Available"), chosen("Gone"), center("ready")],
    [],
  ],
  [
    "what was refused is not asked again until something changes",
    [
      rules(),
      center("ready"),
      told("Lunch"),
      { kind: "refused", side: "salesforce" },
      center("ready"),
      center("occupied"),
    ],
    ["salesforce Available", "salesforce On_Call"],
  ],
])("%s", (_name, facts, expected) => {
  expect(after(facts).commands).toEqual(expected);
});

/** Numbers that look random and come again with the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Both sides with the wires between, on which everything is late but in order. */
function world(relations: StatusRelation[], changes: number, seed: number) {
  const pick = random(seed);
  const centers = [...new Set(relations.map((each) => each.contact_center))];
  const statuses = [...new Set(relations.map((each) => each.salesforce))];
  const actual = { center: centers[0] ?? "", salesforce: statuses[0] ?? "" };
  const facts: { center: Fact[]; salesforce: Fact[] } = { center: [], salesforce: [] };
  const asked: { center: string[]; salesforce: string[] } = { center: [], salesforce: [] };
  let sync = START;
  let commands = 0;

  const take = (side: "center" | "salesforce", status: string, change: boolean): void => {
    if (actual[side] === status) return;
    actual[side] = status;
    facts[side].push(side === "center" ? center(status) : { kind: "salesforce", status, change });
  };
  const hear = (fact: Fact): void => {
    const next = step(sync, fact);
    sync = next.sync;
    const command: Command | null = next.command;
    if (command === null) return;
    commands += 1;
    asked[command.side].push(command.status);
  };
  /** One thing that is under way arrives; false when nothing is. */
  const arrive = (): boolean => {
    const ways = [
      () => facts.center.shift(),
      () => facts.salesforce.shift(),
      () => asked.center.shift(),
      () => asked.salesforce.shift(),
    ];
    const from = pick(4);
    for (let way = 0; way < 4; way++) {
      const at = (from + way) % 4;
      const found = ways[at]?.();
      if (found === undefined) continue;
      if (typeof found === "string") take(at === 2 ? "center" : "salesforce", found, false);
      else hear(found);
      return true;
    }
    return false;
  };

  hear(rules(both(relations)));
  hear(center(actual.center));
  hear(told(actual.salesforce));
  for (let change = 0; change < changes; change++) {
    const side = pick(2) === 0 ? "center" : "salesforce";
    const choices = side === "center" ? centers : statuses;
    take(side, choices[pick(choices.length)] ?? "", true);
    for (let late = pick(9); late > 0; late--) arrive();
  }
  const underWay = [facts, asked].reduce((sum, each) => sum + each.center.length + each.salesforce.length, 0);
  let rest = 0;
  while (arrive()) rest += 1;
  return { actual, commands, underWay, rest, sync };
}

const CHANGES = process.env["SOAK"] ? 10_000 : 500;
const PLAIN = ["ready", "not_ready", "not_ready:lunch", "not_ready:break", "offline"].map((each, at) =>
  relation(each, `S${at}`),
);

test.each([1, 2, 3, 4, 5, 6, 7, 8])("random changes on both sides end equal and loop-free (%i)", (seed) => {
  const end = world(PLAIN, CHANGES, seed);
  expect(salesforceOf(PLAIN, end.actual.center)).toBe(end.actual.salesforce);
  // What is under way when people stop comes to an end by itself, and nobody is asked twice for one change.
  expect(end.rest).toBeLessThanOrEqual(6 * end.underWay + 6);
  expect(end.commands).toBeLessThanOrEqual(2 * CHANGES);
});

test.each([1, 2, 3, 4])("several statuses that share one end alike, too (%i)", (seed) => {
  const end = world(RELATIONS, CHANGES, seed);
  const follows = salesforceOf(RELATIONS, end.actual.center);
  // Nobody can be put into a call: then only the one who chose it stands by it.
  if (end.actual.salesforce !== "On_Call" || end.sync.leader === "center")
    expect(follows).toBe(end.actual.salesforce);
  expect(end.rest).toBeLessThanOrEqual(6 * end.underWay + 6);
});

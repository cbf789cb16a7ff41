// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { createI18n, type Language } from "../../ui/i18n.ts";
import { aMatch, anEngagement, aRecord, aSnapshot } from "../builders.ts";
import type { Callbar, CallbarState } from "../controller.ts";
import en from "../locales/en.json";
import ja from "../locales/ja.json";
import { EMPTY, type Model } from "../model.ts";
import { App } from "./App.tsx";

const words = (language: Language) =>
  createI18n(
    { en: () => Promise.resolve({ default: en }), ja: () => Promise.resolve({ default: ja }) },
    language,
  );

afterEach(cleanup);

/** A callbar that keeps what views ask of it. */
async function shown(model: Partial<Model>, state: Partial<CallbarState> = {}) {
  const asked: unknown[][] = [];
  let current: CallbarState = {
    model: { ...EMPTY, link: "open", ...model },
    audio: { kind: "up" },
    signIn: { kind: "idle" },
    language: "en",
    soundBlocked: false,
    hostLost: false,
    crmLost: false,
    recent: [],
    omni: null,
    ...state,
  };
  const listeners = new Set<() => void>();
  const verbs = [
    "act",
    "setStatus",
    "write",
    "openRecord",
    "look",
    "signIn",
    "useHere",
    "askMicrophone",
    "dial",
  ] as const;
  const callbar = {
    get state() {
      return current;
    },
    watchRecent: () => () => undefined,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ...Object.fromEntries(
      verbs.map((verb) => [verb, (...rest: unknown[]) => void asked.push([verb, ...rest])]),
    ),
  };
  await act(async () => {
    render(<App callbar={callbar as unknown as Callbar} words={words} />);
    await Promise.resolve();
  });
  await screen.findByRole("main");
  const change = (part: Partial<CallbarState>) =>
    act(() => {
      current = { ...current, ...part };
      listeners.forEach((listener) => listener());
    });
  return { asked, change, lookedAt: () => asked.filter(([verb]) => verb === "look").at(-1)?.[1] };
}

const button = (name: string | RegExp) => screen.getByRole("button", { name });
const offered = aSnapshot({ engagements: [anEngagement()] });

test("a ringing engagement is answered by Enter and declined by Escape on its card", async () => {
  const { asked } = await shown({ snapshot: offered });
  const card = screen.getByRole("region", { name: "Incoming call" });
  fireEvent.keyDown(card, { key: "Enter" });
  fireEvent.keyDown(button("Answer"), { key: "Escape" });
  expect(asked.filter(([verb]) => verb === "act")).toEqual([
    ["act", "engagement.answer", "e1"],
    ["act", "engagement.decline", "e1"],
  ]);
});

test("Enter on the decline button does not answer", async () => {
  const { asked } = await shown({ snapshot: offered });
  fireEvent.keyDown(button("Decline"), { key: "Enter" });
  expect(asked.filter(([verb]) => verb === "act")).toEqual([]);
});

test("an answer that is on its way cannot be given twice", async () => {
  const { asked } = await shown({
    snapshot: offered,
    asked: { "1": { command: "engagement.answer", engagement_id: "e1" } },
  });
  expect(button("Answer")).toHaveProperty("disabled", true);
  expect(button("Decline")).toHaveProperty("disabled", true);
  fireEvent.keyDown(screen.getByRole("region", { name: "Incoming call" }), { key: "Enter" });
  expect(asked.filter(([verb]) => verb === "act")).toEqual([]);
});

test.each([
  ["en", "Owner: Emma Clark"],
  ["ja", "所有者: Emma Clark"],
] as const)("a card says whose the record is (%s)", async (language, words) => {
  const record = aRecord({ owner: "Emma Clark" });
  const { change } = await shown({ snapshot: offered }, { language });
  expect(screen.queryByText(words)).toBeNull();
  const match = aMatch({ records: [record] });
  change({
    model: { ...EMPTY, link: "open", snapshot: aSnapshot({ engagements: [anEngagement({ match })] }) },
  });
  expect(screen.getByText(words)).toBeTruthy();
});

test("recent calls name the record and its owner, and are called by a click", async () => {
  const known = { id: "003", object_type: "Contact", name: "Hanako Yamada", owner: "Emma Clark" };
  const recent = [
    { direction: "inbound" as const, e164: "+14155550123", display: "(415) 555-0123", record: known },
    { direction: "outbound" as const, e164: "+14155550199", display: "(415) 555-0199", record: null },
  ];
  const { asked } = await shown({ snapshot: aSnapshot() }, { recent });
  fireEvent.click(button("Dial a number"));
  fireEvent.click(button("Inbound Hanako Yamada (415) 555-0123 · Owner: Emma Clark"));
  fireEvent.click(button("Outbound (415) 555-0199"));
  expect(asked.filter(([verb]) => verb === "dial")).toEqual([
    ["dial", "+14155550123"],
    ["dial", "+14155550199"],
  ]);
});

test("all matches are listed, and a click opens one", async () => {
  const records = [
    aRecord(),
    aRecord({ id: "00Q000000000001AAA", object_type: "Lead", name: "Ken", grade: "short" }),
  ];
  const match = aMatch({ status: "many", records });
  const { asked } = await shown({ snapshot: aSnapshot({ engagements: [anEngagement({ match })] }) });
  expect(screen.getByText("2 records have this number")).toBeTruthy();
  const rows = screen.getAllByRole("listitem");
  expect(rows).toHaveLength(2);
  fireEvent.click(within(rows[1]!).getByRole("button"));
  expect(asked.at(-1)).toEqual(["openRecord", "e1", records[1]]);
});

test("hold, mute and hang-up wait for the switch", async () => {
  const talking = (part: object) =>
    aSnapshot({ engagements: [anEngagement({ state: "connected", connected_at: offered.time, ...part })] });
  const { asked, change } = await shown({ snapshot: talking({}) });
  fireEvent.click(button("Hold"));
  expect(asked.at(-1)).toEqual(["act", "engagement.hold", "e1"]);
  change({ model: { ...EMPTY, link: "open", snapshot: talking({ pending: "hold" }) } });
  expect(button("Hold")).toHaveProperty("disabled", true);
  change({ model: { ...EMPTY, link: "open", snapshot: talking({ held: true, muted: true }) } });
  fireEvent.click(button("Resume"));
  fireEvent.click(button("Unmute"));
  expect(asked.slice(-2)).toEqual([
    ["act", "engagement.resume", "e1"],
    ["act", "engagement.unmute", "e1"],
  ]);
});

test("wrap-up takes notes and an outcome, and Done closes", async () => {
  const snapshot = aSnapshot({
    engagements: [
      anEngagement({ state: "wrap_up", ended_at: offered.time, wrap_up_until: "2026-11-22T10:01:20Z" }),
    ],
  });
  const { asked } = await shown({ snapshot });
  fireEvent.change(screen.getByLabelText("Notes"), { target: { value: "Calls back" } });
  fireEvent.change(screen.getByLabelText("Disposition"), { target: { value: "d1" } });
  fireEvent.click(button("Done"));
  expect(asked.filter(([verb]) => verb !== "look")).toEqual([
    ["write", "e1", { notes: "Calls back" }],
    ["write", "e1", { disposition_id: "d1" }],
    ["act", "engagement.close", "e1"],
  ]);
});

test("Ready is offered only when audio is up", async () => {
  const presence = { state: "not_ready", status: "not_ready", reason: null, since: offered.time } as const;
  const snapshot = aSnapshot({ agent: { ...offered.agent, presence } });
  const { change, asked } = await shown({ snapshot }, { audio: { kind: "connecting", attempt: 0 } });
  expect(screen.queryByRole("button", { name: "Become ready" })).toBeNull();
  expect(screen.getAllByText("Connecting audio…").length).toBeGreaterThan(0);
  fireEvent.click(button(/Not ready/));
  expect(screen.queryByRole("menuitem", { name: "Ready" })).toBeNull();
  expect(screen.getByRole("menuitem", { name: "Not ready: Break" })).toBeTruthy();
  change({ audio: { kind: "up" } });
  fireEvent.click(button("Become ready"));
  expect(asked.at(-1)).toEqual(["setStatus", "ready"]);
});

test("the microphone is explained before the browser asks, and a refusal says how to allow it", async () => {
  const { change, asked } = await shown({ snapshot: aSnapshot() }, { audio: { kind: "explain" } });
  fireEvent.click(button("Allow microphone"));
  expect(asked.at(-1)).toEqual(["askMicrophone"]);
  change({ audio: { kind: "refused", trouble: "denied" } });
  expect(screen.getAllByRole("listitem")).toHaveLength(3);
  expect(button("Try again")).toBeTruthy();
});

test("a refused command is explained, one without a sentence by its code", async () => {
  const refusal = { command: "engagement.answer", engagement_id: "e1", params: {}, at: 0 } as const;
  const { change } = await shown({ snapshot: offered, refusal: { ...refusal, code: "caller_gone" } });
  expect(screen.getByText("The caller has already hung up.")).toBeTruthy();
  const model = {
    ...EMPTY,
    link: "open",
    snapshot: offered,
    refusal: { ...refusal, code: "brand_new" },
  } as const;
  change({ model });
  expect(screen.getByText("That was not possible (code brand_new).")).toBeTruthy();
});

test("the host's label tells who calls, shortened, and stays still while time passes", async () => {
  const long = "Maximiliana Wolfeschlegelsteinhausenbergerdorff";
  const snapshot = aSnapshot({
    engagements: [anEngagement({ match: aMatch({ records: [aRecord({ name: long })] }) })],
  });
  const { asked, lookedAt, change } = await shown({ snapshot });
  expect(lookedAt()).toEqual({ label: "Incoming: Maximiliana Wolfeschleg…", icon: "incoming_call" });
  const before = asked.length;
  change({ soundBlocked: true });
  expect(asked).toHaveLength(before);
  change({ model: { ...EMPTY, link: "open", snapshot: aSnapshot() } });
  expect(lookedAt()).toEqual({ label: "Phone", icon: "call" });
});

test("a screen reader hears who calls", async () => {
  await shown({ snapshot: offered });
  expect(screen.getByText("Incoming call from Hanako Yamada, queue support.")).toBeTruthy();
});

test("the agent's language is spoken, also when it becomes known later", async () => {
  const { change } = await shown({ link: "sign_in" });
  expect(button("Sign in")).toBeTruthy();
  change({ language: "ja" });
  expect(await screen.findByRole("button", { name: "サインイン" })).toBeTruthy();
});

test("a mirror shows the call and lets nothing be done but taking over", async () => {
  const { asked } = await shown({ snapshot: { ...offered, owner: false } });
  expect(screen.getByText("Your phone is in another window")).toBeTruthy();
  expect(button("Answer").matches(":disabled, fieldset[disabled] *")).toBe(true);
  expect(screen.queryByRole("button", { name: /Change status/ })).toBeNull();
  fireEvent.keyDown(screen.getByRole("region", { name: "Incoming call" }), { key: "Enter" });
  expect(asked.filter(([verb]) => verb === "act")).toEqual([]);
  fireEvent.click(button("Use it here"));
  expect(asked.at(-1)).toEqual(["useHere"]);
});

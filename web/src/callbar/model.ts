/**
 * What the callbar knows, as one value and one function that applies a fact to it. No clock, no network, no
 * framework. A snapshot with the events after it equals a later snapshot; a gap asks for a new one.
 */
import type { Engagement, Event, Gone, Snapshot } from "../protocol/callbar.ts";
import type { CommandName } from "../data/callbar_socket.ts";

/** The way to the server: `starting` until it is known whether a session exists. */
export type Link =
  | "starting"
  | "sign_in"
  /** The session is over in the middle of an engagement: the call goes on, the agent signs in beside it. */
  | "sign_in_again"
  | "connecting"
  | "open"
  | "lost";

/** An engagement that left by itself and that the agent should hear about for some seconds. */
export interface Notice {
  id: string;
  /** `over`: a snapshot, which tells no reasons, came in the place of the event. */
  why: "missed" | "withdrawn" | "abandoned" | "over";
  /** The caller as shown before; null when withheld and unnamed. */
  caller: string | null;
  queue: string;
  at: number;
}

/** What was not carried out: a command the server refused, or (without `command`) the switch later on. */
export interface Refusal {
  command: CommandName | null;
  engagement_id: string | null;
  code: string;
  params: Record<string, unknown>;
  at: number;
}

/** Notes and disposition as typed here; they win over the server's copy until the engagement has left. */
export interface Draft {
  notes: string;
  disposition_id: string | null;
}

export interface Model {
  link: Link;
  snapshot: Snapshot | null;
  /** An event is missing: ask for a snapshot. */
  gap: boolean;
  /** Server clock minus ours. */
  clock_offset_ms: number;
  notices: Notice[];
  refusal: Refusal | null;
  drafts: Record<string, Draft>;
  /** Commands not answered yet, by their key. */
  asked: Record<string, { command: CommandName; engagement_id: string | null }>;
  /** Records that could not be opened in the host, by engagement. */
  pop_failed: Record<string, true>;
}

export type Fact =
  | { kind: "link"; link: Link }
  | { kind: "snapshot"; snapshot: Snapshot; at: number }
  | { kind: "event"; event: Event; at: number }
  | { kind: "draft"; engagement_id: string; draft: Partial<Draft> }
  | { kind: "asked"; key: string; command: CommandName; engagement_id: string | null }
  | { kind: "answered"; key: string }
  | { kind: "refused"; key: string; code: string; params: Record<string, unknown>; at: number }
  | { kind: "pop_failed"; engagement_id: string }
  | { kind: "refusal.dismissed" }
  | { kind: "notice.dismissed"; id: string };

export const EMPTY: Model = {
  link: "starting",
  snapshot: null,
  gap: false,
  clock_offset_ms: 0,
  notices: [],
  refusal: null,
  drafts: {},
  asked: {},
  pop_failed: {},
};

/** The snapshot after an event; `null` when one in between is missing, the same value when it is old news. */
export function applyEvent(snapshot: Snapshot, event: Event): Snapshot | null {
  if (event.sequence <= snapshot.sequence) return snapshot;
  if (event.sequence !== snapshot.sequence + 1) return null;
  let { agent, engagements } = snapshot;
  if (event.presence) agent = { ...agent, presence: event.presence };
  if (event.engagement) engagements = placed(engagements, event.engagement);
  if (event.gone) {
    const { id } = event.gone;
    engagements = engagements.filter((each) => each.id !== id);
  }
  return { ...snapshot, sequence: event.sequence, time: event.time, agent, engagements };
}

function placed(engagements: Engagement[], changed: Engagement): Engagement[] {
  return engagements.some((each) => each.id === changed.id)
    ? engagements.map((each) => (each.id === changed.id ? changed : each))
    : [...engagements, changed];
}

/** The model after a fact. */
export function reduce(model: Model, fact: Fact): Model {
  switch (fact.kind) {
    case "link":
      return fact.link === model.link
        ? model
        : // What was asked of a session that is over will never be answered.
          {
            ...model,
            link: fact.link,
            ...(fact.link === "sign_in" || fact.link === "sign_in_again" ? { asked: {} } : {}),
            ...(fact.link === "sign_in" ? { snapshot: null } : {}),
          };
    case "snapshot":
      return settled({
        ...model,
        notices: [...model.notices, ...unexplained(model, fact.snapshot, fact.at)],
        link: "open",
        snapshot: fact.snapshot,
        gap: false,
        clock_offset_ms: Date.parse(fact.snapshot.time) - fact.at,
      });
    case "event": {
      if (model.snapshot === null) return model;
      const snapshot = applyEvent(model.snapshot, fact.event);
      if (snapshot === null) return { ...model, gap: true };
      if (snapshot === model.snapshot) return model;
      const notice = fact.event.gone && noticeOf(fact.event.gone, model.snapshot, fact.at);
      const notices = notice
        ? [...model.notices.filter((each) => each.id !== notice.id), notice]
        : model.notices;
      return settled({
        ...model,
        snapshot,
        notices,
        refusal: failureOf(fact.event, fact.at) ?? model.refusal,
      });
    }
    case "draft": {
      const engagement = engagementOf(model, fact.engagement_id);
      if (!engagement) return model;
      const draft = { ...draftOf(model, engagement), ...fact.draft };
      return { ...model, drafts: { ...model.drafts, [fact.engagement_id]: draft } };
    }
    case "asked": {
      const { key, command, engagement_id } = fact;
      // Notes save themselves: only what the agent does next takes an explanation away.
      const refusal = command === "engagement.note" ? model.refusal : null;
      return { ...model, refusal, asked: { ...model.asked, [key]: { command, engagement_id } } };
    }
    case "answered":
      return { ...model, asked: without(model.asked, fact.key) };
    case "refused": {
      const asked = model.asked[fact.key];
      if (!asked) return model;
      const { code, params, at } = fact;
      return { ...model, asked: without(model.asked, fact.key), refusal: { ...asked, code, params, at } };
    }
    case "pop_failed":
      return { ...model, pop_failed: { ...model.pop_failed, [fact.engagement_id]: true } };
    case "refusal.dismissed":
      return { ...model, refusal: null };
    case "notice.dismissed":
      return { ...model, notices: model.notices.filter((each) => each.id !== fact.id) };
  }
}

/** Drops what belongs to engagements that have left. */
function settled(model: Model): Model {
  const here = new Set(model.snapshot?.engagements.map((each) => each.id));
  const kept = <T>(record: Record<string, T>): Record<string, T> =>
    Object.keys(record).every((id) => here.has(id))
      ? record
      : Object.fromEntries(Object.entries(record).filter(([id]) => here.has(id)));
  return { ...model, drafts: kept(model.drafts), pop_failed: kept(model.pop_failed) };
}

function noticeOf(gone: Gone, before: Snapshot, at: number): Notice | null {
  if (gone.why === "declined" || gone.why === "closed") return null;
  const engagement = before.engagements.find((each) => each.id === gone.id);
  if (!engagement) return null;
  return { id: gone.id, why: gone.why, caller: callerOf(engagement), queue: engagement.queue.name, at };
}

/** Offers of before that a snapshot no longer has; those that the agent declined need no words. */
function unexplained(model: Model, now: Snapshot, at: number): Notice[] {
  const here = new Set(now.engagements.map((each) => each.id));
  return (model.snapshot?.engagements ?? [])
    .filter((each) => ["offered", "answering"].includes(each.state) && !here.has(each.id))
    .filter((each) => !isAsked(model, each.id, "engagement.decline"))
    .map((each) => ({
      id: each.id,
      why: now.agent.presence.reason === "missed_call" ? "missed" : "over",
      caller: callerOf(each),
      queue: each.queue.name,
      at,
    }));
}

/** The switch did not carry out what had been accepted: the agent hears of it as of a refusal. */
function failureOf(event: Event, at: number): Refusal | null {
  if (event.name !== "engagement.request_failed") return null;
  return {
    command: null,
    engagement_id: event.engagement?.id ?? null,
    code: "request_failed",
    params: {},
    at,
  };
}

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}

export function engagementOf(model: Model, id: string): Engagement | undefined {
  return model.snapshot?.engagements.find((each) => each.id === id);
}

/** Notes and disposition to show: what was typed here, else what the server has. */
export function draftOf(model: Model, engagement: Engagement): Draft {
  return (
    model.drafts[engagement.id] ?? { notes: engagement.notes, disposition_id: engagement.disposition_id }
  );
}

/** Whether one of these commands for the engagement awaits its answer. */
export function isAsked(model: Model, engagementId: string, ...commands: CommandName[]): boolean {
  return Object.values(model.asked).some(
    (each) => each.engagement_id === engagementId && commands.includes(each.command),
  );
}

/** Who calls, in one line: the record when it is certain, the claimed name, the number; null when nothing is known. */
export function callerOf(engagement: Engagement): string | null {
  const { match, party, related } = engagement;
  if (related) return related.name;
  if (match.status === "one" && match.records[0]) return match.records[0].name;
  return party.claimed_name ?? party.display ?? party.e164;
}

/** The engagement that the host's label and the microphone are about: ringing before talking before wrap-up. */
export function foremost(model: Model): Engagement | null {
  const engagements = model.snapshot?.engagements ?? [];
  for (const state of ["offered", "answering", "dialing", "connected", "wrap_up"] as const) {
    const found = engagements.find((each) => each.state === state);
    if (found) return found;
  }
  return null;
}

/** Whether this callbar has the agent's audio and acts; another of the agent's callbars has it otherwise. */
export function isOwner(model: Model): boolean {
  return model.snapshot?.owner ?? false;
}

/** Whether the ring sounds: something is offered and the agent has not answered it here yet. */
export function isRinging(model: Model): boolean {
  if (!isOwner(model)) return false;
  return (model.snapshot?.engagements ?? []).some(
    (each) => each.state === "offered" && !isAsked(model, each.id, "engagement.answer", "engagement.decline"),
  );
}

/** Whether the microphone has to be open: from the first ring to the end of the talk. */
export function needsMicrophone(model: Model): boolean {
  if (!isOwner(model)) return false;
  return (model.snapshot?.engagements ?? []).some((each) => each.state !== "wrap_up");
}

/** Engagements whose record nobody has opened, and which this callbar shall. */
export function unpopped(model: Model): Engagement[] {
  if (!isOwner(model)) return [];
  return (model.snapshot?.engagements ?? []).filter((each) => each.state !== "wrap_up" && !each.popped);
}

/**
 * Which status follows which: the contact center's and Omni-Channel's, kept alike without echoes going round. Pure:
 * facts come in, at most one command goes out for each.
 *
 * What always holds: the side on which somebody last changed the status leads, and commands go to the other side only.
 * What comes back of a command is no change of somebody's, so that it never makes its side lead; hence commands end
 * soon after people stop, and what leads has been followed by then. A status that no relation names is followed by
 * nothing: nothing is guessed.
 */
import type { StatusRelation, StatusSync } from "../protocol/callbar.ts";

export type Side = "center" | "salesforce";

/** Omni-Channel has no status of this name: whoever is offline is logged out. */
export const OFFLINE = "offline";

export interface Sync {
  rules: StatusSync | null;
  /** The contact center's status as relations name it; null before it is known. */
  center: string | null;
  /** The Omni-Channel status (an id, or `offline`); null while no console says so. */
  salesforce: string | null;
  leader: Side;
  /** What was asked of a side and has not come back. */
  pending: Record<Side, string | null>;
}

export type Fact =
  | { kind: "rules"; rules: StatusSync | null }
  | { kind: "center"; status: string }
  /** `change`: somebody's, else what was so when a console came, or what the toolkit did for us. */
  | { kind: "salesforce"; status: string; change: boolean }
  /** The console is gone. */
  | { kind: "gone" }
  /** A side refused what was asked of it. */
  | { kind: "refused"; side: Side };

export interface Command {
  side: Side;
  status: string;
}

export const START: Sync = {
  rules: null,
  center: null,
  salesforce: null,
  leader: "center",
  pending: { center: null, salesforce: null },
};

/** Contact center statuses that an agent may choose, and thus be given. */
const settable = (status: string): boolean =>
  status === "ready" || status === OFFLINE || status === "not_ready" || status.startsWith("not_ready:");

/** 15 and 18 characters name the same record. */
const same = (one: string | null, other: string | null): boolean =>
  one === other ||
  (one !== null && other !== null && one.length >= 15 && one.slice(0, 15) === other.slice(0, 15));

/** The Omni-Channel status that a contact center status is followed by; null: it stays as it is. */
export function salesforceOf(relations: readonly StatusRelation[], center: string): string | null {
  const named = (status: string) => relations.find((each) => each.contact_center === status)?.salesforce;
  return named(center) ?? (center.startsWith("not_ready:") ? named("not_ready") : undefined) ?? null;
}

/** The contact center status that an Omni-Channel status is followed by, the first of several; null: it stays. */
export function centerOf(relations: readonly StatusRelation[], salesforce: string): string | null {
  const found = relations.find((each) => same(each.salesforce, salesforce) && settable(each.contact_center));
  return found?.contact_center ?? null;
}

/** The state after a fact, and what to ask of which side. */
export function step(before: Sync, fact: Fact): { sync: Sync; command: Command | null } {
  const sync = after(before, fact);
  // What was refused is not asked for again before something is otherwise.
  const command = sync === before || fact.kind === "refused" ? null : wanted(sync);
  if (command === null) return { sync, command };
  return { sync: { ...sync, pending: { ...sync.pending, [command.side]: command.status } }, command };
}

function after(sync: Sync, fact: Fact): Sync {
  switch (fact.kind) {
    case "rules":
      return {
        ...sync,
        rules: fact.rules,
        // Where only the other way is on, what people chose in Salesforce leads from the start.
        leader: fact.rules !== null && !fact.rules.to_salesforce ? "salesforce" : sync.leader,
      };
    case "center": {
      if (fact.status === sync.center) return sync;
      const echo = same(sync.pending.center, fact.status);
      return {
        ...sync,
        center: fact.status,
        // The first status that is heard is what is so, and no change.
        leader: echo || sync.center === null ? sync.leader : "center",
        pending: echo ? { ...sync.pending, center: null } : sync.pending,
      };
    }
    case "salesforce": {
      const echo = same(sync.pending.salesforce, fact.status);
      const pending = echo ? { ...sync.pending, salesforce: null } : sync.pending;
      if (same(sync.salesforce, fact.status)) return { ...sync, pending };
      const own = echo || !fact.change;
      return { ...sync, salesforce: fact.status, leader: own ? sync.leader : "salesforce", pending };
    }
    case "gone":
      // Nothing is written without a console; the next one is given what the contact center says by then.
      return {
        ...sync,
        salesforce: null,
        leader: sync.rules?.to_salesforce === false ? "salesforce" : "center",
        pending: { ...sync.pending, salesforce: null },
      };
    case "refused":
      return { ...sync, pending: { ...sync.pending, [fact.side]: null } };
  }
}

function wanted(sync: Sync): Command | null {
  const { rules, center, salesforce, leader, pending } = sync;
  if (rules === null || center === null || salesforce === null) return null;
  const follows = salesforceOf(rules.relations, center);
  if (leader === "center") {
    if (!rules.to_salesforce || follows === null || same(follows, salesforce)) return null;
    return same(follows, pending.salesforce) ? null : { side: "salesforce", status: follows };
  }
  if (!rules.to_contact_center || same(follows, salesforce)) return null;
  const status = centerOf(rules.relations, salesforce);
  if (status === null || status === center || status === pending.center) return null;
  return { side: "center", status };
}

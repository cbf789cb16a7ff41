/**
 * Workspace tabs and their subtabs as values: what opening, closing and pinning make of them. Pure.
 *
 * What always holds: a record is open once, as a workspace tab or as a subtab; pinned tabs stand first.
 */
import type { RecordRef } from "../router.ts";

export interface Subtab extends RecordRef {
  /** Name of the record when it was last seen; empty before the first answer. */
  title: string;
}

export interface Tab extends Subtab {
  pinned: boolean;
  /** Id of the record that is in front when the tab is: its own, or a subtab's. */
  shown: string;
  subtabs: Subtab[];
}

export const MOST_TABS = 24;
export const MOST_SUBTABS = 12;

/** Where a record is open: its workspace tab, and the subtab where it is one. */
export function whereIs(tabs: readonly Tab[], id: string): { tab: Tab; subtab: Subtab | null } | null {
  for (const tab of tabs) {
    if (tab.id === id) return { tab, subtab: null };
    const subtab = tab.subtabs.find((each) => each.id === id);
    if (subtab !== undefined) return { tab, subtab };
  }
  return null;
}

/** Ids of all records that are open in a tab. */
export const idsOf = (tab: Tab): string[] => [tab.id, ...tab.subtabs.map((each) => each.id)];

const newTab = ({ id, object }: RecordRef): Tab => ({
  id,
  object,
  title: "",
  pinned: false,
  shown: id,
  subtabs: [],
});

/**
 * The tabs with a record in front: where it is open already, else as a subtab of its parent, else as a new tab.
 * The oldest make room that are neither pinned nor kept.
 */
export function opened(
  tabs: readonly Tab[],
  record: RecordRef,
  parent: RecordRef | undefined,
  keep: (id: string) => boolean,
): Tab[] {
  const at = whereIs(tabs, record.id);
  if (at !== null)
    return at.tab.shown === record.id ? [...tabs] : replaced(tabs, { ...at.tab, shown: record.id });
  if (parent === undefined) return trimmed([...tabs, newTab(record)], record.id, keep);
  const known = whereIs(tabs, parent.id)?.tab;
  const under = known ?? newTab(parent);
  const subtabs = [...under.subtabs, { ...record, title: "" }];
  while (subtabs.length > MOST_SUBTABS) {
    const oldest = subtabs.findIndex((each) => each.id !== record.id && !keep(each.id));
    if (oldest < 0) break;
    subtabs.splice(oldest, 1);
  }
  const next = { ...under, subtabs, shown: record.id };
  return known === undefined ? trimmed([...tabs, next], next.id, keep) : replaced(tabs, next);
}

function trimmed(tabs: Tab[], current: string, keep: (id: string) => boolean): Tab[] {
  const next = [...tabs];
  while (next.length > MOST_TABS) {
    const oldest = next.findIndex((tab) => tab.id !== current && !tab.pinned && !idsOf(tab).some(keep));
    if (oldest < 0) break;
    next.splice(oldest, 1);
  }
  return next;
}

export function replaced(tabs: readonly Tab[], next: Tab): Tab[] {
  return tabs.map((tab) => (tab.id === next.id ? next : tab));
}

/** The tabs without a record, and what comes to the front where it was in front; null: nothing is left there. */
export function closed(tabs: readonly Tab[], id: string): { tabs: Tab[]; next: RecordRef | null } {
  const at = whereIs(tabs, id);
  if (at === null) return { tabs: [...tabs], next: null };
  const { tab, subtab } = at;
  if (subtab !== null) {
    const place = tab.subtabs.indexOf(subtab);
    const subtabs = tab.subtabs.filter((each) => each !== subtab);
    const next = subtabs[place] ?? subtabs[place - 1] ?? tab;
    const shown = tab.shown === id ? next.id : tab.shown;
    return { tabs: replaced(tabs, { ...tab, subtabs, shown }), next };
  }
  const place = tabs.indexOf(tab);
  const rest = tabs.filter((each) => each !== tab);
  const neighbour = rest[place] ?? rest[place - 1];
  return { tabs: rest, next: neighbour === undefined ? null : inFront(neighbour) };
}

/** The record that is in front when the tab is. */
export function inFront(tab: Tab): RecordRef & { parent?: RecordRef } {
  const subtab = tab.subtabs.find((each) => each.id === tab.shown);
  if (subtab === undefined) return { object: tab.object, id: tab.id };
  return { object: subtab.object, id: subtab.id, parent: { object: tab.object, id: tab.id } };
}

/** The tabs with one pinned or no longer; pinned ones keep their order among themselves. */
export function pinned(tabs: readonly Tab[], id: string, value: boolean): Tab[] {
  const next = tabs.map((tab) => (tab.id === id ? { ...tab, pinned: value } : tab));
  return [...next.filter((tab) => tab.pinned), ...next.filter((tab) => !tab.pinned)];
}

export function titled(tabs: readonly Tab[], id: string, title: string): Tab[] | null {
  const at = whereIs(tabs, id);
  if (at === null || (at.subtab ?? at.tab).title === title) return null;
  const { tab, subtab } = at;
  if (subtab === null) return replaced(tabs, { ...tab, title });
  const subtabs = tab.subtabs.map((each) => (each === subtab ? { ...each, title } : each));
  return replaced(tabs, { ...tab, subtabs });
}

/** What of a stored value are tabs; what is not is left out. */
export function readTabs(stored: unknown): Tab[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((each: unknown) => {
    if (!isSubtab(each)) return [];
    const { subtabs, shown, pinned: pin } = each as Partial<Tab>;
    return [
      {
        id: each.id,
        object: each.object,
        title: each.title,
        pinned: pin === true,
        shown: typeof shown === "string" ? shown : each.id,
        subtabs: Array.isArray(subtabs) ? subtabs.filter(isSubtab) : [],
      },
    ];
  });
}

const isSubtab = (value: unknown): value is Subtab =>
  typeof value === "object" &&
  value !== null &&
  ["id", "object", "title"].every((key) => typeof (value as Record<string, unknown>)[key] === "string");

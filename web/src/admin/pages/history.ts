/**
 * The history list as it grows while somebody reads it. Rows that changed are changed in place; rows that are
 * new go on top only when the reader is there, else they wait behind a button, so that nothing jumps.
 */
import type { EngagementPage, EngagementRow } from "../../data/engagements.ts";

export interface History {
  rows: EngagementRow[];
  /** Newer than what is shown, newest first. */
  waiting: EngagementRow[];
  nextCursor: string | null;
}

export const firstPage = (page: EngagementPage): History => ({
  rows: page.engagements,
  waiting: [],
  nextCursor: page.next_cursor,
});

/** The list after its first page was read again. */
export function refreshed(history: History, page: EngagementPage, atTop: boolean): History {
  const fresh = new Map(page.engagements.map((row) => [row.id, row]));
  const shown = new Set(history.rows.map((row) => row.id));
  const rows = history.rows.map((row) => fresh.get(row.id) ?? row);
  const newer = page.engagements.filter((row) => !shown.has(row.id));
  // Nothing in common any more: what is between is unknown, so the list starts anew.
  if (history.rows.length > 0 && newer.length === page.engagements.length && page.next_cursor !== null)
    return atTop ? firstPage(page) : { ...history, waiting: newer };
  return atTop
    ? { ...history, rows: [...newer, ...rows], waiting: [] }
    : { ...history, rows, waiting: newer };
}

export const withWaiting = (history: History): History => ({
  ...history,
  rows: [...history.waiting, ...history.rows],
  waiting: [],
});

export function extended(history: History, page: EngagementPage): History {
  const shown = new Set(history.rows.map((row) => row.id));
  return {
    ...history,
    rows: [...history.rows, ...page.engagements.filter((row) => !shown.has(row.id))],
    nextCursor: page.next_cursor,
  };
}

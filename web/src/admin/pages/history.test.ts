import { expect, test } from "vitest";
import type { EngagementPage, EngagementRow } from "../../data/engagements.ts";
import { extended, firstPage, refreshed, withWaiting } from "./history.ts";

const row = (id: string, part: Partial<EngagementRow> = {}) =>
  ({ id, outcome: "open", ...part }) as EngagementRow;
const page = (rows: EngagementRow[], next_cursor: string | null = null): EngagementPage => ({
  engagements: rows,
  next_cursor,
});
const ids = (rows: EngagementRow[]) => rows.map((each) => each.id);
const shown = firstPage(page([row("2"), row("1")], "more"));

test("a row that changed is changed in its place", () => {
  const next = refreshed(shown, page([row("2", { outcome: "answered" }), row("1")], "more"), false);
  expect(ids(next.rows)).toEqual(["2", "1"]);
  expect(next.rows[0]?.outcome).toBe("answered");
  expect(next.waiting).toEqual([]);
});

test("new rows go on top for a reader who is there", () => {
  expect(ids(refreshed(shown, page([row("3"), row("2")], "more"), true).rows)).toEqual(["3", "2", "1"]);
});

test("new rows wait for a reader who is further down, and come when asked for", () => {
  const next = refreshed(shown, page([row("3"), row("2")], "more"), false);
  expect(ids(next.rows)).toEqual(["2", "1"]);
  expect(ids(next.waiting)).toEqual(["3"]);
  expect(ids(withWaiting(next).rows)).toEqual(["3", "2", "1"]);
});

test("a page that has nothing in common starts the list anew", () => {
  expect(ids(refreshed(shown, page([row("9"), row("8")], "x"), true).rows)).toEqual(["9", "8"]);
});

test("older rows are added once", () => {
  const next = extended(shown, page([row("1"), row("0")]));
  expect(ids(next.rows)).toEqual(["2", "1", "0"]);
  expect(next.nextCursor).toBeNull();
});

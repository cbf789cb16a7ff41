import { expect, test } from "vitest";
import { secondsLeft, shareLeft, since } from "./format.ts";

const at = Date.parse("2026-11-22T10:00:00Z");
const from = "2026-11-22T10:00:00Z";
const to = "2026-11-22T10:01:00Z";

test("time counts up from a moment, and never below nothing", () => {
  expect(since(from, at + 5_000)).toBe("0:05");
  expect(since(from, at + 65_000)).toBe("1:05");
  expect(since(from, at - 5_000)).toBe("0:00");
});

test("what is left is never more than the whole and never less than nothing", () => {
  expect(secondsLeft(from, to, at - 900)).toBe(60);
  expect(secondsLeft(from, to, at + 100)).toBe(60);
  expect(secondsLeft(from, to, at + 59_100)).toBe(1);
  expect(secondsLeft(from, to, at + 90_000)).toBe(0);
  expect(shareLeft(from, to, at + 15_000)).toBe(0.75);
  expect(shareLeft(from, to, at - 15_000)).toBe(1);
  expect(shareLeft(from, from, at)).toBe(0);
});

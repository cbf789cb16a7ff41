import { expect, test } from "vitest";
import { secondsLeft, shareLeft, since } from "./format.ts";

const at = Date.parse("2026-11-22T10:00:00Z");
const from = "2026-11-22T10:00:00Z";
const to = "2026-11-22T10:01:00Z";

test("time counts on the server's clock", () => {
  expect(since(from, at + 5_000, 0)).toBe("0:05");
  expect(since(from, at + 5_000, 60_000)).toBe("1:05");
  expect(since(from, at - 5_000, 0)).toBe("0:00");
});

test("what is left is never more than the whole and never less than nothing", () => {
  expect(secondsLeft(from, to, at - 900, 0)).toBe(60);
  expect(secondsLeft(from, to, at + 100, 0)).toBe(60);
  expect(secondsLeft(from, to, at + 59_100, 0)).toBe(1);
  expect(secondsLeft(from, to, at + 90_000, 0)).toBe(0);
  expect(shareLeft(from, to, at + 15_000, 0)).toBe(0.75);
  expect(shareLeft(from, to, at - 15_000, 0)).toBe(1);
  expect(shareLeft(from, from, at, 0)).toBe(0);
});

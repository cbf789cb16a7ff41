import { expect, test } from "vitest";
import { safeNext } from "./router.tsx";

const OURS = "https://contact.example";

test.each(["/portal/engagements?q=1#top", "/portal/live", "/phone"])("a path of ours is kept: %s", (next) => {
  expect(safeNext(next, OURS, "/portal/live")).toBe(next);
});

test.each([
  null,
  "",
  "portal",
  "https://evil.example/",
  "//evil.example/",
  "/\\evil.example/",
  "\\\\evil.example/",
  "/\t/evil.example/",
  "javascript:alert(1)",
  "/\n/evil.example",
])("anything else leads home: %j", (next) => {
  expect(safeNext(next, OURS, "/portal/live")).toBe("/portal/live");
});

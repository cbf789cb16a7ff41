import { expect, test } from "vitest";
import { standbyOf } from "./standby.ts";

const settings = (url: string, timeout: string) => ({
  "/reqGeneralInfo/reqStandbyUrl": url,
  "/reqGeneralInfo/reqTimeout": timeout,
});

test("a standby address and a time to wait make a standby", () => {
  expect(standbyOf(settings("https://standby.example/cti", "10000"))).toEqual({
    url: "https://standby.example/cti",
    timeoutMs: 10_000,
  });
});

test.each([
  ["", ""],
  ["https://standby.example/cti", ""],
  ["", "10000"],
  ["https://standby.example/cti", "soon"],
  ["javascript:alert(1)", "10000"],
])("%s and %s make none", (url, timeout) => {
  expect(standbyOf(settings(url, timeout))).toBeNull();
});

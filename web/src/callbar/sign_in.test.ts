import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { codeOf, digitsOf, newChallenge, signInAddress } from "./sign_in.ts";

test("the challenge is the base64url SHA-256 of the secret's text", async () => {
  const { secret, challenge } = await newChallenge();
  expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(challenge).toBe(createHash("sha256").update(secret).digest("base64url"));
});

test("the digits follow from the secret as the server derives them", async () => {
  // The server's own: first four bytes of SHA-256 of "digits:" and the secret, modulo 100.
  const secret = "a-secret";
  const first = createHash("sha256").update(`digits:${secret}`).digest().readUInt32BE(0);
  expect(await digitsOf(secret)).toBe(String(first % 100).padStart(2, "0"));
  expect((await newChallenge()).digits).toMatch(/^[0-9]{2}$/);
});

test("the secret is not in the window's address", async () => {
  const { secret, challenge } = await newChallenge();
  const address = signInAddress(challenge, "c1", "https://acme.lightning.example");
  expect(address).not.toContain(secret);
  expect(address).toBe(
    `/callbar/sign-in?challenge=${challenge}&connection=c1&origin=https%3A%2F%2Facme.lightning.example`,
  );
});

describe("a code is taken", () => {
  const opened = {};
  const ours = "https://contact.example";
  const data = { type: "tieline.callbar.code", code: "abc" };

  test("from the window we opened, of our own origin", () => {
    expect(codeOf({ origin: ours, source: opened as Window, data }, opened, ours)).toBe("abc");
  });

  test.each([
    ["another origin", { origin: "https://contact.example.evil", source: opened, data }],
    ["another window", { origin: ours, source: {}, data }],
    ["no window", { origin: ours, source: null, data }],
    ["another type", { origin: ours, source: opened, data: { type: "x", code: "abc" } }],
    ["no text", { origin: ours, source: opened, data: { ...data, code: 5 } }],
    ["nothing", { origin: ours, source: opened, data: null }],
    ["a bare word", { origin: ours, source: opened, data: "abc" }],
  ])("never from %s", (_, event) => {
    expect(codeOf(event as unknown as MessageEvent, opened, ours)).toBeNull();
  });
});

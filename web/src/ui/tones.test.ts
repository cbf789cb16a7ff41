import { expect, test } from "vitest";
import { frequenciesOf } from "./tones.ts";

test("each key has the two frequencies of ITU-T Q.23", () => {
  expect(frequenciesOf("1")).toEqual([697, 1209]);
  expect(frequenciesOf("0")).toEqual([941, 1336]);
  expect(frequenciesOf("#")).toEqual([941, 1477]);
  expect(frequenciesOf("D")).toEqual([941, 1633]);
});

test("what is no key has none", () => {
  for (const text of ["", "a", "12", "+"]) expect(frequenciesOf(text)).toBeNull();
});

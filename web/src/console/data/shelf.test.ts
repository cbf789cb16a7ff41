import { expect, test } from "vitest";
import { Shelf } from "./shelf.ts";

/** A shelf whose answers are given by hand. */
function shelf() {
  const answers: { give: (value: string) => void; fail: (error: Error) => void }[] = [];
  const own = new Shelf<string>(
    () => new Promise((resolve, reject) => answers.push({ give: resolve, fail: reject })),
  );
  return { own, answers };
}

test("two who ask share one request", async () => {
  const { own, answers } = shelf();
  const both = Promise.all([own.load("a"), own.load("a")]);
  answers[0]?.give("one");
  expect(await both).toEqual(["one", "one"]);
  expect(answers).toHaveLength(1);
});

test("a change during a request is asked for once more", async () => {
  const { own, answers } = shelf();
  void own.load("a");
  const changed = own.reload("a");
  void own.reload("a");
  answers[0]?.give("before");
  await expect.poll(() => answers.length).toBe(2);
  expect(own.get("a").value).toBe("before");
  answers[1]?.give("after");
  await expect.poll(() => own.get("a").value).toBe("after");
  await changed;
  expect(answers).toHaveLength(2);
});

test("a change during a request that fails is asked for, too", async () => {
  const { own, answers } = shelf();
  own.load("a").catch(() => undefined);
  void own.reload("a");
  answers[0]?.fail(new Error("away"));
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.give("after");
  await expect.poll(() => own.get("a").value).toBe("after");
});

import { expect, test } from "vitest";
import { claimSeat } from "./seat.ts";

function aTab(kept: string | null = null) {
  const store = new Map<string, string>(kept === null ? [] : [["tieline.callbar.seat", kept]]);
  return {
    store,
    getItem: (key: string) => store.get(key) ?? null,
    setItem: (key: string, value: string) => void store.set(key, value),
  };
}

/** Locks of one browser: the first to ask for a name keeps it. */
function someLocks() {
  const taken = new Set<string>();
  return {
    request: (name: string, _: unknown, callback: () => Promise<unknown>) => {
      if (taken.has(name)) return Promise.reject(new DOMException("late", "TimeoutError"));
      taken.add(name);
      return callback();
    },
  } as unknown as LockManager;
}

const A = "aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa";
const B = "bbbbbbbb-bbbb-4bbb-bbbb-bbbbbbbbbbbb";

test("a reloaded page has the id it had", async () => {
  const tab = aTab();
  const first = await claimSeat(tab, someLocks(), () => A);
  expect(first).toBe(A);
  expect(await claimSeat(tab, someLocks(), () => B)).toBe(A);
});

test("a duplicated tab, whose original still lives, takes an id of its own", async () => {
  const locks = someLocks();
  await claimSeat(aTab(A), locks, () => B);
  const copy = aTab(A);
  expect(await claimSeat(copy, locks, () => B)).toBe(B);
  expect(copy.getItem("tieline.callbar.seat")).toBe(B);
});

test("what the server would refuse is not kept", async () => {
  expect(await claimSeat(aTab("<short>"), someLocks(), () => A)).toBe(A);
});

test("a browser without storage or locks gets an id for the life of the page", async () => {
  expect(await claimSeat(null, null, () => A)).toBe(A);
  const closed = {
    getItem: () => {
      throw new DOMException("no", "SecurityError");
    },
    setItem: () => {
      throw new DOMException("no", "SecurityError");
    },
  };
  expect(await claimSeat(closed, null, () => B)).toBe(B);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LIVE_KINDS, listenLive } from "./live.ts";

class FakeSource {
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  onopen: (() => void) | null = null;
  readyState = 1;
  closed = false;
  close() {
    this.closed = true;
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function listening() {
  const source = new FakeSource();
  const hints: string[][] = [];
  const stop = listenLive(
    (kinds) => hints.push([...kinds].sort()),
    true,
    () => source as unknown as EventSource,
  );
  const says = (data: string) => source.onmessage?.({ data });
  return { source, hints, stop, says };
}

test("a storm of hints costs at most four readings a second", async () => {
  const { hints, says } = listening();
  for (let count = 0; count < 100; count++) {
    says('{"kind":"agents"}');
    says('{"kind":"queues"}');
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(250);
  // One at once, then four a second for as long as it lasts.
  expect(hints.length).toBeLessThanOrEqual(1 + 4 * 2);
  expect(hints[0]).toEqual(["agents", "queues"]);
});

test("a single change is passed on at once", async () => {
  const { hints, says } = listening();
  says('{"kind":"agents"}');
  says('{"kind":"queues"}');
  await vi.advanceTimersByTimeAsync(10);
  expect(hints).toEqual([["agents", "queues"]]);
  says('{"kind":"agents"}');
  await vi.advanceTimersByTimeAsync(200);
  expect(hints).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(50);
  expect(hints).toHaveLength(2);
});

test("after a lost line everything is read again", async () => {
  const { source, hints } = listening();
  source.onopen?.();
  await vi.advanceTimersByTimeAsync(300);
  expect(hints).toEqual([]);
  source.onerror?.();
  source.onopen?.();
  await vi.advanceTimersByTimeAsync(300);
  expect(hints).toEqual([[...LIVE_KINDS]]);
});

test("a stream that the server refused is asked for again", async () => {
  const sources: FakeSource[] = [];
  const stop = listenLive(
    () => undefined,
    false,
    () => {
      const source = new FakeSource();
      sources.push(source);
      return source as unknown as EventSource;
    },
  );
  sources[0]!.readyState = 2;
  sources[0]!.onerror?.();
  sources[0]!.onerror?.();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sources).toHaveLength(2);
  stop();
});

test("unknown kinds and noise are no hints, and a stopped listener hears nothing", async () => {
  const { source, hints, stop, says } = listening();
  for (const noise of ["", "{", "null", '{"kind":"weather"}', '{"kind":5}']) says(noise);
  says('{"kind":"agents"}');
  stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(hints).toEqual([]);
  expect(source.closed).toBe(true);
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CallbarLine, CommandRefused } from "./callbar_socket.ts";
import { fakeSockets } from "./fake_socket.ts";

const HELLO = { token: "bearer", seat: "aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa" };
const SNAPSHOT = { type: "snapshot", sequence: 1 };

function aLine() {
  const sockets = fakeSockets();
  const heard = { facts: [] as unknown[], records: 0, crm: [] as boolean[], lost: 0, ended: 0 };
  let ids = 0;
  const line = new CallbarLine(
    {
      fact: (message) => heard.facts.push(message),
      records: () => (heard.records += 1),
      crm: (connected) => heard.crm.push(connected),
      lost: () => (heard.lost += 1),
      ended: () => (heard.ended += 1),
    },
    {
      url: "ws://contact.example/callbar/socket",
      create: sockets.create,
      random: () => 1,
      newId: () => `command-${(ids += 1)}`,
    },
  );
  return { line, sockets, heard };
}

function aLiveLine() {
  const made = aLine();
  made.line.start(HELLO);
  made.sockets.last().opens();
  made.sockets.last().says(SNAPSHOT);
  return made;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("hello", () => {
  test("is the first message and carries the bearer", () => {
    const { sockets } = aLiveLine();
    expect(sockets.last().sent[0]).toEqual({ type: "hello", ...HELLO });
  });

  test("waits for a token that comes after the line has opened, and is said once", () => {
    const { line, sockets } = aLine();
    line.start(null);
    sockets.last().opens();
    expect(sockets.last().sent).toEqual([]);
    line.start(HELLO);
    line.start(HELLO);
    expect(sockets.last().spoken).toEqual(["hello"]);
    expect(sockets.all).toHaveLength(1);
  });
});

describe("a command", () => {
  test("waits for the snapshot", () => {
    const { line, sockets } = aLine();
    line.start(HELLO);
    sockets.last().opens();
    void line.command("status.set", { status: "ready" });
    expect(sockets.last().spoken).toEqual(["hello"]);
    sockets.last().says(SNAPSHOT);
    expect(sockets.last().spoken).toEqual(["hello", "status.set"]);
  });

  test("resolves with its result, or rejects with the server's refusal", async () => {
    const { line, sockets } = aLiveLine();
    const connect = line.command("audio.connect", { sdp: "offer" });
    sockets.last().says({ type: "done", command_id: "command-1", result: { sdp: "answer" } });
    await expect(connect).resolves.toEqual({ sdp: "answer" });
    const answer = line.command("engagement.answer", { engagement_id: "e1" });
    sockets.last().says({ type: "refused", command_id: "command-2", code: "caller_gone", params: { a: 1 } });
    await expect(answer).rejects.toEqual(new CommandRefused("caller_gone", { a: 1 }));
    await expect(answer).rejects.toMatchObject({ code: "caller_gone", params: { a: 1 } });
  });

  test("not answered before a break is sent again with the same id, once answered never", async () => {
    const { line, sockets } = aLiveLine();
    const answered = line.command("engagement.popped", { engagement_id: "e1" });
    sockets.last().says({ type: "done", command_id: "command-1", result: null });
    await answered;
    void line.command("engagement.answer", { engagement_id: "e1" });
    sockets.last().breaks();
    await vi.advanceTimersByTimeAsync(300);
    expect(sockets.all).toHaveLength(2);
    sockets.last().opens();
    expect(sockets.last().spoken).toEqual(["hello"]);
    sockets.last().says(SNAPSHOT);
    expect(sockets.last().sent[1]).toMatchObject({ command_id: "command-2", name: "engagement.answer" });
    expect(sockets.last().sent).toHaveLength(2);
  });

  test("of a session that is over is rejected", async () => {
    const { line } = aLiveLine();
    const waiting = line.command("status.set", { status: "ready" });
    line.forgetCommands();
    await expect(waiting).rejects.toMatchObject({ code: "session_ended" });
  });
});

describe("a broken line", () => {
  test("is tried again with growing pauses, which a snapshot makes small again", async () => {
    const { sockets, heard } = aLiveLine();
    sockets.last().breaks();
    expect(heard.lost).toBe(1);
    for (const pause of [250, 500, 1_000]) {
      const before = sockets.all.length;
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(sockets.all).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(sockets.all).toHaveLength(before + 1);
      sockets.last().breaks();
    }
    await vi.advanceTimersByTimeAsync(2_000);
    sockets.last().opens();
    sockets.last().says(SNAPSHOT);
    sockets.last().breaks();
    const before = sockets.all.length;
    await vi.advanceTimersByTimeAsync(250);
    expect(sockets.all).toHaveLength(before + 1);
  });

  test("is tried at once when the network is back", () => {
    const { line, sockets } = aLiveLine();
    sockets.last().breaks();
    line.hurry();
    expect(sockets.all).toHaveLength(2);
  });

  test("that is silent for 25 s is given up, while pings go out every 10 s", async () => {
    const { sockets, heard } = aLiveLine();
    const first = sockets.last();
    await vi.advanceTimersByTimeAsync(24_000);
    expect(first.spoken.filter((type) => type === "ping")).toHaveLength(2);
    expect(heard.lost).toBe(0);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(first.closedWith).not.toBeNull();
    expect(heard.lost).toBe(1);
    expect(sockets.all).toHaveLength(2);
  });

  test("that pongs stays", async () => {
    const { sockets, heard } = aLiveLine();
    for (let second = 0; second < 60; second += 10) {
      await vi.advanceTimersByTimeAsync(10_000);
      sockets.last().says({ type: "pong" });
    }
    expect(heard.lost).toBe(0);
    expect(sockets.all).toHaveLength(1);
  });

  test("closed because the session is over is not tried again by itself", async () => {
    const { line, sockets, heard } = aLiveLine();
    sockets.last().breaks(4401);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toMatchObject({ ended: 1, lost: 0 });
    expect(sockets.all).toHaveLength(1);
    line.start({ ...HELLO, token: "another" });
    sockets.last().opens();
    expect(sockets.last().sent).toEqual([{ type: "hello", ...HELLO, token: "another" }]);
  });

  test("that was stopped stays closed", async () => {
    const { line, sockets, heard } = aLiveLine();
    line.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets.all).toHaveLength(1);
    expect(heard.lost).toBe(0);
  });
});

test("changed records are a hint and no fact", () => {
  const { sockets, heard } = aLiveLine();
  sockets.last().says({ type: "records" });
  expect([heard.records, heard.facts]).toEqual([1, [SNAPSHOT]]);
});

test("a CRM that was left and one that is back are told", () => {
  const { sockets, heard } = aLiveLine();
  sockets.last().says({ type: "crm", connected: false });
  sockets.last().says({ type: "crm", connected: true });
  expect(heard.crm).toEqual([false, true]);
});

test("what is no message of ours is ignored", () => {
  const { sockets, heard } = aLiveLine();
  for (const noise of ["", "{", "null", "[]", '{"type":5}', '{"type":"nobody"}']) sockets.last().says(noise);
  expect(heard.facts).toEqual([SNAPSHOT]);
});

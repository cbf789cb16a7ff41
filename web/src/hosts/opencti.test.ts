import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OpenCti, OpenCtiHost } from "./opencti.ts";

interface Call {
  method: string;
  argument: Record<string, unknown>;
}

/** An Open CTI that answers each method as told; the default is success. */
function aHost(answers: Record<string, unknown> = {}) {
  const calls: Call[] = [];
  const api: OpenCti = {
    SCREENPOP_TYPE: {
      SOBJECT: "sobject",
      SEARCH: "search",
      NEW_RECORD_MODAL: "new_record_modal",
      URL: "url",
    },
    CALL_TYPE: { INBOUND: "inbound" },
  };
  const method = (name: string) => (argument: Record<string, unknown>) => {
    const { callback, ...rest } = argument as { callback?: (answer: unknown) => void };
    calls.push({ method: name, argument: rest });
    callback?.(name in answers ? answers[name] : { success: true, returnValue: null, errors: null });
  };
  for (const name of [
    "screenPop",
    "searchAndScreenPop",
    "getSoftphoneLayout",
    "setSoftphonePanelVisibility",
    "refreshView",
    "notifyInitializationComplete",
  ])
    api[name] = method(name);
  api["onNavigationChange"] = method("onNavigationChange");
  return { host: new OpenCtiHost(Promise.resolve(api), "https://acme.lightning.example"), calls, api };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { userActivation: { isActive: false } });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a pop", () => {
  test("is asked for with the org's own constants", async () => {
    const { host, calls } = aHost();
    await host.pop({ type: "SOBJECT", recordId: "003", objectType: "Contact", within: "existing" });
    await host.pop({ type: "SEARCH", searchString: "0901234" });
    await host.pop({ type: "NEW_RECORD_MODAL", entityName: "Contact", defaultFieldValues: { Phone: "+81" } });
    await host.pop({ type: "SEARCH_AND_POP", searchString: "0901234", defaultFieldValues: {} });
    expect(calls.map((call) => call.argument)).toEqual([
      { type: "sobject", params: { recordId: "003" } },
      { type: "search", params: { searchString: "0901234" } },
      { type: "new_record_modal", params: { entityName: "Contact", defaultFieldValues: { Phone: "+81" } } },
      { searchParams: "0901234", callType: "inbound", defaultFieldValues: {}, deferred: false },
    ]);
  });

  test("that the host refuses is refused, however the host spells its errors", async () => {
    for (const member of ["errors", "error"]) {
      const answer = {
        success: false,
        returnValue: null,
        [member]: [{ code: "INVALID_PARAM", description: "no" }],
      };
      const { host } = aHost({ screenPop: answer });
      await expect(host.pop({ type: "SEARCH", searchString: "0901234" })).rejects.toThrow("INVALID_PARAM");
    }
  });

  test("for a new window stays in the existing one while the agent has not clicked", async () => {
    const { host, calls } = aHost();
    await host.pop({ type: "SOBJECT", recordId: "003", objectType: "Contact", within: "new" });
    expect(calls.map((call) => call.method)).toEqual(["screenPop"]);
  });

  test("for a new window opens one at a click", async () => {
    const opened = { opener: {} as unknown };
    const open = vi.fn(() => opened);
    vi.stubGlobal("navigator", { userActivation: { isActive: true } });
    vi.stubGlobal("window", { open });
    const { host, calls } = aHost();
    await host.pop({ type: "SOBJECT", recordId: "003", objectType: "Contact", within: "new" });
    expect(open).toHaveBeenCalledWith(
      "https://acme.lightning.example/lightning/r/Contact/003/view",
      "_blank",
    );
    expect(opened.opener).toBeNull();
    expect(calls).toEqual([]);
  });
});

test("a method that the org does not offer, or does not answer, does not hold up the callbar", async () => {
  const { host, api } = aHost();
  await expect(host.look({ label: "Phone", icon: "call" })).rejects.toThrow("not offered");
  api["refreshView"] = () => undefined;
  const refresh = expect(host.refresh()).rejects.toThrow("not answered");
  await vi.advanceTimersByTimeAsync(5_000);
  await refresh;
});

test("the layout is what the org gave, or nothing", async () => {
  const layout = { Inbound: {} };
  const given = aHost({ getSoftphoneLayout: { success: true, returnValue: layout } });
  await expect(given.host.softphoneLayout()).resolves.toBe(layout);
  await expect(aHost().host.softphoneLayout()).resolves.toBeNull();
});

test("navigation to a record is told, to a list is not", async () => {
  const { host, calls } = aHost();
  const seen: unknown[] = [];
  host.onRecord((record) => seen.push(record));
  await vi.advanceTimersByTimeAsync(0);
  const { listener } = calls[0]!.argument as { listener: (payload: unknown) => void };
  for (const payload of [
    { url: "/lightning/o/Contact/list" },
    undefined,
    { url: "x", recordId: "", objectType: "Contact" },
    { url: "/lightning/r/Contact/003/view", recordId: "003", objectType: "Contact", recordName: "Hanako" },
  ])
    listener(payload);
  expect(seen).toEqual([{ objectType: "Contact", recordId: "003" }]);
});

test("a script that could not be loaded is heard by whoever asks", async () => {
  const host = new OpenCtiHost(Promise.reject(new Error("not loaded")), "https://acme.lightning.example");
  await expect(host.ready()).rejects.toThrow("not loaded");
  await expect(host.show()).rejects.toThrow("not loaded");
  host.onRecord(() => undefined);
});

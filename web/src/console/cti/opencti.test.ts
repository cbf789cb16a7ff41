import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createBus } from "../messages/bus.ts";
import { CtiFailure, createCtiHost, type CtiMethods } from "./host.ts";
import { connect, type OpenCti } from "../../opencti/client.ts";
import { hostOrigins, PROTOCOL, toHost, VERSION, type CtiResponse } from "../../opencti/wire.ts";

const CONSOLE = "http://acme.lightning.localhost:8401";
const SCRIPT = "http://acme.lightning.localhost:8401/support/api/66.0/lightning/opencti_min.js";
const ADAPTER = "http://tieline.localhost:8400";

/** A window that delivers what is posted to it at the right origin, like a browser, and remembers the rest. */
class FakeWindow {
  readonly listeners: ((event: MessageEvent) => void)[] = [];
  readonly received: unknown[] = [];
  readonly origin: string;
  parent: { postMessage(message: unknown, targetOrigin: string): void } = this;

  constructor(origin: string) {
    this.origin = origin;
  }

  addEventListener(_type: "message", listener: (event: MessageEvent) => void): void {
    this.listeners.push(listener);
  }

  deliver(data: unknown, origin: string, source: unknown): void {
    this.received.push(data);
    const event = { data: structuredClone(data), origin, source } as MessageEvent;
    for (const listener of this.listeners) listener(event);
  }

  postMessage(): void {
    throw new Error("post through seenFrom()");
  }
}

/** The console's window and the softphone's window, each as the other one sees it. */
function joined(methods: CtiMethods, at: { script?: string; claimed?: string; frameOrigin?: string } = {}) {
  const page = new FakeWindow(CONSOLE);
  const frame = new FakeWindow(at.frameOrigin ?? ADAPTER);
  const frameSeen = {
    postMessage: (message: unknown, target: string) => {
      if (target === frame.origin) frame.deliver(message, page.origin, pageSeen);
    },
  };
  const pageSeen = {
    postMessage: (message: unknown, target: string) => {
      if (target === page.origin) page.deliver(message, frame.origin, frameSeen);
    },
  };
  frame.parent = pageSeen;
  const bus = createBus(() => undefined);
  const host = createCtiHost(() => frameSeen, ADAPTER, methods, bus);
  page.addEventListener("message", (event) => host.receive(event));
  const api = connect(frame, at.script ?? SCRIPT, [at.claimed ?? CONSOLE]);
  return { page, frame, frameSeen, pageSeen, host, api, bus };
}

function ask(api: OpenCti, method: keyof OpenCti, args: Record<string, unknown> = {}): Promise<CtiResponse> {
  return new Promise((resolve) => (api[method] as (a: unknown) => void)({ ...args, callback: resolve }));
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("a softphone and its console", () => {
  it("answers with success, returnValue and errors as published", async () => {
    const { api } = joined({ getSoftphoneLayout: () => ({ Inbound: {} }) });
    expect(await ask(api, "getSoftphoneLayout")).toEqual({
      success: true,
      returnValue: { Inbound: {} },
      errors: null,
      error: null,
    });
  });

  it("passes arguments without their functions", async () => {
    const seen: unknown[] = [];
    const { api } = joined({ screenPop: (params) => void seen.push(params) });
    await ask(api, "screenPop", { type: "sobject", params: { recordId: "003" } });
    expect(seen).toEqual([{ type: "sobject", params: { recordId: "003" } }]);
  });

  it("carries the code and words of a refusal in errors and error", async () => {
    const { api } = joined({
      screenPop: () => {
        throw new CtiFailure("INVALID_PARAM", "recordId is missing.");
      },
    });
    const response = await ask(api, "screenPop");
    expect(response).toMatchObject({ success: false, returnValue: null });
    expect(response.errors).toEqual([{ code: "INVALID_PARAM", description: "recordId is missing." }]);
    expect(response.error).toEqual(response.errors);
  });

  it("answers many requests each to its own callback, in any order", async () => {
    const release: (() => void)[] = [];
    const { api } = joined({
      getAppViewInfo: () => new Promise((resolve) => release.push(() => resolve("slow"))),
      isSoftphonePanelVisible: () => "quick",
    });
    const slow = ask(api, "getAppViewInfo");
    expect((await ask(api, "isSoftphonePanelVisible")).returnValue).toBe("quick");
    release[0]?.();
    expect((await slow).returnValue).toBe("slow");
  });

  it("refuses names of prototypes and unknown methods as not supported", async () => {
    const { api, frameSeen, page, frame } = joined({});
    expect((await ask(api, "runApex")).errors?.[0]?.code).toBe("GENERIC_ERROR");
    for (const method of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      page.deliver(toHost({ kind: "request", id: 900, method, params: {} }), ADAPTER, frameSeen);
    }
    await vi.runAllTimersAsync();
    const answers = frame.received.filter((each) => (each as { id?: number }).id === 900);
    expect(answers).toHaveLength(4);
    for (const each of answers) expect(each).toMatchObject({ response: { success: false } });
  });

  it("gives events only to listeners, and forgets them when the page is loaded anew", () => {
    const { api, host, frame, pageSeen } = joined({});
    const heard: unknown[] = [];
    host.emit("onNavigationChange", { url: "/before" });
    api.onNavigationChange({ listener: (payload: unknown) => heard.push(payload) });
    host.emit("onNavigationChange", { url: "/after" });
    expect(heard).toEqual([{ url: "/after" }]);
    pageSeen.postMessage(toHost({ kind: "hello" }), CONSOLE);
    const before = frame.received.length;
    host.emit("onNavigationChange", { url: "/later" });
    expect(frame.received.length).toBe(before);
  });

  it("keeps going when a callback of the softphone throws", async () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { api } = joined({ refreshView: () => null });
    api.refreshView({
      callback: () => {
        throw new Error("softphone's own mistake");
      },
    });
    expect((await ask(api, "refreshView")).success).toBe(true);
    expect(reported).toHaveBeenCalledOnce();
  });

  it("answers arguments that are no object, or no JSON, with INVALID_PARAM", async () => {
    const { api } = joined({ refreshView: () => null });
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect((await ask(api, "refreshView", { loop })).errors?.[0]?.code).toBe("INVALID_PARAM");
    expect(() => api.refreshView("text")).not.toThrow();
  });
});

describe("message channels", () => {
  const subscribed = async (api: OpenCti, listener: (message: unknown) => void) => {
    const response = await ask(api, "subscribe", { channelName: "Sample__c", listener });
    expect(response.success).toBe(true);
    return response.returnValue;
  };

  it("bring what anybody in the console publishes, until the softphone unsubscribes", async () => {
    const { api, bus } = joined({});
    const heard: unknown[] = [];
    const subscription = await subscribed(api, (message) => heard.push(message));
    bus.publish("Sample__c", { recordId: "003" });
    bus.publish("Other__c", "not this");
    expect((await ask(api, "unsubscribe", { subscription })).success).toBe(true);
    bus.publish("Sample__c", "late");
    expect(heard).toEqual([{ recordId: "003" }]);
    expect((await ask(api, "unsubscribe", { subscription })).errors?.[0]?.code).toBe("INVALID_PARAM");
  });

  it("take what the softphone publishes", async () => {
    const { api, bus } = joined({});
    const heard: unknown[] = [];
    bus.subscribe("Sample__c", (message) => heard.push(message));
    expect((await ask(api, "publish", { channelName: "Sample__c", message: { a: [1] } })).success).toBe(true);
    expect(heard).toEqual([{ a: [1] }]);
  });

  it.each([
    ["subscribe", { channelName: "Sample", listener: String }],
    ["subscribe", { listener: String }],
    ["subscribe", { channelName: "Sample__c" }],
    ["publish", { channelName: "__proto__", message: 1 }],
    ["publish", { channelName: "Sample__c" }],
    ["unsubscribe", {}],
    ["unsubscribe", { subscription: { id: 99 } }],
  ] as const)("refuse %s %j", async (method, args) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { api } = joined({});
    expect((await ask(api, method, args)).errors?.[0]?.code).toBe("INVALID_PARAM");
  });

  it("end with the softphone's page", async () => {
    const { api, bus, host, frameSeen, frame } = joined({});
    await subscribed(api, () => undefined);
    host.receive({ data: toHost({ kind: "hello" }), origin: ADAPTER, source: frameSeen as never });
    const before = frame.received.length;
    bus.publish("Sample__c", 1);
    expect(frame.received.length).toBe(before);
  });
});

describe("strangers", () => {
  it("get no answer from the console, whatever their origin looks like", async () => {
    const called = vi.fn();
    const { page, frame, frameSeen } = joined({ screenPop: called });
    const before = frame.received.length;
    const request = toHost({ kind: "request", id: 1, method: "screenPop", params: {} });
    for (const origin of [
      "http://tieline.localhost:8400.evil.example",
      "http://eviltieline.localhost:8400",
      "http://tieline.localhost",
      "https://tieline.localhost:8400",
      "null",
      "",
    ]) {
      page.deliver(request, origin, frameSeen);
    }
    page.deliver(request, ADAPTER, { postMessage: () => undefined });
    await vi.runAllTimersAsync();
    expect(called).not.toHaveBeenCalled();
    expect(frame.received.length).toBe(before);
  });

  it("cannot greet the softphone in the place of its host", async () => {
    const { api, frame } = joined({}, { script: "http://other.localhost/x.js", claimed: CONSOLE });
    const other = { postMessage: vi.fn() };
    frame.deliver(
      { protocol: PROTOCOL, version: VERSION, kind: "welcome" },
      "http://evil.example",
      frame.parent,
    );
    frame.deliver({ protocol: PROTOCOL, version: VERSION, kind: "welcome" }, "http://other.localhost", other);
    const answer = ask(api, "refreshView");
    await vi.advanceTimersByTimeAsync(11_000);
    expect((await answer).errors?.[0]?.code).toBe("SOFTPHONE_CONTAINER_ERROR");
  });

  it("send malformed messages that are ignored", async () => {
    const called = vi.fn();
    const { page, frameSeen, frame } = joined({ refreshView: called });
    const before = frame.received.length;
    const good = toHost({ kind: "request", id: 7, method: "refreshView", params: {} });
    for (const message of [
      null,
      "request",
      [],
      42,
      { ...good, protocol: "other" },
      { ...good, version: 2 },
      { ...good, version: "1" },
      { ...good, kind: "response" },
      { ...good, id: 0 },
      { ...good, id: "7" },
      { ...good, id: 1.5 },
      { ...good, method: 5 },
      { ...good, params: [] },
      { ...good, params: null },
    ]) {
      page.deliver(message, ADAPTER, frameSeen);
    }
    await vi.runAllTimersAsync();
    expect(called).not.toHaveBeenCalled();
    expect(frame.received.length).toBe(before);
  });

  it("find no request of a softphone that stands alone", async () => {
    const alone = new FakeWindow(ADAPTER);
    const response = await ask(connect(alone, SCRIPT, [CONSOLE]), "getAppViewInfo");
    expect(response.errors?.[0]?.code).toBe("SOFTPHONE_CONTAINER_ERROR");
  });
});

describe("the origins a softphone accepts as its host", () => {
  const my = "http://acme.my.localhost:8401/support/api/66.0/lightning/opencti_min.js";

  it("are the script's, and the console of the same org", () => {
    expect(hostOrigins(SCRIPT, [null])).toEqual([CONSOLE]);
    expect(hostOrigins(my, [CONSOLE])).toEqual([CONSOLE, "http://acme.my.localhost:8401"]);
  });

  it("are found by the referrer and the browser's ancestors, too", () => {
    const claims = [null, `${CONSOLE}/lightning/page/home`, "https://elsewhere.example", CONSOLE];
    expect(hostOrigins(my, claims)).toEqual([CONSOLE, "http://acme.my.localhost:8401"]);
  });

  it("are never look-alikes", () => {
    for (const claimed of [
      "http://evil.lightning.localhost:8401",
      "http://acme.lightning.evil.example:8401",
      "http://acme.lightning.localhost:9999",
      "https://acme.lightning.localhost:8401",
      "http://acme.lightning.localhost.evil.example:8401",
      "javascript:alert(1)",
      "nonsense",
    ]) {
      expect(hostOrigins(my, [claimed])).toEqual(["http://acme.my.localhost:8401"]);
    }
    expect(hostOrigins(null, [CONSOLE])).toEqual([]);
    expect(hostOrigins("data:text/javascript,1", [CONSOLE])).toEqual([]);
  });
});

/**
 * The softphone's side of Open CTI: the methods of `sforce.opencti`, each a message to the host.
 *
 * Rules of the published contract that hold here: every method takes one object; results come by `callback`
 * with `{success, returnValue, errors}`; listeners get their payload directly; nothing ever throws into the
 * softphone's code. Arguments are checked by the host, which knows the org; here only what cannot be sent.
 */
import {
  EVENT_NAMES,
  failed,
  hostOrigins,
  isRecord,
  readToSoftphone,
  toHost,
  type CtiResponse,
  type EventName,
  type ToHost,
} from "./wire.ts";

export const SCREENPOP_TYPE = Object.freeze({
  SOBJECT: "sobject",
  URL: "url",
  OBJECTHOME: "objecthome",
  LIST: "list",
  SEARCH: "search",
  NEW_RECORD_MODAL: "newRecordModal",
  FLOW: "flow",
});

export const CALL_TYPE = Object.freeze({ INBOUND: "inbound", OUTBOUND: "outbound", INTERNAL: "internal" });

const METHODS = [
  "disableClickToDial",
  "enableClickToDial",
  "getAppViewInfo",
  "getCallCenterSettings",
  "getSoftphoneLayout",
  "isSoftphonePanelVisible",
  "notifyInitializationComplete",
  "publish",
  "refreshView",
  "runApex",
  "saveLog",
  "screenPop",
  "searchAndScreenPop",
  "setSoftphoneItemIcon",
  "setSoftphoneItemLabel",
  "setSoftphonePanelHeight",
  "setSoftphonePanelIcon",
  "setSoftphonePanelLabel",
  "setSoftphonePanelVisibility",
  "setSoftphonePanelWidth",
  "subscribe",
  "unsubscribe",
] as const;

export type MethodName = (typeof METHODS)[number];
type Method = (args?: unknown) => void;
/** Methods of Sales Engagement, in a namespace of their own. */
const HVS_METHODS = ["completeWork", "onWorkStart"] as const;

export type OpenCti = Record<MethodName | EventName, Method> & {
  hvs: Record<(typeof HVS_METHODS)[number], Method>;
  SCREENPOP_TYPE: typeof SCREENPOP_TYPE;
  CALL_TYPE: typeof CALL_TYPE;
};

/** The part of a window that this needs; tests give a twin. */
export interface Page {
  readonly parent: { postMessage(message: unknown, targetOrigin: string): void };
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** How long a host may take to greet before calls are answered with an error. */
const GREETING_MS = 10_000;

/**
 * Connects a softphone page with the host that embeds it.
 * @param script address this script was loaded from
 * @param claims where the page says that it is embedded
 */
export function connect(page: Page, script: string | null, claims: readonly (string | null)[]): OpenCti {
  const candidates = hostOrigins(script, claims);
  const subscribers = new Map<number, (message: unknown) => void>();
  const pending = new Map<number, (response: CtiResponse) => void>();
  const listeners = new Map<EventName, Set<(payload: unknown) => void>>();
  const waiting: ToHost[] = [];
  let host: string | null = null;
  let alone = page.parent === (page as unknown) || candidates.length === 0;
  let lastId = 0;

  function send(message: ToHost): void {
    if (host === null) waiting.push(message);
    else page.parent.postMessage(message, host);
  }

  function settle(id: number, response: CtiResponse): void {
    const callback = pending.get(id);
    pending.delete(id);
    if (callback) guarded(() => callback(response));
  }

  function giveUp(): void {
    if (host !== null) return;
    alone = true;
    waiting.length = 0;
    for (const id of [...pending.keys()]) settle(id, notInitialized());
  }

  /** Sends a call; `settled` sees the answer before the softphone's callback does. */
  function call(method: string, args: unknown, settled?: (response: CtiResponse) => void): void {
    const given = args === undefined || args === null ? {} : args;
    const callback =
      isRecord(given) && typeof given["callback"] === "function"
        ? (given["callback"] as (r: CtiResponse) => void)
        : null;
    const answer = (response: CtiResponse) =>
      queueMicrotask(() => {
        if (callback) guarded(() => callback(response));
      });
    if (!isRecord(given)) return answer(failed("INVALID_PARAM", `${method} takes one object.`));
    const params = sendable(given);
    if (params === null) {
      return answer(failed("INVALID_PARAM", `The arguments of ${method} must be plain JSON values.`));
    }
    if (alone) return answer(notInitialized());
    const id = ++lastId;
    if (callback || settled)
      pending.set(id, (response) => {
        settled?.(response);
        callback?.(response);
      });
    send(toHost({ kind: "request", id, method, params }));
  }

  function listen(name: EventName, args: unknown): void {
    const listener = isRecord(args) ? args["listener"] : undefined;
    if (typeof listener !== "function") {
      report(`${name} needs a listener.`);
      return;
    }
    const known = listeners.get(name) ?? new Set();
    known.add(listener as (payload: unknown) => void);
    listeners.set(name, known);
    call(name, {});
  }

  /** Subscribes to a message channel; the answer is the subscription, an object that `unsubscribe` takes. */
  function subscribe(args: unknown): void {
    const listener = isRecord(args) ? args["listener"] : undefined;
    if (typeof listener !== "function") {
      report("subscribe needs a listener.");
      if (isRecord(args) && typeof args["callback"] === "function") {
        const callback = args["callback"] as (response: CtiResponse) => void;
        queueMicrotask(() =>
          guarded(() => callback(failed("INVALID_PARAM", "listener is required and must be a function."))),
        );
      }
      return;
    }
    call("subscribe", args, (response) => {
      const id = subscriptionId(response.returnValue);
      if (response.success && id !== null) subscribers.set(id, listener as (message: unknown) => void);
    });
  }

  function unsubscribe(args: unknown): void {
    const id = isRecord(args) ? subscriptionId(args["subscription"]) : null;
    call("unsubscribe", args, (response) => {
      if (response.success && id !== null) subscribers.delete(id);
    });
  }

  page.addEventListener("message", (event) => {
    if (event.source !== (page.parent as unknown) || !candidates.includes(event.origin)) return;
    if (host !== null && event.origin !== host) return;
    const message = readToSoftphone(event.data);
    if (message === null) return;
    if (message.kind === "welcome") {
      if (host !== null) return;
      host = event.origin;
      alone = false;
      for (const each of waiting.splice(0)) send(each);
    } else if (message.kind === "response") {
      settle(message.id, message.response);
    } else if (message.kind === "message") {
      const subscriber = subscribers.get(message.subscription);
      if (subscriber) guarded(() => subscriber(message.message));
    } else {
      for (const listener of listeners.get(message.name) ?? []) guarded(() => listener(message.payload));
    }
  });

  if (!alone) {
    for (const origin of candidates) page.parent.postMessage(toHost({ kind: "hello" }), origin);
    setTimeout(giveUp, GREETING_MS);
  }

  const api: Record<string, unknown> = { SCREENPOP_TYPE, CALL_TYPE };
  for (const method of METHODS) api[method] = (args?: unknown) => call(method, args);
  api["subscribe"] = subscribe;
  api["unsubscribe"] = unsubscribe;
  api["hvs"] = Object.fromEntries(
    HVS_METHODS.map((method) => [method, (args?: unknown) => call(`hvs.${method}`, args)]),
  );
  for (const name of EVENT_NAMES) api[name] = (args?: unknown) => listen(name, args);
  return api as OpenCti;
}

/** The number of a subscription as the host answered it. */
function subscriptionId(subscription: unknown): number | null {
  const id = isRecord(subscription) ? subscription["id"] : undefined;
  return typeof id === "number" ? id : null;
}

function notInitialized(): CtiResponse {
  return failed("SOFTPHONE_CONTAINER_ERROR", "The softphone container has not been initialized yet.");
}

/** The arguments without their functions, as plain JSON; null when they cannot be sent. */
function sendable(args: Record<string, unknown>): Record<string, unknown> | null {
  const rest = Object.fromEntries(
    Object.entries(args).filter(
      ([key, value]) => key !== "callback" && key !== "listener" && value !== undefined,
    ),
  );
  try {
    return JSON.parse(JSON.stringify(rest)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A softphone's own mistakes are shown on its console and stop nothing. */
function guarded(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    report(error);
  }
}

function report(problem: unknown): void {
  // eslint-disable-next-line no-console -- the published contract: errors are emitted, execution goes on
  console.error("[opencti]", problem);
}

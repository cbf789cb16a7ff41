/**
 * The console's side of Open CTI: takes messages of the softphone's iframe and of nobody else.
 *
 * A message counts only when it comes from the iframe's own window *and* with the origin of the call
 * center's adapter address; answers go to that exact origin. Methods are looked up among own properties, so
 * that no name of a prototype is ever called.
 */
import { isChannelName, type MessageBus } from "../messages/bus.ts";
import {
  failed,
  isRecord,
  readToHost,
  succeeded,
  toSoftphone,
  type CtiResponse,
  type EventName,
  type ToSoftphone,
} from "../../opencti/wire.ts";

/** Refusal of a method, worded for the softphone's developer. */
export class CtiFailure extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor(code: string, description: string, details?: unknown) {
    super(description);
    this.code = code;
    this.details = details;
  }
}

/** A method gets the sent arguments and answers `returnValue`, or throws a `CtiFailure`. */
export type CtiMethod = (params: Record<string, unknown>) => unknown;
export type CtiMethods = Readonly<Record<string, CtiMethod>>;

export interface SoftphoneWindow {
  postMessage(message: unknown, targetOrigin: string): void;
}

export interface CtiHost {
  /** Tells the softphone a fact, if it listens. */
  emit(name: EventName, payload: unknown): void;
  /** Message listener for the console's window. */
  receive(event: Pick<MessageEvent, "data" | "origin" | "source">): void;
  /** Ends the softphone's subscriptions: its page is gone. */
  close(): void;
}

/** How many message channels one softphone page may listen to at once. */
const MOST_SUBSCRIPTIONS = 100;

/**
 * @param softphone the iframe's window at this moment, null before it exists
 * @param origin origin of the adapter address
 */
export function createCtiHost(
  softphone: () => SoftphoneWindow | null,
  origin: string,
  methods: CtiMethods,
  bus: MessageBus,
): CtiHost {
  const listening = new Set<EventName>();
  const subscriptions = new Map<number, () => void>();
  let lastSubscription = 0;

  const channelOf = (params: Record<string, unknown>): string => {
    const name = Object.hasOwn(params, "channelName") ? params["channelName"] : undefined;
    if (typeof name !== "string" || !isChannelName(name))
      throw new CtiFailure(
        "INVALID_PARAM",
        "channelName must be the name of a message channel, such as Sample__c.",
      );
    return name;
  };

  /** The methods of message channels, which belong to one softphone page and end with it. */
  const channels: CtiMethods = {
    subscribe(params) {
      const channelName = channelOf(params);
      if (subscriptions.size >= MOST_SUBSCRIPTIONS)
        throw new CtiFailure("GENERIC_ERROR", `There are ${MOST_SUBSCRIPTIONS} subscriptions already.`);
      const id = ++lastSubscription;
      subscriptions.set(
        id,
        bus.subscribe(channelName, (message) =>
          post(toSoftphone({ kind: "message", subscription: id, message })),
        ),
      );
      return { id, channelName };
    },
    unsubscribe(params) {
      const given = params["subscription"];
      const id = isRecord(given) ? given["id"] : undefined;
      const stop = typeof id === "number" ? subscriptions.get(id) : undefined;
      if (stop === undefined)
        throw new CtiFailure("INVALID_PARAM", "subscription must be what subscribe answered.");
      stop();
      subscriptions.delete(id as number);
      return null;
    },
    publish(params) {
      const channelName = channelOf(params);
      if (!Object.hasOwn(params, "message")) throw new CtiFailure("INVALID_PARAM", "message is required.");
      bus.publish(channelName, params["message"]);
      return null;
    },
  };

  function close(): void {
    for (const stop of subscriptions.values()) stop();
    subscriptions.clear();
    listening.clear();
  }

  const post = (message: ToSoftphone) => softphone()?.postMessage(message, origin);

  async function answer(method: string, params: Record<string, unknown>): Promise<CtiResponse> {
    if (method === "onClickToDial" || method === "onNavigationChange") {
      listening.add(method);
      return succeeded();
    }
    const known = Object.hasOwn(channels, method)
      ? channels[method]
      : Object.hasOwn(methods, method)
        ? methods[method]
        : undefined;
    if (known === undefined) {
      return failed("GENERIC_ERROR", `The method ${method.slice(0, 80)} is not supported here.`);
    }
    try {
      return succeeded((await known(params)) ?? null);
    } catch (error) {
      if (error instanceof CtiFailure) return failed(error.code, error.message, error.details);
      return failed("GENERIC_ERROR", error instanceof Error ? error.message : "The method failed.");
    }
  }

  return {
    close,
    emit(name, payload) {
      if (listening.has(name)) post(toSoftphone({ kind: "event", name, payload }));
    },
    receive(event) {
      const frame = softphone();
      if (frame === null || event.source !== frame || event.origin !== origin) return;
      const message = readToHost(event.data);
      if (message === null) return;
      if (message.kind === "hello") {
        close();
        post(toSoftphone({ kind: "welcome" }));
      } else if (message.kind === "request") {
        const { id, method, params } = message;
        void answer(method, params).then((response) => post(toSoftphone({ kind: "response", id, response })));
      }
    },
  };
}

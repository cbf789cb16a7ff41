/**
 * The console's side of Open CTI: takes messages of the softphone's iframe and of nobody else.
 *
 * A message counts only when it comes from the iframe's own window *and* with the origin of the call
 * center's adapter address; answers go to that exact origin. Methods are looked up among own properties, so
 * that no name of a prototype is ever called.
 */
import {
  failed,
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
}

/**
 * @param softphone the iframe's window at this moment, null before it exists
 * @param origin origin of the adapter address
 */
export function createCtiHost(
  softphone: () => SoftphoneWindow | null,
  origin: string,
  methods: CtiMethods,
): CtiHost {
  const listening = new Set<EventName>();

  const post = (message: ToSoftphone) => softphone()?.postMessage(message, origin);

  async function answer(method: string, params: Record<string, unknown>): Promise<CtiResponse> {
    if (method === "onClickToDial" || method === "onNavigationChange") {
      listening.add(method);
      return succeeded();
    }
    const known = Object.hasOwn(methods, method) ? methods[method] : undefined;
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
    emit(name, payload) {
      if (listening.has(name)) post(toSoftphone({ kind: "event", name, payload }));
    },
    receive(event) {
      const frame = softphone();
      if (frame === null || event.source !== frame || event.origin !== origin) return;
      const message = readToHost(event.data);
      if (message === null) return;
      if (message.kind === "hello") {
        listening.clear();
        post(toSoftphone({ kind: "welcome" }));
      } else if (message.kind === "request") {
        const { id, method, params } = message;
        void answer(method, params).then((response) => post(toSoftphone({ kind: "response", id, response })));
      }
    },
  };
}

/** The telephones' door: what may be called, and the line that carries set-up and state of calls. */
import { request } from "./http.ts";
import { Socket, socketUrl } from "./socket.ts";

export interface PhoneOffer {
  /** Numbers to call from; each shows one way of being known to the CRM. */
  numbers: { value: string; label_en: string; label_ja: string }[];
  queues: { name: string; numbers: { e164: string; display: string; country: string }[] }[];
}

export interface CallTarget {
  queue: { name: string };
  account: { name: string };
}

export const readPhone = (): Promise<PhoneOffer> => request("GET", "/api/v1/phone");

export const readCallTarget = (slug: string): Promise<CallTarget> =>
  request("GET", `/api/v1/calls/${encodeURIComponent(slug)}`);

export interface Dial {
  /** The number dialled, or null when a queue is called by its name. */
  to: string | null;
  queue: string | null;
  /** The caller's number as typed; null when withheld. */
  from: string | null;
  claimed_name: string | null;
  sdp: string;
}

export type PhoneRequest =
  | ({ type: "dial" } & Dial)
  /** Answer calls to this number from now on; null: to none any more. */
  | { type: "listen"; number: string | null }
  | { type: "answer"; call_id: string; sdp: string }
  | { type: "decline"; call_id: string }
  /** Take up a call over a new line, by the key that came with it. */
  | { type: "resume"; call_id: string; key: string }
  | { type: "digits"; digits: string }
  | { type: "hang_up" };

export type PhoneState = "connecting" | "ringing" | "waiting" | "talking" | "held" | "ended";

export type PhoneMessage =
  | { type: "accepted"; call_id: string; sdp: string; key: string }
  | { type: "refused"; code: string; params: Record<string, unknown> }
  /** `digits`: keys that the agent has pressed, the last 40. */
  | { type: "state"; call_id: string; state: PhoneState; cause: string | null; digits: string }
  | { type: "listening"; number: string | null; display: string | null }
  | { type: "ringing"; call_id: string; from: string | null }
  | { type: "pong" };

export interface PhoneLineHandlers {
  /** The line is open, for the first time or again. */
  opened: () => void;
  received: (message: PhoneMessage) => void;
  /** The line broke; it is tried again by itself. What was going on over it is for its owner to judge. */
  lost: () => void;
}

/** The telephone's line. */
export class PhoneLine {
  readonly #socket: Socket;

  constructor(handlers: PhoneLineHandlers) {
    this.#socket = new Socket(
      { url: socketUrl("/phone/socket"), protocol: "tieline.phone.v1", finalCodes: [] },
      {
        opened: () => {
          this.#socket.settled();
          handlers.opened();
        },
        received: (message) => handlers.received(message as PhoneMessage),
        lost: () => handlers.lost(),
      },
    );
    this.#socket.start();
  }

  /** Sends if the line is open; tells whether it did. */
  send(message: PhoneRequest): boolean {
    return this.#socket.send(message);
  }

  close(): void {
    this.#socket.stop();
  }
}

/**
 * The callbar's line to the server: hello, facts, commands. A command keeps its id until it is answered and is
 * sent again after a reconnect, because the server carries out the same id once.
 */
import type {
  Command,
  CrmChanged,
  Done,
  Event,
  Pong,
  RecordsChanged,
  Refused,
  Snapshot,
} from "../protocol/callbar.ts";
import { Socket, socketUrl } from "./socket.ts";

export const SUBPROTOCOL = "tieline.callbar.v1";
/** The session is no longer valid. */
export const SIGN_IN_AGAIN = 4401;

export type CommandName = Command["name"];

type ServerMessage = Snapshot | Event | Done | Refused | RecordsChanged | CrmChanged | Pong;

/** The server's refusal of a command. */
export class CommandRefused extends Error {
  readonly code: string;
  readonly params: Record<string, unknown>;

  constructor(code: string, params: Record<string, unknown>) {
    super(code);
    this.code = code;
    this.params = params;
  }
}

export interface CallbarLineHandlers {
  /** A snapshot or an event. */
  fact: (message: Snapshot | Event) => void;
  /** Records of the CRM changed. */
  records: () => void;
  /** The CRM takes the connection's grant, or no longer does. A line that comes up again begins with a CRM that does. */
  crm: (connected: boolean) => void;
  /** The line is down and is being tried again. */
  lost: () => void;
  /** The session is over, and the line with it. */
  ended: () => void;
}

interface Waiting {
  command: Command;
  resolve: (result: Done["result"]) => void;
  reject: (refusal: CommandRefused) => void;
}

export class CallbarLine {
  readonly #handlers: CallbarLineHandlers;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, Waiting>();
  readonly #newId: () => string;
  #hello: { token: string; seat: string } | null = null;
  #greeted = false;
  #live = false;

  constructor(
    handlers: CallbarLineHandlers,
    options: {
      url?: string;
      create?: (url: string, protocol: string) => WebSocket;
      random?: () => number;
      newId?: () => string;
    } = {},
  ) {
    this.#handlers = handlers;
    this.#newId = options.newId ?? (() => crypto.randomUUID());
    this.#socket = new Socket(
      {
        url: options.url ?? socketUrl("/callbar/socket"),
        protocol: SUBPROTOCOL,
        finalCodes: [SIGN_IN_AGAIN],
        ...(options.create ? { create: options.create } : {}),
        ...(options.random ? { random: options.random } : {}),
      },
      {
        opened: () => this.#greet(),
        received: (message) => this.#received(message as ServerMessage),
        lost: (final) => {
          this.#greeted = false;
          this.#live = false;
          if (final === null) this.#handlers.lost();
          else this.#handlers.ended();
        },
      },
    );
  }

  /** Opens the line; it may be opened before it is known who says hello, which saves a round trip. */
  start(hello: { token: string; seat: string } | null): void {
    this.#hello = hello;
    this.#socket.start();
    this.#greet();
  }

  stop(): void {
    this.#socket.stop();
    this.#greeted = false;
    this.#live = false;
  }

  hurry(): void {
    this.#socket.hurry();
  }

  /** The reducer saw a gap: everything again, please. */
  requestSnapshot(): void {
    this.#socket.send({ type: "snapshot.request" });
  }

  /** Sends a command, now or after the next reconnect; resolves with its result, rejects with `CommandRefused`. */
  command(name: CommandName, params: Record<string, unknown> = {}): Promise<Done["result"]> {
    return new Promise((resolve, reject) => {
      const command: Command = { type: "command", command_id: this.#newId(), name, params };
      this.#waiting.set(command.command_id, { command, resolve, reject });
      if (this.#live) this.#socket.send(command);
    });
  }

  /** Forgets unanswered commands: their session is over. */
  forgetCommands(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new CommandRefused("session_ended", {}));
  }

  #greet(): void {
    if (this.#greeted || this.#hello === null) return;
    this.#greeted = this.#socket.send({ type: "hello", ...this.#hello });
  }

  #received(message: ServerMessage): void {
    switch (message.type) {
      case "snapshot":
        this.#socket.settled();
        this.#handlers.fact(message);
        if (!this.#live) {
          this.#live = true;
          for (const { command } of this.#waiting.values()) this.#socket.send(command);
        }
        return;
      case "event":
        this.#handlers.fact(message);
        return;
      case "records":
        this.#handlers.records();
        return;
      case "crm":
        this.#handlers.crm(message.connected);
        return;
      case "done":
      case "refused":
        this.#answered(message);
        return;
      case "pong":
    }
  }

  #answered(message: Done | Refused): void {
    const waiting = this.#waiting.get(message.command_id);
    if (!waiting) return;
    this.#waiting.delete(message.command_id);
    if (message.type === "done") waiting.resolve(message.result);
    else waiting.reject(new CommandRefused(message.code, message.params));
  }
}

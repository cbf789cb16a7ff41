/**
 * A WebSocket that comes back: heartbeat, detection of a dead line, reconnecting with growing, scattered
 * pauses. It knows no message but ping; what to say first after each opening is its owner's business.
 */

export const PING_MS = 10_000;
/** A line that brought nothing for this long is dead, whatever the browser thinks. */
export const SILENCE_MS = 25_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export interface SocketHandlers {
  /** The line is open: say hello. */
  opened: () => void;
  /** A message came (parsed JSON with a `type`). */
  received: (message: { type: string }) => void;
  /** The line was lost; it will be tried again unless `final` names the close code that forbids it. */
  lost: (final: number | null) => void;
}

export interface SocketOptions {
  url: string;
  protocol: string;
  /** Close codes after which there is no reconnecting. */
  finalCodes: readonly number[];
  create?: (url: string, protocol: string) => WebSocket;
  random?: () => number;
}

export class Socket {
  readonly #options: SocketOptions;
  readonly #handlers: SocketHandlers;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #ping: ReturnType<typeof setInterval> | null = null;
  #silence: ReturnType<typeof setTimeout> | null = null;
  #stopped = true;

  constructor(options: SocketOptions, handlers: SocketHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /** Opens the line and keeps it open until `stop` or a final close code. Starting twice is starting once. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#attempt = 0;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#drop(1000);
  }

  /** Tries at once instead of waiting for the pause to end: the browser says that it is online again. */
  hurry(): void {
    if (this.#stopped || this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#connect();
  }

  /** Sends if the line is open; tells whether it did. */
  send(message: object): boolean {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** The server accepted us: pauses start small again. */
  settled(): void {
    this.#attempt = 0;
  }

  #connect(): void {
    const create = this.#options.create ?? ((url, protocol) => new WebSocket(url, protocol));
    const socket = create(this.#options.url, this.#options.protocol);
    this.#socket = socket;
    this.#listenForSilence();
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#ping = setInterval(() => this.send({ type: "ping" }), PING_MS);
      this.#listenForSilence();
      this.#handlers.opened();
    };
    socket.onmessage = (event: MessageEvent) => {
      if (socket !== this.#socket) return;
      this.#listenForSilence();
      const message = parsed(event.data);
      if (message !== null) this.#handlers.received(message);
    };
    socket.onclose = (event: CloseEvent) => {
      if (socket === this.#socket) this.#lost(event.code);
    };
  }

  #listenForSilence(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#drop(4000);
      this.#lost(null);
    }, SILENCE_MS);
  }

  #lost(code: number | null): void {
    this.#drop(1000);
    if (this.#stopped) return;
    if (code !== null && this.#options.finalCodes.includes(code)) {
      this.#stopped = true;
      this.#handlers.lost(code);
      return;
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempt++);
    const scattered = pause * (0.5 + 0.5 * (this.#options.random ?? Math.random)());
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, scattered);
    this.#handlers.lost(null);
  }

  #drop(code: number): void {
    if (this.#ping !== null) clearInterval(this.#ping);
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#ping = null;
    this.#silence = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState === 1) socket.close(code);
    // Closing what is only being opened would put a warning into the browser's console.
    else if (socket.readyState === 0) socket.onopen = () => socket.close(code);
  }
}

function parsed(data: unknown): { type: string } | null {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data) as { type?: unknown } | null;
    return typeof message?.type === "string" ? (message as { type: string }) : null;
  } catch {
    return null;
  }
}

/** The address of a socket path of our own origin. */
export function socketUrl(path: string, page: { protocol: string; host: string } = location): string {
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}${path}`;
}

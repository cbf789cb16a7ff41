/** A WebSocket for tests: what it was sent is kept, and the test plays the server. */
export class FakeSocket {
  readyState = 0;
  readonly sent: Record<string, unknown>[] = [];
  closedWith: number | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(code: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  says(message: unknown): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  breaks(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** Types of the messages sent, commands by their name. */
  get spoken(): unknown[] {
    return this.sent.map((message) => message["name"] ?? message["type"]);
  }
}

export interface FakeSockets {
  all: FakeSocket[];
  create: () => WebSocket;
  last: () => FakeSocket;
}

export function fakeSockets(): FakeSockets {
  const all: FakeSocket[] = [];
  return {
    all,
    create: () => {
      const socket = new FakeSocket();
      all.push(socket);
      return socket as unknown as WebSocket;
    },
    last: () => {
      const socket = all.at(-1);
      if (!socket) throw new Error("no socket was opened");
      return socket;
    },
  };
}

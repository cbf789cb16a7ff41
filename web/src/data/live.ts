/**
 * Hints that something shown has changed. A hint carries no facts: whoever shows the thing reads it again.
 * The first is passed on at once; in a busy centre they are gathered, so that it costs a page at most four readings
 * a second. `session` says that the page's own session may have ended.
 */
/** `records`: what the CRM tells of customers. */
export type LiveKind =
  | "account"
  | "agents"
  | "apps"
  | "connections"
  | "engagements"
  | "queues"
  | "records"
  | "session"
  | "statuses"
  | "users";

export const LIVE_KINDS: readonly LiveKind[] = [
  "account",
  "agents",
  "apps",
  "connections",
  "engagements",
  "queues",
  "records",
  "session",
  "statuses",
  "users",
];
const EVERY_MS = 250;
/** Hints of one change come right after one another. */
const GATHER_MS = 10;
/** After an answer that is no stream the browser gives up: we do not. */
const REOPEN_MS = 5_000;

/**
 * Calls `onHint` with the kinds that changed; after a lost connection with all of them. Hints of `records` come only
 * where asked for. Returns the way to stop.
 */
export function listenLive(
  onHint: (kinds: ReadonlySet<LiveKind>) => void,
  records: boolean,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource;
  let reopening: ReturnType<typeof setTimeout> | null = null;
  const gathered = new Set<LiveKind>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let wasLost = false;
  let passedAt = -EVERY_MS;

  const hint = (kind: LiveKind) => {
    gathered.add(kind);
    timer ??= setTimeout(
      () => {
        timer = null;
        passedAt = performance.now();
        const kinds = new Set(gathered);
        gathered.clear();
        onHint(kinds);
      },
      Math.max(GATHER_MS, passedAt + EVERY_MS - performance.now()),
    );
  };
  const heard = (message: MessageEvent<string>) => {
    try {
      const { kind } = JSON.parse(message.data) as { kind?: unknown };
      if (typeof kind === "string" && (LIVE_KINDS as readonly string[]).includes(kind))
        hint(kind as LiveKind);
    } catch {
      // A line that is no JSON is no hint.
    }
  };
  const listen = () => {
    reopening = null;
    source = open(`/api/v1/live${records ? "?records=true" : ""}`);
    source.onmessage = heard;
    source.onerror = () => {
      wasLost = true;
      if (source.readyState === 2) reopening ??= setTimeout(listen, REOPEN_MS);
    };
    source.onopen = () => {
      if (wasLost) for (const kind of LIVE_KINDS) hint(kind);
      wasLost = false;
    };
  };
  listen();
  return () => {
    if (timer !== null) clearTimeout(timer);
    if (reopening !== null) clearTimeout(reopening);
    source.close();
  };
}

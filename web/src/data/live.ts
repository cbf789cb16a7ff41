/**
 * Hints that something shown has changed. A hint carries no facts: whoever shows the thing reads it again.
 * Hints are gathered, so that a busy centre costs a page at most four readings a second.
 */
/** `records`: what the CRM tells of customers. */
export type LiveKind = "agents" | "engagements" | "queues" | "records";

const KINDS: readonly string[] = ["agents", "engagements", "queues", "records"];
const GATHER_MS = 250;
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

  const hint = (kind: LiveKind) => {
    gathered.add(kind);
    timer ??= setTimeout(() => {
      timer = null;
      const kinds = new Set(gathered);
      gathered.clear();
      onHint(kinds);
    }, GATHER_MS);
  };
  const heard = (message: MessageEvent<string>) => {
    try {
      const { kind } = JSON.parse(message.data) as { kind?: unknown };
      if (typeof kind === "string" && KINDS.includes(kind)) hint(kind as LiveKind);
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
      if (wasLost) for (const kind of KINDS) hint(kind as LiveKind);
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

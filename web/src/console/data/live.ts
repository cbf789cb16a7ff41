/**
 * Changes of records as they happen elsewhere.
 *
 * The org pushes them over one stream. A browser allows few connections to one origin, so of all windows of
 * the console only the one that holds a lock listens, and tells the others. A gap (reconnect, sleep) is
 * announced as `null`: whoever shows something asks again.
 */
import type { Change } from "./types.ts";

type Watcher = (change: Change | null) => void;
const watchers = new Set<Watcher>();

export function watchChanges(watcher: Watcher): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function announce(change: Change | null): void {
  for (const watcher of [...watchers]) watcher(change);
}

const KINDS: Change["kind"][] = ["created", "updated", "deleted", "undeleted", "activity"];

/** A message of the stream: a change, null for a gap, undefined for what is neither. */
function changeOf(data: unknown): Change | null | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { object, id, kind } = data as Record<string, unknown>;
  if (kind === "resync") return null;
  if (typeof object !== "string" || typeof id !== "string") return undefined;
  const known = KINDS.find((each) => each === kind);
  return known === undefined ? undefined : { object, id, kind: known };
}

/** Listens until the page is closed. */
export function startLive(): void {
  const others = new BroadcastChannel("console-changes");
  others.onmessage = (event: MessageEvent<unknown>) => {
    const change = event.data === null ? null : changeOf(event.data);
    if (change !== undefined) announce(change);
  };

  const tell = (change: Change | null) => {
    announce(change);
    others.postMessage(change);
  };

  void navigator.locks.request("console-live", () => new Promise<never>(() => listen(tell)));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") announce(null);
  });
}

const RETRY_MS = 3_000;

function listen(tell: (change: Change | null) => void): void {
  const connect = () => {
    const source = new EventSource("/console/api/events");
    // The first time, too: pages were loaded, or another window listened, before this stream began.
    source.onopen = () => tell(null);
    source.onmessage = (event: MessageEvent<string>) => {
      try {
        const change = changeOf(JSON.parse(event.data));
        if (change !== undefined) tell(change);
      } catch {
        // Not a change: nothing to show.
      }
    };
    source.onerror = () => {
      // The browser retries a cut stream by itself, but not a refused one.
      if (source.readyState === EventSource.CLOSED) window.setTimeout(connect, RETRY_MS);
    };
  };
  connect();
}

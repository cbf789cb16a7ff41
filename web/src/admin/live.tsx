/** One live line for the whole portal, and readings that are made again when it hints. */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Problem } from "../data/http.ts";
import { listenLive, LIVE_KINDS, type LiveKind } from "../data/live.ts";
import { currentSession } from "../data/session.ts";

type Hint = (kinds: ReadonlySet<LiveKind>) => void;

/** Called when the server says that nobody is signed in any more. */
export const SessionEnded = createContext<() => void>(() => undefined);

/** A failure as a `Problem`; an ended session leads to the sign-in page. */
export function useFailure(): (error: unknown) => Problem {
  const ended = useContext(SessionEnded);
  return useCallback(
    (error) => {
      const problem = error instanceof Problem ? error : new Problem("internal_error", 0);
      if (problem.status === 401) ended();
      return problem;
    },
    [ended],
  );
}

const Live = createContext<(hint: Hint) => () => void>(() => () => undefined);

const EVERYTHING: ReadonlySet<LiveKind> = new Set(LIVE_KINDS);

/**
 * What comes on the line is the server's choice: agents hear of their own engagements and their own user only. Who does
 * not manage hears only while they look, and sees the news when they come back to the page. `records` while the page shows records of
 * the CRM: the server then asks the CRM more often.
 */
export function LiveProvider({
  always,
  records,
  children,
}: {
  always: boolean;
  records: boolean;
  children: ReactNode;
}): ReactNode {
  const hints = useRef(new Set<Hint>());
  const ended = useContext(SessionEnded);
  useEffect(() => {
    const tell = (kinds: ReadonlySet<LiveKind>) => {
      if (kinds.has("session"))
        currentSession().then(
          (session) => session ?? ended(),
          // Not known: whatever is read next will tell.
          () => undefined,
        );
      hints.current.forEach((hint) => hint(kinds));
    };
    if (always) return listenLive(tell, records);
    let stop: (() => void) | null = listenLive(tell, records);
    const onVisible = () => {
      // Browsers open few connections to one server: pages that nobody looks at shall not hold them.
      if (document.visibilityState === "visible") {
        stop ??= listenLive(tell, records);
        tell(EVERYTHING);
      } else {
        stop?.();
        stop = null;
      }
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      stop?.();
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [always, records, ended]);
  const subscribe = useMemo(
    () => (hint: Hint) => {
      hints.current.add(hint);
      return () => {
        hints.current.delete(hint);
      };
    },
    [],
  );
  return <Live value={subscribe}>{children}</Live>;
}

/** Calls back when something of these kinds has changed. */
export function useHint(kinds: readonly LiveKind[], onHint: () => void): void {
  const subscribe = useContext(Live);
  const latest = useRef(onHint);
  useEffect(() => {
    latest.current = onHint;
  });
  const wanted = kinds.join();
  useEffect(
    () =>
      subscribe((changed) => {
        if (wanted.split(",").some((kind) => changed.has(kind as LiveKind))) latest.current();
      }),
    [subscribe, wanted],
  );
}

export interface Reading<T> {
  value: T | null;
  problem: Problem | null;
  again: () => void;
}

/**
 * Reads, and reads again at each hint; what was read stays on screen meanwhile, and through a failure. `key`
 * names what is read: with another key the old value is dropped.
 */
export function useReading<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  kinds: readonly LiveKind[],
): Reading<T> {
  const [state, setState] = useState<{ key: string; value: T | null; problem: Problem | null }>({
    key,
    value: null,
    problem: null,
  });
  const [turn, setTurn] = useState(0);
  const failure = useFailure();
  const latest = useRef(read);
  useEffect(() => {
    latest.current = read;
  });
  useEffect(() => {
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (value) => setState({ key, value, problem: null }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = failure(error);
        setState((before) => ({ key, value: before.key === key ? before.value : null, problem }));
      },
    );
    return () => abort.abort();
  }, [key, turn, failure]);
  const again = () => setTurn((count) => count + 1);
  useHint(kinds, again);
  const current = state.key === key;
  return { value: current ? state.value : null, problem: current ? state.problem : null, again };
}

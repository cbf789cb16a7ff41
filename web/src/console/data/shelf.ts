/** What is kept of the org's answers while the page lives, and when it is asked again. */
import { ApiError } from "./client.ts";

/** What is known of something the org has: the last answer, and the last failure. */
export interface Known<T> {
  value: T | null;
  error: ApiError | null;
  loading: boolean;
}

export const NOTHING: Known<never> = { value: null, error: null, loading: false };

/** Answers of the org by key; whoever shows one is told when it is replaced. */
export class Shelf<T> {
  private readonly known = new Map<string, Known<T>>();
  private readonly running = new Map<string, Promise<T>>();
  private readonly overtaken = new Set<string>();
  private readonly watchers = new Set<() => void>();
  private readonly fetcher: (key: string) => Promise<T>;

  constructor(fetcher: (key: string) => Promise<T>) {
    this.fetcher = fetcher;
  }

  get(key: string): Known<T> {
    return this.known.get(key) ?? NOTHING;
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private put(key: string, next: Known<T>): void {
    this.known.set(key, next);
    for (const watcher of [...this.watchers]) watcher();
  }

  set(key: string, value: T): void {
    this.put(key, { value, error: null, loading: false });
  }

  keys(): string[] {
    return [...this.known.keys()];
  }

  /** Asks the org; a request that is already under way is shared. */
  load(key: string): Promise<T> {
    const running = this.running.get(key);
    if (running !== undefined) return running;
    const asked = this.fetcher(key).then(
      (value) => {
        this.running.delete(key);
        this.set(key, value);
        return this.overtaken.delete(key) ? this.load(key) : value;
      },
      (error: unknown) => {
        this.running.delete(key);
        if (this.overtaken.delete(key)) return this.load(key);
        const known = error instanceof ApiError ? error : new ApiError(0, []);
        // A passing failure does not take away what is on the screen.
        const value = known.passing ? this.get(key).value : null;
        this.put(key, { value, error: known, loading: false });
        throw known;
      },
    );
    this.running.set(key, asked);
    asked.catch(() => undefined);
    this.put(key, { ...this.get(key), loading: true });
    return asked;
  }

  /** Asks the org after a change: an answer under way may have been given before it, so it is asked once more. */
  reload(key: string): Promise<T> {
    const running = this.running.get(key);
    if (running === undefined) return this.load(key);
    this.overtaken.add(key);
    return running;
  }
}

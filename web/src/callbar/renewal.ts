/** Renews a session at half of what is left of it, so that a bad hour does not end a shift. */
import type { CallbarSession } from "../data/callbar_session.ts";
import { Problem } from "../data/http.ts";

const AGAIN_MS = 60_000;
const SOONEST_MS = 1_000;
/** Timers of browsers hold no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface RenewalDeps {
  now: () => number;
  /** How far the server's clock is ahead of ours. */
  clockOffset: () => number;
  renew: (token: string) => Promise<CallbarSession>;
  renewed: (session: CallbarSession) => void;
  /** The server knows the session no more. */
  over: () => void;
}

export class Renewal {
  readonly #deps: RenewalDeps;
  #session: CallbarSession | null = null;
  #next: { timer: ReturnType<typeof setTimeout>; due: number } | null = null;

  constructor(deps: RenewalDeps) {
    this.#deps = deps;
  }

  /** This session is the one to keep alive from now on. */
  keep(session: CallbarSession): void {
    this.#session = session;
    const left = Date.parse(session.expires_at) - this.#deps.now() - this.#deps.clockOffset();
    // One that seems to be over is renewed, too: our clock may be wrong.
    this.#after(left > 0 ? Math.max(left / 2, SOONEST_MS) : AGAIN_MS);
  }

  /** There is no session to keep; what is on its way changes nothing any more. */
  stop(): void {
    this.#session = null;
    this.#cancel();
  }

  /** Timers stand still while a computer sleeps: to be asked when it may have woken. */
  ifDue(): void {
    if (this.#next !== null && this.#next.due <= this.#deps.now()) void this.#renew();
  }

  #after(ms: number): void {
    this.#cancel();
    const timer = setTimeout(() => void this.#renew(), Math.min(ms, LONGEST_TIMER_MS));
    this.#next = { timer, due: this.#deps.now() + ms };
  }

  #cancel(): void {
    if (this.#next !== null) clearTimeout(this.#next.timer);
    this.#next = null;
  }

  async #renew(): Promise<void> {
    const before = this.#session;
    if (before === null) return;
    this.#cancel();
    try {
      const session = await this.#deps.renew(before.token);
      if (this.#session !== before) return;
      this.#deps.renewed(session);
      this.keep(session);
    } catch (error) {
      if (this.#session !== before) return;
      if (error instanceof Problem && error.status === 401) this.#deps.over();
      else this.#after(AGAIN_MS);
    }
  }
}

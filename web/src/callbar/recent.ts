/** Numbers dialled in this browser session, newest first, so that they need not be typed again. */

export interface RecentNumber {
  e164: string;
  display: string;
  /** The record that was related, when there was one. */
  name: string | null;
}

const KEY = "tieline.callbar.recent";
const KEPT = 10;

type Keeper = Pick<Storage, "getItem" | "setItem" | "removeItem">;

function tabStorage(): Keeper | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

export class Recent {
  readonly #keeper: Keeper | null;
  #numbers: RecentNumber[];

  constructor(keeper: Keeper | null = tabStorage()) {
    this.#keeper = keeper;
    this.#numbers = read(keeper);
  }

  get numbers(): readonly RecentNumber[] {
    return this.#numbers;
  }

  /** Puts a number on top; one that is there already moves up. */
  add(number: RecentNumber): void {
    this.#numbers = [number, ...this.#numbers.filter((each) => each.e164 !== number.e164)].slice(0, KEPT);
    try {
      this.#keeper?.setItem(KEY, JSON.stringify(this.#numbers));
    } catch {
      // Then they live as long as the page.
    }
  }

  /** The next to sign in here may be somebody else. */
  forget(): void {
    this.#numbers = [];
    try {
      this.#keeper?.removeItem(KEY);
    } catch {
      // Nothing was kept.
    }
  }
}

function read(keeper: Keeper | null): RecentNumber[] {
  try {
    const kept = JSON.parse(keeper?.getItem(KEY) ?? "[]") as unknown;
    if (!Array.isArray(kept)) return [];
    return kept.filter(isRecent).slice(0, KEPT);
  } catch {
    return [];
  }
}

function isRecent(value: unknown): value is RecentNumber {
  const { e164, display, name } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof e164 === "string" && typeof display === "string" && (name === null || typeof name === "string")
  );
}

/**
 * The callbar's own random id: the server keeps the agent's audio for it over a reload of the page. It lives in
 * the tab's session storage, which browsers copy when a tab is duplicated, so it is also held as a lock: a copy
 * whose original still lives takes a new id.
 */
const KEY = "tieline.callbar.seat";
/** A page that is being reloaded lets go of its lock within this. */
const RELEASE_MS = 300;

interface Keeper {
  getItem: (key: string) => string | null;
  setItem: (key: string, value: string) => void;
}

/** This callbar's id; new where the tab has none yet, or where another living page has the same. */
export async function claimSeat(
  keeper: Keeper | null = tabStorage(),
  locks: Pick<LockManager, "request"> | null = "locks" in navigator ? navigator.locks : null,
  newId: () => string = () => crypto.randomUUID(),
): Promise<string> {
  const kept = read(keeper);
  if (kept !== null && (await held(kept, locks))) return kept;
  const fresh = newId();
  try {
    keeper?.setItem(KEY, fresh);
  } catch {
    // Then the id lives as long as the page.
  }
  await held(fresh, locks);
  return fresh;
}

function tabStorage(): Keeper | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function read(keeper: Keeper | null): string | null {
  try {
    const kept = keeper?.getItem(KEY) ?? null;
    return kept !== null && /^[A-Za-z0-9-]{16,64}$/.test(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** Takes the lock for the life of the page; tells whether it got it. Without locks there is nothing to ask. */
function held(seat: string, locks: Pick<LockManager, "request"> | null): Promise<boolean> {
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    locks
      .request(`${KEY} ${seat}`, { signal: AbortSignal.timeout(RELEASE_MS) }, () => {
        resolve(true);
        return new Promise<never>(() => undefined);
      })
      .catch(() => resolve(false));
  });
}

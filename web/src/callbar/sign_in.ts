/**
 * Sign-in from inside a foreign page, where cookies of third parties are blocked: a window of our own origin
 * signs the agent in and hands a one-time code back. The code is worth nothing without the secret, which stays
 * in this page's memory; only the secret's hash travels in the window's address.
 */

export interface Challenge {
  secret: string;
  challenge: string;
  /** Two digits that follow from the secret, for a window that cannot hand a code over. */
  digits: string;
}

const WINDOW_NAME = "tieline-callbar-sign-in";
const WINDOW_FEATURES = "popup,width=480,height=680";

/** A fresh secret, its digits and the base64url SHA-256 of its text. Made before the click, which must open the window itself. */
export async function newChallenge(): Promise<Challenge> {
  const secret = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return { secret, challenge: base64url(new Uint8Array(hash)), digits: await digitsOf(secret) };
}

/** The two digits that the server expects for a secret: whoever types them sees this very page. */
export async function digitsOf(secret: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`digits:${secret}`));
  return String(new DataView(hash).getUint32(0) % 100).padStart(2, "0");
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

export function signInAddress(challenge: string, connectionId: string, hostOrigin: string): string {
  const query = new URLSearchParams({ challenge, connection: connectionId, origin: hostOrigin });
  return `/callbar/sign-in?${query}`;
}

export interface SignInWindow {
  /** The code, or null when the window is gone: closed, or out of our reach (a page on its way cut the tie). */
  code: Promise<string | null>;
  focus: () => void;
  cancel: () => void;
}

/** Opens the window; null when the browser blocked it. Must be called from a click. */
export function openSignIn(address: string): SignInWindow | null {
  const opened = window.open(address, WINDOW_NAME, WINDOW_FEATURES);
  if (opened === null) return null;
  let finish: (code: string | null) => void = () => undefined;
  const code = new Promise<string | null>((resolve) => {
    const heard = (event: MessageEvent) => {
      const found = codeOf(event, opened, location.origin);
      if (found !== null) finish(found);
    };
    const watch = setInterval(() => {
      if (opened.closed) finish(null);
    }, 400);
    finish = (result) => {
      clearInterval(watch);
      removeEventListener("message", heard);
      resolve(result);
    };
    addEventListener("message", heard);
  });
  return { code, focus: () => opened.focus(), cancel: () => finish(null) };
}

/** The code of a message, if it comes from the window that we opened and from our own origin. */
export function codeOf(
  event: Pick<MessageEvent, "origin" | "source" | "data">,
  from: unknown,
  origin: string,
): string | null {
  if (event.origin !== origin || event.source !== from) return null;
  const data = event.data as { type?: unknown; code?: unknown } | null;
  return data?.type === "tieline.callbar.code" && typeof data.code === "string" && data.code !== ""
    ? data.code
    : null;
}

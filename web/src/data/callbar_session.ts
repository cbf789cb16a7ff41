/**
 * The callbar's own session. Its bearer lives in this page's memory; a `Partitioned` cookie, which scripts
 * cannot read, brings it back after a reload. A new one needs a one-time code that a window of our own
 * origin fetches for a signed-in agent, bound to a secret that never leaves the callbar before the exchange.
 */
import { Problem, request } from "./http.ts";
import { csrfToken } from "./session.ts";

export interface CallbarSession {
  token: string;
  expires_at: string;
  language: "en" | "ja";
}

/** The session that the cookie stands for; null when there is none. */
export async function resumeCallbar(connectionId: string): Promise<CallbarSession | null> {
  try {
    const body = { connection_id: connectionId };
    const session = await request<CallbarSession | undefined>("POST", "/api/v1/callbar/session/resume", {
      body,
    });
    return session ?? null;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

/** Exchanges code and secret for a session. */
export function openCallbar(connectionId: string, code: string, secret: string): Promise<CallbarSession> {
  return request("POST", "/api/v1/callbar/session", { body: { connection_id: connectionId, code, secret } });
}

/** Fetches the session that was granted by digits to whoever knows the secret; null while nobody has. */
export async function collectCallbar(connectionId: string, secret: string): Promise<CallbarSession | null> {
  const body = { connection_id: connectionId, secret };
  const session = await request<CallbarSession | undefined>("POST", "/api/v1/callbar/session/collect", {
    body,
  });
  return session ?? null;
}

/** Prolongs the session; `Problem` with status 401 when it is over. */
export function renewCallbar(token: string): Promise<CallbarSession> {
  return request("POST", "/api/v1/callbar/session/renew", { bearer: token });
}

export function closeCallbar(token: string): Promise<void> {
  return request("DELETE", "/api/v1/callbar/session", { bearer: token });
}

/** Asks, as the portal's signed-in user, for the code that opens a callbar; `origin` is the page that embeds it. */
export function grantCallbar(
  challenge: string,
  connectionId: string,
  origin: string,
): Promise<{ code: string }> {
  const body = { challenge, connection_id: connectionId, origin };
  return request("POST", "/api/v1/callbar/grants", { body, csrf: csrfToken() });
}

/** The same without a code: the callbar that shows these digits may fetch its session. */
export async function grantByDigits(
  challenge: string,
  connectionId: string,
  origin: string,
  digits: string,
): Promise<void> {
  const body = { challenge, connection_id: connectionId, origin, digits };
  await request("POST", "/api/v1/callbar/grants", { body, csrf: csrfToken() });
}

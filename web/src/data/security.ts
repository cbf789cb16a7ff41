/** How a user signs in: password by link, second step, sessions. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export interface SecondStep {
  on: boolean;
  /** The account wants one of this user, who has none. */
  missing: boolean;
  recovery_codes_left: number;
}

export interface Beginning {
  secret: string;
  uri: string;
  /** A QR code as a `data:` address. */
  picture: string;
}

export interface Session {
  id: string;
  kind: "portal" | "callbar";
  device: string;
  address: string;
  created_at: string;
  last_used_at: string;
  current: boolean;
}

const csrf = () => ({ csrf: csrfToken() });

/** Asks for a mail with a link; the answer is the same whether the address is a user's. */
export const forgetPassword = (email: string): Promise<void> =>
  request("POST", "/api/v1/password-reset", { body: { email } });

/** Sets the password of the link's user; gives the address to sign in with. */
export async function choosePassword(token: string, password: string): Promise<string> {
  const answer = await request<{ email: string }>("POST", "/api/v1/password", { body: { token, password } });
  return answer.email;
}

export const readSecondStep = (signal?: AbortSignal): Promise<SecondStep> =>
  request("GET", "/api/v1/second-step", signal ? { signal } : {});

export const beginSecondStep = (): Promise<Beginning> => request("POST", "/api/v1/second-step", csrf());

const codesFor = async (method: string, path: string, code: string): Promise<string[]> =>
  (await request<{ recovery_codes: string[] }>(method, path, { body: { code }, ...csrf() })).recovery_codes;

/** Switches the second step on; gives the recovery codes, which are shown this once. */
export const confirmSecondStep = (code: string): Promise<string[]> =>
  codesFor("PUT", "/api/v1/second-step", code);

export const newRecoveryCodes = (code: string): Promise<string[]> =>
  codesFor("POST", "/api/v1/second-step/recovery-codes", code);

export const switchSecondStepOff = (code: string): Promise<void> =>
  request("POST", "/api/v1/second-step/off", { body: { code }, ...csrf() });

export async function readSessions(signal?: AbortSignal): Promise<Session[]> {
  const answer = await request<{ sessions: Session[] }>("GET", "/api/v1/sessions", signal ? { signal } : {});
  return answer.sessions;
}

export const endSession = (id: string): Promise<void> =>
  request("DELETE", `/api/v1/sessions/${encodeURIComponent(id)}`, csrf());

export const endOtherSessions = (): Promise<void> => request("DELETE", "/api/v1/sessions/others", csrf());

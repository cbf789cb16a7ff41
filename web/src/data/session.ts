/** The portal's session: a cookie that scripts cannot read, and the token that writes must carry. */
import { Problem, request } from "./http.ts";

export type Role = "owner" | "administrator" | "supervisor" | "agent";

/** What somebody may do, as the server's table of roles names it. */
export type Right =
  | "all_engagements"
  | "live"
  | "home"
  | "users"
  | "statuses"
  | "connections"
  | "apps"
  | "account"
  | "own_engagements";

export interface PortalSession {
  user: {
    id: string;
    name: string;
    email: string;
    language: "en" | "ja";
    roles: Role[];
    /** By the roles; there are more than the pages ask for. */
    rights: Right[];
    /** `missing`: the account wants one, and nothing else is open until then. */
    second_step: "on" | "off" | "missing";
  };
  /** Times are shown in the account's zone. */
  account: { name: string; time_zone: string };
  csrf_token: string;
}

export const may = (session: PortalSession | null, right: Right): boolean =>
  session?.user.rights.includes(right) ?? false;

let csrf: string | null = null;

/** The token of the session last seen by this page; null before. */
export const csrfToken = (): string | null => csrf;

function remembered(session: PortalSession): PortalSession {
  csrf = session.csrf_token;
  return session;
}

/** Who is signed in; null when nobody is. */
export async function currentSession(): Promise<PortalSession | null> {
  try {
    const session = await request<PortalSession | undefined>("GET", "/api/v1/session");
    return session === undefined ? null : remembered(session);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

/**
 * Signs in; `Problem` codes: `credentials_wrong`, `code_needed` where the user has a second step, `code_wrong`,
 * `too_many_attempts` with `retry_after_s`.
 */
export async function signIn(email: string, password: string, code?: string): Promise<PortalSession> {
  const body = { email, password, ...(code === undefined ? {} : { code }) };
  return remembered(await request<PortalSession>("POST", "/api/v1/session", { body }));
}

export interface RoleMatrix {
  roles: Role[];
  rights: { key: string; roles: Role[] }[];
}

/** What each role may do, as the server's doors are asked. */
export const readRoles = (signal?: AbortSignal): Promise<RoleMatrix> =>
  request("GET", "/api/v1/roles", signal ? { signal } : {});

/** Ends every session of the user: portal and callbars, on every computer. */
export async function signOutEverywhere(): Promise<void> {
  await request("DELETE", "/api/v1/sessions", { csrf });
  csrf = null;
}

export async function signOut(): Promise<void> {
  await request("DELETE", "/api/v1/session", { csrf });
  csrf = null;
}

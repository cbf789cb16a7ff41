/** The account's users, as administrators see and change them. */
import { request } from "./http.ts";
import { csrfToken, type Role } from "./session.ts";

/** Roles that an administrator gives; the owner's is handed over by the owner. */
export const ROLES = ["agent", "supervisor", "administrator"] as const satisfies readonly Role[];
export type GivenRole = (typeof ROLES)[number];

export interface User {
  id: string;
  name: string;
  email: string;
  language: "en" | "ja";
  roles: Role[];
  active: boolean;
  /** True until the user has chosen a password. */
  invited: boolean;
  second_step: boolean;
  version: number;
  skills: { name: string; level: number }[];
  connection: { id: string; name: string } | null;
  /** Who the user is in the CRM; null: not looked for yet, or without client integration. */
  org_user: OrgUser | null;
}

export interface OrgUser {
  /** How many users of the org it may be. */
  found: number;
  how: "username" | "email" | "chosen" | null;
  /** The user name that an administrator gave. */
  chosen: string | null;
  name: string | null;
  username: string | null;
  permission_set: boolean | null;
  call_center: boolean | null;
  matched_at: string | null;
}

export const ORG_TROUBLES = ["not_found", "several", "no_permission_set", "no_call_center"] as const;

export interface UserPage {
  users: User[];
  total: number;
  next: string | null;
}

export interface UserFilter {
  search: string;
  role: "" | Role;
  /** A connection's id, `none`, or empty for all. */
  connection: string;
  active: "" | "true" | "false";
  /** What is wrong with whom they are in the CRM. */
  org: "" | (typeof ORG_TROUBLES)[number];
}

export interface UserDraft {
  name: string;
  language: "en" | "ja";
  roles: GivenRole[];
  connection_id: string | null;
}

const of = (id: string): string => `/api/v1/users/${encodeURIComponent(id)}`;
const csrf = () => ({ csrf: csrfToken() });

export function readUsers(filter: UserFilter, after: string | null, signal?: AbortSignal): Promise<UserPage> {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ""));
  if (after !== null) query.set("after", after);
  return request("GET", `/api/v1/users?${query.toString()}`, signal ? { signal } : {});
}

/** Where a user chooses a password: shown this once; `mailed` to the user where mail is sent. */
export interface PasswordLink {
  link: string;
  mailed: boolean;
}

/** Makes a user, and the link where the user chooses a password. */
export const addUser = (email: string, draft: UserDraft): Promise<PasswordLink> =>
  request("POST", "/api/v1/users", { body: { email, ...draft }, ...csrf() });

/** Writes a user of the version that was read; `Problem` `changed_meanwhile` when it is not that any more. */
export const changeUser = (user: User, change: UserDraft & { active: boolean }): Promise<User> =>
  request("PUT", of(user.id), { body: { version: user.version, ...change }, ...csrf() });

/** Says by user name who the user is in the CRM; null: found by itself. The CRM is asked next. */
export const setOrgUser = (id: string, username: string | null): Promise<User> =>
  request("PUT", `${of(id)}/org-user`, { body: { username }, ...csrf() });

/** Who changed what of a user, the newest change first. */
export async function readUserChanges(id: string, signal?: AbortSignal): Promise<UserChange[]> {
  const answer = await request<{ changes: UserChange[] }>(
    "GET",
    `${of(id)}/changes`,
    signal ? { signal } : {},
  );
  return answer.changes;
}

export const makePasswordLink = (id: string): Promise<PasswordLink> =>
  request("POST", `${of(id)}/password-link`, csrf());

export const handOver = (id: string): Promise<void> => request("POST", `${of(id)}/owner`, csrf());

/** Lets users work in a connection's CRM, or in none; gives how many that changed. */
export async function setClientIntegration(ids: string[], connectionId: string | null): Promise<number> {
  const answer = await request<{ changed: number }>("PUT", "/api/v1/users/client-integration", {
    body: { user_ids: ids, connection_id: connectionId },
    ...csrf(),
  });
  return answer.changed;
}

export interface UserChange {
  id: string;
  at: string;
  by: string;
  changes: Record<string, [unknown, unknown]>;
}

export interface ImportLine {
  number: number;
  email: string;
  name: string;
  kind: "new" | "changed" | "same" | "wrong";
  reason: string | null;
  value: string;
}

/** What becomes, or has become, of a file's lines; those that are wrong come first. */
export interface Import {
  written: boolean;
  new: number;
  changed: number;
  same: number;
  wrong: number;
  lines: ImportLine[];
}

export const importTemplate = "/api/v1/users/import-template";
const IMPORT_MS = 120_000;

/** Reads a CSV file on the server; `write` makes it so. */
export const importUsers = (file: Blob, options: { write: boolean; invite: boolean }): Promise<Import> =>
  request("POST", `/api/v1/users/import?write=${String(options.write)}&invite=${String(options.invite)}`, {
    file,
    timeLimitMs: IMPORT_MS,
    ...csrf(),
  });

/** Takes a user's second step away, whose phone is lost. */
export const resetSecondStep = (id: string): Promise<void> =>
  request("DELETE", `${of(id)}/second-step`, csrf());

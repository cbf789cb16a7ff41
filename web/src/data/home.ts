/** The state of the integration: lines that the server concludes from what is so, and from what an org last said. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export type StepState = "ok" | "note" | "wrong" | "missing" | "unknown";

export interface Finding {
  state: StepState;
  code: string;
  params: Record<string, unknown>;
}

export interface Step extends Finding {
  key: string;
  /** Where it is mended. */
  page: string | null;
  /** When an org told it; null: it is so now. */
  at: string | null;
}

export interface Group {
  kind: "account" | "connection" | "users";
  connection: { id: string; name: string } | null;
  surveyed_at: string | null;
  state: StepState;
  steps: Step[];
  /** Why the org could not be asked the last time. */
  error?: string | null;
}

export interface Home {
  at: string;
  groups: Group[];
}

export const readHome = (signal?: AbortSignal): Promise<Home> =>
  request("GET", "/api/v1/home", signal ? { signal } : {});

/** Has the org asked whether everything is set up; the live line tells when it has answered. */
export const checkConnection = (id: string): Promise<void> =>
  request("POST", `/api/v1/connections/${encodeURIComponent(id)}/check`, { csrf: csrfToken() });

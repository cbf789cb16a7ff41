/** Connections: the account's links to CRMs, as administrators see and change them. */
import type { Finding } from "./home.ts";
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export const ENVIRONMENTS = ["production", "sandbox", "domain", "embedded"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];
export type ConnectionStatus = "connected" | "needs_sign_in" | "disconnected" | "not_reachable";

export interface Connection {
  id: string;
  name: string;
  environment: Environment;
  status: ConnectionStatus;
  login_origin: string;
  org_id: string | null;
  embedding_origins: string[];
  related_domains: string[];
  connected_by: string | null;
  connected_at: string | null;
  succeeded_at: string | null;
  api_requests: { used: number; limit: number } | null;
  country_codes: string[];
  index: { state: "none" | "loading" | "ready"; checked_at: string | null };
  error: { code: string; at: string } | null;
  /** When the org last gave an access token. */
  token_at: string | null;
  /** What the org last said about its set-up, by what was asked. */
  survey: { checks: Record<string, Finding>; at: string | null; error: string | null };
}

export interface Connections {
  /** Whether the operator lets connections be made and changed. */
  integrations: boolean;
  connections: Connection[];
  /** Whether this installation may be joined to the embedded CRM. */
  embedded_allowed: boolean;
  /** The address that the org's app must allow as its callback. */
  callback: string;
}

/** Where an org is, and as whose client we come to it. */
export interface Org {
  environment: Environment;
  client_id: string;
  client_secret: string | null;
  login_origin: string | null;
  api_base: string | null;
  embedding_origins: string[];
}

export interface Impact {
  users: number;
  logs: number;
  records: number;
}

/** A call center definition with our own addresses in it, to be imported in the org. */
export const callCenterUrl = (document: "standard" | "sso"): string => `/api/v1/call-center/${document}`;

const of = (id: string): string => `/api/v1/connections/${encodeURIComponent(id)}`;

export const readConnections = (signal?: AbortSignal): Promise<Connections> =>
  request("GET", "/api/v1/connections", signal ? { signal } : {});

/** Begins a connection; the browser then goes to the address given, at the org. */
export async function addConnection(name: string, org: Org): Promise<string> {
  const answer = await request<{ authorize_url: string }>("POST", "/api/v1/connections", {
    body: { name, ...org },
    csrf: csrfToken(),
  });
  return answer.authorize_url;
}

/** Changes the name at once; another org only once it is authorised at the address given. */
export async function changeConnection(
  id: string,
  change: { name?: string; org?: Org },
): Promise<string | null> {
  const answer = await request<{ authorize_url: string | null }>("PATCH", of(id), {
    body: change,
    csrf: csrfToken(),
  });
  return answer.authorize_url;
}

/** The address at the CRM where a connection is authorised anew. */
export async function authoriseAgain(id: string): Promise<string> {
  const answer = await request<{ authorize_url: string }>("POST", `${of(id)}/authorise`, {
    csrf: csrfToken(),
  });
  return answer.authorize_url;
}

/** Sets all related domains; gives them as they are kept. */
export async function setRelatedDomains(id: string, domains: string[]): Promise<string[]> {
  const body = { domains };
  const answer = await request<{ domains: string[] }>("PUT", `${of(id)}/related-domains`, {
    body,
    csrf: csrfToken(),
  });
  return answer.domains;
}

export const readImpact = (id: string, signal?: AbortSignal): Promise<Impact> =>
  request("GET", `${of(id)}/impact`, signal ? { signal } : {});

export const removeConnection = (id: string): Promise<void> =>
  request("DELETE", of(id), { csrf: csrfToken() });

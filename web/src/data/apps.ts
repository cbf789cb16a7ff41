/** Apps of others: what they ask for at the consent page, developer apps, and apps that users let in. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export const SCOPES = [
  "contact_center_preferences:read",
  "contact_center_users:manage",
  "user_info:read",
] as const;
export type Scope = (typeof SCOPES)[number];

export interface AppRequest {
  /** `new`: an org that introduced itself; the account knows it only once this is allowed. */
  app: { name: string; goes_to: string; new: boolean };
  account: string;
  scopes: Scope[];
  /** Scopes that this user may not allow. */
  not_yours: Scope[];
}

export interface DeveloperApp {
  id: string;
  name: string;
  client_id: string;
  confidential: boolean;
  redirect_uris: string[];
  scopes: Scope[];
  version: number;
  created_by: string | null;
  created_at: string;
  secret_at: string | null;
  /** How often it was let in, as long as that holds. */
  grants: number;
}

export interface AppDraft {
  name: string;
  redirect_uris: string[];
  scopes: Scope[];
}

/** An app, and its secret where there is a new one: it is shown this once. */
export interface AppMade {
  app: DeveloperApp;
  secret: string | null;
}

export interface Grant {
  id: string;
  by: { name: string; email: string };
  scopes: Scope[];
  created_at: string;
  used_at: string | null;
  ends_at: string;
  access_tokens: number;
}

export interface AddedApp {
  id: string;
  name: string;
  grants: Grant[];
}

const of = (id: string): string => `/api/v1/developer-apps/${encodeURIComponent(id)}`;
const csrf = () => ({ csrf: csrfToken() });

/** What an app asks for, by the query it came with; or where to go because it cannot be met. */
export const readAppRequest = (
  query: string,
  signal?: AbortSignal,
): Promise<AppRequest | { redirect_to: string }> =>
  request("GET", `/api/v1/oauth/request?${query}`, signal ? { signal } : {});

/** Answers for the user; gives where the browser goes on. */
export async function answerAppRequest(query: string, allow: boolean): Promise<string> {
  const answer = await request<{ redirect_to: string }>("POST", "/api/v1/oauth/consent", {
    body: { query, allow },
    ...csrf(),
  });
  return answer.redirect_to;
}

export async function readDeveloperApps(signal?: AbortSignal): Promise<DeveloperApp[]> {
  const answer = await request<{ apps: DeveloperApp[] }>(
    "GET",
    "/api/v1/developer-apps",
    signal ? { signal } : {},
  );
  return answer.apps;
}

export const addDeveloperApp = (draft: AppDraft, confidential: boolean): Promise<AppMade> =>
  request("POST", "/api/v1/developer-apps", { body: { ...draft, confidential }, ...csrf() });

export const changeDeveloperApp = (app: DeveloperApp, draft: AppDraft): Promise<DeveloperApp> =>
  request("PUT", of(app.id), { body: { ...draft, version: app.version }, ...csrf() });

export const rotateSecret = (id: string): Promise<AppMade> => request("POST", `${of(id)}/secret`, csrf());

export const deleteDeveloperApp = (id: string): Promise<void> => request("DELETE", of(id), csrf());

export async function readAddedApps(signal?: AbortSignal): Promise<AddedApp[]> {
  const answer = await request<{ apps: AddedApp[] }>("GET", "/api/v1/added-apps", signal ? { signal } : {});
  return answer.apps;
}

/** Takes back everything that was allowed to an app, or one grant only. */
export const removeAddedApp = (id: string, grantId?: string): Promise<void> =>
  request(
    "DELETE",
    `/api/v1/added-apps/${encodeURIComponent(id)}${grantId === undefined ? "" : `/grants/${encodeURIComponent(grantId)}`}`,
    csrf(),
  );

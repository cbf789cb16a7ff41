/**
 * The only code of the console that talks to its org: JSON over the cookie session of this origin.
 * Writes carry the session's CSRF token. A session that ended is announced once, for the shell to ask for a
 * new sign-in without losing what is typed.
 */
import { createStore } from "./store.ts";

export const REST = "/console/api/data/v66.0";

/** One error of an answer, as the org's REST words it. */
export interface ApiProblem {
  message: string;
  errorCode: string;
  fields: string[];
  /** All of it, for what single doors say beside these. */
  body: Record<string, unknown>;
}

/** A refusal by the org, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly problems: ApiProblem[];

  constructor(status: number, problems: ApiProblem[]) {
    super(problems[0]?.message ?? `HTTP ${status}`);
    this.status = status;
    this.problems = problems;
  }

  get code(): string {
    return this.problems[0]?.errorCode ?? "";
  }

  /** Nothing was decided: the same request may work in a moment. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** True once the org answered that the session has ended. */
export const sessionEnded = createStore(false);

let csrfToken = "";

export function setToken(token: string): void {
  csrfToken = token;
}

function problemsOf(body: unknown, status: number): ApiProblem[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  return list.map((each) => {
    const problem = typeof each === "object" && each !== null ? (each as Record<string, unknown>) : {};
    const text = (key: string) => (typeof problem[key] === "string" ? problem[key] : null);
    const fields: unknown = problem["fields"];
    return {
      message: text("message") ?? text("error_description") ?? text("detail") ?? `HTTP ${status}`,
      errorCode:
        text("errorCode") ?? text("statusCode") ?? text("code") ?? text("error") ?? "UNKNOWN_EXCEPTION",
      fields: Array.isArray(fields)
        ? fields.filter((field): field is string => typeof field === "string")
        : [],
      body: problem,
    };
  });
}

/** Sends one request and reads its JSON; throws `ApiError`. */
export async function request<T>(
  path: string,
  options: {
    method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
    body?: unknown;
    signal?: AbortSignal;
  } = {},
): Promise<T> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", redirect: "error" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal !== undefined) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, [{ message: "", errorCode: "NETWORK", fields: [], body: {} }]);
  }
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch {
    body = null;
  }
  if (response.ok) return body as T;
  if (response.status === 401) sessionEnded.set(true);
  throw new ApiError(response.status, problemsOf(body, response.status));
}

/** A query string without the absent values. */
export function query(values: Record<string, string | number | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") parameters.set(key, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

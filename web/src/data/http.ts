/** The one way to the REST door: JSON in and out, refusals as `Problem`, every request with a time limit. */

const TIME_LIMIT_MS = 15_000;

/** A refusal or a failure. `code` is stable and screens have a sentence for it; `status` 0 means no answer came. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly params: Record<string, unknown>;
  readonly requestId: string | null;

  constructor(
    code: string,
    status: number,
    params: Record<string, unknown> = {},
    requestId: string | null = null,
  ) {
    super(code);
    this.code = code;
    this.status = status;
    this.params = params;
    this.requestId = requestId;
  }
}

export interface RequestOptions {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  file?: Blob;
  timeLimitMs?: number;
  bearer?: string;
  /** The portal session's token, needed by writes that go with its cookie. */
  csrf?: string | null;
  signal?: AbortSignal;
}

/** Asks our own origin and gives the answer's JSON (undefined when empty); throws `Problem`, or the signal's abort. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.bearer) headers["Authorization"] = `Bearer ${options.bearer}`;
  if (options.csrf) headers["X-CSRF-Token"] = options.csrf;
  if (options.file !== undefined) headers["Content-Type"] = "text/csv";
  const limit = AbortSignal.timeout(options.timeLimitMs ?? TIME_LIMIT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "include",
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
      ...(options.file !== undefined
        ? { body: options.file }
        : options.body === undefined
          ? {}
          : { body: JSON.stringify(options.body) }),
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("unreachable", 0);
  }
  if (response.ok && text === "") return undefined as T;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Problem("answer_unreadable", response.status);
  }
  if (response.ok) return parsed as T;
  const problem = (parsed ?? {}) as { code?: unknown; params?: unknown; request_id?: unknown };
  throw new Problem(
    typeof problem.code === "string" ? problem.code : "answer_unreadable",
    response.status,
    typeof problem.params === "object" && problem.params !== null
      ? (problem.params as Record<string, unknown>)
      : {},
    typeof problem.request_id === "string" ? problem.request_id : null,
  );
}

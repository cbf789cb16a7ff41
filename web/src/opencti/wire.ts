/**
 * The messages between a softphone page (`script.ts`) and the console that embeds it (`console/cti/host.ts`).
 *
 * Salesforce publishes the methods of Open CTI, not the messages beneath them, so these are ours. They go by
 * `postMessage` to one exact origin. What always holds: a message that is not exactly of this form is
 * ignored, never answered.
 *
 *   softphone -> host   hello                       at load; forgets listeners of the page that was there before
 *   host -> softphone   welcome                     tells the softphone which origin its host has
 *   softphone -> host   request {id, method, params}
 *   host -> softphone   response {id, response}
 *   host -> softphone   event {name, payload}       only for names the softphone listens to
 *   host -> softphone   message {subscription, message}   of a message channel that the softphone subscribed to
 */
export const PROTOCOL = "open-cti";
export const VERSION = 1;

/** One error of a response, worded as Salesforce does. */
export interface CtiError {
  code: string;
  description: string;
  details?: unknown;
}

/** What every callback gets. Salesforce's pages call the list `errors` here and `error` there, so both are filled. */
export interface CtiResponse {
  success: boolean;
  returnValue: unknown;
  errors: CtiError[] | null;
  error: CtiError[] | null;
}

export type EventName = "onClickToDial" | "onNavigationChange";
export const EVENT_NAMES: readonly EventName[] = ["onClickToDial", "onNavigationChange"];

interface Envelope {
  protocol: typeof PROTOCOL;
  version: typeof VERSION;
}
export type ToHost = Envelope &
  ({ kind: "hello" } | { kind: "request"; id: number; method: string; params: Record<string, unknown> });
export type ToSoftphone = Envelope &
  (
    | { kind: "welcome" }
    | { kind: "response"; id: number; response: CtiResponse }
    | { kind: "event"; name: EventName; payload: unknown }
    | { kind: "message"; subscription: number; message: unknown }
  );

type Body<T> = T extends unknown ? Omit<T, keyof Envelope> : never;

export const toHost = (body: Body<ToHost>): ToHost => ({ protocol: PROTOCOL, version: VERSION, ...body });
export const toSoftphone = (body: Body<ToSoftphone>): ToSoftphone => ({
  protocol: PROTOCOL,
  version: VERSION,
  ...body,
});

export const succeeded = (returnValue: unknown = null): CtiResponse => ({
  success: true,
  returnValue,
  errors: null,
  error: null,
});

export function failed(code: string, description: string, details?: unknown): CtiResponse {
  const errors: CtiError[] = [details === undefined ? { code, description } : { code, description, details }];
  return { success: false, returnValue: null, errors, error: errors };
}

/** A plain object: what structured cloning makes of `{}`; no array, no class, no null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEnvelope(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && own(value, "protocol") === PROTOCOL && own(value, "version") === VERSION;
}

/** An own property of a message; what a prototype would lend does not count. */
function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** The message of a softphone, or null for anything else. */
export function readToHost(data: unknown): ToHost | null {
  if (!isEnvelope(data)) return null;
  const kind = own(data, "kind");
  if (kind === "hello") return toHost({ kind });
  if (kind !== "request") return null;
  const [id, method, params] = [own(data, "id"), own(data, "method"), own(data, "params")];
  if (!isId(id) || typeof method !== "string" || !isRecord(params)) return null;
  return toHost({ kind, id, method, params });
}

/** The message of a host, or null for anything else. */
export function readToSoftphone(data: unknown): ToSoftphone | null {
  if (!isEnvelope(data)) return null;
  const kind = own(data, "kind");
  if (kind === "welcome") return toSoftphone({ kind });
  if (kind === "response") {
    const [id, response] = [own(data, "id"), own(data, "response")];
    if (!isId(id) || !isRecord(response) || typeof own(response, "success") !== "boolean") return null;
    return toSoftphone({ kind, id, response: response as unknown as CtiResponse });
  }
  if (kind === "message") {
    const subscription = own(data, "subscription");
    return isId(subscription) ? toSoftphone({ kind, subscription, message: own(data, "message") }) : null;
  }
  if (kind !== "event") return null;
  const name = own(data, "name");
  if (name !== "onClickToDial" && name !== "onNavigationChange") return null;
  return toSoftphone({ kind, name, payload: own(data, "payload") });
}

/**
 * The origins that may be our host.
 *
 * A softphone trusts the origin it loaded the script from, and the console of that same org: a script from
 * `acme.my.<domain>` accepts `acme.lightning.<domain>` (same scheme and port), and nothing that merely looks
 * like it. `claims` are where the page says it is embedded: `sfdcIframeOrigin` of its address, its referrer, the
 * browser's own list of ancestors.
 */
export function hostOrigins(script: string | null, claims: readonly (string | null)[]): string[] {
  const from = originOf(script);
  if (from === null) return [];
  const consoles = claims
    .map(originOf)
    .filter((each) => each !== null)
    .filter((each) => each.origin !== from.origin && sameOrg(from, each));
  return [...new Set([...consoles.map((each) => each.origin), from.origin])];
}

function originOf(url: string | null): URL | null {
  if (url === null || !URL.canParse(url)) return null;
  const parsed = new URL(url);
  return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed : null;
}

function sameOrg(script: URL, console: URL): boolean {
  const match = /^([a-z0-9-]+)\.my\.(.+)$/.exec(script.hostname);
  return (
    match !== null &&
    console.hostname === `${match[1]}.lightning.${match[2]}` &&
    console.protocol === script.protocol &&
    console.port === script.port
  );
}

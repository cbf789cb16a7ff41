/**
 * What components of packages stand on: the page that shows them gives this once, before any of their code runs.
 *
 * Their `lightning/*` and `@salesforce/*` imports end in this folder; all of it reaches the org through `Host`.
 */

/** The page that shows components. */
export interface Host {
  /** Sends one request to the org, as the console does, and reads its JSON. */
  request: (
    path: string,
    options?: { method?: "POST" | "PATCH" | "DELETE"; body?: unknown },
  ) => Promise<unknown>;
  /** Opens an address of the console. */
  navigate: (path: string) => void;
  /** The console window's message channels. */
  subscribe: (channel: string, listener: (message: unknown) => void) => () => void;
  publish: (channel: string, message: unknown) => void;
  userId: string;
  /** As the user set them, such as `ja` and `ja_JP`. */
  language: string;
  locale: string;
  timeZone: string;
}

/** A refusal in the form in which Lightning hands refusals to components. */
export interface Refusal {
  ok: false;
  status: number;
  body: { message: string; errorCode: string; fieldErrors?: Record<string, unknown> };
}

const labels = new Map<string, string>();
let given: Host | null = null;
let prefix = "";

/** Gives components their page; `texts` are custom labels by name, in the user's language. */
export function provide(host: Host, namespace: string | null, texts: Readonly<Record<string, string>>): void {
  given = host;
  prefix = namespace === null ? "" : `${namespace}__`;
  for (const [name, text] of Object.entries(texts)) labels.set(name, text);
}

export function host(): Host {
  if (given === null) throw new Error("components were loaded before their page was given");
  return given;
}

/** The text of a custom label, as `@salesforce/label/c.Name` gives it. */
export const label = (name: string): string => labels.get(name) ?? name;

/** The API name, in this org, of what the components' package calls by its own name. */
export const apiName = (name: string): string =>
  prefix === "" || !/__(c|r|mdt|e)$/.test(name) || name.split("__").length > 2 ? name : prefix + name;

/** `Object__c.Field__c` as `@salesforce/schema` gives it. */
export const schemaField = (object: string, field: string) => ({
  fieldApiName: field.split(".").map(apiName).join("."),
  objectApiName: apiName(object),
});

/** A request whose refusals are worded as components know them. */
export async function ask(
  path: string,
  method?: "POST" | "PATCH" | "DELETE",
  body?: unknown,
): Promise<unknown> {
  try {
    return await host().request(path, {
      ...(method === undefined ? {} : { method }),
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- Lightning hands over plain objects
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): Refusal {
  const told = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  return {
    ok: false,
    status: typeof told["status"] === "number" ? told["status"] : 0,
    body: {
      message: error instanceof Error ? error.message : "",
      errorCode: typeof told["code"] === "string" ? told["code"] : "UNKNOWN_EXCEPTION",
    },
  };
}

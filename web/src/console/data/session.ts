/** Who works here, in which org, with which objects: read once when the page opens. */
import { languageOf, type Language } from "../../ui/i18n.ts";
import { familyFirst, type Region } from "../../ui/format.ts";
import { pageConfig } from "../../ui/config.ts";
import { request, sessionEnded, setToken } from "./client.ts";
import { createStore } from "./store.ts";
import type { Bootstrap, ObjectInfo } from "./types.ts";

let current: Bootstrap | null = null;

/** The signed-in session; only called by code that runs after `startSession`. */
export function session(): Bootstrap {
  if (current === null) throw new Error("the session has not started");
  return current;
}

export const language = (): Language => languageOf(session().user.language);
export const region = (): Region => ({ locale: session().user.locale, timeZone: session().user.time_zone });

/** Whose order of names the user's locale follows: `ja` where the family name comes first. */
export const nameOrder = (): Language => (familyFirst(session().user.locale) ? "ja" : "en");

export async function startSession(): Promise<Bootstrap> {
  const given = pageConfig()["bootstrap"] as Bootstrap | undefined;
  current = given ?? (await request<Bootstrap>("/console/api/bootstrap"));
  setToken(current.csrf_token);
  return current;
}

/** After a new sign-in in another window: takes the new token; false while there is no session. */
export async function resumeSession(): Promise<boolean> {
  try {
    const next = await request<Bootstrap>("/console/api/bootstrap");
    if (next.user.id !== session().user.id) {
      window.location.assign("/");
      return false;
    }
    current = next;
    setToken(next.csrf_token);
    sessionEnded.set(false);
    return true;
  } catch {
    return false;
  }
}

export async function signOut(): Promise<void> {
  const answer = await request<{ location?: string } | null>("/console/api/session/sign-out", {
    method: "POST",
  });
  window.location.assign(answer?.location ?? "/");
}

/** Objects of the org by API name; standard prefixes are known before the org answers. */
export const objects = createStore<ReadonlyMap<string, ObjectInfo>>(new Map());

/** Key prefixes that never differ between orgs. */
const PREFIXES: Record<string, string> = {
  "001": "Account",
  "003": "Contact",
  "005": "User",
  "006": "Opportunity",
  "00Q": "Lead",
  "00T": "Task",
  "00U": "Event",
  "500": "Case",
};

/** The object a record id belongs to, as its first three characters tell; null when unknown. */
export function objectOfId(id: string): string | null {
  const prefix = id.slice(0, 3);
  for (const info of objects.get().values()) if (info.keyPrefix === prefix) return info.name;
  return Object.hasOwn(PREFIXES, prefix) ? (PREFIXES[prefix] ?? null) : null;
}

export function loadObjects(): void {
  objects.set(
    new Map(
      session().objects.map((each) => [
        each.name,
        {
          name: each.name,
          label: each.label,
          labelPlural: each.label_plural,
          keyPrefix: each.key_prefix,
          createable: each.createable,
          hasTab: each.has_tab,
        },
      ]),
    ),
  );
}

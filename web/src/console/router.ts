/**
 * Addresses of the console, spelt as Lightning Experience spells them, and moving between them.
 * Parsing and building are pure; `navigate` and `useRoute` are the only users of the history API.
 */
import { createStore, useStore } from "./data/store.ts";

export type Fields = Record<string, string>;

/** A record by its object (empty where only the id is known) and its id. */
export interface RecordRef {
  object: string;
  id: string;
}

/** `parent` is the record whose workspace tab the record is a subtab of. */
export type Route =
  | { page: "home" }
  | { page: "list"; object: string; filter: string }
  | { page: "new"; object: string; defaults: Fields }
  | { page: "record"; object: string; id: string; parent?: RecordRef }
  | { page: "related"; object: string; id: string; name: string }
  | { page: "bin" }
  | { page: "search"; text: string; object?: string }
  | { page: "setup"; node: string; rest: string[] }
  | { page: "tab"; name: string }
  | { page: "unknown"; path: string };

const OBJECT = /^[A-Za-z][A-Za-z0-9_]{0,79}$/;
const ID = /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/;
/** The recycle bin's name in addresses of Lightning Experience. */
const BIN = "DeleteEvent";
const RELATED = /^[A-Za-z][A-Za-z0-9_.]{0,119}$/;
const UNSAFE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

export const isObjectName = (text: string): boolean => OBJECT.test(text) && !UNSAFE_KEYS.has(text);
export const isRecordId = (text: string): boolean => ID.test(text);

/** The id of a record that is given as a value of unknown type; null for anything else. */
export function recordIdOf(value: unknown): string | null {
  return typeof value === "string" && isRecordId(value) ? value : null;
}

/** `LastName=Smith%2C%20Jr,Phone=555` -> values; what is no field name is left out. */
export function parseDefaults(text: string | null): Fields {
  const values: Fields = {};
  for (const part of (text ?? "").split(",")) {
    const at = part.indexOf("=");
    const key = part.slice(0, at);
    if (at < 1 || !isObjectName(key)) continue;
    values[key] = decoded(part.slice(at + 1));
  }
  return values;
}

/** The other way round; commas and signs inside of values are escaped. */
export function formatDefaults(values: Fields): string {
  return Object.entries(values)
    .filter(([key]) => isObjectName(key))
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join(",");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The route of a path with query (`/lightning/r/Contact/003.../view`). */
export function parseRoute(address: string): Route {
  const url = new URL(address, "http://console.invalid");
  const unknown: Route = { page: "unknown", path: url.pathname };
  const parts = url.pathname
    .replace(/^\/+|\/+$/g, "")
    .split("/")
    .map(decoded);
  if (parts[0] !== "lightning" && !(parts.length === 1 && parts[0] === "")) return unknown;
  const [, kind, first, second, third, fourth] = parts;
  if (kind === undefined || (kind === "page" && first === "home")) return { page: "home" };
  if (kind === "o" && first === BIN) return { page: "bin" };
  if (kind === "o" && first !== undefined && isObjectName(first)) {
    if (second === undefined || second === "list" || second === "home") {
      return { page: "list", object: first, filter: url.searchParams.get("filterName") ?? "" };
    }
    if (second === "new") {
      const recordType = url.searchParams.get("recordTypeId") ?? "";
      return {
        page: "new",
        object: first,
        defaults: {
          ...parseDefaults(url.searchParams.get("defaultFieldValues")),
          ...(isRecordId(recordType) ? { RecordTypeId: recordType } : {}),
        },
      };
    }
  }
  if (kind === "r" && first !== undefined) {
    // Both forms of Lightning: /r/Contact/003.../view and the short /r/003.../view.
    if (
      isObjectName(first) &&
      isRecordId(second ?? "") &&
      third === "related" &&
      RELATED.test(fourth ?? "")
    ) {
      return { page: "related", object: first, id: second ?? "", name: fourth ?? "" };
    }
    const record = recordAt(first, second, third);
    if (record !== null) {
      const parent = parentAt(url.searchParams.get("ws"));
      return { page: "record", ...record, ...(parent === null || parent.id === record.id ? {} : { parent }) };
    }
  }
  if (kind === "n" && first !== undefined && isObjectName(first)) return { page: "tab", name: first };
  if (kind === "setup") return { page: "setup", node: first ?? "", rest: parts.slice(3) };
  if (kind === "search") {
    const object = url.searchParams.get("object") ?? "";
    return {
      page: "search",
      text: url.searchParams.get("q") ?? "",
      ...(isObjectName(object) ? { object } : {}),
    };
  }
  return unknown;
}

function recordAt(first: string, second: string | undefined, third: string | undefined): RecordRef | null {
  if (isRecordId(first) && (second === undefined || second === "view")) return { object: "", id: first };
  if (isObjectName(first) && second !== undefined && isRecordId(second) && (third ?? "view") === "view")
    return { object: first, id: second };
  return null;
}

/** The record of the workspace tab in a subtab's `ws`, an address itself. */
function parentAt(address: string | null): RecordRef | null {
  const found = /^\/lightning\/r\/(?:([A-Za-z]\w{0,79})\/)?(\w{15,18})\/view$/.exec(address ?? "");
  const id = found?.[2] ?? "";
  return isRecordId(id) ? { object: found?.[1] ?? "", id } : null;
}

/** Addresses of Lightning's first years kept everything behind `#`: `#/sObject/003.../view`, `#/sObject/Contact/list`. */
export function parseFragment(fragment: string): Route | null {
  const parts = fragment.replace(/^#\/?/, "").split("?")[0]?.split("/").map(decoded) ?? [];
  const [kind, first, second] = parts;
  if (kind === "home") return { page: "home" };
  if (kind !== "sObject" || first === undefined) return null;
  if (isRecordId(first) && (second ?? "view") === "view") return { page: "record", object: "", id: first };
  if (isObjectName(first) && (second === "list" || second === "home"))
    return { page: "list", object: first, filter: "" };
  return null;
}

/** The path of a route. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case "home":
      return "/lightning/page/home";
    case "list":
      return `/lightning/o/${route.object}/list${route.filter === "" ? "" : `?filterName=${encodeURIComponent(route.filter)}`}`;
    case "new": {
      const defaults = formatDefaults(route.defaults);
      return `/lightning/o/${route.object}/new${defaults === "" ? "" : `?defaultFieldValues=${encodeURIComponent(defaults)}`}`;
    }
    case "record": {
      const path =
        route.object === ""
          ? `/lightning/r/${route.id}/view`
          : `/lightning/r/${route.object}/${route.id}/view`;
      return route.parent === undefined
        ? path
        : `${path}?ws=${encodeURIComponent(recordPath(route.parent.object, route.parent.id))}`;
    }
    case "related":
      return `/lightning/r/${route.object}/${route.id}/related/${route.name}/view`;
    case "bin":
      return `/lightning/o/${BIN}/home`;
    case "search": {
      const path = `/lightning/search?q=${encodeURIComponent(route.text)}`;
      return route.object === undefined ? path : `${path}&object=${route.object}`;
    }
    case "setup":
      return setupPath(route.node, ...route.rest);
    case "tab":
      return tabPath(route.name);
    case "unknown":
      return route.path;
  }
}

/** A page of Set-up: `/lightning/setup/CallCenters/home`, `/lightning/setup/CallCenters/04v.../view`. */
export const setupPath = (node: string, ...rest: string[]): string =>
  ["/lightning/setup", node, ...(rest.length === 0 ? ["home"] : rest)]
    .map((part, at) => (at === 0 ? part : encodeURIComponent(part)))
    .join("/");
/** A custom tab that shows components. */
export const tabPath = (name: string): string => `/lightning/n/${name}`;
export const listPath = (object: string): string => pathOf({ page: "list", object, filter: "" });
/** Marks the name of a custom tab among an app's items. */
export const TAB = "tab:";

/** The address of an app's item: `home`, an object's name, or `tab:` and a tab's. */
export function itemPath(item: string): string {
  if (item.startsWith(TAB)) return tabPath(item.slice(TAB.length));
  return item === "home" ? pathOf({ page: "home" }) : listPath(item);
}
export const recordPath = (object: string, id: string): string => pathOf({ page: "record", object, id });

/**
 * Where the console is: the page below, and the address bar's own text while a dialog stands above it.
 * `turn` grows with every movement, also to the same address.
 */
export interface Place {
  route: Route;
  turn: number;
}

export const place = createStore<Place>({ route: { page: "home" }, turn: 0 });

export const usePlace = (): Place => useStore(place);

/** Opens an address inside of the console. */
export function navigate(to: Route | string, options: { replace?: boolean } = {}): void {
  const path = typeof to === "string" ? to : pathOf(to);
  const route = typeof to === "string" ? parseRoute(to) : to;
  const here = window.location.pathname + window.location.search;
  if (options.replace === true || path === here) window.history.replaceState(null, "", path);
  else window.history.pushState(null, "", path);
  place.set((current) => ({ route, turn: current.turn + 1 }));
}

/** Starts to follow the browser's address and its back and forward buttons. */
export function startRouter(): void {
  const read = () => {
    const route = parseRoute(window.location.pathname + window.location.search);
    place.set((current) => ({ route, turn: current.turn + 1 }));
  };
  window.addEventListener("popstate", read);
  const old = parseFragment(window.location.hash);
  if (old === null) read();
  else navigate(old, { replace: true });
}

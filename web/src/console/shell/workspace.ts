/**
 * The workspace: which records are open as tabs, which page lies below, which dialogs stand above it.
 *
 * What always holds: a record page keeps its unsaved edits while its tab is open, whatever opens meanwhile;
 * a dialog that somebody has typed into is closed only by that person.
 */
import { objectOfId } from "../data/session.ts";
import { prefetch } from "../data/records.ts";
import { createStore } from "../data/store.ts";
import { listPath, navigate, place, type Fields, type Place, type Route } from "../router.ts";

export interface Tab {
  id: string;
  object: string;
  /** Name of the record when it was last seen; empty before the first answer. */
  title: string;
}

export interface Dialog {
  key: number;
  object: string;
  defaults: Fields;
}

const MEMORY = "console-tabs";
const MOST_TABS = 12;

export const tabs = createStore<Tab[]>(remembered());
/** The page below the dialogs. */
export const below = createStore<Route>({ page: "home" });
export const dialogs = createStore<Dialog[]>([]);

/** Ids of records, and keys of dialogs, that hold edits nobody has saved. */
const unsaved = createStore<ReadonlySet<string | number>>(new Set());

export const isUnsaved = (key: string | number): boolean => unsaved.get().has(key);
export const unsavedStore = unsaved;

export function setUnsaved(key: string | number, value: boolean): void {
  unsaved.set((current) => {
    if (current.has(key) === value) return current;
    const next = new Set(current);
    if (value) next.add(key);
    else next.delete(key);
    return next;
  });
}

function remembered(): Tab[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(MEMORY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return stored.filter(
      (each): each is Tab =>
        typeof each === "object" &&
        each !== null &&
        ["id", "object", "title"].every((key) => typeof (each as Record<string, unknown>)[key] === "string"),
    );
  } catch {
    return [];
  }
}

/** Shows a record's tab, opening it when needed; the oldest tab without edits makes room. */
function openTab(id: string, object: string): void {
  const current = tabs.get();
  if (current.some((tab) => tab.id === id)) return;
  const next = [...current, { id, object, title: "" }];
  while (next.length > MOST_TABS) {
    const oldest = next.findIndex((tab) => tab.id !== id && !isUnsaved(tab.id));
    if (oldest < 0) break;
    next.splice(oldest, 1);
  }
  tabs.set(next);
}

export function titleTab(id: string, title: string): void {
  tabs.set((current) => {
    const tab = current.find((each) => each.id === id);
    if (tab === undefined || tab.title === title) return current;
    return current.map((each) => (each.id === id ? { ...each, title } : each));
  });
}

/** Closes a tab; when it was in front its neighbour comes, or the list of its object. */
export function closeTab(id: string): void {
  const current = tabs.get();
  const at = current.findIndex((tab) => tab.id === id);
  const tab = current[at];
  if (tab === undefined) return;
  setUnsaved(id, false);
  const rest = current.filter((each) => each.id !== id);
  const shown = below.get();
  if (shown.page === "record" && shown.id === id) {
    const neighbour = rest[at] ?? rest[at - 1];
    navigate(
      neighbour === undefined
        ? listPath(tab.object)
        : { page: "record", object: neighbour.object, id: neighbour.id },
    );
  }
  tabs.set(rest);
}

/** Opens the form for a new record above what is shown. The same untouched form is not opened twice. */
export function openNew(object: string, defaults: Fields): void {
  navigate({ page: "new", object, defaults });
}

/** Closes a form; the address goes back to what is under it. */
export function closeDialog(key: number): void {
  setUnsaved(key, false);
  const rest = dialogs.get().filter((dialog) => dialog.key !== key);
  dialogs.set(rest);
  if (place.get().route.page === "new") {
    const top = rest.at(-1);
    quietly(top === undefined ? below.get() : { page: "new", object: top.object, defaults: top.defaults });
  }
}

/** True while the address is set to what is already shown. */
let settled = false;

function quietly(route: Route): void {
  settled = true;
  navigate(route, { replace: true });
  settled = false;
}

function follow({ route, turn }: Place): void {
  if (settled) {
    if (route.page !== "new") below.set(route);
    return;
  }
  if (route.page === "new") {
    if (below.get().page === "home" && turn <= 1)
      below.set({ page: "list", object: route.object, filter: "" });
    const top = dialogs.get().at(-1);
    const same =
      top !== undefined &&
      top.object === route.object &&
      !isUnsaved(top.key) &&
      JSON.stringify(top.defaults) === JSON.stringify(route.defaults);
    if (same) return;
    // A form nobody typed into makes room; one with edits stays beneath the new one.
    dialogs.set((current) => [
      ...current.filter((each) => isUnsaved(each.key)),
      { key: turn, object: route.object, defaults: route.defaults },
    ]);
    return;
  }
  dialogs.set((current) => {
    const kept = current.filter((each) => isUnsaved(each.key));
    return kept.length === current.length ? current : kept;
  });
  if (route.page === "record") {
    const object = route.object === "" ? (objectOfId(route.id) ?? "") : route.object;
    prefetch(object === "" ? null : object, route.id);
    openTab(route.id, object);
    below.set({ ...route, object });
    return;
  }
  below.set(route);
}

/** Starts to follow the address; call before the first drawing. */
export function startWorkspace(): void {
  place.subscribe(() => follow(place.get()));
  tabs.subscribe(() => sessionStorage.setItem(MEMORY, JSON.stringify(tabs.get())));
  window.addEventListener("beforeunload", (event) => {
    if (unsaved.get().size > 0) event.preventDefault();
  });
}

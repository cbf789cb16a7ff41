/**
 * The workspace: which records are open as tabs and subtabs, which page lies below, which dialogs stand above it.
 *
 * What always holds: a record page keeps its unsaved edits while its tab is open, whatever opens meanwhile;
 * a dialog that somebody has typed into is closed only by that person. A standard app has no workspace tabs:
 * there a record is open while it is shown, or as long as it holds edits.
 */
import { app, isConsole } from "../data/apps.ts";
import { objectOfId } from "../data/session.ts";
import { prefetch } from "../data/records.ts";
import { createStore } from "../data/store.ts";
import {
  itemPath,
  listPath,
  navigate,
  pathOf,
  place,
  type Fields,
  type Place,
  type RecordRef,
  type Route,
} from "../router.ts";
import {
  closed,
  idsOf,
  inFront,
  opened,
  pinned,
  readTabs,
  titled,
  whereIs,
  type Subtab,
  type Tab,
} from "./tabs.ts";

export type { Subtab, Tab };

export interface Dialog {
  key: number;
  object: string;
  defaults: Fields;
  /** Who waits for the record that this form makes, instead of the record's page. */
  onMade?: (made: { id: string; name: string }) => void;
}

const MEMORY = "console-tabs";
const PINS = "console-pinned";
const REOPENED = 20;

export const tabs = createStore<Tab[]>([]);
/** The page below the dialogs. */
export const below = createStore<Route>({ page: "home" });
export const dialogs = createStore<Dialog[]>([]);
/** The object whose list was shown last: what the split view shows beside a record. */
export const lastList = createStore<{ object: string; filter: string } | null>(null);

/** Ids of records, and keys of dialogs, that hold edits nobody has saved. */
const unsaved = createStore<ReadonlySet<string | number>>(new Set());
/** Tabs that were closed, the last one at the end. */
const lately: Tab[] = [];

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

const memory = (name: string): string => (app.get().name === "" ? name : `${name}:${app.get().name}`);

function stored(storage: Storage, name: string): Tab[] {
  try {
    return readTabs(JSON.parse(storage.getItem(memory(name)) ?? "[]"));
  } catch {
    return [];
  }
}

/** The tabs of this window before a reload; in a new window those that are pinned. */
function remembered(): Tab[] {
  if (sessionStorage.getItem(memory(MEMORY)) !== null) return stored(sessionStorage, MEMORY);
  return stored(localStorage, PINS).map((tab) => ({ ...tab, subtabs: [], shown: tab.id }));
}

/** Records that are not there: their tabs are not open again after a reload. */
const nowhere = new Set<string>();

function remember(): void {
  const kept = [...nowhere].reduce((all, id) => closed(all, id).tabs, tabs.get());
  sessionStorage.setItem(memory(MEMORY), JSON.stringify(kept));
  localStorage.setItem(memory(PINS), JSON.stringify(kept.filter((tab) => tab.pinned)));
}

function openTab(record: RecordRef, parent: RecordRef | undefined): void {
  const kept = isConsole() ? tabs.get() : tabs.get().filter((tab) => isUnsaved(tab.id));
  tabs.set(opened(kept, record, isConsole() ? parent : undefined, isUnsaved));
}

export function titleTab(id: string, title: string, { missing = false } = {}): void {
  const changed = missing ? !nowhere.has(id) : nowhere.delete(id);
  if (missing) nowhere.add(id);
  tabs.set((current) => titled(current, id, title) ?? (changed ? [...current] : current));
}

/** Opens a record: as a subtab of the given one in a console app, as a page of its own in others. */
export function openRecord(record: RecordRef, parent?: RecordRef): void {
  navigate({ page: "record", ...record, ...(parent === undefined ? {} : { parent }) });
}

/** The address under which a tab comes to the front as it was left. */
export const tabPath = (tab: Tab): string => pathOf({ page: "record", ...inFront(tab) });

/** Closes a tab or subtab; when it was in front its neighbour comes, or the list of its object. */
export function closeTab(id: string): void {
  const at = whereIs(tabs.get(), id);
  if (at === null) return;
  const ids = at.subtab === null ? idsOf(at.tab) : [id];
  for (const each of ids) setUnsaved(each, false);
  if (at.subtab === null) {
    lately.push(at.tab);
    lately.splice(0, lately.length - REOPENED);
  }
  const { tabs: rest, next } = closed(tabs.get(), id);
  const shown = below.get();
  if (shown.page === "record" && ids.includes(shown.id)) {
    if (at.subtab !== null) tabs.set(rest);
    if (next === null) navigate(listPath(at.tab.object));
    else navigate({ page: "record", ...next, ...(at.subtab === null ? {} : parentOf(at.tab, next.id)) });
  }
  tabs.set((current) => closed(current, id).tabs);
}

const parentOf = (tab: Tab, id: string) =>
  id === tab.id ? {} : { parent: { object: tab.object, id: tab.id } };

/** Records that would lose edits if the tab were closed. */
export const unsavedIn = (tab: Tab): string[] => idsOf(tab).filter(isUnsaved);

/** Closes tabs without edits: all, or all but one. Pinned ones stay. */
export function closeTabs(except?: string): void {
  const doomed = tabs
    .get()
    .filter((tab) => tab.id !== except && !tab.pinned && unsavedIn(tab).length === 0)
    .map((tab) => tab.id);
  const shown = below.get();
  if (except !== undefined && shown.page === "record" && whereIs(tabs.get(), shown.id)?.tab.id !== except) {
    const kept = tabs.get().find((tab) => tab.id === except);
    if (kept !== undefined) navigate(tabPath(kept));
  }
  for (const id of doomed.reverse()) closeTab(id);
}

export function pinTab(id: string, value: boolean): void {
  tabs.set((current) => pinned(current, id, value));
}

/** Opens the tab again that was closed last. */
export function reopenTab(): void {
  const tab = lately.pop();
  if (tab === undefined) return;
  if (whereIs(tabs.get(), tab.id) === null) tabs.set((current) => [...current, tab]);
  navigate(tabPath(tab));
}

/** Takes a tab away that leads nowhere, once another page is shown. */
export function dropTab(id: string): void {
  const shown = below.get();
  if (shown.page === "record" && shown.id === id) return;
  tabs.set((current) => closed(current, id).tabs);
}

/** Brings the tab to the front that stands `step` places behind the one in front, round and round. */
export function stepTab(step: 1 | -1): void {
  const all = tabs.get();
  const shown = below.get();
  const at = shown.page === "record" ? all.findIndex((tab) => tab.id === whereIs(all, shown.id)?.tab.id) : -1;
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length];
  if (next !== undefined) navigate(tabPath(next));
}

/** Opens the form for a new record above what is shown. The same untouched form is not opened twice. */
export function openNew(object: string, defaults: Fields): void {
  navigate({ page: "new", object, defaults });
}

let asked = 0;

/** Opens a form above what asked for it; the address does not change. */
export function openNewFor(object: string, onMade: NonNullable<Dialog["onMade"]>): void {
  const beneath = dialogs.get();
  for (const each of beneath) setUnsaved(each.key, true);
  dialogs.set([...beneath, { key: --asked, object, defaults: {}, onMade }]);
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
  if (route.page === "list") lastList.set({ object: route.object, filter: route.filter });
  if (route.page === "record") showRecord(route);
  else {
    if (!isConsole()) tabs.set((current) => current.filter((tab) => isUnsaved(tab.id)));
    below.set(route);
  }
}

function showRecord(route: Route & { page: "record" }): void {
  const known = (record: RecordRef): RecordRef =>
    record.object === "" ? { id: record.id, object: objectOfId(record.id) ?? "" } : record;
  const record = known({ object: route.object, id: route.id });
  prefetch(record.object === "" ? null : record.object, record.id);
  openTab(record, route.parent === undefined ? undefined : known(route.parent));
  const at = whereIs(tabs.get(), record.id);
  const here: Route = { page: "record", ...record, ...(at === null ? {} : parentOf(at.tab, record.id)) };
  // The address says where the record is open, so that a reload and a copied link find it there again.
  if (pathOf(here) !== pathOf(route) && route.object !== "") quietly(here);
  else below.set(here);
}

function changeApp(): void {
  unsaved.set(new Set());
  dialogs.set([]);
  lately.length = 0;
  tabs.set(remembered());
  navigate(itemPath(app.get().items[0] ?? "home"));
}

/** Starts to follow the address; call before the first drawing. */
export function startWorkspace(): void {
  tabs.set(remembered());
  place.subscribe(() => follow(place.get()));
  tabs.subscribe(remember);
  app.subscribe(changeApp);
  window.addEventListener("beforeunload", (event) => {
    if (unsaved.get().size > 0) event.preventDefault();
  });
}

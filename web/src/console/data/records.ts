/**
 * Records, their descriptions and timelines, kept by id while the page lives.
 *
 * A view shows what is known at once and asks the org again; what comes back replaces it. `refresh` does the
 * same for a change that happened elsewhere. Nothing here knows about unsaved edits: those belong to views.
 */
import { useEffect, useSyncExternalStore } from "react";
import { pageLabel, pageLabelsKnown } from "./labels.ts";
import { query, request, REST } from "./client.ts";
import { objectOfId } from "./session.ts";
import { NOTHING, Shelf, type Known } from "./shelf.ts";
import type {
  Alike,
  Describe,
  LayoutPart,
  Picklists,
  RecordView,
  RelatedRows,
  Row,
  TimelinePage,
} from "./types.ts";

const describes = new Shelf<Describe>(async (object) => {
  const description = await request<Describe>(`${REST}/sobjects/${object}/describe`);
  await pageLabelsKnown;
  return named(description);
});

function named(description: Describe): Describe {
  const fields = description.fields.map((field) => ({ ...field, label: pageLabel(description.name, field) }));
  return { ...description, fields };
}

const records = new Shelf<RecordView>((id) => request(`/console/api/record/${id}`));
const timelines: Shelf<TimelinePage> = new Shelf<TimelinePage>((id) => timelinePage(id, 0));

const timelinePage = (id: string, offset: number): Promise<TimelinePage> =>
  request(`/console/api/record/${id}/timeline${query({ offset: offset === 0 ? undefined : offset })}`);

function useShelf<T>(shelf: Shelf<T>, key: string | null, again: boolean): Known<T> {
  const known = useSyncExternalStore<Known<T>>(shelf.subscribe, () =>
    key === null ? NOTHING : shelf.get(key),
  );
  useEffect(() => {
    if (key === null) return;
    if (again || shelf.get(key).value === null) shelf.load(key).catch(() => undefined);
  }, [shelf, key, again]);
  return known;
}

export const useDescribe = (object: string | null): Known<Describe> => useShelf(describes, object, false);
export const useRecord = (id: string): Known<RecordView> => useShelf(records, id, true);
export const useTimeline = (id: string): Known<TimelinePage> => useShelf(timelines, id, true);

export const describe = (object: string): Promise<Describe> => {
  const known = describes.get(object).value;
  return known === null ? describes.load(object) : Promise.resolve(known);
};

/** Starts to load what a record page needs, before the page is drawn. */
export function prefetch(object: string | null, id: string): void {
  void records.load(id).catch(() => undefined);
  void timelines.load(id).catch(() => undefined);
  if (object !== null) void describe(object).catch(() => undefined);
}

export const knownRecord = (id: string): RecordView | null => records.get(id).value;

/** A record's page asks again for what it shows; both at once. */
export async function refresh(id: string): Promise<void> {
  if (leaving.has(id)) return;
  await Promise.allSettled([records.reload(id), timelines.reload(id)]);
}

export function refreshTimeline(id: string): void {
  if (leaving.has(id)) return;
  void timelines.reload(id).catch(() => undefined);
}

/** The same, for who waits for the answer. */
export async function reloadTimeline(id: string): Promise<void> {
  await timelines.reload(id).catch(() => undefined);
}

export const watched = (): string[] => records.keys();

/** Adds the next page of a timeline to what is shown. */
export async function moreActivities(id: string): Promise<void> {
  const shown = timelines.get(id).value;
  if (shown === null || !shown.has_more) return;
  const next = await timelinePage(id, shown.records.length);
  const seen = new Set(shown.records.map((each) => each.Id));
  timelines.set(id, {
    upcoming: shown.upcoming,
    records: [...shown.records, ...next.records.filter((each) => !seen.has(each.Id))],
    has_more: next.has_more,
  });
}

/** How a record is saved: over which state, and whether in spite of a rule that only warns of duplicates. */
export interface SaveOptions {
  version?: string | null;
  allowDuplicates?: boolean;
}

/** Creates a record and gives its id. */
export async function createRecord(object: string, values: Row, options: SaveOptions = {}): Promise<string> {
  const { id } = await request<{ id: string }>("/console/api/record", {
    method: "POST",
    body: { object, fields: values, allow_duplicates: options.allowDuplicates === true },
  });
  return id;
}

/** Changes a record that is still in the state of `version`; throws `ApiError` with status 412 where it is not. */
export async function saveRecord(id: string, values: Row, options: SaveOptions = {}): Promise<void> {
  await request(`/console/api/record/${id}`, {
    method: "PATCH",
    body: {
      fields: values,
      ...(typeof options.version === "string" ? { version: options.version } : {}),
      allow_duplicates: options.allowDuplicates === true,
    },
  });
}

/** Reads a record as its page does. */
export const recordView = (id: string): Promise<RecordView> => records.reload(id);

/** Merges records of one object into the master, which takes `values`. */
export async function mergeRecords(master: string, losers: string[], values: Row): Promise<void> {
  for (const id of losers) leaving.add(id);
  try {
    await request("/console/api/merge", { method: "POST", body: { master, losers, fields: values } });
  } catch (error) {
    returned(losers);
    throw error;
  }
}

export interface Conversion {
  lead: string;
  status: string;
  account: string | null;
  contact: string | null;
  opportunity: string | null;
  opportunity_name: string | null;
  create_opportunity: boolean;
  owner: string | null;
  allow_duplicates: boolean;
}

/** What a lead became. */
export interface Converted {
  account: string;
  contact: string;
  opportunity: string | null;
}

export const convertLead = (asked: Conversion): Promise<Converted> =>
  request("/console/api/convert-lead", { method: "POST", body: asked });

/** The statuses that a converted lead may have. */
export async function convertedStatuses(): Promise<{ value: string; label: string }[]> {
  const soql = "SELECT ApiName, MasterLabel FROM LeadStatus WHERE IsConverted = true ORDER BY SortOrder";
  const { records: found } = await request<{ records: { ApiName: string; MasterLabel: string }[] }>(
    `${REST}/query${query({ q: soql })}`,
  );
  return found.map((row) => ({ value: row.ApiName, label: row.MasterLabel }));
}

/** Records that go, or went, by this page's own doing: nobody asks for them until they come back. */
const leaving = new Set<string>();

export async function deleteRecord(object: string, id: string): Promise<void> {
  leaving.add(id);
  try {
    await request(`${REST}/sobjects/${object}/${id}`, { method: "DELETE" });
  } catch (error) {
    leaving.delete(id);
    throw error;
  }
}

/** Deleted records came back: they can be asked for again. */
export function returned(ids: string[]): void {
  for (const id of ids) leaving.delete(id);
}

/** The layout of a form for a new record, and the record types to choose from. */
export interface NewLayout {
  object: string;
  fields: LayoutPart[];
  picklists: Picklists;
  record_types: { id: string; name: string; developer_name: string }[];
  /** The one that this layout is for; of several, the user's default unless another was asked for. */
  record_type: string | null;
}

const layouts = new Shelf<NewLayout>((key) => {
  const [object = "", type] = key.split("/");
  return request(`/console/api/layout/${object}${query({ type })}`);
});

/** The layout for a new record of a record type; asked again each time a form opens, for it may have been deployed. */
export const useLayout = (object: string, type: string | null): Known<NewLayout> =>
  useShelf(layouts, type === null ? object : `${object}/${type}`, true);

// -- what else a record's page shows ---

const related = new Shelf<RelatedRows[]>(async (id) => {
  const { lists } = await request<{ lists: RelatedRows[] }>(`/console/api/record/${id}/related`);
  return lists;
});

export const useRelated = (id: string): Known<RelatedRows[]> => useShelf(related, id, true);

export function refreshRelated(id: string): void {
  if (related.get(id).value !== null && !leaving.has(id)) void related.reload(id).catch(() => undefined);
}

export interface RelatedQuery {
  offset: number;
  sort: string;
  dir: "asc" | "desc";
}

export const relatedPage = (
  id: string,
  name: string,
  wanted: RelatedQuery,
  signal?: AbortSignal,
): Promise<RelatedRows> =>
  request(
    `/console/api/record/${id}/related/${encodeURIComponent(name)}${query({
      offset: wanted.offset === 0 ? undefined : wanted.offset,
      sort: wanted.sort,
      dir: wanted.sort === "" ? undefined : wanted.dir,
    })}`,
    signal === undefined ? {} : { signal },
  );

/** Records that may be the same as this one; `same` looks also for equal numbers and addresses, as merging does. */
export async function duplicatesOf(id: string, same: boolean): Promise<Alike[]> {
  const { records: found } = await request<{ records: Alike[] }>(
    `/console/api/record/${id}/duplicates${query({ same: same ? 1 : undefined })}`,
  );
  return found;
}

/** A record as a look-up offers it. */
export interface Candidate {
  id: string;
  object: string;
  label: string;
  name: string | null;
  FirstName?: string | null;
  LastName?: string | null;
  /** A value that tells it from others of that name, and the type of its field. */
  about: string | null;
  about_type: string | null;
}

/** What may be chosen in a field: seen lately, or found by `text`; of one object where there are several. */
export async function candidates(
  object: string,
  field: string,
  text: string,
  of: string,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const { records: found } = await request<{ records: Candidate[] }>(
    `/console/api/lookup/${object}/${field}${query({ q: text, of })}`,
    signal === undefined ? {} : { signal },
  );
  return found;
}

/** A record that is known by its id only, without its page's asking for it. */
export async function rowOf(id: string): Promise<Row> {
  const known = records.get(id).value;
  if (known !== null) return known.record;
  return request<Row>(`${REST}/sobjects/${objectOfId(id) ?? "Unknown"}/${id}`);
}

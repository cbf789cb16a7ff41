/**
 * Records, their descriptions and timelines, kept by id while the page lives.
 *
 * A view shows what is known at once and asks the org again; what comes back replaces it. `refresh` does the
 * same for a change that happened elsewhere. Nothing here knows about unsaved edits: those belong to views.
 */
import { useEffect, useSyncExternalStore } from "react";
import { pageLabel } from "./labels.ts";
import { query, request, REST } from "./client.ts";
import { NOTHING, Shelf, type Known } from "./shelf.ts";
import type { Describe, RecordView, Row, TimelinePage } from "./types.ts";

const describes = new Shelf<Describe>(async (object) =>
  named(await request<Describe>(`${REST}/sobjects/${object}/describe`)),
);

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
  await Promise.allSettled([records.reload(id), timelines.reload(id)]);
}

export function refreshTimeline(id: string): void {
  void timelines.reload(id).catch(() => undefined);
}

export const watched = (): string[] => records.keys();

/** Adds the next page of a timeline to what is shown. */
export async function moreActivities(id: string): Promise<void> {
  const shown = timelines.get(id).value;
  if (shown === null || !shown.has_more) return;
  const next = await timelinePage(id, shown.records.length);
  const seen = new Set(shown.records.map((each) => each.Id));
  timelines.set(id, {
    records: [...shown.records, ...next.records.filter((each) => !seen.has(each.Id))],
    has_more: next.has_more,
  });
}

/** Creates a record and gives its id. */
export async function createRecord(object: string, values: Row): Promise<string> {
  const { id } = await request<{ id: string }>(`${REST}/sobjects/${object}`, {
    method: "POST",
    body: values,
  });
  return id;
}

export async function updateRecord(object: string, id: string, values: Row): Promise<void> {
  await request(`${REST}/sobjects/${object}/${id}`, { method: "PATCH", body: values });
}

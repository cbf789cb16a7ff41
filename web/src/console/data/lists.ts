/** Pages of records: list views, search, recently viewed; and list views themselves. */
import { query, request, REST } from "./client.ts";
import { pageLabel } from "./labels.ts";
import type {
  ListColumn,
  ListField,
  ListPage,
  ListView,
  ListViews,
  Recent,
  Row,
  SearchGroup,
} from "./types.ts";

export interface ListQuery {
  /** Id or API name of a view, `recent`, or empty: what the user pinned, else all. */
  view: string;
  search: string;
  /** Empty: as the view says. */
  sort: string;
  dir: "asc" | "desc";
}

const PAGE_SIZE = 50;

const labelled = <Column extends ListColumn>(object: string, column: Column): Column => ({
  ...column,
  label: pageLabel(object, { name: column.api_name, label: column.label, type: column.type }),
});

export async function listPage(
  object: string,
  wanted: ListQuery,
  have: Row[],
  signal: AbortSignal,
): Promise<ListPage> {
  const last = have.at(-1)?.["Id"];
  const page = await request<ListPage>(
    `/console/api/list/${object}${query({
      view: wanted.view,
      search: wanted.search,
      sort: wanted.sort,
      dir: wanted.sort === "" ? undefined : wanted.dir,
      offset: have.length,
      after: typeof last === "string" ? last : undefined,
      limit: PAGE_SIZE,
    })}`,
    { signal },
  );
  return { ...page, columns: page.columns.map((column) => labelled(object, column)) };
}

export const listViews = (object: string): Promise<ListViews> => request(`/console/api/lists/${object}`);

export async function listFields(object: string): Promise<ListField[]> {
  const { fields } = await request<{ fields: ListField[] }>(`/console/api/lists/${object}/fields`);
  return fields.map((field) => labelled(object, field)).sort((a, b) => a.label.localeCompare(b.label));
}

/** What of a view is changed or, with `clone`, taken for a new one. */
export interface ViewChange {
  clone?: string;
  label?: string;
  name?: string;
  scope?: ListView["scope"];
  columns?: string[];
  conditions?: ListView["conditions"];
  logic?: string;
  public?: boolean;
  sort?: string;
  descending?: boolean;
}

export const createView = (object: string, body: ViewChange): Promise<ListView> =>
  request(`/console/api/lists/${object}`, { method: "POST", body });

export const changeView = (object: string, id: string, body: ViewChange): Promise<ListView> =>
  request(`/console/api/lists/${object}/${id}`, { method: "PATCH", body });

export const deleteView = (object: string, id: string): Promise<void> =>
  request(`/console/api/lists/${object}/${id}`, { method: "DELETE" });

/** What opens first for an object from now on: a view's id, `recent`, or nothing chosen. */
export const pinView = (object: string, view: string | null): Promise<void> =>
  request(`/console/api/lists/${object}/pin`, { method: "PUT", body: { view } });

/** Matches of a text by object, in the org's order of objects; all searchable objects without a choice. */
export async function searchRecords(
  text: string,
  objects: string[],
  signal?: AbortSignal,
  page: { limit?: number; offset?: number } = {},
): Promise<SearchGroup[]> {
  const { groups } = await request<{ groups: SearchGroup[] }>(
    `/console/api/search${query({ q: text, objects: objects.join(","), ...page })}`,
    signal === undefined ? {} : { signal },
  );
  return groups;
}

/** What the user saw last, of one object or of all. */
export async function recentRecords(object = ""): Promise<Recent[]> {
  const { records } = await request<{ records: Recent[] }>(`/console/api/recent${query({ object })}`);
  return records;
}

// -- many records at once

/** What became of one record of many. */
export interface Changed {
  id: string;
  /** Why it was refused, or null. */
  refused: string | null;
}

interface Result {
  id?: string;
  success: boolean;
  errors: { message: string }[];
}

/** Records that one request of the org's API takes. */
const MOST = 200;

async function inParts(ids: string[], ask: (part: string[]) => Promise<Result[]>): Promise<Changed[]> {
  const done: Changed[] = [];
  for (let start = 0; start < ids.length; start += MOST) {
    const part = ids.slice(start, start + MOST);
    const results = await ask(part);
    part.forEach((id, index) => {
      const result = results[index];
      done.push({ id, refused: result?.success === true ? null : (result?.errors[0]?.message ?? "") });
    });
  }
  return done;
}

export const deleteRecords = (ids: string[]): Promise<Changed[]> =>
  inParts(ids, (part) =>
    request(`${REST}/composite/sobjects${query({ ids: part.join(","), allOrNone: "false" })}`, {
      method: "DELETE",
    }),
  );

export const changeRecords = (object: string, ids: string[], values: Row): Promise<Changed[]> =>
  inParts(ids, (part) =>
    request(`${REST}/composite/sobjects`, {
      method: "PATCH",
      body: {
        allOrNone: false,
        records: part.map((id) => ({ attributes: { type: object }, Id: id, ...values })),
      },
    }),
  );

/** Brings deleted records back. */
export async function restoreRecords(ids: string[]): Promise<void> {
  for (let start = 0; start < ids.length; start += MOST)
    await request("/console/api/recycle-bin/restore", {
      method: "POST",
      body: { ids: ids.slice(start, start + MOST) },
    });
}

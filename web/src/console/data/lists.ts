/** Pages of records: list views, search, recently viewed. */
import { query, request } from "./client.ts";
import { pageLabel } from "./labels.ts";
import type { ListPage, Recent, SearchGroup } from "./types.ts";

export interface ListQuery {
  view: "recent" | "all";
  search: string;
  sort: string;
  dir: "asc" | "desc";
}

const PAGE_SIZE = 50;

export async function listPage(
  object: string,
  wanted: ListQuery,
  offset: number,
  signal: AbortSignal,
): Promise<ListPage> {
  const page = await request<ListPage>(
    `/console/api/list/${object}${query({
      view: wanted.view,
      search: wanted.search,
      sort: wanted.sort,
      dir: wanted.sort === "" ? undefined : wanted.dir,
      offset,
      limit: PAGE_SIZE,
    })}`,
    { signal },
  );
  const columns = page.columns.map((column) => ({
    ...column,
    label: pageLabel(object, { name: column.api_name, label: column.label, type: column.type }),
  }));
  return { ...page, columns };
}

/** Matches of a text by object, in the org's order of objects; all searchable objects without a choice. */
export async function searchRecords(
  text: string,
  objects: string[],
  signal?: AbortSignal,
): Promise<SearchGroup[]> {
  const { groups } = await request<{ groups: SearchGroup[] }>(
    `/console/api/search${query({ q: text, objects: objects.join(",") })}`,
    signal === undefined ? {} : { signal },
  );
  return groups;
}

export async function recentRecords(): Promise<Recent[]> {
  const { records } = await request<{ records: Recent[] }>("/console/api/recent");
  return records;
}

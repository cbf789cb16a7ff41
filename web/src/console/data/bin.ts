/** The recycle bin: what was deleted, by object, and bringing it back. */
import { query, request } from "./client.ts";
import { returned } from "./records.ts";
import type { PersonName } from "../../ui/format.ts";

export type Scope = "mine" | "all";

export interface BinObject {
  name: string;
  label_plural: string;
  count: number;
}

export interface Deleted {
  id: string;
  name: string | null;
  FirstName?: string | null;
  LastName?: string | null;
  deleted_at: string;
  deleted_by: { id: string; name: string | null } & PersonName;
  /** How many records went along, and come back along. */
  with: number;
}

export interface BinPage {
  records: Deleted[];
  total: number;
}

/** Objects of which something stands in the bin. */
export async function binObjects(scope: Scope): Promise<BinObject[]> {
  const { objects } = await request<{ objects: BinObject[] }>(`/console/api/recycle-bin${query({ scope })}`);
  return objects;
}

export const binPage = (object: string, scope: Scope, offset: number): Promise<BinPage> =>
  request(`/console/api/recycle-bin/${object}${query({ scope, offset: offset === 0 ? undefined : offset })}`);

/** What was done of what was asked for. */
export interface Done {
  ids: string[];
  refused: string[];
}

const MOST = 200;

async function each(door: "restore" | "purge", ids: string[]): Promise<Done> {
  const done: Done = { ids: [], refused: [] };
  for (let start = 0; start < ids.length; start += MOST) {
    const { results } = await request<{
      results: { id: string; success: boolean; errors: { message: string }[] }[];
    }>(`/console/api/recycle-bin/${door}`, {
      method: "POST",
      body: { ids: ids.slice(start, start + MOST) },
    });
    for (const result of results) {
      if (result.success) done.ids.push(result.id);
      else done.refused.push(result.errors[0]?.message ?? "");
    }
  }
  return done;
}

/** Brings deleted records back, with what went along with them. */
export async function restore(ids: string[]): Promise<Done> {
  const done = await each("restore", ids);
  returned(done.ids);
  return done;
}

/** Removes deleted records for good. */
export const removeForGood = (ids: string[]): Promise<Done> => each("purge", ids);

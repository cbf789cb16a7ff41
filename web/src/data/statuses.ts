/** The account's statuses: the fixed ones, and its reasons for being not ready. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export interface Reason {
  /** Null for one that has not been saved yet. */
  code: string | null;
  name_en: string;
  name_ja: string;
  active: boolean;
}

export interface Statuses {
  statuses: ("ready" | "not_ready" | "occupied" | "offline")[];
  reasons: Reason[];
  version: string;
}

export const readStatuses = (signal?: AbortSignal): Promise<Statuses> =>
  request("GET", "/api/v1/statuses", signal ? { signal } : {});

/** Writes the whole list; `Problem` `changed_meanwhile` when it is not the one that was read any more. */
export const changeReasons = (version: string, reasons: Reason[]): Promise<Statuses> =>
  request("PUT", "/api/v1/statuses/reasons", {
    body: {
      version,
      reasons: reasons.map(({ code, name_en, name_ja, active }) => ({ code, name_en, name_ja, active })),
    },
    csrf: csrfToken(),
  });

/** The user's own open tasks, as the home page shows them. */
import { query, request, REST } from "./client.ts";
import { session } from "./session.ts";
import type { Row } from "./types.ts";

export type Due = "today" | "overdue" | "upcoming" | "all";

/** Conditions in SOQL by what is asked for; days are those of the user's time zone, which the org knows. */
const DUE: Record<Due, string> = {
  today: "AND ActivityDate = TODAY",
  overdue: "AND ActivityDate < TODAY",
  upcoming: "AND ActivityDate > TODAY",
  all: "",
};

export const MOST_TASKS = 50;

export interface OpenTask extends Row {
  Id: string;
  Subject: string | null;
  ActivityDate: string | null;
  Priority: string | null;
  WhoId: string | null;
  Who: Row | null;
  WhatId: string | null;
  What: Row | null;
}

export async function openTasks(due: Due, signal: AbortSignal): Promise<OpenTask[]> {
  const soql =
    "SELECT Id, Subject, ActivityDate, Priority, Status, WhoId, Who.Name, Who.FirstName, Who.LastName, WhatId," +
    ` What.Name FROM Task WHERE OwnerId = '${session().user.id}' AND IsClosed = false ${DUE[due]}` +
    ` ORDER BY ActivityDate ASC NULLS LAST, CreatedDate LIMIT ${MOST_TASKS}`;
  const { records } = await request<{ records: OpenTask[] }>(`${REST}/query${query({ q: soql })}`, {
    signal,
  });
  return records;
}

export const completeTask = (id: string): Promise<void> =>
  request(`${REST}/sobjects/Task/${id}`, { method: "PATCH", body: { Status: "Completed" } });

export const reopenTask = (id: string): Promise<void> =>
  request(`${REST}/sobjects/Task/${id}`, { method: "PATCH", body: { Status: "Not Started" } });

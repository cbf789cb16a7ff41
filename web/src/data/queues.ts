/** Queues and who waits in them. */
import { request } from "./http.ts";

export interface QueueRow {
  id: string;
  name: string;
  numbers: { e164: string; display: string }[];
  waiting: number;
  longest_wait_since: string | null;
  ready_agents: number;
}

export async function listQueues(signal?: AbortSignal): Promise<QueueRow[]> {
  const answer = await request<{ queues: QueueRow[] }>("GET", "/api/v1/queues", signal ? { signal } : {});
  return answer.queues;
}

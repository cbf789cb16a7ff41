/** Agents and their presence. */
import type { Presence } from "../protocol/callbar.ts";
import { request } from "./http.ts";

export interface AgentRow {
  id: string;
  name: string;
  email: string;
  /** `reason_name` is the account's name of the reason, in the reader's language. */
  presence: Presence & { reason_name: string | null };
  /** Names of the queues the agent serves. */
  queues: string[];
}

export async function listAgents(signal?: AbortSignal): Promise<AgentRow[]> {
  const answer = await request<{ agents: AgentRow[] }>("GET", "/api/v1/agents", signal ? { signal } : {});
  return answer.agents;
}

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
  const agents: AgentRow[] = [];
  let after: string | null = "";
  while (after !== null) {
    const query = after === "" ? "" : `?after=${encodeURIComponent(after)}`;
    const page: { agents: AgentRow[]; next: string | null } = await request(
      "GET",
      `/api/v1/agents${query}`,
      signal ? { signal } : {},
    );
    agents.push(...page.agents);
    after = page.next;
  }
  return agents;
}

/** What needs an administrator: connections without a grant, call logs that do not get into a CRM. */
import { request } from "./http.ts";
import { csrfToken } from "./session.ts";

export interface FailedLog {
  engagement_id: string;
  connection_id: string;
  arrived_at: string;
  number: string | null;
  agent: string | null;
  error: { code: string | null; message: string | null };
}

export interface LateLogs {
  id: string;
  name: string;
  count: number;
  /** The oldest of them waits since then. */
  since: string;
  code: string | null;
}

export interface Problems {
  connections: {
    id: string;
    name: string;
    status: "needs_sign_in" | "not_reachable";
    code: string | null;
    since: string | null;
  }[];
  deliveries: {
    failed: {
      count: number;
      connections: { id: string; name: string; count: number }[];
      newest: FailedLog[];
    };
    late: LateLogs[];
  };
}

export const readProblems = (signal?: AbortSignal): Promise<Problems> =>
  request("GET", "/api/v1/problems", signal ? { signal } : {});

/** Makes a connection's failed and waiting call logs due now; gives how many there are. */
export async function retryLogs(connectionId: string): Promise<number> {
  const body = { connection_id: connectionId };
  const answer = await request<{ retried: number }>("POST", "/api/v1/deliveries/retry", {
    body,
    csrf: csrfToken(),
  });
  return answer.retried;
}

/** How many things need somebody. */
export const problemCount = ({ connections, deliveries }: Problems): number =>
  connections.length + deliveries.failed.connections.length + deliveries.late.length;

/** Engagements as the portal reads them: the history, and one engagement with its story. */
import { request } from "./http.ts";

export type Outcome = "open" | "answered" | "unanswered" | "abandoned" | "failed";

export interface EngagementRow {
  id: string;
  direction: "inbound" | "outbound" | "internal";
  state: string;
  queue: { id: string; name: string };
  party: { display: string | null; e164: string | null; withheld: boolean; claimed_name: string | null };
  /** `url` is null where the CRM's pages are not known. */
  record: { id: string; object_type: string; name: string; owner: string | null; url: string | null } | null;
  agent: { id: string; name: string } | null;
  arrived_at: string;
  waited_ms: number | null;
  talked_ms: number | null;
  outcome: Outcome;
  disposition: string | null;
  delivery: "none" | "pending" | "delivered" | "failed";
}

export interface StoryEntry {
  sequence: number;
  at: string;
  name: string;
  data: Record<string, unknown>;
}

export interface Offer {
  agent: { id: string; name: string };
  offered_at: string;
  ended_at: string | null;
  state: string;
}

export interface Delivery {
  state: string;
  attempts: number;
  next_attempt_at: string | null;
  delivered_at: string | null;
  error: { code: string; message: string } | null;
  records: { object_type: string; id: string; url: string | null }[];
}

export interface EngagementDetail extends Omit<EngagementRow, "delivery"> {
  notes: string;
  end_cause: string | null;
  /** The number the caller dialled, as people write it. */
  dialled: string | null;
  timings: Record<string, number | null>;
  offers: Offer[];
  story: StoryEntry[];
  delivery: Delivery | null;
}

export interface EngagementFilter {
  queue?: string;
  state?: string;
  q?: string;
}

const LARGEST_PAGE = 200;

export interface EngagementPage {
  engagements: EngagementRow[];
  next_cursor: string | null;
}

export function listEngagements(
  filter: EngagementFilter,
  page: { cursor?: string | null; limit?: number } = {},
  signal?: AbortSignal,
): Promise<EngagementPage> {
  const query = new URLSearchParams({ limit: String(page.limit ?? 50) });
  if (page.cursor) query.set("cursor", page.cursor);
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, String(value));
  return request("GET", `/api/v1/engagements?${query}`, signal ? { signal } : {});
}

/** The newest `count` engagements at least, by as few readings as the server allows. */
export async function listNewest(
  filter: EngagementFilter,
  count: number,
  signal?: AbortSignal,
): Promise<EngagementPage> {
  const limit = Math.min(LARGEST_PAGE, Math.max(count, 50));
  const engagements: EngagementRow[] = [];
  let cursor: string | null = null;
  do {
    const page: EngagementPage = await listEngagements(filter, { cursor, limit }, signal);
    engagements.push(...page.engagements);
    cursor = page.next_cursor;
  } while (cursor !== null && engagements.length < count);
  return { engagements, next_cursor: cursor };
}

export function readEngagement(id: string, signal?: AbortSignal): Promise<EngagementDetail> {
  return request("GET", `/api/v1/engagements/${encodeURIComponent(id)}`, signal ? { signal } : {});
}

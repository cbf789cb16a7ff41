/** Values for tests: valid by default, parts to differ. */
import type { Engagement, Event, Match, MatchedRecord, Snapshot } from "../protocol/callbar.ts";

export const aRecord = (part: Partial<MatchedRecord> = {}): MatchedRecord => ({
  id: "003000000000001AAA",
  object_type: "Contact",
  name: "Hanako Yamada",
  owner: null,
  detail: "090-1234-5678",
  grade: "exact",
  ...part,
});

export const aMatch = (part: Partial<Match> = {}): Match => ({
  status: "one",
  records: [aRecord()],
  search: null,
  new_record_phone: null,
  ...part,
});

export const anEngagement = (part: Partial<Engagement> = {}): Engagement => ({
  id: "e1",
  state: "offered",
  direction: "inbound",
  queue: { id: "q1", name: "support" },
  party: {
    e164: "+819012345678",
    display: "090-1234-5678",
    extension: null,
    withheld: false,
    claimed_name: null,
  },
  waiting_since: "2026-11-22T10:00:00Z",
  offered_at: "2026-11-22T10:00:20Z",
  offer_expires_at: "2026-11-22T10:00:40Z",
  connected_at: null,
  ended_at: null,
  wrap_up_until: null,
  end_cause: null,
  held: false,
  held_since: null,
  muted: false,
  pending: null,
  digits: "",
  popped: false,
  match: aMatch(),
  related: null,
  dispositions: [{ id: "d1", label: "Resolved" }],
  disposition_id: null,
  notes: "",
  ...part,
});

export const aSnapshot = (part: Partial<Snapshot> = {}): Snapshot => ({
  type: "snapshot",
  sequence: 7,
  time: "2026-11-22T10:00:20Z",
  agent: {
    id: "a1",
    name: "Emma Wilson",
    email: "agent2@acme.example",
    language: "en",
    presence: { state: "ready", status: "ready", reason: null, since: "2026-11-22T09:00:00Z" },
  },
  owner: true,
  not_ready_reasons: [
    { code: "break", name: "Break", active: true },
    { code: "lunch", name: "Lunch", active: true },
  ],
  queues: [{ id: "q1", name: "support" }],
  engagements: [],
  related_objects: [],
  status_sync: null,
  ...part,
});

export const anEvent = (part: Partial<Event> = {}): Event => ({
  type: "event",
  sequence: 8,
  time: "2026-11-22T10:00:21Z",
  name: "engagement.offered",
  presence: null,
  engagement: null,
  gone: null,
  ...part,
});

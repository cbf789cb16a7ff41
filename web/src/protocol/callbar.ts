/* Generated from contract/callbar.json by `make generate`. Do not edit. */

/**
 * Root of the generated schema: names every message and parameter type once.
 */
export interface Contract {
  client: Hello | Ping | SnapshotRequest | Command
  params:
    | StatusSet
    | AudioConnect
    | LayoutReport
    | RecordSeen
    | RecordsSearch
    | OfEngagement
    | Note
    | Relate
    | Dial
    | Digits
  results: DialPreview | RecentCalls | FoundRecords
  server: Snapshot | Event | Done | Refused | RecordsChanged | CrmChanged | Pong
}
/**
 * First message of a client: its session's bearer token, never in a URL.
 */
export interface Hello {
  seat: string
  token: string
  type: 'hello'
}
/**
 * Sent every 10 s; a socket that is silent for 25 s is closed.
 */
export interface Ping {
  type: 'ping'
}
/**
 * The client saw a gap.
 */
export interface SnapshotRequest {
  type: 'snapshot.request'
}
/**
 * A request. The same `command_id` again is the same request and gets the same answer.
 */
export interface Command {
  command_id: string
  name:
    | 'seat.take'
    | 'status.set'
    | 'audio.connect'
    | 'layout.report'
    | 'record.seen'
    | 'records.search'
    | 'number.preview'
    | 'calls.recent'
    | 'engagement.dial'
    | 'engagement.digits'
    | 'engagement.popped'
    | 'engagement.answer'
    | 'engagement.decline'
    | 'engagement.hold'
    | 'engagement.resume'
    | 'engagement.mute'
    | 'engagement.unmute'
    | 'engagement.hang_up'
    | 'engagement.note'
    | 'engagement.relate'
    | 'engagement.close'
  params: {
    [k: string]: unknown
  }
  type: 'command'
}
export interface StatusSet {
  reason: string | null
  status: 'ready' | 'not_ready' | 'offline'
}
/**
 * A complete (non-trickle) offer; the result carries `sdp`, the answer.
 */
export interface AudioConnect {
  sdp: string
}
/**
 * The org's softphone layout as `getSoftphoneLayout` gave it.
 */
export interface LayoutReport {
  layout: {
    [k: string]: unknown
  }
}
/**
 * The host navigated to a record while an engagement was on: perhaps one just created for the caller.
 */
export interface RecordSeen {
  object_type: string
  record_id: string
}
/**
 * What the agent types to find a record of one of the related objects. The result is `FoundRecords`.
 */
export interface RecordsSearch {
  object_type: string
  text: string
}
/**
 * Parameters of `engagement.*` commands that carry nothing more.
 */
export interface OfEngagement {
  engagement_id: string
}
/**
 * Notes and disposition typed so far; null leaves a part as it is, an empty disposition clears it.
 */
export interface Note {
  disposition_id: string | null
  engagement_id: string
  notes: string | null
}
/**
 * The record that the engagement is about, of one of the related objects.
 */
export interface Relate {
  engagement_id: string
  object_type: string
  record_id: string
}
/**
 * Parameters of `engagement.dial` and `number.preview`. The preview's result is `DialPreview`.
 */
export interface Dial {
  number: string
  prefixes: Prefixes
  record: RecordRef | null
}
/**
 * The call center definition's dialing prefixes: understood on input, never dialled.
 */
export interface Prefixes {
  international: string
  long_distance: string
  outside: string
}
/**
 * A CRM record.
 */
export interface RecordRef {
  id: string
  name: string
  object_type: string
}
/**
 * Keys to send to the customer.
 */
export interface Digits {
  digits: string
  engagement_id: string
}
/**
 * How a number will be dialled, or why it will not be: `refused` is the code that dialling it would give.
 */
export interface DialPreview {
  display: string | null
  e164: string | null
  params: {
    [k: string]: unknown
  }
  refused: string | null
}
/**
 * Result of `calls.recent`: the numbers of the agent's last calls, newest first.
 */
export interface RecentCalls {
  calls: RecentCall[]
}
/**
 * The newest call with a number.
 */
export interface RecentCall {
  direction: 'inbound' | 'outbound' | 'internal'
  display: string
  e164: string
  record: KnownRecord | null
}
/**
 * A CRM record, and whose it is.
 */
export interface KnownRecord {
  id: string
  name: string
  object_type: string
  owner: string | null
}
/**
 * Result of `records.search`: at most 20, best first.
 */
export interface FoundRecords {
  records: FoundRecord[]
}
/**
 * A CRM record that the agent may read, with what tells it apart from others of its name.
 */
export interface FoundRecord {
  detail: string | null
  id: string
  name: string
  object_type: string
  owner: string | null
}
/**
 * Everything the callbar shows, now.
 */
export interface Snapshot {
  agent: Agent
  engagements: Engagement[]
  not_ready_reasons: NotReadyReason[]
  owner: boolean
  queues: QueueRef[]
  related_objects: RelatedObject[]
  sequence: number
  status_sync: StatusSync | null
  time: string
  type: 'snapshot'
}
export interface Agent {
  email: string
  id: string
  language: 'en' | 'ja'
  name: string
  presence: Presence
}
/**
 * What the server concludes of an agent; `reason` is the code of a reason, `missed_call` or
 * `deactivated`.
 */
export interface Presence {
  reason: string | null
  since: string
  state: 'ready' | 'ringing' | 'occupied' | 'wrap_up' | 'not_ready' | 'offline'
  status: 'ready' | 'not_ready' | 'offline'
}
/**
 * One engagement as its agent's card shows it.
 */
export interface Engagement {
  connected_at: string | null
  digits: string
  direction: 'inbound' | 'outbound' | 'internal'
  disposition_id: string | null
  dispositions: Disposition[]
  end_cause:
    | (
        | 'caller_hung_up'
        | 'agent_hung_up'
        | 'abandoned'
        | 'caller_lost'
        | 'agent_lost'
        | 'switch_failed'
        | 'busy'
        | 'no_answer'
        | 'unreachable'
      )
    | null
  ended_at: string | null
  held: boolean
  held_since: string | null
  id: string
  match: Match
  muted: boolean
  notes: string
  offer_expires_at: string | null
  offered_at: string
  party: Party
  pending: ('hold' | 'resume' | 'mute' | 'unmute' | 'hang_up' | 'join') | null
  popped: boolean
  queue: QueueRef
  related: KnownRecord | null
  state: 'offered' | 'answering' | 'dialing' | 'connected' | 'wrap_up'
  waiting_since: string
  wrap_up_until: string | null
}
export interface Disposition {
  id: string
  label: string
}
/**
 * The answer to "whose number is this". `search` is what to type into the CRM's search to list the records.
 */
export interface Match {
  new_record_phone: string | null
  records: MatchedRecord[]
  search: string | null
  status: 'none' | 'one' | 'many' | 'unavailable' | 'withheld'
}
/**
 * A CRM record that carries the caller's number.
 */
export interface MatchedRecord {
  detail: string | null
  grade: 'exact' | 'national' | 'short'
  id: string
  name: string
  object_type: string
  owner: string | null
}
/**
 * The customer's side of an engagement, as far as a number tells.
 */
export interface Party {
  claimed_name: string | null
  display: string | null
  e164: string | null
  extension: string | null
  withheld: boolean
}
export interface QueueRef {
  id: string
  name: string
}
/**
 * A reason for being not ready, named in the agent's language. One that is not active only names what was chosen.
 */
export interface NotReadyReason {
  active: boolean
  code: string
  name: string
}
/**
 * An object of the CRM whose records the agent may relate an engagement to.
 */
export interface RelatedObject {
  label: string
  object_type: string
  preferred: boolean
}
/**
 * Which side follows the other, and what is like what.
 */
export interface StatusSync {
  relations: StatusRelation[]
  to_contact_center: boolean
  to_salesforce: boolean
}
/**
 * A contact center status and the Omni-Channel status that it is like.
 */
export interface StatusRelation {
  contact_center: string
  label: string
  salesforce: string
}
/**
 * A fact. Parts that did not change are null.
 */
export interface Event {
  engagement: Engagement | null
  gone: Gone | null
  name: string
  presence: Presence | null
  sequence: number
  time: string
  type: 'event'
}
/**
 * An engagement that left the callbar, and why: `missed`, `declined`, `withdrawn`, `abandoned`, `closed`.
 */
export interface Gone {
  id: string
  why: 'missed' | 'declined' | 'withdrawn' | 'abandoned' | 'closed'
}
/**
 * The command was carried out or accepted; facts follow as events.
 *
 * `result` is set by `audio.connect` (`sdp`), `number.preview` (`DialPreview`), `calls.recent` (`RecentCalls`),
 * `records.search` (`FoundRecords`) and `engagement.dial` (`engagement_id`).
 */
export interface Done {
  command_id: string
  result: {
    [k: string]: unknown
  } | null
  type: 'done'
}
/**
 * The command was not carried out; `code` and `params` tell why and screens have the sentence.
 */
export interface Refused {
  code: string
  command_id: string
  params: {
    [k: string]: unknown
  }
  type: 'refused'
}
/**
 * A hint: records of the CRM changed. Whoever shows recent calls asks for them again; what the snapshot holds
 * comes as events.
 */
export interface RecordsChanged {
  type: 'records'
}
/**
 * Whether the CRM still takes the connection's grant. Told when it does not, and when it does again; without it
 * calls go on, and nothing is read from or written to the CRM until an administrator connects it anew.
 */
export interface CrmChanged {
  connected: boolean
  type: 'crm'
}
export interface Pong {
  type: 'pong'
}

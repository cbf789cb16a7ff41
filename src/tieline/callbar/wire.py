"""What travels on the callbar's socket (subprotocol `tieline.callbar.v1`).

The client says `hello`, gets a `snapshot`, then `event`s whose sequence rises by one. Each event carries
the whole of every part it changed, so applying it is replacing parts: a snapshot and the events after it
equal a later snapshot. A gap in the sequence, or doubt of any kind, is answered by a new snapshot.
`contract/callbar.json` is generated from this module and the TypeScript types from that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SUBPROTOCOL = "tieline.callbar.v1"
MAX_MESSAGE_BYTES = 256 * 1024
"""A softphone layout or an SDP offer is the largest thing a callbar sends; both stay well below this."""


class Wire(BaseModel):
    """Base of everything on the wire: unknown members are refused, so that typing errors show."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Presence(Wire):
    """What the server concludes of an agent; `reason` is the code of a reason, `missed_call` or
    `deactivated`."""

    state: Literal["ready", "ringing", "occupied", "wrap_up", "not_ready", "offline"]
    status: Literal["ready", "not_ready", "offline"]
    reason: str | None = None
    since: datetime


class Party(Wire):
    """The customer's side of an engagement, as far as a number tells."""

    e164: str | None = None
    display: str | None = None
    """The number as people of the agent's country write it; null when withheld."""
    extension: str | None = None
    withheld: bool = False
    claimed_name: str | None = None
    """What a website visitor typed as a name: a claim, never an identity."""


class RecordRef(Wire):
    """A CRM record."""

    id: str
    object_type: str
    name: str


class KnownRecord(RecordRef):
    """A CRM record, and whose it is."""

    owner: str | None = None
    """The owner's name; null where the CRM does not tell it."""


class MatchedRecord(KnownRecord):
    """A CRM record that carries the caller's number."""

    detail: str | None = None
    """The number as it stands in the record."""
    grade: Literal["exact", "national", "short"]


class Match(Wire):
    """The answer to "whose number is this". `search` is what to type into the CRM's search to list the records."""

    status: Literal["none", "one", "many", "unavailable", "withheld"]
    records: list[MatchedRecord] = []
    search: str | None = None
    new_record_phone: str | None = None
    """The number as a new contact's phone field should hold it."""


class Disposition(Wire):
    id: str
    label: str


class QueueRef(Wire):
    id: str
    name: str


EngagementState = Literal["offered", "answering", "dialing", "connected", "wrap_up"]
EndCause = Literal[
    "caller_hung_up",
    "agent_hung_up",
    "abandoned",
    "caller_lost",
    "agent_lost",
    "switch_failed",
    # of outbound engagements that nobody answered
    "busy",
    "no_answer",
    "unreachable",
]


class Engagement(Wire):
    """One engagement as its agent's card shows it."""

    id: str
    state: EngagementState
    direction: Literal["inbound", "outbound", "internal"]
    queue: QueueRef
    party: Party
    waiting_since: datetime
    offered_at: datetime
    offer_expires_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    wrap_up_until: datetime | None = None
    end_cause: EndCause | None = None
    held: bool = False
    held_since: datetime | None = None
    muted: bool = False
    pending: Literal["hold", "resume", "mute", "unmute", "hang_up", "join"] | None = None
    """A request the switch has not confirmed yet."""
    digits: str = ""
    """Keys the customer has pressed, the last 40."""
    popped: bool = False
    """True once a callbar has opened the record: nobody opens it again."""
    match: Match
    related: KnownRecord | None = None
    dispositions: list[Disposition] = []
    disposition_id: str | None = None
    notes: str = ""


class Agent(Wire):
    id: str
    name: str
    email: str
    language: Literal["en", "ja"]
    presence: Presence


class NotReadyReason(Wire):
    """A reason for being not ready, named in the agent's language. One that is not active only names what was chosen."""

    code: str
    name: str
    active: bool


class RelatedObject(Wire):
    """An object of the CRM whose records the agent may relate an engagement to."""

    object_type: str
    label: str
    """What the CRM calls it, in the language of its integration user: for objects that have no word of ours."""
    preferred: bool = False
    """The one to offer first."""


class StatusRelation(Wire):
    """A contact center status and the Omni-Channel status that it is like."""

    contact_center: str
    """`ready`, `not_ready`, `not_ready:<reason>`, `occupied`, `wrap_up` or `offline`."""
    salesforce: str
    """The id of the presence status, or `offline`."""
    label: str


class StatusSync(Wire):
    """Which side follows the other, and what is like what."""

    to_salesforce: bool
    to_contact_center: bool
    relations: list[StatusRelation]


class Snapshot(Wire):
    """Everything the callbar shows, now."""

    type: Literal["snapshot"] = "snapshot"
    sequence: int
    time: datetime
    """The server's clock, from which the callbar derives its own offset."""
    agent: Agent
    owner: bool
    """Whether this callbar owns the agent's audio and acts; the others mirror and may take over (`seat.take`)."""
    not_ready_reasons: list[NotReadyReason]
    queues: list[QueueRef]
    """The queues that the agent serves, by name."""
    engagements: list[Engagement]
    related_objects: list[RelatedObject] = []
    """In order; none: the agent relates nothing."""
    status_sync: StatusSync | None = None
    """None: the agent's Omni-Channel status and this one have nothing to do with each other."""


class Gone(Wire):
    """An engagement that left the callbar, and why: `missed`, `declined`, `withdrawn`, `abandoned`, `closed`."""

    id: str
    why: Literal["missed", "declined", "withdrawn", "abandoned", "closed"]


class Event(Wire):
    """A fact. Parts that did not change are null."""

    type: Literal["event"] = "event"
    sequence: int
    time: datetime
    name: str
    presence: Presence | None = None
    engagement: Engagement | None = None
    gone: Gone | None = None


class Done(Wire):
    """The command was carried out or accepted; facts follow as events.

    `result` is set by `audio.connect` (`sdp`), `number.preview` (`DialPreview`), `calls.recent` (`RecentCalls`),
    `records.search` (`FoundRecords`) and `engagement.dial` (`engagement_id`).
    """

    type: Literal["done"] = "done"
    command_id: str
    result: dict[str, Any] | None = None


class Refused(Wire):
    """The command was not carried out; `code` and `params` tell why and screens have the sentence."""

    type: Literal["refused"] = "refused"
    command_id: str
    code: str
    params: dict[str, Any] = {}


class RecordsChanged(Wire):
    """A hint: records of the CRM changed. Whoever shows recent calls asks for them again; what the snapshot holds
    comes as events."""

    type: Literal["records"] = "records"


class CrmChanged(Wire):
    """Whether the CRM still takes the connection's grant. Told when it does not, and when it does again; without it
    calls go on, and nothing is read from or written to the CRM until an administrator connects it anew."""

    type: Literal["crm"] = "crm"
    connected: bool


class Pong(Wire):
    type: Literal["pong"] = "pong"


ServerMessage = Annotated[
    Snapshot | Event | Done | Refused | RecordsChanged | CrmChanged | Pong, Field(discriminator="type")
]


class Hello(Wire):
    """First message of a client: its session's bearer token, never in a URL."""

    type: Literal["hello"] = "hello"
    token: str = Field(max_length=200)
    seat: str = Field(pattern=r"^[A-Za-z0-9-]{16,64}$")
    """This callbar's own random id, kept over a reload: whoever owned the audio under it owns it again at once."""


class Ping(Wire):
    """Sent every 10 s; a socket that is silent for 25 s is closed."""

    type: Literal["ping"] = "ping"


class SnapshotRequest(Wire):
    """The client saw a gap."""

    type: Literal["snapshot.request"] = "snapshot.request"


class Command(Wire):
    """A request. The same `command_id` again is the same request and gets the same answer."""

    type: Literal["command"] = "command"
    command_id: str = Field(min_length=8, max_length=64)
    name: Literal[
        "seat.take",
        "status.set",
        "audio.connect",
        "layout.report",
        "record.seen",
        "records.search",
        "number.preview",
        "calls.recent",
        "engagement.dial",
        "engagement.digits",
        "engagement.popped",
        "engagement.answer",
        "engagement.decline",
        "engagement.hold",
        "engagement.resume",
        "engagement.mute",
        "engagement.unmute",
        "engagement.hang_up",
        "engagement.note",
        "engagement.relate",
        "engagement.close",
    ]
    params: dict[str, Any] = {}


ClientMessage = Annotated[Hello | Ping | SnapshotRequest | Command, Field(discriminator="type")]


class StatusSet(Wire):
    status: Literal["ready", "not_ready", "offline"]
    reason: str | None = Field(default=None, max_length=40)


class AudioConnect(Wire):
    """A complete (non-trickle) offer; the result carries `sdp`, the answer."""

    sdp: str = Field(max_length=60_000)


class LayoutReport(Wire):
    """The org's softphone layout as `getSoftphoneLayout` gave it."""

    layout: dict[str, Any]


class RecordSeen(Wire):
    """The host navigated to a record while an engagement was on: perhaps one just created for the caller."""

    object_type: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    record_id: str = Field(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")


class RecordsSearch(Wire):
    """What the agent types to find a record of one of the related objects. The result is `FoundRecords`."""

    object_type: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    text: str = Field(min_length=1, max_length=100)


class FoundRecord(KnownRecord):
    """A CRM record that the agent may read, with what tells it apart from others of its name."""

    detail: str | None = None


class FoundRecords(Wire):
    """Result of `records.search`: at most 20, best first."""

    records: list[FoundRecord]


class OfEngagement(Wire):
    """Parameters of `engagement.*` commands that carry nothing more."""

    engagement_id: str = Field(max_length=40)


class Prefixes(Wire):
    """The call center definition's dialing prefixes: understood on input, never dialled."""

    outside: str = Field(default="", max_length=10)
    long_distance: str = Field(default="", max_length=10)
    international: str = Field(default="", max_length=10)


class Dial(Wire):
    """Parameters of `engagement.dial` and `number.preview`. The preview's result is `DialPreview`."""

    number: str = Field(max_length=100)
    prefixes: Prefixes = Prefixes()
    record: RecordRef | None = None
    """The record whose phone field was clicked: related at once."""


class DialPreview(Wire):
    """How a number will be dialled, or why it will not be: `refused` is the code that dialling it would give."""

    e164: str | None = None
    display: str | None = None
    refused: str | None = None
    params: dict[str, Any] = {}


class RecentCall(Wire):
    """The newest call with a number."""

    direction: Literal["inbound", "outbound", "internal"]
    e164: str
    display: str
    record: KnownRecord | None = None
    """Whom it was about, as the CRM has it now."""


class RecentCalls(Wire):
    """Result of `calls.recent`: the numbers of the agent's last calls, newest first."""

    calls: list[RecentCall]


class Digits(OfEngagement):
    """Keys to send to the customer."""

    digits: str = Field(pattern=r"^[0-9A-D*#]{1,32}$")


class Note(OfEngagement):
    """Notes and disposition typed so far; null leaves a part as it is, an empty disposition clears it."""

    notes: str | None = Field(default=None, max_length=8000)
    disposition_id: str | None = Field(default=None, max_length=40)


class Relate(OfEngagement):
    """The record that the engagement is about, of one of the related objects."""

    object_type: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    record_id: str = Field(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")


class Contract(Wire):
    """Root of the generated schema: names every message and parameter type once."""

    server: ServerMessage
    client: ClientMessage
    params: (
        StatusSet
        | AudioConnect
        | LayoutReport
        | RecordSeen
        | RecordsSearch
        | OfEngagement
        | Note
        | Relate
        | Dial
        | Digits
    )
    results: DialPreview | RecentCalls | FoundRecords

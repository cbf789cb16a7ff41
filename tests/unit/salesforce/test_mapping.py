"""A call log as Salesforce records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tieline.calllog.log import CallLog, LoggedRecord
from tieline.errors import InputInvalid
from tieline.salesforce import mapping
from tieline.salesforce.connections import (
    Addresses,
    AuthorisationRefused,
    addresses_at,
)
from tieline.salesforce.layout import checked
from tieline.salesforce.mapping import (
    Look,
    OrgUser,
    graph_of,
    session_fields,
    subject_of,
    task_fields,
    update_of,
)
from tieline.salesforce.org_settings import OrgSettings

LOG = CallLog(
    engagement_id=UUID(int=5),
    direction="inbound",
    outcome="answered",
    arrived_at=datetime(2026, 11, 21, 22, 30, tzinfo=UTC),
    answered_at=datetime(2026, 11, 21, 22, 30, 9, tzinfo=UTC),
    ended_at=datetime(2026, 11, 21, 22, 32, tzinfo=UTC),
    number_e164="+81312345678",
    number_display="03-1234-5678",
    queue_name="Support",
    agent_name="佐藤 花子",
    agent_email="agent1@acme.example",
    talked_s=111,
    waited_s=9,
    disposition="Solved",
    notes="Asked for a copy of the invoice.",
    link="https://contact.example.com/portal/engagements/x",
)
LOOK = Look(closed_status="Completed")
UNANSWERED = {"direction": "outbound", "outcome": "unanswered", "answered_at": None, "talked_s": 0}
CONTACT = LoggedRecord("003000000000001AAA", "Contact", "Ann")


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "Call from 03-1234-5678 (Support)"),
        ({"language": "ja"}, "03-1234-5678 からの着信（Support）"),
        ({"outcome": "abandoned", "queue_name": None}, "Missed call from 03-1234-5678"),
        ({"direction": "outbound", "queue_name": None}, "Call to 03-1234-5678"),
        ({**UNANSWERED, "end_cause": "busy", "queue_name": None}, "Call to 03-1234-5678: busy"),
        ({**UNANSWERED, "end_cause": "no_answer"}, "Call to 03-1234-5678: no answer (Support)"),
        ({**UNANSWERED, "end_cause": "agent_hung_up"}, "Call to 03-1234-5678: canceled (Support)"),
        (
            {**UNANSWERED, "end_cause": "busy", "queue_name": None, "language": "ja"},
            "03-1234-5678 への発信（話し中）",
        ),
        (
            {**UNANSWERED, "end_cause": "unreachable", "language": "ja"},
            "03-1234-5678 への発信（接続不可・Support）",
        ),
        (
            {**UNANSWERED, "outcome": "failed", "end_cause": "switch_failed", "queue_name": None},
            "Call to 03-1234-5678: call failed",
        ),
        (
            {"withheld": True, "number_display": None, "number_e164": None},
            "Call from a withheld number (Support)",
        ),
        ({"number_display": None, "number_e164": None, "queue_name": None}, "Call from an unknown number"),
        ({"queue_name": "Q" * 300}, ("Call from 03-1234-5678 (" + "Q" * 300)[:255]),
    ],
)
def test_the_subject_tells_direction_number_and_queue(changes: dict[str, Any], subject: str) -> None:
    assert subject_of(replace(LOG, **changes)) == subject


def test_both_languages_have_the_same_words() -> None:
    folder = Path(mapping.__file__).parent / "locales"
    en, ja = (json.loads((folder / f"{name}.json").read_text()) for name in ("en", "ja"))
    assert en.keys() == ja.keys()


def test_a_task_holds_the_call() -> None:
    fields = task_fields(replace(LOG, matched=(CONTACT,)), LOOK, OrgUser("005X", "Asia/Tokyo"))
    assert fields["WhoId"] == CONTACT.id and fields["WhatId"] is None
    assert (fields["CallType"], fields["CallDurationInSeconds"], fields["CallDisposition"]) == (
        "Inbound",
        111,
        "Solved",
    )
    assert fields["OwnerId"] == "005X"
    # The agent's day, not the server's.
    assert fields["ActivityDate"] == "2026-11-22"
    assert (fields["Description"], fields["Tieline_Engagement_Link__c"]) == (LOG.notes, LOG.link)
    without_field = task_fields(LOG, Look(closed_status="Completed", task_link=False), None)
    assert without_field["Description"] == f"{LOG.notes}\n\n{LOG.link}"
    assert task_fields(LOG, LOOK, OrgUser("005X", "Mars/Olympus"))["ActivityDate"] == "2026-11-21"


def test_a_call_nobody_took_says_why_where_nothing_was_chosen() -> None:
    busy = replace(LOG, **UNANSWERED, end_cause="busy", disposition=None)
    task, session = task_fields(busy, LOOK, None), session_fields(busy, None)
    assert (task["CallType"], task["Status"], task["CallDurationInSeconds"]) == ("Outbound", "Completed", 0)
    assert task["CallDisposition"] == "Busy"
    assert task_fields(replace(busy, language="ja"), LOOK, None)["CallDisposition"] == "話し中"
    assert task_fields(replace(busy, disposition="Call back"), LOOK, None)["CallDisposition"] == "Call back"
    assert (session["Outcome__c"], session["End_Cause__c"]) == ("unanswered", "busy")
    assert session["Disposition__c"] is None and session["Answered_At__c"] is None
    assert task_fields(replace(LOG, disposition=None), LOOK, None)["CallDisposition"] is None


@pytest.mark.parametrize(
    ("kind", "who", "what"),
    [("Contact", True, False), ("Lead", True, False), ("Account", False, True), ("Case", False, True)],
)
def test_people_are_whom_everything_else_is_what(kind: str, who: bool, what: bool) -> None:
    fields = task_fields(replace(LOG, related=LoggedRecord("X", kind, "N")), LOOK, None)
    assert (fields["WhoId"] is not None, fields["WhatId"] is not None) == (who, what)


@pytest.mark.parametrize(
    ("matched", "who"),
    [((CONTACT,), CONTACT.id), ((replace(CONTACT, object_type="Lead"),), None), ((CONTACT, CONTACT), None)],
)
def test_the_contact_who_called_stays_whom_a_call_about_something_else_is_with(
    matched: tuple[LoggedRecord, ...], who: str | None
) -> None:
    about = replace(LOG, matched=matched, related=LoggedRecord("001000000000001AAA", "Account", "Acme"))
    task, session = task_fields(about, LOOK, None), session_fields(about, None)
    assert (task["WhoId"], task["WhatId"]) == (who, "001000000000001AAA")
    assert (session["Contact__c"], session["Account__c"]) == (who, "001000000000001AAA")
    assert session["Related_Record_Id__c"] == "001000000000001AAA"
    assert (session["Number_Shown__c"], session["Status__c"]) == ("03-1234-5678", "closed")


def test_fields_that_an_older_package_lacks_are_not_sent_to_its_org() -> None:
    old = replace(LOOK, session_fields=frozenset())
    body = graph_of(LOG, old, None)["compositeRequest"][1]["body"]
    newer = graph_of(LOG, LOOK, None)["compositeRequest"][1]["body"]
    assert newer.keys() - body.keys() == {"Number_Shown__c", "Status__c"}
    (_, session) = update_of(LOG, old, None, task_id="00T1", session_id="a001")
    assert not session.keys() & mapping.LATER_FIELDS


def test_bare_records_point_to_nothing_and_nobody() -> None:
    bare = json.dumps(graph_of(replace(LOG, related=CONTACT), LOOK, OrgUser("005X", None), bare=True))
    assert CONTACT.id not in bare and "005X" not in bare


def test_a_graph_creates_only_what_is_given_and_an_update_also_clears() -> None:
    graph = graph_of(replace(LOG, notes="", disposition=None), LOOK, None)
    task, session = (node["body"] for node in graph["compositeRequest"])
    assert None not in task.values() and None not in session.values()
    assert session["Engagement_Id__c"] == graph["graphId"] == str(LOG.engagement_id)
    assert session["Task_Id__c"] == "@{task.id}"
    updates = update_of(LOG, LOOK, None, task_id="00T", session_id="a0X")
    assert "TaskSubtype" not in updates[0] and updates[0]["WhoId"] is None
    assert [u["attributes"]["type"] for u in updates] == ["Task", "Tieline_Session_History__c"]


def test_the_addresses_of_a_real_org_follow_from_its_instance() -> None:
    before = Addresses("https://login.salesforce.com", "https://login.salesforce.com", ())
    found = addresses_at("production", before, "https://acme--dev.sandbox.my.salesforce.com")
    assert found.api_base == "https://acme--dev.sandbox.my.salesforce.com"
    assert found.embedding_origins[0] == "https://acme--dev.sandbox.lightning.force.com"
    for address in (
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.test",
        "https://evil.test/acme.my.salesforce.com",
        "https://u@acme.my.salesforce.com",
        "https://169.254.169.254",
        "",
    ):
        with pytest.raises(AuthorisationRefused):
            addresses_at("production", before, address)


def test_country_codes_are_bounded_checked_and_default_to_one() -> None:
    assert OrgSettings.from_json({}).country_codes == ("1",)
    assert OrgSettings.of(["+81", "81", " 1", "x", None, "999", 44]).country_codes == ("81", "1", "44")
    many = [str(code) for code in range(1, 400)]
    assert len(OrgSettings.of(many).country_codes) == 20


LAYOUT = {
    "Inbound": {
        "callRelatedFields": ["ANI", "QUEUE"],
        "objects": {"Contact": [{"displayName": "Name", "apiName": "Name"}]},
        "screenPopSettings": {
            "screenPopsOpenWithin": "ExistingWindow",
            "NoMatch": {"screenPopType": "PopToEntity", "screenPopData": "Contact"},
            "SingleMatch": {"screenPopType": "PopToDetail"},
            "MultipleMatches": {"screenPopType": "PopToSearch"},
        },
    },
    "Outbound": {"callRelatedFields": [], "objects": {}, "screenPopSettings": {}},
    "Internal": {"callRelatedFields": [], "objects": {"User": []}, "screenPopSettings": {}},
}


def test_a_softphone_layout_is_understood() -> None:
    layout = checked(LAYOUT)
    assert layout.inbound and layout.inbound.screen_pop_settings
    assert (
        layout.inbound.screen_pop_settings.no_match
        and layout.inbound.screen_pop_settings.no_match.data == "Contact"
    )


@pytest.mark.parametrize(
    "junk",
    [
        {"Inbound": []},
        {"Inbound": {"objects": {"Contact": [{"apiName": "Name'; --"}]}}},
        {"Inbound": {"objects": {f"O{n}": [] for n in range(60)}}},
        {"x": "y" * 70_000},
        {"Inbound": {"screenPopSettings": {"NoMatch": {"screenPopType": "<script>"}}}},
    ],
)
def test_what_is_no_layout_is_refused(junk: dict[str, Any]) -> None:
    with pytest.raises(InputInvalid):
        checked(junk)

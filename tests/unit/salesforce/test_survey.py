"""What an org's own list of objects says about the rights of its integration user."""

from __future__ import annotations

import pytest

from tieline.salesforce.client import FixedToken, SalesforceClient
from tieline.salesforce.mapping import SESSION
from tieline.salesforce.network import http_client
from tieline.salesforce.survey import CHECKS, COUNTRY_CODES, Asked

ALL = {"queryable": True, "createable": True, "updateable": True}
READ = {"queryable": True, "createable": False, "updateable": False}


@pytest.mark.parametrize(
    ("check", "objects", "state", "code", "named"),
    [
        ("customers", {"Contact": READ, "Lead": READ, "Account": READ}, "ok", "ok", None),
        ("customers", {"Contact": READ}, "wrong", "cannot_read", "Lead, Account"),
        ("tasks", {"Task": READ}, "wrong", "cannot_write", "Task"),
        ("session_history", {}, "missing", "no_package", None),
        ("session_history", {SESSION: READ}, "wrong", "cannot_write", SESSION),
        ("settings", {}, "missing", "no_package", None),
        ("settings", {COUNTRY_CODES: ALL | {"queryable": False}}, "wrong", "cannot_read", COUNTRY_CODES),
        ("open_cti", {"CallCenter": READ}, "ok", "ok", None),
        ("open_cti", {"Contact": ALL}, "wrong", "no_open_cti", None),
        ("call_center", {}, "unknown", "not_told", None),
        ("package", {}, "missing", "no_package", None),
        ("presence", {}, "missing", "no_package", None),
    ],
)
async def test_a_right_that_is_not_there_is_named(
    check: str, objects: dict[str, dict[str, bool]], state: str, code: str, named: str | None
) -> None:
    async with http_client(trust_loopback=False) as http:
        # The list is enough for these answers: nothing listens where the client would ask.
        client = SalesforceClient(http, FixedToken("http://127.0.0.1:1", "none"))
        found = await CHECKS[check](client, Asked("00D000000000001", "005000000000001", objects, frozenset()))
    assert (found.state, found.code, found.params.get("objects")) == (state, code, named)

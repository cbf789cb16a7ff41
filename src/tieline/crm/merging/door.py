"""Merging and lead conversion at the doors: SOAP operations, and routes for the console's pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import answering, visiting
from ..errors import Fault, Faults, not_found
from ..ids import parse_id
from ..options import CallOptions
from ..record_pages.alike import refusal
from ..rest import Call
from ..soap.door import Part, operation
from ..soap.records import error, record_of
from ..web import json_response, read_json
from .conversion import Conversion, Converted, convert
from .duplicates import DuplicatesDetected
from .merge import MERGEABLE, Merged, merge

MAX_MERGES = 200
MAX_CONVERSIONS = 100

# -- SOAP ----------------------------------------------------------------------------------------------------


@operation("merge", writes=True)
async def merge_operation(call: Call, asked: Part) -> Any:
    """`merge(requests)`: each with its master record and the ids of one or two others; one answer each."""
    requests = asked.all("request") or asked.all("mergeRequests")  # jsforce's word for it
    if not 1 <= len(requests) <= MAX_MERGES:
        raise Fault("EXCEEDED_ID_LIMIT", f"A call takes 1 to {MAX_MERGES} merges")
    results: list[dict[str, Any]] = []
    for request in requests:
        value, master, values = record_of(call, request.need("masterRecord"))
        losers = [(part.text or "").strip() for part in request.all("recordToMergeIds")]
        done = await merge(call.records, value, master, losers, values)
        result: dict[str, Any] = (
            {"errors": [error(fault, call.door) for fault in done.faults]} if done.faults else {}
        )
        result |= {"id": done.id, "mergedRecordIds": list(done.merged_ids), "success": not done.faults}
        results.append(result | {"updatedRelatedIds": list(done.related_ids)})
    return {"result": results}


@operation("convertLead", writes=True)
async def convert_operation(call: Call, asked: Part) -> Any:
    """`convertLead(leadConverts)`: one answer each."""
    parts = asked.all("leadConverts")
    if len(parts) > MAX_CONVERSIONS:
        raise Fault("EXCEEDED_ID_LIMIT", f"A call takes at most {MAX_CONVERSIONS} conversions")
    results: list[dict[str, Any]] = []
    for part in parts:
        done = await convert(
            call.records,
            Conversion(
                part.value("leadId") or "",
                part.value("convertedStatus") or "",
                part.value("accountId") or None,
                part.value("contactId") or None,
                part.value("opportunityId") or None,
                part.value("opportunityName") or None,
                not part.flag("doNotCreateOpportunity"),
                part.flag("overwriteLeadSource"),
                part.value("ownerId") or None,
            ),
        )
        result: dict[str, Any] = {"accountId": done.account_id, "contactId": done.contact_id}
        if done.faults:
            result["errors"] = [error(fault, call.door) for fault in done.faults]
        result |= {"leadId": done.lead_id, "opportunityId": done.opportunity_id, "success": not done.faults}
        results.append(result)
    return {"result": results}


# -- the console ---------------------------------------------------------------------------------------------


async def _asked(request: Request) -> dict[str, Any]:
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


def _text(body: Mapping[str, Any], name: str) -> str | None:
    given = body.get(name)
    if given is not None and not isinstance(given, str):
        raise Fault("JSON_PARSER_ERROR", f"{name} must be a string")
    return given or None


def _in_spite_of_warnings(call: Call) -> Call:
    return replace(call, options=CallOptions(allow_duplicates=True))


def _refuse(done: Merged | Converted) -> None:
    if done.faults:
        raise Faults(done.faults)


@answering
async def merge_records(request: Request) -> Response:
    """`{master, losers, fields}`: merges records of one object."""
    body = await _asked(request)
    master, losers, fields = _text(body, "master") or "", body.get("losers"), body.get("fields", {})
    if not isinstance(losers, list) or not isinstance(fields, dict):
        raise Fault("JSON_PARSER_ERROR", "losers must be a list and fields an object")
    ids: list[Any] = losers
    choices: dict[str, Any] = fields
    async with visiting(request) as visit:
        known = parse_id(master)
        value = visit.call.catalogue.of_id(known) if known else None
        if value is None or value.name not in MERGEABLE:
            raise not_found()
        async with visit.conn.transaction():
            # Whoever merges has looked at the duplicates: a rule that only warns has nothing to add.
            records = _in_spite_of_warnings(visit.call).records
            done = await merge(records, value, master, [str(item) for item in ids], choices)
        _refuse(done)
        return json_response({"id": done.id, "merged": done.merged_ids, "related": done.related_ids})


@answering
async def convert_lead(request: Request) -> Response:
    """`{lead, status, account?, contact?, opportunity?, opportunity_name?, create_opportunity?, owner?}`.

    `allow_duplicates` saves in spite of duplicate rules that only warn.
    """
    body = await _asked(request)
    asked = Conversion(
        _text(body, "lead") or "",
        _text(body, "status") or "",
        _text(body, "account"),
        _text(body, "contact"),
        _text(body, "opportunity"),
        _text(body, "opportunity_name"),
        body.get("create_opportunity") is not False,
        body.get("overwrite_lead_source") is True,
        _text(body, "owner"),
    )
    async with visiting(request) as visit:
        async with visit.conn.transaction():
            call = _in_spite_of_warnings(visit.call) if body.get("allow_duplicates") is True else visit.call
            done = await convert(call.records, asked)
        for fault in done.faults:
            if isinstance(fault, DuplicatesDetected):
                # The lead is not told as a duplicate of what it becomes.
                return await refusal(visit, fault, but=parse_id(asked.lead_id))
        _refuse(done)
        return json_response(
            {
                "lead": done.lead_id,
                "account": done.account_id,
                "contact": done.contact_id,
                "opportunity": done.opportunity_id,
            }
        )


ROUTES = [
    Route("/console/api/merge", merge_records, methods=["POST"]),
    Route("/console/api/convert-lead", convert_lead, methods=["POST"]),
]

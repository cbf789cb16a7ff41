"""What every user may set for themselves: language, locale and time zone of the pages.

The org's own rules about users need Manage Users; these three fields are everybody's own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .access.rights import EVERYTHING
from .console import Visit, answering, visiting
from .errors import Fault, Faults
from .records import Records
from .standard_setup import LANGUAGES
from .web import json_response, read_json

LOCALES = (
    "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "en_AU", "en_CA", "en_GB", "en_HK", "en_IE",
    "en_IN", "en_NZ", "en_PH", "en_SG", "en_US", "en_ZA", "es_AR", "es_CL", "es_CO", "es_ES",
    "es_MX", "es_PE", "fi_FI", "fr_BE", "fr_CA", "fr_CH", "fr_FR", "hu_HU", "id_ID", "it_CH",
    "it_IT", "ja_JP", "ko_KR", "ms_MY", "nl_BE", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT",
    "ro_RO", "sv_SE", "th_TH", "tr_TR", "uk_UA", "vi_VN", "zh_CN", "zh_HK", "zh_SG", "zh_TW",
)  # fmt: skip
"""`LocaleSidKey` values offered."""
_FIELDS = {"language": "LanguageLocaleKey", "locale": "LocaleSidKey", "time_zone": "TimeZoneSidKey"}


@cache
def time_zones() -> tuple[str, ...]:
    """`TimeZoneSidKey` values offered: the places of the world that the system knows, and GMT."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return (
        "GMT",
        *sorted(name for name in available_timezones() if name.startswith(areas) and len(name) <= 40),
    )


def _choices() -> dict[str, tuple[str, ...]]:
    languages = tuple(choice.value for choice in LANGUAGES)
    return {"language": languages, "locale": LOCALES, "time_zone": time_zones()}


async def _chosen(visit: Visit) -> dict[str, Any]:
    row = await visit.conn.fetchrow(
        'SELECT "LanguageLocaleKey", "LocaleSidKey", "TimeZoneSidKey" FROM data."User" WHERE "Id" = $1',
        visit.caller.user_id,
    )
    return {name: row[column] for name, column in _FIELDS.items()}


@answering
async def read(request: Request) -> Response:
    """`{language, locale, time_zone, choices}`: what the user has, and what may be chosen for each."""
    async with visiting(request) as visit:
        return json_response(await _chosen(visit) | {"choices": _choices()})


@answering
async def change(request: Request) -> Response:
    """Sets any of `{language, locale, time_zone}`; answers what holds from the next request on.

    INVALID_INPUT for another name, INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST for a value that is not offered.
    """
    body = await read_json(request)
    async with visiting(request) as visit:
        if not isinstance(body, dict) or not body or set(body) - set(_FIELDS):
            raise Fault("INVALID_INPUT", "Give any of language, locale and time_zone")
        given: dict[str, Any] = body
        choices = _choices()
        user = visit.call.catalogue.whole.objects["User"]
        for name, content in given.items():
            if content not in choices[name]:
                item = user.fields[_FIELDS[name]]
                raise Fault(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    f"{item.label}: bad value for restricted picklist field: {str(content)[:80]}",
                    fields=[item.name],
                    about=item,
                )
        records = Records(
            visit.call.org,
            visit.conn,
            visit.call.catalogue.whole,
            replace(visit.caller, permissions=EVERYTHING),
            version=visit.call.version,
        )
        values = {_FIELDS[name]: content for name, content in given.items()}
        async with visit.conn.transaction():
            (saved,) = await records.update(user, [(visit.caller.user_id, values)])
            if saved.faults:
                raise Faults(saved.faults)
        return json_response(await _chosen(visit))


ROUTES = [
    Route("/console/api/personal-settings", read, methods=["GET"]),
    Route("/console/api/personal-settings", change, methods=["PATCH"]),
]

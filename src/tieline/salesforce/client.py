"""The client of Salesforce's REST API, and of every org that speaks it. There is no second way to a CRM.

One client serves one connection. Every call has a time limit as a whole (a peer that sends a byte a second
is as away as a silent one), names us (`Sforce-Call-Options`, by which our own changes are recognised later),
and fails with `CrmFailure` only. An expired access token is renewed once per call.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import httpx2

from tieline.salesforce.failures import CrmFailure, failure_of

API_VERSION = "66.0"
DATA = f"/services/data/v{API_VERSION}"
CLIENT_NAME = "Tieline"
QUERY_PAGE = 2000
MAX_GRAPHS = 75
MAX_GRAPH_NODES = 500
MAX_COLLECTION = 200
MAX_COMPOSITE_QUERIES = 5
_CALL_S = 60.0
_MAX_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, where it is used, and which one it is."""

    api_base: str
    value: str = field(repr=False)
    version: int = 0


class TokenSource(Protocol):
    """Where a client gets its access token."""

    async def current(self) -> Token:
        """The token now. Raises `CrmFailure` (sign_in) when there is none."""
        ...

    async def renewed(self, stale: Token) -> Token:
        """A token newer than `stale`. Raises `CrmFailure`."""
        ...


class FixedToken:
    """A token that somebody holds already, such as an administrator's during set-up; it is never renewed."""

    def __init__(self, api_base: str, value: str) -> None:
        self._token = Token(api_base, value)

    async def current(self) -> Token:
        """The token."""
        return self._token

    async def renewed(self, stale: Token) -> Token:
        """Raises: nobody can renew it."""
        raise CrmFailure("sign_in", "INVALID_SESSION_ID", "the session has ended")


Record = dict[str, Any]


_USAGE = re.compile(r"\bapi-usage=(\d{1,9})/(\d{1,9})\b")


class SalesforceClient:
    """Calls of one connection."""

    def __init__(self, http: httpx2.AsyncClient, tokens: TokenSource) -> None:
        self._http = http
        self._tokens = tokens
        self.api_usage: tuple[int, int] | None = None
        """Requests that the org has counted today and how many it allows, as of the last answer that told."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request below `/services/data/v…` (or at `path` itself when it begins with `/services/`).

        Gives the answer's JSON, None for an empty one. Raises `CrmFailure`.
        """
        token = await self._tokens.current()
        try:
            return await self._send(token, method, path, params, body, headers)
        except CrmFailure as failure:
            if not failure.refreshable:
                raise
        token = await self._tokens.renewed(token)
        return await self._send(token, method, path, params, body, headers)

    async def _send(
        self,
        token: Token,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> Any:
        url = token.api_base + (path if path.startswith("/services/") else DATA + path)
        sent = {
            "Authorization": f"Bearer {token.value}",
            "Accept": "application/json",
            "Sforce-Call-Options": f"client={CLIENT_NAME}",
            **(headers or {}),
        }
        content: bytes | None = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            sent["Content-Type"] = "application/json; charset=utf-8"
        return await answer_of(
            self._http, method, url, params=params, content=content, headers=sent, heard=self._heard
        )

    def _heard(self, headers: httpx2.Headers) -> None:
        told = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
        if told:
            self.api_usage = int(told.group(1)), int(told.group(2))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """GET below the API's base."""
        return await self.call("GET", path, params=params)

    async def describe(self, object_type: str) -> dict[str, Any]:
        """The describe of an object: `fields[]` with `name`, `type`, `nameField` and more."""
        return _object(await self.get(f"/sobjects/{object_type}/describe"))

    async def query(self, soql: str, *, deleted: bool = False) -> dict[str, Any]:
        """One page: `{totalSize, done, records[], nextRecordsUrl?}`; with `deleted` also what lies in the bin."""
        return _object(await self.get("/queryAll" if deleted else "/query", {"q": soql}))

    async def query_more(self, next_records_url: str) -> dict[str, Any]:
        """The page behind `nextRecordsUrl`."""
        if not next_records_url.startswith("/services/data/"):
            raise CrmFailure("never", "answer_unreadable", "nextRecordsUrl leads elsewhere")
        return _object(await self.get(next_records_url))

    async def pages(self, first: dict[str, Any]) -> AsyncGenerator[list[Record]]:
        """The records of a page and of all pages after it."""
        page = first
        while True:
            yield cast("list[Record]", page.get("records") or [])
            following = page.get("nextRecordsUrl")
            if page.get("done", True) or not following:
                return
            page = await self.query_more(str(following))

    async def query_all(self, soql: str) -> list[Record]:
        """Every record of a query."""
        return [record async for page in self.pages(await self.query(soql)) for record in page]

    async def composite_queries(self, soql: Sequence[str], *, deleted: bool = False) -> list[dict[str, Any]]:
        """At most five queries in one call; their first pages in order. The first failure of one is raised."""
        if not 0 < len(soql) <= MAX_COMPOSITE_QUERIES:
            raise ValueError("a composite call takes one to five queries")
        resource = "queryAll" if deleted else "query"
        answer = _object(
            await self.call(
                "POST",
                "/composite",
                body={
                    "allOrNone": False,
                    "compositeRequest": [
                        {
                            "method": "GET",
                            "referenceId": f"q{position}",
                            "url": str(httpx2.URL(f"{DATA}/{resource}", params={"q": text})),
                        }
                        for position, text in enumerate(soql)
                    ],
                },
            )
        )
        found: dict[str, dict[str, Any]] = {}
        for part in cast("list[dict[str, Any]]", answer.get("compositeResponse") or []):
            status = int(part.get("httpStatusCode") or 0)
            if status != 200:
                raise failure_of(status, part.get("body"))
            found[str(part.get("referenceId"))] = _object(part.get("body"))
        if len(found) != len(soql):
            raise failure_of(200, None)
        return [found[f"q{position}"] for position in range(len(soql))]

    async def graphs(self, graphs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Carry out at most 75 graphs (`{graphId, compositeRequest[]}`, 500 nodes in all), each wholly or not
        at all. Gives by graph id `{isSuccessful, graphResponse: {compositeResponse[]}}`."""
        if not 0 < len(graphs) <= MAX_GRAPHS:
            raise ValueError("a call takes one to 75 graphs")
        answer = _object(await self.call("POST", "/composite/graph", body={"graphs": list(graphs)}))
        results = cast("list[dict[str, Any]]", answer.get("graphs") or [])
        return {str(result.get("graphId")): result for result in results}

    async def update_collection(
        self, records: Sequence[Record], *, all_or_none: bool = False
    ) -> list[Record]:
        """PATCH at most 200 records (each with `attributes.type` and `id`); one result each, in order:
        `{success, id?, errors[]}`."""
        if not 0 < len(records) <= MAX_COLLECTION:
            raise ValueError("a call takes one to 200 records")
        answer = await self.call(
            "PATCH", "/composite/sobjects", body={"allOrNone": all_or_none, "records": list(records)}
        )
        if not isinstance(answer, list) or len(answer) != len(records):  # pyright: ignore[reportUnknownArgumentType]
            raise failure_of(200, None)
        return cast("list[Record]", answer)

    async def search(
        self,
        text: str,
        object_types: Sequence[str],
        *,
        fields: Sequence[str] = ("Id", "Name"),
        limit: int = 20,
    ) -> list[Record]:
        """Records whose phone fields the org's own search finds for `text` (parameterised: no query language)."""
        answer = _object(
            await self.call(
                "POST",
                "/parameterizedSearch",
                body={
                    "q": text,
                    "in": "PHONE",
                    "overallLimit": limit,
                    "spellCorrection": False,
                    "sobjects": [{"name": name, "fields": list(fields)} for name in object_types],
                },
            )
        )
        return cast("list[Record]", answer.get("searchRecords") or [])


async def answer_of(
    http: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    total_s: float = _CALL_S,
    heard: Callable[[httpx2.Headers], None] | None = None,
) -> Any:
    """Send one request and give its JSON (None when empty); `heard` gets the answer's headers.

    Every failure is a `CrmFailure`.
    """
    try:
        async with (
            asyncio.timeout(total_s),
            http.stream(
                method, url, params=dict(params) if params else None, content=content, headers=headers
            ) as response,
        ):
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > _MAX_ANSWER:
                    raise CrmFailure("never", "answer_too_large", f"more than {_MAX_ANSWER} bytes")
                chunks.append(chunk)
    except TimeoutError as error:
        raise CrmFailure("later", "crm_timeout", "no complete answer in time") from error
    except httpx2.TimeoutException as error:
        raise CrmFailure("later", "crm_timeout", type(error).__name__) from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise CrmFailure("never", "address_refused", type(error).__name__) from error
    except httpx2.HTTPError as error:
        raise CrmFailure("later", "crm_unreachable", type(error).__name__) from error
    if heard is not None:
        heard(response.headers)
    text = b"".join(chunks)
    good = 200 <= response.status_code < 300
    if good and not text.strip():
        return None
    try:
        body: object = json.loads(text)
    except ValueError:
        body, good = None, False
    if not good:
        raise failure_of(response.status_code, body, retry_after=response.headers.get("Retry-After"))
    return body


def _object(body: object) -> dict[str, Any]:
    """The body as a JSON object; an answer of another shape is as unreadable as none."""
    if not isinstance(body, dict):
        raise failure_of(200, None)
    return cast("dict[str, Any]", body)


def quoted(text: str) -> str:
    """A SOQL string literal of `text`."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"

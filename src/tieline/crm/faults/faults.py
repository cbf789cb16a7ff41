"""Faults on demand: how an org misbehaves when a test asks it to.

A rule says which requests it meets, how often, and what becomes of them. Rules live in memory: a restart clears
them, and so does nothing else but being used up or being removed. The switch and the admin page are in
`faults_door`.
"""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from typing import Any

from ..errors import Fault

KINDS: Mapping[str, str] = {
    "latency": "answered late",
    "error": "refused with a code, nothing applied",
    "outage": "503 SERVER_UNAVAILABLE",
    "limit": "403 REQUEST_LIMIT_EXCEEDED",
    "lock": "400 UNABLE_TO_LOCK_ROW",
    "session": "401 INVALID_SESSION_ID",
    "html": "a page instead of JSON",
    "cut": "the connection is reset instead of an answer",
    "half": "half of the answer, as if it were all of it",
    "broken": "half of the answer, then the connection is reset",
    "records": "single records of collections, composite, batch and tree are refused",
}
MAX_RULES = 100
MAX_DELAY_MS = 600_000
_CODES: Mapping[str, tuple[int, str, str]] = {
    "outage": (503, "SERVER_UNAVAILABLE", "The server is down for maintenance"),
    "limit": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "lock": (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "session": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "error": (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    "records": (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
}
_PAGE = (
    b"<!doctype html><html><head><title>Maintenance</title></head><body><h1>We are down</h1></body></html>"
)


class InvalidRule(ValueError):
    """The rule cannot be used; the message says what is wrong with which of its members."""


@dataclass(slots=True)
class Sent:
    """An answer that a rule puts in place of the org's own."""

    status: int
    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...]


@dataclass
class Rule:
    """One fault. `applied`: the org carries the request out, and only the answer suffers.

    `skip` requests pass first; `left` more are hit (None: all), each with probability `rate`.
    """

    id: str
    kind: str
    path: str = "/services/data/*"
    method: str | None = None
    rate: float = 1.0
    left: int | None = None
    skip: int = 0
    applied: bool = False
    delay_ms: int = 0
    jitter_ms: int = 0
    status: int | None = None
    code: str | None = None
    message: str | None = None
    body: str | None = None
    headers: Mapping[str, str] | None = None
    hits: int = 0

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(translate(self.path))

    def meets(self, method: str, path: str) -> bool:
        """Whether the rule hits this request; counts it where it does."""
        if self.left == 0 or (self.method and self.method != method) or not self._pattern.match(path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.rate < 1.0 and random.random() >= self.rate:
            return False
        self.count()
        return True

    def watches(self, method: str, path: str) -> bool:
        """Whether a rule about records concerns this request, without counting anything."""
        return (
            self.left != 0 and (not self.method or self.method == method) and bool(self._pattern.match(path))
        )

    def count(self) -> None:
        """One hit more."""
        self.hits += 1
        if self.left is not None:
            self.left -= 1

    def delay_s(self) -> float:
        """How long this hit waits."""
        return (self.delay_ms + random.uniform(0, self.jitter_ms)) / 1000

    def fault(self) -> Fault:
        """The refusal this rule makes."""
        status, code, message = _CODES.get(self.kind, _CODES["error"])
        return Fault(self.code or code, self.message or message, status=self.status or status)

    def row_fault(self) -> Fault | None:
        """The refusal of one record, or None for one that passes."""
        if self.left == 0:
            return None
        if self.skip:
            self.skip -= 1
            return None
        if self.rate < 1.0 and random.random() >= self.rate:
            return None
        self.count()
        return self.fault()

    def sent(self) -> Sent:
        """The whole answer of a rule that answers in the org's place."""
        headers = tuple((self.headers or {}).items())
        if self.body is not None:
            kind = "text/html" if self.kind == "html" else "application/json;charset=UTF-8"
            return Sent(self.status or 200, self.body.encode(), kind, headers)
        if self.kind == "html":
            return Sent(self.status or 502, _PAGE, "text/html", headers)
        fault = self.fault()
        if self.kind == "session":
            headers = (*headers, ("WWW-Authenticate", "Token"))
        return Sent(
            fault.status, json.dumps([fault.as_row()]).encode(), "application/json;charset=UTF-8", headers
        )

    def shown(self) -> dict[str, Any]:
        """The rule as the switch lists it; what is not set is left out."""
        names = (
            "id", "kind", "path", "method", "rate", "left", "skip", "applied", "delay_ms", "jitter_ms",
            "status", "code", "message", "body", "headers", "hits",
        )  # fmt: skip
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def _number(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidRule(f"{name} must be a whole number from {least} to {most}")
    return value


def _text(given: Mapping[str, Any], name: str, most: int) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise InvalidRule(f"{name} must be a text of at most {most} characters")
    return value


_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_MEMBERS = frozenset(
    ("kind", "path", "method", "rate", "count", "skip", "applied", "delay_ms", "jitter_ms", "status", "code",
     "message", "body", "headers")
)  # fmt: skip


def rule_of(given: Mapping[str, Any]) -> Rule:
    """A rule from what the switch was sent. InvalidRule otherwise."""
    if unknown := given.keys() - _MEMBERS:
        raise InvalidRule(f"unknown members: {', '.join(sorted(unknown))[:200]}")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidRule(f"kind must be one of {', '.join(KINDS)}")
    rate: Any = given.get("rate", 1.0)
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 1:
        raise InvalidRule("rate must be a number from 0 to 1")
    applied = given.get("applied", False)
    if not isinstance(applied, bool):
        raise InvalidRule("applied must be true or false")
    headers: Any = given.get("headers")
    if headers is not None:
        if not isinstance(headers, dict) or len(headers) > 20:
            raise InvalidRule("headers must be an object with at most 20 members")
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
                raise InvalidRule("headers must be texts by header name")
            if not value.isascii() or len(value) > 1000:
                raise InvalidRule("a header has at most 1000 characters, all of them ASCII")
    delay, jitter = _number(given, "delay_ms", 0, MAX_DELAY_MS), _number(given, "jitter_ms", 0, MAX_DELAY_MS)
    if kind == "latency" and not delay and not jitter:
        raise InvalidRule("latency needs delay_ms or jitter_ms")
    method = _text(given, "method", 10)
    return Rule(
        id=secrets.token_hex(4),
        kind=kind,
        path=_text(given, "path", 500) or "/services/data/*",
        method=method.upper() if method else None,
        rate=float(rate),
        left=_number(given, "count", 1, 1_000_000),
        skip=_number(given, "skip", 0, 1_000_000) or 0,
        applied=applied or kind in ("half", "broken"),
        delay_ms=delay or 0,
        jitter_ms=jitter or 0,
        status=_number(given, "status", 200, 599),
        code=_text(given, "code", 80),
        message=_text(given, "message", 1000),
        body=_text(given, "body", 100_000),
        headers=headers,
    )


class Faults:
    """The rules of one org, in the order in which they were set."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """One rule more; what is used up makes room. InvalidRule where there are too many."""
        if len(self.rules) >= MAX_RULES:
            self.rules = [kept for kept in self.rules if kept.left != 0]
        if len(self.rules) >= MAX_RULES:
            raise InvalidRule(f"there are {MAX_RULES} rules already: remove some")
        self.rules.append(rule)

    def remove(self, rule_id: str) -> bool:
        """Takes a rule away; False where there is none."""
        kept = [rule for rule in self.rules if rule.id != rule_id]
        found = len(kept) < len(self.rules)
        self.rules = kept
        return found

    def clear(self) -> None:
        """Takes all rules away."""
        self.rules = []

    def hitting(self, method: str, path: str) -> tuple[float, Rule | None]:
        """How long this request waits, and the first rule that spoils it."""
        wait, spoiler = 0.0, None
        for rule in self.rules:
            if rule.kind == "records" or (spoiler is not None and rule.kind != "latency"):
                continue
            if rule.meets(method, path):
                wait += rule.delay_s()
                if rule.kind != "latency":
                    spoiler = rule
        return wait, spoiler

    def on_records(self, method: str, path: str) -> Rule | None:
        """The rule about single records of this request."""
        return next(
            (rule for rule in self.rules if rule.kind == "records" and rule.watches(method, path)), None
        )

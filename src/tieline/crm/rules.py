"""The rules that records meet when they are saved, kept ready for one state of an org's catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .merging.duplicates import ReadyDuplicateRule, ready_duplicate_rules
from .metadata import Catalogue
from .saving.assignment import ReadyAssignment, ready_assignments
from .validation import ReadyRule, make_ready, rules_of


@dataclass(frozen=True)
class Rules:
    """All active rules, by object."""

    validation: Mapping[str, tuple[ReadyRule, ...]]
    duplicates: Mapping[str, tuple[ReadyDuplicateRule, ...]]
    assignment: Mapping[str, tuple[ReadyAssignment, ...]]


class RuleShelf:
    """One org's rules, compiled once for each catalogue. Whoever changes a rule raises the catalogue's version."""

    def __init__(self) -> None:
        self._catalogue: Catalogue | None = None
        self._rules = Rules({}, {}, {})
        self._loading = asyncio.Lock()

    async def at(self, conn: Any, catalogue: Catalogue) -> Rules:
        """The rules beside this catalogue."""
        catalogue = catalogue.whole
        if self._catalogue is catalogue:
            return self._rules
        async with self._loading:
            if self._catalogue is not catalogue:
                self._rules = Rules(
                    make_ready(catalogue, await rules_of(conn)),
                    await ready_duplicate_rules(conn, catalogue),
                    await ready_assignments(conn, catalogue),
                )
                self._catalogue = catalogue
            return self._rules

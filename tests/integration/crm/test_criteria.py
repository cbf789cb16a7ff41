"""A filter says of a row that is being saved what it says of the same row in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.criteria import parse_logic, ready
from tieline.crm.errors import Fault
from tieline.crm.filters import OPERATIONS, Criteria, Criterion
from tieline.crm.metadata import COLUMN_TYPES, Field, ObjectType
from tieline.crm.shares.objects import literal
from tieline.db.embedded import EmbeddedPostgres

TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "Text": ("string", st.sampled_from([None, "a", "A", "ab", "b'c", "é"])),
    "Choice": ("picklist", st.sampled_from([None, "a", "b", "ab"])),
    "Several": ("multipicklist", st.sampled_from([None, "a", "a;b", "b"])),
    "Flag": ("boolean", st.booleans()),
    "Number": ("double", st.sampled_from([None, 0.0, 1.0, 1.5, -2.0])),
    "Day": ("date", st.sampled_from([None, date(2026, 11, 25), date(2020, 2, 29)])),
    "Moment": ("datetime", st.sampled_from([None, datetime(2026, 11, 25, tzinfo=UTC), datetime(2020, 1, 1, 5, tzinfo=UTC)])),
    "Link": ("reference", st.sampled_from([None, "001000000000001AAA", "001000000000002AAA"])),
}  # fmt: skip
VALUES = st.sampled_from(
    ["", "a", "A", "a,b", "b'c", "é", "a;b", "true", "0", "1", "1.5", "-2", "2026-11-25", "2/29/2020",
     "2020-01-01T05:00:00Z", "001000000000001", "001000000000001AAA,", "x" * 1001, "nan"]
)  # fmt: skip
OBJECT = ObjectType(
    "Thing__c", "Thing", "Things", "a99", kind="custom",
    fields={name: Field(name, kind, name) for name, (kind, _) in TYPES.items()},
)  # fmt: skip
LINE = st.builds(Criterion, st.sampled_from([*TYPES, "Nothing"]), st.sampled_from(sorted(OPERATIONS)), VALUES)


@pytest.fixture(scope="module")
async def conn(postgres: EmbeddedPostgres) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(postgres.url())
    yield conn
    await conn.close()


@given(data=st.data())
async def test_rows_and_sql_agree(conn: Any, data: st.DataObject) -> None:
    lines = tuple(data.draw(st.lists(LINE, min_size=1, max_size=3)))
    logic = data.draw(st.sampled_from(["", "1", "NOT 1", "1 OR 2", "1 AND (2 OR NOT 3)", "1 AND", "(1", "9"]))
    row = {name: data.draw(values) for name, (_, values) in TYPES.items()}
    try:
        found = ready(Criteria(lines, logic), OBJECT)
    except Fault as fault:
        assert fault.code == "FIELD_INTEGRITY_EXCEPTION"
        return
    params: list[Any] = list(row.values())

    def param(content: Any) -> str:
        params.append(content)
        return f"${len(params)}"

    names = ", ".join(f'"{name}"' for name in row)
    casts = ", ".join(
        f"${number}::{COLUMN_TYPES.get(kind, 'text')}" for number, (kind, _) in enumerate(TYPES.values(), 1)
    )
    source = f"(SELECT {casts}) t({names})"
    asked = await conn.fetchval(f"SELECT {found.sql('t', param)} FROM {source}", *params)
    quoted = await conn.fetchval(f"SELECT {found.sql('t', literal)} FROM {source}", *row.values())
    assert asked is quoted is found.matches(row)


@given(st.text(max_size=40) | st.text("123 ANDORT()", max_size=40), st.integers(1, 3))
def test_filter_logic_is_read_or_refused(text: str, count: int) -> None:
    try:
        parse_logic(text, count)
    except Fault as fault:
        assert fault.code == "FIELD_INTEGRITY_EXCEPTION"

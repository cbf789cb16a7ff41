"""Our grammars of SOQL and SOSL take and refuse what an independent parser takes and refuses.

The oracle is npm's apex-parser, in one process of Node.js for all statements. Both look at form alone.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.soql_corpus import (
    INVALID,
    INVALID_SEARCHES,
    REFUSED_BY_THE_ORACLE_ONLY,
    TAKEN_BY_THE_ORACLE_ONLY,
    VALID,
    VALID_SEARCHES,
)

from tieline.crm.errors import Fault
from tieline.crm.query.date_literals import COUNTED, PLAIN
from tieline.crm.query.soql import parse, parse_search_clauses
from tieline.crm.query.soql_tree import DATE_FUNCTIONS
from tieline.crm.query.sosl import parse_search, read_find

_CLIENTS = Path(__file__).parents[1] / "clients"


class Oracle:
    """apex-parser behind a pipe: one line asked, one line answered."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process

    def complaints(self, text: str) -> list[str]:
        kind = "sosl" if text[:4].upper() == "FIND" else "soql"
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([kind, text]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def takes(self, text: str) -> bool:
        return not self.complaints(text)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    assert (_CLIENTS / "node_modules").is_dir(), "run scripts/setup clients first"
    with subprocess.Popen(
        ["node", "apex_parser.mjs"], cwd=_CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Oracle(process)
        process.terminate()


def refusal(text: str) -> str:
    """Why we refuse a statement, or nothing."""
    try:
        if text[:4].upper() == "FIND":
            found = text.find("}")
            while found > 0 and text[found - 1] == "\\":
                found = text.find("}", found + 1)
            parse_search_clauses(text, found + 1) if found > 0 else parse_search(text)
            read_find(text[text.index("{") + 1 : found])
        else:
            parse(text)
    except Fault as fault:
        assert fault.code in ("MALFORMED_QUERY", "MALFORMED_SEARCH")
        return fault.message
    return ""


def test_the_corpus_is_large_enough() -> None:
    assert len(set(VALID)) >= 150
    assert len(set(INVALID)) >= 60


@pytest.mark.parametrize("text", VALID + VALID_SEARCHES)
def test_both_take_it(oracle: Oracle, text: str) -> None:
    assert (refusal(text), oracle.complaints(text)) == ("", [])


@pytest.mark.parametrize("text", INVALID + INVALID_SEARCHES)
def test_both_refuse_it(oracle: Oracle, text: str) -> None:
    assert refusal(text)
    assert oracle.complaints(text)


@pytest.mark.parametrize(("text", "reason"), TAKEN_BY_THE_ORACLE_ONLY.items())
def test_the_oracle_alone_takes_it(oracle: Oracle, text: str, reason: str) -> None:
    assert oracle.takes(text), reason
    assert refusal(text), reason


@pytest.mark.parametrize(("text", "reason"), REFUSED_BY_THE_ORACLE_ONLY.items())
def test_the_oracle_alone_refuses_it(oracle: Oracle, text: str, reason: str) -> None:
    assert not oracle.takes(text), reason
    assert not refusal(text), reason


# -- generated statements ------------------------------------------------------------------------------------

_names = st.sampled_from(["Id", "Name", "Amount__c", "Ext_1__c", "CreatedDate", "OwnerId"])
_paths = st.builds(".".join, st.lists(st.sampled_from(["Account", "Owner", "Rel__r"]), max_size=4).flatmap(
    lambda parents: _names.map(lambda name: [*parents, name])))  # fmt: skip
_strings = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P", "Zs"], exclude_characters="'\\"), max_size=8
)
_dates = st.dates().map(lambda day: day.isoformat())
_literals = st.one_of(
    _strings.map(lambda text: f"'{text}'"),
    st.integers(-(10**9), 10**9).map(str),
    st.decimals(-1000, 1000, places=2).map(str),
    st.sampled_from(["null", "TRUE", "false", *PLAIN]),
    st.builds("{}:{}".format, st.sampled_from(sorted(COUNTED)), st.integers(0, 99)),
    _dates,
    _dates.map(lambda day: f"{day}T01:02:03Z"),
)
_functions = st.one_of(
    st.builds("{}({})".format, st.sampled_from(sorted(DATE_FUNCTIONS)), _paths),
    st.builds("{}(convertTimezone({}))".format, st.sampled_from(sorted(DATE_FUNCTIONS)), _paths),
    st.builds("toLabel({})".format, _paths),
)
_aggregates = st.builds(
    "{}({})".format, st.sampled_from(["COUNT", "SUM", "MIN", "MAX", "AVG", "COUNT_DISTINCT"]), _paths
)
_compared = st.one_of(_paths, _functions)
_lists = st.lists(_literals, min_size=1, max_size=4).map(lambda items: f"({', '.join(items)})")
_simple = st.one_of(
    st.builds(
        "{} {} {}".format, _compared, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "LIKE"]), _literals
    ),
    st.builds(
        "{} {} {}".format, _compared, st.sampled_from(["IN", "NOT IN", "INCLUDES", "EXCLUDES"]), _lists
    ),
    st.builds("{} IN (SELECT {} FROM Contact WHERE {} = 1)".format, _paths, _paths, _paths),
)
_conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.lists(inner.map(lambda test: f"({test})"), min_size=2, max_size=3).flatmap(
            lambda tests: st.sampled_from([" AND ", " OR "]).map(lambda word: word.join(tests))
        ),
        inner.map(lambda test: f"NOT ({test})"),
    ),
    max_leaves=6,
)
_selects = st.lists(
    st.one_of(
        _paths,
        _functions,
        st.builds("{} {}".format, _aggregates, st.sampled_from(["a1", "total"])),
        st.builds("(SELECT {} FROM Contacts ORDER BY {} DESC LIMIT 3)".format, _paths, _paths),
        st.builds("TYPEOF What WHEN Account THEN {} ELSE {} END".format, _paths, _paths),
    ),
    min_size=1,
    max_size=4,
).map(", ".join)


def _maybe(clause: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), clause.map(lambda text: " " + text))


_queries = st.builds(
    "SELECT {} FROM Account{}{}{}{}{}{}{}".format,
    _selects,
    _maybe(st.just("acct")),
    _maybe(st.builds("WHERE {}".format, _conditions)),
    _maybe(st.one_of(
        st.builds("GROUP BY {}".format, _compared),
        st.builds("GROUP BY ROLLUP({}, {}) HAVING {} > 1".format, _paths, _paths, _aggregates),
        st.builds("GROUP BY CUBE({}, {})".format, _paths, _compared),
    )),
    _maybe(st.builds("ORDER BY {}{}".format, _compared, st.sampled_from(["", " ASC", " DESC NULLS LAST"]))),
    _maybe(st.integers(0, 9999).map("LIMIT {}".format)),
    _maybe(st.integers(0, 2000).map("OFFSET {}".format)),
    _maybe(st.sampled_from(["FOR VIEW", "ALL ROWS", "UPDATE TRACKING"])),
)  # fmt: skip


@settings(max_examples=150)
@given(text=_queries)
def test_both_take_what_the_grammar_makes(oracle: Oracle, text: str) -> None:
    assert (refusal(text), oracle.complaints(text)) == ("", [])


@settings(max_examples=150)
@given(text=_queries, data=st.data())
def test_what_the_oracle_refuses_of_a_broken_query_we_refuse(
    oracle: Oracle, text: str, data: st.DataObject
) -> None:
    pieces = text.split(" ")
    at = data.draw(st.integers(0, len(pieces) - 1))
    change = data.draw(st.sampled_from(["drop", "twice", "swap", ")", "AND", "5"]))
    if change == "drop":
        del pieces[at]
    elif change == "twice":
        pieces.insert(at, pieces[at])
    elif change == "swap":
        pieces[at], pieces[-1] = pieces[-1], pieces[at]
    else:
        pieces.insert(at, change)
    broken = " ".join(pieces)
    if not oracle.takes(broken):
        assert refusal(broken)

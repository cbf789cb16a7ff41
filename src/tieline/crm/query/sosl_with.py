# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The WITH clauses of SOSL: which there are, and what HIGHLIGHT, SNIPPET and METADATA add to an answer.

A clause is answered as documented, or refused where only an org with some other feature (divisions, Experience
Cloud sites, data categories) knows it. Marks are put into escaped text: what stands in a record is never markup.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..access.questions import Caller, readable
from ..errors import Fault
from ..ids import parse_id
from ..metadata import Catalogue, Field, ObjectType
from .search import CJK, Find, folded_words, searched_fields
from .soql import Setting
from .soql_tree import Path, Query, Selected, Text, pointed

SNIPPET_LENGTH = 300
"""Characters that a snippet has when no length is asked for, or none that makes sense."""
_SNIPPET_LENGTHS = (50, 1000)
_MOST_SNIPPETS = 20
"""More records than that in an answer, and none has a snippet."""
_MOST_HIGHLIGHTED = 25
"""Records of each object whose matches are marked."""
_MARKED_TYPES = frozenset({"string", "textarea", "email"})
_HIGHLIGHTED = frozenset({"Account", "Contact", "Lead", "Opportunity", "User", "Campaign", "Quote"})
_SNIPPED = frozenset({"Case"})
_SEPARATOR = "... "
_OTHER_WORD = rf"[^\W_{CJK}]"


@dataclass(frozen=True, slots=True)
class Extras:
    """What a search asks for beside its records. `snippet` is the length to aim at, in characters."""

    highlight: bool = False
    snippet: int | None = None
    labels: bool = False


# -- which clauses -------------------------------------------------------------------------------------------


def read_settings(text: str, settings: Iterable[Setting]) -> Extras:
    """What the WITH clauses of the statement `text` ask for. MALFORMED_SEARCH where one is not for this org."""
    found = Extras()
    for setting in settings:
        problem: str | None = None
        value = setting.value.value if isinstance(setting.value, Text) else setting.value
        match setting.name:
            case "HIGHLIGHT":
                found = replace(found, highlight=True)
                problem = None if value is None else "WITH HIGHLIGHT takes no value"
            case "SNIPPET":
                found = replace(found, snippet=snippet_length(value))
                if value is not None and (not isinstance(value, int) or setting.argument != "TARGET_LENGTH"):
                    problem = "WITH SNIPPET takes target_length and a number"
            case "SPELL_CORRECTION":
                problem = None if isinstance(value, bool) else "WITH SPELL_CORRECTION must be true or false"
            case "METADATA":
                found = replace(found, labels=True)
                problem = metadata_problem(value)
            case "PRICEBOOKID":
                problem = price_book_problem(value)
            case "NETWORK":
                problem = network_problem(value)
            case name:
                problem = f"WITH {name} is not supported in this organization"
        if problem is not None:
            raise Fault("MALFORMED_SEARCH", pointed(text, setting.at, problem))
    return found


def snippet_length(asked: Any) -> int:
    """The characters that a snippet is to have: what was asked for within bounds."""
    if not isinstance(asked, int) or isinstance(asked, bool) or asked <= 0:
        return SNIPPET_LENGTH
    least, most = _SNIPPET_LENGTHS
    return max(least, min(most, asked))


def metadata_problem(value: Any) -> str | None:
    """Why metadata cannot be answered, or None. There are labels only."""
    known = isinstance(value, str) and value.upper() == "LABELS"
    return None if known else "WITH METADATA must be 'LABELS'"


def price_book_problem(value: Any) -> str | None:
    """Why a price book is refused, or None: it filters products, of which this org has none."""
    known = isinstance(value, str) and value.startswith("01s") and parse_id(value) is not None
    return None if known else "WITH PricebookId must be the id of a price book"


def network_problem(value: Any) -> str | None:
    """Why sites are refused, or None: this org has none, so that everything belongs to the one of zeros."""
    asked: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
    for item in asked:
        one = item.value if isinstance(item, Text) else item
        if not isinstance(one, str) or not re.fullmatch(r"0{14,18}", one):
            return "WITH NETWORK names an Experience Cloud site: this organization has none"
    return None


# -- what they add -------------------------------------------------------------------------------------------


def labels_of(catalogue: Catalogue, caller: Caller, queries: Iterable[Query]) -> dict[str, Any]:
    """The labels of the fields asked for. The misspelt key is the documented one."""
    language = "ja" if caller.language == "ja" else "en"
    entities: list[dict[str, Any]] = []
    for query in queries:
        value = catalogue.get(query.source)
        if value is None:
            continue
        fields = [
            {"name": item.name, "label": item.label_in(language)}
            for item in _own_fields(value, query)
            if item.type != "id"
        ]
        entities.append({"entityName": value.name, "fieldMetadata": fields})
    return {"entityetadata": entities}


def _own_fields(value: ObjectType, query: Query) -> list[Field]:
    """The object's own fields that are selected as they are."""
    found: list[Field] = []
    for selected in query.select:
        if isinstance(selected, Selected) and isinstance(selected.expression, Path):
            parts = selected.expression.parts
            item = value.get(parts[0]) if len(parts) == 1 else None
            if item is not None:
                found.append(item)
    return found


def highlight(
    value: ObjectType, query: Query, find: Find, group: str, records: Sequence[dict[str, Any]]
) -> None:
    """Adds `highlight.Field` to records of an object that has highlights, for the fields selected."""
    if value.custom or value.name in _HIGHLIGHTED:
        _mark(value, query, find, group, records[:_MOST_HIGHLIGHTED])


def _mark(value: ObjectType, query: Query, find: Find, group: str, records: Sequence[dict[str, Any]]) -> None:
    marker = marker_of(find)
    if marker is None:
        return
    searched = {item.name for item in _marked_fields(value, group)}
    for record in records:
        for item in _own_fields(value, query):
            text = record.get(item.name)
            if item.name in searched and isinstance(text, str) and (marked := marker.marked(text)):
                record[f"highlight.{item.name}"] = marked


def _marked_fields(value: ObjectType, group: str) -> list[Field]:
    """Fields whose matches are marked: text that was searched, but no compound of several."""
    compounds = set(value.compound_of.values())
    return [
        item
        for item in searched_fields(value, group)
        if item.type in _MARKED_TYPES and item.name not in compounds
    ]


async def snip(
    conn: Any,
    value: ObjectType,
    caller: Caller,
    query: Query,
    find: Find,
    group: str,
    length: int,
    found: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    """Adds `snippet.text`, and highlights, to records (with their ids) of an object that has snippets."""
    marker = marker_of(find)
    if value.name not in _SNIPPED or marker is None or len(found) > _MOST_SNIPPETS:
        return
    fields = [item for item in _marked_fields(value, group) if readable(caller, value, item)]
    if not fields:
        return
    rows = await conn.fetch(
        f'SELECT "Id", {", ".join(item.column for item in fields)} FROM {value.table} WHERE "Id" = ANY($1)',
        [record_id for record_id, _ in found],
    )
    texts: Mapping[str, Any] = {row["Id"]: row for row in rows}
    for record_id, record in found:
        row = texts.get(record_id, {})
        made = snippet((row[item.name] for item in fields if row), marker, length)
        if made:
            record["snippet.text"] = made
    _mark(value, query, find, group, [record for _, record in found])


def snippet(texts: Iterable[Any], marker: Marker, length: int) -> str:
    """Fragments of the texts around what was found, together about `length` characters."""
    pieces: list[str] = []
    left = length
    for text in texts:
        if left <= 0 or not isinstance(text, str):
            continue
        spans, shown = marker.spans(text), 0
        while spans and left > 0:
            start = max(shown, _word_start(text, max(0, spans[0][0] - left // 3)))
            end = min(len(text), start + left)
            inside = [span for span in spans if span[1] <= end]
            if not inside:
                inside, end = spans[:1], spans[0][1]
            pieces.append(_marked_text(text, inside, start, end))
            left, shown = left - (end - start), end
            spans = spans[len(inside) :]
    return _SEPARATOR.join(pieces)


def _word_start(text: str, at: int) -> int:
    if at == 0:
        return 0
    found = re.compile(r"\s").search(text, max(0, at - 20), at)
    return found.end() if found else at


# -- marking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marker:
    """What is marked in a text: any width and case, Latin words whole, Japanese anywhere."""

    pattern: re.Pattern[str]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the words found stand in the text."""
        folded, places = _folded(text)
        found: list[tuple[int, int]] = []
        for match in self.pattern.finditer(folded):
            for word in re.finditer(r"[^\W_]+", match.group()):
                start, end = match.start() + word.start(), match.start() + word.end()
                found.append((places[start], places[end]))
        return found

    def marked(self, text: str) -> str | None:
        """The text, escaped, with marks; None where there is nothing to mark."""
        spans = self.spans(text)
        return _marked_text(text, spans, 0, len(text)) if spans else None


def marker_of(find: Find) -> Marker | None:
    """The marker of a search term; terms with wildcards and those after NOT are not marked."""
    found = dict.fromkeys(_alternatives(find))
    longest = sorted(found, key=len, reverse=True)
    return Marker(re.compile("|".join(longest))) if longest else None


def _alternatives(find: Find) -> Iterable[str]:
    if find.term is None:
        for item in find.items:
            if item.kind != "not":
                yield from _alternatives(item)
        return
    runs = [_pattern(word) for word in folded_words(find.term)]
    if find.term.phrase and runs:
        yield r"[\W_]+".join(runs)
    else:
        yield from runs


def _pattern(word: str) -> str:
    """A word as it stands in a text: its beginning and end are no middle of another Latin word."""
    before = "" if re.match(f"[{CJK}]", word) else f"(?<!{_OTHER_WORD})"
    after = "" if re.search(f"[{CJK}]$", word) else f"(?!{_OTHER_WORD})"
    return f"{before}{re.escape(word)}{after}"


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The text without case and width, and for each of its characters, and its end, the place in `text`."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    folded: list[str] = []
    places: list[int] = []
    index = 0
    while index < len(text):
        end = index + 1
        while end < len(text) and (text[end] in "ﾞﾟ" or unicodedata.combining(text[end])):
            end += 1
        for char in unicodedata.normalize("NFKC", text[index:end]).lower():
            folded.append(char)
            places.append(index)
        index = end
    places.append(len(text))
    return "".join(folded), places


def _marked_text(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> str:
    pieces: list[str] = []
    at = start
    for begin, stop in spans:
        pieces += [
            html.escape(text[at:begin], quote=False),
            f"<mark>{html.escape(text[begin:stop], quote=False)}</mark>",
        ]
        at = stop
    return "".join([*pieces, html.escape(text[at:end], quote=False)])

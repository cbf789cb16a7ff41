"""Which language an answer speaks, and the org's sentences in Japanese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tieline.crm
from tieline.crm.errors import Fault
from tieline.crm.language import asked_language, catalogue, language_of, pattern_of, said, speak
from tieline.crm.metadata import Field

SOURCES = sorted(Path(tieline.crm.__file__).parent.rglob("*.py"))
SPOKEN_TO_PEOPLE = frozenset(
    {
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_UPDATE_CONVERTED_LEAD", "DELETE_FAILED", "DUPLICATE_VALUE",
        "ENTITY_IS_DELETED", "INACTIVE_OWNER_OR_USER", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_CROSS_REFERENCE_KEY", "INVALID_EMAIL_ADDRESS",
        "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_NEW_PASSWORD", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_PERSON_ACCOUNT_OPERATION", "INVALID_STATUS", "NUMBER_OUTSIDE_VALID_RANGE", "PRECONDITION_FAILED",
        "REQUIRED_FIELD_MISSING", "SERVER_UNAVAILABLE", "STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW", "UNDELETE_FAILED",
        "UNKNOWN_EXCEPTION",
    }
)  # fmt: skip
"""Codes that saving, deleting, merging and converting in a page may meet; the others are for programmers."""
TO_PROGRAMS = frozenset({"ids are required", "Maximum SOQL offset allowed is x"})


def _sentences() -> list[tuple[str, str, str]]:
    """Where, code and sentence of every fault that is written out; its changing parts are `x`."""
    found: list[tuple[str, str, str]] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault"
            ):
                continue
            if len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
                continue
            text = node.args[1]
            if isinstance(text, ast.Constant):
                found.append((f"{path.name}:{node.lineno}", str(node.args[0].value), str(text.value)))
            elif isinstance(text, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in text.values]
                found.append((f"{path.name}:{node.lineno}", str(node.args[0].value), "".join(parts)))
    return found


def test_every_sentence_people_may_meet_is_there_in_japanese() -> None:
    missing = [
        f"{where} {text}"
        for where, code, text in _sentences()
        if code in SPOKEN_TO_PEOPLE and text not in TO_PROGRAMS and said(text, language="ja") == text
    ]
    assert missing == []


def test_every_sentence_of_the_catalogue_is_one_the_org_says() -> None:
    source = "".join(re.sub(r'"\s*f?"', "", path.read_text("utf-8")) for path in SOURCES)
    dead = [
        english
        for english in catalogue("ja")
        if not all(piece in source for piece in re.split(r"\{[a-z]+\}", english) if len(piece) > 2)
    ]
    assert dead == []


def test_translations_have_the_same_changing_parts() -> None:
    for english, japanese in catalogue("ja").items():
        parts = [set(re.findall(r"\{([a-z]+)\}", text)) for text in (english, japanese)]
        assert parts[0] == parts[1], english
        assert pattern_of(english).fullmatch(english)


def test_a_fault_names_the_field_as_the_reader_knows_it() -> None:
    item = Field("Phone", "phone", "Business Phone", "電話", 40)
    fault = Fault(
        "STRING_TOO_LONG",
        "Business Phone: data value too large: 1: 2 (max length=40)",
        fields=["Phone"],
        about=item,
    )
    assert fault.spoken == fault.message
    speak("ja")
    try:
        assert fault.as_row()["message"] == "電話: データ値が大きすぎます: 1: 2 (最大長=40)"
        assert fault.as_save_error()["message"] == fault.spoken
        assert Fault("X", "only programmers read {this}").spoken == "only programmers read {this}"
        assert Fault("X", "invalid cross reference id: {0}").spoken == "無効な相互参照 ID: {0}"
    finally:
        speak(None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("*", None),
        ("fr, de;q=0.5", None),
        ("ja", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en_US"),
        ("fr;q=1, ja-JP;q=0.4, en;q=0.2", "ja"),
        ("ja;q=nonsense", None),
        ("ja;q=0", None),
        ("," * 10_000 + "ja", None),
    ],
)
def test_the_language_a_header_asks_for(header: str | None, expected: str | None) -> None:
    assert asked_language(header) == expected


def test_a_locale_key_names_a_language_of_words() -> None:
    assert [language_of(key) for key in ("ja", "ja_JP", "JA-jp", "en_US", "jam", "", None)] == [
        "ja", "ja", "ja", "en", "en", "en", "en",
    ]  # fmt: skip

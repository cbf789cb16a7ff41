"""Letters: the same in both languages, and nothing that is put into them changes what they are."""

from __future__ import annotations

import string

import pytest

from tieline.mail.letter import Letter, catalogue, written

TEMPLATES = sorted({key.rpartition(".")[0] for key in catalogue("en")} - {""})


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_says_the_same_in_both_languages(template: str) -> None:
    for key in ("subject", "body", "button"):
        english, japanese = (catalogue(each).get(f"{template}.{key}") for each in ("en", "ja"))
        assert (english is None) == (japanese is None)
        assert blanks(english or "") == blanks(japanese or ""), key
    body = catalogue("en")[f"{template}.body"]
    assert ("{link}" in body) == (f"{template}.button" in catalogue("en"))
    values = {name: f"<{name}>" for name in blanks(body) | blanks(catalogue("en")[f"{template}.subject"])}
    for language in ("en", "ja"):
        letter = written(template, language, **values)
        assert all(f"<{name}>" in letter.text for name in blanks(body))
        assert "<name>" not in letter.html
        assert Letter.from_json(letter.to_json()) == letter


def test_a_line_end_in_a_value_begins_no_header_and_no_paragraph() -> None:
    letter = written(
        "invitation", "en", name="A", by="B\r\nBcc: x@example.com", account="C\n\nD", link="https://x"
    )
    assert "\n" not in letter.subject
    assert letter.subject == "B Bcc: x@example.com invites you to C D"

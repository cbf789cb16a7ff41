"""What a mail says: a subject and paragraphs from the catalogues, as plain text and as simple HTML."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Self

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="margin:0;padding:24px;background:#f3f3f3;font-family:sans-serif;font-size:15px;line-height:1.6;color:#181818">
<div style="max-width:560px;margin:0 auto;padding:24px 32px;background:#ffffff;border-radius:4px">
{body}
</div></body></html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a href="{link}" style="display:inline-block;padding:8px 20px;border-radius:4px;'
    'background:#0176d3;color:#ffffff;text-decoration:none">{label}</a></p>'
    '<p style="margin:0 0 16px;font-size:12px;color:#444444;word-break:break-all">{link}</p>'
)
_FOOTER = '<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid #e5e5e5;font-size:12px;color:#444444">{}</p>'


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it will be read."""

    subject: str
    text: str
    html: str

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """As it was stored."""
        return cls(**json.loads(stored))


def written(template: str, language: str, **values: str) -> Letter:
    """The letter of a template; `link`, where it has one, stands in a paragraph of its own.

    Raises `KeyError` for a template that is none, or a value that it needs.
    """
    words = catalogue(language)
    # A value with a line end must not begin a header or a paragraph.
    plain = {name: " ".join(value.split()) for name, value in values.items()}
    subject = words[f"{template}.subject"].format_map(plain)
    paragraphs = words[f"{template}.body"].split("\n\n")
    body = [
        _BUTTON.format(link=html.escape(plain["link"]), label=html.escape(words[f"{template}.button"]))
        if paragraph == "{link}"
        else _PARAGRAPH.format(html.escape(paragraph.format_map(plain)))
        for paragraph in paragraphs
    ]
    text = [*(paragraph.format_map(plain) for paragraph in paragraphs), "-- \n" + words["footer"]]
    body.append(_FOOTER.format(html.escape(words["footer"])))
    return Letter(
        subject=subject,
        text="\n\n".join(text) + "\n",
        html=_PAGE.format(language=language, subject=html.escape(subject), body="\n".join(body)),
    )


@cache
def catalogue(language: str) -> dict[str, str]:
    """The mails' words in a language."""
    path = Path(__file__).parent / "locales" / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))

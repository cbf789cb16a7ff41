"""When two field values are taken for the same: exactly, as a phone number, or roughly as a name.

Pure. Each method has a key in SQL and the same key in Python; equal keys make candidates, `similarity` decides. Rough
comparison is simpler than Salesforce's own engine, whose dictionaries of nicknames nobody publishes.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from typing import Literal

Method = Literal[
    "Exact", "Email", "Phone", "FirstName", "LastName", "CompanyName", "City", "Street", "Zip", "Title"
]
METHODS: tuple[Method, ...] = (
    "Exact", "Email", "Phone", "FirstName", "LastName", "CompanyName", "City", "Street", "Zip", "Title",
)  # fmt: skip
STRONG: frozenset[Method] = frozenset({"Exact", "Email", "Phone"})
"""Methods whose key is selective enough to look records up by it alone."""

THRESHOLD = 0.85
_PHONE_KEY = 7
_ZIP_KEY = 5
_STREET_WORDS = {
    "st": "street", "str": "street", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "rd": "road", "dr": "drive",
    "ln": "lane", "pl": "place", "sq": "square", "hwy": "highway", "n": "north", "s": "south", "e": "east", "w": "west",
}  # fmt: skip
KEYLESS: frozenset[Method] = frozenset({"CompanyName", "Street", "Title"})
"""Two values that match may begin with different letters."""
_COMPANY_WORDS = frozenset({
    "ag", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "kk", "limited", "llc", "ltd",
    "plc", "sa", "the",
})  # fmt: skip
_COMPANY_MARKS = re.compile("株式会社|有限会社|合同会社|[(（]株[)）]|㈱")


def key_in_sql(method: Method, column: str) -> str | None:
    """The expression that has the same value for all who may match; None where there is no such key."""
    if method in ("Exact", "Email"):
        return f"lower({column})"
    if method == "Phone":
        return f"right(regexp_replace({column}, '[^0-9]', '', 'g'), {_PHONE_KEY})"
    if method == "Zip":
        return f"left(regexp_replace(lower({column}), '[^a-z0-9]', '', 'g'), {_ZIP_KEY})"
    return None if method in KEYLESS else f"lower(left({column}, 1))"


def key_of(method: Method, text: str) -> str | None:
    """The key of a value; None where the value can match nothing."""
    if method in ("Exact", "Email"):
        return text.lower()
    if method == "Phone":
        digits = _digits(text)
        return digits[-_PHONE_KEY:] if len(digits) >= _PHONE_KEY else None
    if method == "Zip":
        return _zip(text)[:_ZIP_KEY] or None
    return None if method in KEYLESS else text[:1].lower()


def similarity(method: Method, one: str, two: str) -> float:
    """How far two values agree: 1.0 the same, below `THRESHOLD` different."""
    if method in ("Exact", "Email"):
        return 1.0 if one.lower() == two.lower() else 0.0
    if method == "Phone":
        return _same_number(_digits(one), _digits(two))
    if method == "CompanyName":
        return _alike(_company(one), _company(two))
    if method == "Zip":
        return 1.0 if _zip(one) and _zip(one) == _zip(two) else 0.0
    if method == "Street":
        return _same_street(_street(one), _street(two))
    if method == "Title" and _is_short_for(*sorted((one, two), key=len)):
        return 0.9
    a, b = _name(one), _name(two)
    if method == "FirstName" and a and b:
        short, long = sorted((a, b), key=len)
        # An initial, or the short form of the same name.
        if a != b and long.startswith(short) and (len(short) == 1 or len(short) >= 3):
            return 0.9
    return _alike(a, b)


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _same_number(one: str, two: str) -> float:
    short, long = sorted((one, two), key=len)
    if len(short) < _PHONE_KEY:
        return 0.0
    if short == long:
        return 1.0
    # With and without country code: the trunk's zero goes when the country code comes.
    return 0.95 if long.endswith(short.lstrip("0")) and len(long) - len(short) <= 3 else 0.0


def _name(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", folded)


def _company(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _COMPANY_MARKS.sub(" ", text)).casefold()
    words = [word for word in re.split(r"[\W_]+", folded) if word]
    return "".join([word for word in words if word not in _COMPANY_WORDS] or words)


def _zip(text: str) -> str:
    """Letters and digits; of nine digits, an American code with its extension, the first five."""
    found = re.sub("[^a-z0-9]", "", text.lower())
    return found[:_ZIP_KEY] if re.fullmatch("[0-9]{9}", found) else found


def _street(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_STREET_WORDS.get(word, word) for word in re.split(r"[\W_]+", folded) if word]


def _same_street(one: list[str], two: list[str]) -> float:
    """House numbers must be the same, words may differ a little."""
    numbers = [sorted(word for word in words if word[0].isdigit()) for words in (one, two)]
    return _alike("".join(one), "".join(two)) if numbers[0] == numbers[1] else 0.0


def _is_short_for(short: str, long: str) -> bool:
    """True for the initials of a title: CEO, Chief Executive Officer."""
    words = [word for word in re.split(r"[\W_]+", long.casefold()) if word not in ("", "of", "the", "and")]
    return len(words) > 1 and re.sub(r"[\W_]+", "", short.casefold()) == "".join(word[0] for word in words)


def _alike(one: str, two: str) -> float:
    if not one or not two:
        return 0.0
    return 1.0 if one == two else SequenceMatcher(None, one[:255], two[:255], autojunk=False).ratio()

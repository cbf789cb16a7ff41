"""Record ids as Salesforce writes them: 15 case-sensitive characters, or 18 with a checksum.

Owns the alphabet, the checksum and the layout `prefix(3) instance(3) number(9)`. Inside this package an id
is always the 18-character form.
"""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALLOWED = frozenset(ALPHABET)
NUMBER_LENGTH = 9


def base62(number: int, width: int) -> str:
    """`number` in base 62, left-padded with zeros to `width` characters."""
    digits: list[str] = []
    while number:
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits)).rjust(width, "0")


def checksum(id15: str) -> str:
    """The three characters that make 15 case-sensitive characters safe in a case-insensitive world."""
    suffix = ""
    for start in (0, 5, 10):
        bits = 0
        for position, char in enumerate(id15[start : start + 5]):
            if "A" <= char <= "Z":
                bits |= 1 << position
        suffix += _SUFFIX[bits]
    return suffix


def make_id(prefix: str, instance: str, number: int) -> str:
    """An 18-character id from a key prefix, the org's instance characters and a number of its own."""
    id15 = prefix + instance + base62(number, NUMBER_LENGTH)
    return id15 + checksum(id15)


def parse_id(text: object) -> str | None:
    """The 18-character form of `text`, or None when it is no id (length, characters or checksum)."""
    if not isinstance(text, str) or len(text) not in (15, 18) or not _ALLOWED.issuperset(text):
        return None
    if len(text) == 15:
        return text + checksum(text)
    return text if checksum(text[:15]) == text[15:] else None


def new_instance() -> str:
    """Three random characters that tell the ids of one org from those of another."""
    return "".join(secrets.choice(ALPHABET) for _ in range(3))

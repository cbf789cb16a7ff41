"""Phone numbers: parse what people and networks write, and find the same number written otherwise.

Pure. A number is kept as three things: raw as typed, E.164, extension. Whether it is "valid" is never kept,
because numbering plans change. A number is not a key either: it may stand on several records.

Two sides must agree. `index_keys` says under which keys a text of a record is found, `search_forms` says
which keys a caller's number is looked up by. Both use the connection's country codes, in their order:

| key | the record holds | grade |
|---|---|---|
| `+81312345678` | the number with its country code | exact |
| `+81312345678` | a national form, valid in that country, the first of the country codes where it is | national |
| `+442079460018` | the same text, valid also in a later country: possible, no more | short |
| `n:312345678` | a national form of possible length that no plan we know contains | national |
| `s:12345678` | a local form: too short to be national | short |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumberFormat, ValidationResult

Grade = Literal["exact", "national", "short"]
GRADES: tuple[Grade, ...] = ("exact", "national", "short")
"""Best first."""

_MAX_TEXT = 250
_MAX_DIGITS = 20  # 15 of E.164, an international prefix and some slack; more is junk
_SHORT_LENGTHS = (7, 8)

_WITHHELD = frozenset(
    {
        *("anonymous", "restricted", "unavailable", "unknown", "private", "withheld", "blocked"),
        *("非通知", "非通知設定", "番号非通知", "表示圏外", "公衆電話", "通知不可", "通知不可能", "不明"),
    }
)
# 内線 (extension), in every way it is written; the word is unknown to the parser.
_JAPANESE_EXTENSION = re.compile(
    r"[\s,(\[]*(?:内線番号|内線|\(内\)|内)\s*[:.-]?\s*(\d{1,9})\s*(?:番)?[\s)\]]*$"
)
# What people put behind a number: its kind, not part of it.
_REMARK = re.compile(
    r"[(\[]\s*(?:代表|代|直通|直|携帯|自宅|会社|本社|呼|fax|main|office|home|mobile|cell|work)\s*[)\]]"
)
_BETWEEN = re.compile(
    r"[/|、\n\r]|;(?!\s*(?:ext|phone-context|isub)\b)|,|\s(?:or|and|または|もしくは)\s|・|〜|~"
)
_CONTINUES = re.compile(r"[/・〜~]$")
_CONTEXT = re.compile(r";phone-context=(\+?[\d.()-]+)")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number: E.164 (`+` and at most 15 digits), the extension, and the text it was read from."""

    e164: str
    extension: str | None
    raw: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the phone index and how good a match by it is."""

    key: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class _Reading:
    number: phonenumbers.PhoneNumber
    """What the parser made of the text."""
    international: bool
    """The text carried the country code itself."""


def is_withheld(raw: str | None) -> bool:
    """True when the network says that the caller's number is not shown (`anonymous`, `非通知`, nothing at all)."""
    text = _plain(raw or "")
    text = text.removeprefix("sips:").removeprefix("sip:").partition("@")[0].strip(" \"'<>()")
    return not text or text in _WITHHELD


def regions_of(country_codes: Iterable[str]) -> tuple[str, ...]:
    """Main region of each dialling code, in order: `("1", "81")` -> `("US", "JP")`. Unknown codes are left out.

    One region per code is enough: regions that share a code (US, Canada, Jamaica) share its plan.
    """
    regions: list[str] = []
    for code in country_codes:
        region = phonenumbers.region_code_for_country_code(int(code)) if code.isdigit() else "ZZ"
        if region not in ("ZZ", "001") and region not in regions:
            regions.append(region)
    return tuple(regions)


def country_code_of(e164: str) -> str:
    """The dialling code of an E.164 number: `+81312345678` -> `81`; empty when it has none that exists."""
    number = _stored(e164)
    return str(number.country_code) if number else ""


def parse(raw: str | None, regions: Sequence[str]) -> PhoneNumber | None:
    """One number from a text as typed or signalled, or None when it holds none.

    `regions` (ISO codes such as `JP`) are tried in order for a text without a country code; a region where
    the number exists is preferred to one where it only has a possible length. Understands full-width digits,
    `内線`, `tel:` with `;ext=`, letters and international prefixes. Of several numbers the first is given.
    """
    numbers = parse_all(raw, regions)
    return numbers[0] if numbers else None


def parse_all(raw: str | None, regions: Sequence[str]) -> tuple[PhoneNumber, ...]:
    """Every number of a field: `03-1234-5678 / 090-…`; `03-1234-5678/79` is …5678 and …5679."""
    return tuple(_value(reading, shown) for shown, _, reading in _read_all(raw, regions))


def index_keys(raw: str | None, country_codes: Sequence[str]) -> tuple[Key, ...]:
    """The keys under which a record that holds the text `raw` in a phone field is found; see the module."""
    regions = regions_of(country_codes)
    keys: dict[str, Grade] = {}
    sure = False
    for _, piece, reading in _read_all(raw, regions):
        if phonenumbers.is_valid_number(reading.number) or reading.international:
            keys.setdefault(_e164(reading.number), "exact" if reading.international else "national")
            sure = True
            others = () if reading.international else regions
            for other in filter(None, (_read(piece, (region,)) for region in others)):
                if phonenumbers.is_valid_number(other.number):
                    keys.setdefault(_e164(other.number), "short")
        else:
            keys.setdefault("n:" + _national(reading.number), "national")
    if not sure and raw and regions:
        digits = _digits(_split_extension(_plain(raw))[0])
        if len(digits) in _SHORT_LENGTHS and not digits.startswith("0"):
            keys["s:" + digits] = "short"
    return tuple(Key(key, grade) for key, grade in keys.items())


def search_forms(number: PhoneNumber, country_codes: Sequence[str]) -> tuple[Key, ...]:
    """The keys to look a caller's number up by, best first, with the best grade each can give.

    Forms without a country code are searched only when the number's own is one of `country_codes`: a record
    that says `03-1234-5678` means Tokyo only to those who have Japan among their countries.
    """
    forms = [Key(number.e164, "exact")]
    parsed = _stored(number.e164)
    if parsed is None or str(parsed.country_code) not in country_codes:
        return tuple(forms)
    national = _national(parsed)
    forms.append(Key("n:" + national, "national"))
    forms.extend(Key("s:" + national[-size:], "short") for size in _SHORT_LENGTHS if len(national) > size)
    return tuple(forms)


def display(e164: str, home_country: str | None) -> str:
    """The number as people of `home_country` (ISO code such as `JP`) write it: nationally at home, else with `+`."""
    number = _stored(e164)
    if number is None:
        return e164
    at_home = home_country and phonenumbers.country_code_for_region(home_country) == number.country_code
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    )


def local_form(e164: str) -> str:
    """The number as people of its own country write it: `+81312345678` -> `03-1234-5678`."""
    number = _stored(e164)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else e164


def record_form(e164: str, country_codes: Sequence[str]) -> str:
    """The number as a new record should hold it: the local form where these country codes lead back to the
    same number, else the international one. So whoever is saved with it is found by the next call."""
    local = local_form(e164)
    if any(key.key == e164 and key.grade != "short" for key in index_keys(local, country_codes)):
        return local
    return display(e164, None)


# --- reading -----------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """Compatibility characters folded (full-width digits, `℡`), exotic dashes and spaces made plain, lower case."""
    folded = unicodedata.normalize("NFKC", text[: _MAX_TEXT + 1])
    folded = "".join(
        " " if unicodedata.category(c) in ("Zs", "Cf", "Cc") and c != "\n" else c for c in folded
    )
    folded = "".join("-" if unicodedata.category(c) == "Pd" or c in "ー−" else c for c in folded)
    return folded.strip().lower()


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())


def _split_extension(text: str) -> tuple[str, str | None]:
    found = _JAPANESE_EXTENSION.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, None)


def _read_all(raw: str | None, regions: Sequence[str]) -> list[tuple[str, str, _Reading]]:
    """Each number of a field: as it is shown, as it was read, the reading."""
    if not raw or len(raw) > _MAX_TEXT:
        return []
    text = _REMARK.sub(" ", _plain(raw)).strip()
    if not text or text in _WITHHELD:
        return []
    pieces = _pieces(text)
    if len(pieces) == 1:
        reading = _read(text, regions)
        return [(raw, text, reading)] if reading else []
    found: list[tuple[str, str, _Reading]] = []
    last = ""
    for piece, separator in pieces:
        digits = _digits(piece)
        if last and _CONTINUES.match(separator) and digits == piece and 0 < len(digits) <= 4:
            piece = last[: -len(digits)] + digits
        reading = _read(piece, regions)
        if reading:
            found.append((piece, piece, reading))
            last = piece if piece[-1:].isdecimal() else ""
    return found


def _pieces(text: str) -> list[tuple[str, str]]:
    """The text cut where another number may begin, each piece with the separator before it."""
    pieces: list[tuple[str, str]] = []
    start, separator = 0, ""
    for cut in _BETWEEN.finditer(text):
        pieces.append((text[start : cut.start()].strip(), separator))
        start, separator = cut.end(), cut.group().strip()
    pieces.append((text[start:].strip(), separator))
    return [piece for piece in pieces if piece[0]]


def _read(text: str, regions: Sequence[str]) -> _Reading | None:
    """The best reading of one number: where it exists, else where its length is possible."""
    context = _CONTEXT.search(text)
    if context:
        text = text[: context.start()] + text[context.end() :]
        if context.group(1).startswith("+") and "+" not in text:
            text = context.group(1) + text.removeprefix("tel:")
    text, extension = _split_extension(text)
    text = text.removeprefix("tel:").strip()
    if not any(c.isdecimal() for c in text) or len(_digits(text.partition(";")[0])) > _MAX_DIGITS:
        return None
    possible: _Reading | None = None
    for region in regions or ("ZZ",):
        reading = _read_in(text, region)
        if reading is None:
            continue
        if extension:
            reading.number.extension = extension
        if phonenumbers.is_valid_number(reading.number):
            return reading
        length = phonenumbers.is_possible_number_with_reason(reading.number)
        if possible is None and length == ValidationResult.IS_POSSIBLE:
            possible = reading
    # `00` is written before country codes also where the local prefix is another one.
    if text.startswith("00") and not text.startswith("000"):
        reading = _read_in("+" + text[2:].lstrip(" -("), "ZZ")
        if reading and phonenumbers.is_valid_number(reading.number):
            if extension:
                reading.number.extension = extension
            return reading
    return possible


def _read_in(text: str, region: str) -> _Reading | None:
    try:
        number = phonenumbers.parse(text, None if region == "ZZ" else region, keep_raw_input=True)
    except NumberParseException:
        return None
    return _Reading(number, number.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY)


def _value(reading: _Reading, raw: str) -> PhoneNumber:
    return PhoneNumber(_e164(reading.number), reading.number.extension or None, raw)


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _national(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


@lru_cache(maxsize=4096)
def _stored(e164: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(e164, None)
    except NumberParseException:
        return None

"""Dialling out: what a typed or clicked number means, and whether it may be called. Pure.

People type numbers as they would on a desk phone: with an outside line's 9, a long-distance 1, a country's own
international prefix. The call center definition names such prefixes; they are understood here and never
dialled: what goes out is E.164.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from tieline import numbers
from tieline.errors import TielineError
from tieline.numbers import PhoneNumber

# Emergency numbers of so many countries that they are refused whatever the connection's own countries are.
EVERYWHERE = frozenset({"110", "112", "118", "119", "911", "999", "000"})


class NumberInvalid(TielineError):
    """The text is no telephone number."""

    code, status = "number_invalid", 422


class NumberEmergency(TielineError):
    """Emergency services cannot be called from here: they need a telephone that knows where it stands."""

    code, status = "number_emergency", 422


class NumberPremium(TielineError):
    """Numbers that cost extra are not called."""

    code, status = "number_premium", 422


class CountryNotAllowed(TielineError):
    """Calls to this country are not allowed; `params.country` is its dialling code."""

    code, status = "country_not_allowed", 422


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Dialing prefixes of the call center definition; empty means none."""

    outside: str = ""
    long_distance: str = ""
    international: str = ""


def dialled(
    typed: str, prefixes: Prefixes, *, country_codes: Sequence[str], allowed_codes: Sequence[str]
) -> PhoneNumber:
    """The number to call for what was typed.

    A reading that is a number people have wins over one that only has a possible length, and fewer prefixes
    taken off win over more: so `916 555 0123` stays a number of Sacramento although it begins with a 9.
    Raises `NumberEmergency`, `NumberInvalid`, `NumberPremium`, `CountryNotAllowed`.
    """
    if not typed.isprintable():
        raise NumberInvalid(field="number")
    readings = list(_readings(typed, prefixes))
    regions = numbers.regions_of(country_codes)
    for reading in readings:
        if _is_emergency(reading, regions):
            raise NumberEmergency
    possible: PhoneNumber | None = None
    for reading in readings:
        number = numbers.parse(reading, regions)
        if number is None:
            continue
        possible = possible or number
        if phonenumbers.is_valid_number(phonenumbers.parse(number.e164)):
            return _permitted(number, allowed_codes)
    if possible is None:
        raise NumberInvalid(field="number")
    return _permitted(possible, allowed_codes)


def _readings(typed: str, prefixes: Prefixes) -> Iterator[str]:
    """What was typed, as it stands and with the prefixes taken off that it may begin with."""
    yield typed
    digits = "".join(c for c in typed if c.isdigit())
    if "+" in typed or not digits.isascii():
        return
    starts = [digits]
    if prefixes.outside and digits.startswith(prefixes.outside):
        starts.append(digits[len(prefixes.outside) :])
        yield starts[-1]
    for start in starts:
        if prefixes.international and start.startswith(prefixes.international):
            yield "+" + start[len(prefixes.international) :]
        if prefixes.long_distance and start.startswith(prefixes.long_distance):
            yield start[len(prefixes.long_distance) :]


def _is_emergency(text: str, regions: Sequence[str]) -> bool:
    digits = "".join(c for c in text if c.isdigit())
    if len(digits) > 6:
        return False
    return digits in EVERYWHERE or any(shortnumberinfo.is_emergency_number(digits, r) for r in regions)


def _permitted(number: PhoneNumber, allowed_codes: Sequence[str]) -> PhoneNumber:
    code = numbers.country_code_of(number.e164)
    if code not in allowed_codes:
        raise CountryNotAllowed(country=code)
    kind = phonenumbers.number_type(phonenumbers.parse(number.e164))
    if kind == PhoneNumberType.PREMIUM_RATE:
        raise NumberPremium
    return number

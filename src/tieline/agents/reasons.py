"""Reasons for being not ready: what an account's agents choose from, in the account's order and words.

An account that never changed them has `DEFAULTS`, without rows; the first change writes the whole list. A reason is never
taken away, only switched off: what agents chose once keeps its name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from tieline.agents.presence import DEACTIVATED, MISSED_CALL
from tieline.agents.tables import not_ready_reason
from tieline.db.database import Transaction
from tieline.db.statement import Statement
from tieline.errors import InputInvalid, TielineError

MOST = 50
LONGEST_NAME = 40


class ListChanged(TielineError):
    """Somebody else has changed the list since it was read."""

    code, status = "changed_meanwhile", 409


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason; its code is what is stored, sent and mapped, its names are what people read."""

    code: str
    name_en: str
    name_ja: str
    active: bool = True

    def name(self, language: str) -> str:
        """The name in a reader's language."""
        return self.name_ja if language == "ja" else self.name_en


DEFAULTS = (
    Reason("break", "Break", "休憩"),
    Reason("lunch", "Lunch", "昼休み"),
    Reason("meeting", "Meeting", "会議"),
    Reason("training", "Training", "研修"),
    Reason("back_office", "Back office", "事務作業"),
)
_CODE_LENGTH = 32


_LISTED = Statement(
    select(not_ready_reason)
    .where(not_ready_reason.c.account_id == bindparam("of_account", type_=Uuid))
    .order_by(not_ready_reason.c.position)
)


async def listed(tx: Transaction) -> Sequence[Reason]:
    """All reasons of the transaction's account, in order, those switched off included."""
    rows = await tx.find(_LISTED, {"of_account": tx.account_id})
    return [Reason(row.code, row.name_en, row.name_ja, row.active) for row in rows] or DEFAULTS


async def active_codes(tx: Transaction) -> frozenset[str]:
    """Codes that an agent may choose now."""
    return frozenset(reason.code for reason in await listed(tx) if reason.active)


def version_of(reasons: Sequence[Reason]) -> str:
    """Says which list was read, so that two administrators do not undo one another's changes."""
    return hashlib.sha256(
        repr([(r.code, r.name_en, r.name_ja, r.active) for r in reasons]).encode()
    ).hexdigest()[:16]


async def change(tx: Transaction, version: str, wanted: Sequence[Reason]) -> Sequence[Reason]:
    """Write the list as it is to be; a reason without code is new. Callbars of the account follow at once.

    Raises `ListChanged` and `InputInvalid`.
    """
    # Without rows there is nothing to lock: one change of an account's list at a time.
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"reasons:{tx.account_id}", 0))))
    before = await listed(tx)
    if version_of(before) != version:
        raise ListChanged
    reasons = _checked(before, wanted)
    for position, reason in enumerate(reasons):
        values = {
            "name_en": reason.name_en,
            "name_ja": reason.name_ja,
            "position": position,
            "active": reason.active,
        }
        await tx.execute(
            upsert(not_ready_reason)
            .values(account_id=tx.account_id, code=reason.code, **values)
            .on_conflict_do_update(index_elements=["account_id", "code"], set_=values)
        )
    assert tx.account_id is not None
    tx.announce("reasons", tx.account_id)
    return reasons


def _checked(before: Sequence[Reason], wanted: Sequence[Reason]) -> Sequence[Reason]:
    if len(wanted) > MOST:
        raise InputInvalid("too many reasons", field="reasons", most=MOST)
    known = {reason.code for reason in before}
    kept = [reason.code for reason in wanted if reason.code]
    if len(set(kept)) != len(kept) or set(kept) != known:
        raise InputInvalid("each known reason once; switch off what is not wanted", field="reasons")
    taken = {*known, MISSED_CALL, DEACTIVATED}
    result: list[Reason] = []
    seen: dict[str, set[str]] = {"name_en": set(), "name_ja": set()}
    for number, reason in enumerate(wanted):
        names = {"name_en": _name(reason.name_en, number, "name_en"), "name_ja": reason.name_ja}
        # One language is enough to begin with.
        names["name_ja"] = (
            _name(reason.name_ja, number, "name_ja") if reason.name_ja.strip() else names["name_en"]
        )
        for member, name in names.items():
            if name.casefold() in seen[member]:
                raise InputInvalid(
                    "two reasons of one name", field=f"reasons.{number}.{member}", reason="taken"
                )
            seen[member].add(name.casefold())
        code = reason.code or _new_code(names["name_en"], taken)
        taken.add(code)
        result.append(replace(reason, code=code, **names))
    return result


def _name(name: str, number: int, member: str) -> str:
    plain = " ".join(name.split())
    if not 0 < len(plain) <= LONGEST_NAME or not plain.isprintable():
        raise InputInvalid(
            f"a name of 1 to {LONGEST_NAME} characters", field=f"reasons.{number}.{member}", reason="length"
        )
    return plain


def _new_code(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_CODE_LENGTH] or "reason"
    code, count = plain, 2
    while code in taken:
        code, count = f"{plain}_{count}", count + 1
    return code

"""Reading and writing records as an Apex class does that runs in user mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tieline.crm.errors import Faults, not_found
from tieline.crm.metadata import ObjectType
from tieline.crm.query.running import run_query
from tieline.crm.rest import Call
from tieline.crm.saving.drafts import Saved


def own(call: Call, name: str) -> ObjectType:
    """An object of the package, whatever namespace it was installed under. 404 where the user does not see it."""
    plain = name.lower()
    for value in call.catalogue.objects.values():
        if value.name.lower() == plain or value.name.lower().endswith(f"__{plain}"):
            return value
    raise not_found()


def prefix_of(value: ObjectType, name: str) -> str:
    """The namespace prefix under which an object of the package is installed: empty, or `ns__`."""
    return value.name[: len(value.name) - len(name)]


async def select(call: Call, soql: str) -> list[dict[str, Any]]:
    """The records of a query, `WITH USER_MODE`."""
    answer = await run_query(call.conn, call.catalogue, call.caller, soql, version=call.version)
    return answer["records"]


async def insert(call: Call, value: ObjectType, rows: Sequence[Mapping[str, Any]]) -> None:
    """`insert as user`."""
    if rows:
        _all(await call.records.create(value, rows))


async def update(call: Call, value: ObjectType, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """`update as user`."""
    if rows:
        _all(await call.records.update(value, rows))


async def delete(call: Call, value: ObjectType, ids: Sequence[str]) -> None:
    """`delete as user`."""
    if ids:
        _all(await call.records.delete(value, ids))


def _all(results: list[Saved]) -> None:
    """All of it or nothing: the first refusal ends the transaction."""
    for result in results:
        if result.faults:
            raise Faults(result.faults)

"""Statements compiled once: what every step of every call runs, without the work that SQLAlchemy does for each.

A `Statement` is built from the same constructs and tables as any other and compiled at import; running one costs
the driver's work and little more. `combined` makes one round trip of several writes that do not depend on one
another, which is how a transaction writes what it has collected (`Transaction.later`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, Executable, Table, bindparam
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql.compiler import SQLCompiler

BUS_CHANNEL = "tieline"
_DIALECT = asyncpg_dialect.dialect(json_serializer=json.dumps, json_deserializer=json.loads)
_PLACE = re.compile(r"\$(\d+)")
_ANNOUNCED = "announced"
"""The column of a write's RETURNING that holds a message for the bus."""


def inserting(table: Table, *columns: str) -> Insert:
    """An insert of these columns, each from the parameter of its name."""
    return insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in columns})


class Found:
    """A row as a statement gave it, its columns as attributes. It is not changed; `but` gives a changed copy."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.__dict__.update(columns)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def but(self, columns: Mapping[str, Any]) -> Found:
        """The same row with other values in some columns."""
        changed = Found(self.__dict__)
        changed.__dict__.update(columns)
        return changed

    def __repr__(self) -> str:
        return f"Found({', '.join(self.__dict__)})"  # no values: customers' numbers stay out of logs


class Statement:
    """One SQL statement with named parameters.

    Built of SQLAlchemy constructs whose every parameter is a `bindparam` without an expanding list; an insert or
    update names the columns it writes. `announces` says that a write returns a column `announced` for the bus.
    """

    def __init__(self, built: Executable, *, announces: bool = False) -> None:
        assert isinstance(built, ClauseElement)
        compiled = built.compile(dialect=_DIALECT)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self.announces = announces
        self.names: Sequence[str] = compiled.positiontup or ()
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._constants = {name: value for name, value in constants.items() if value is not None}
        self._into = {
            name: into
            for name, bind in compiled.binds.items()
            if (into := bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) is not None
        }

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Parameters in the order of their places, as the driver takes them."""
        given = {**self._constants, **parameters} if self._constants else parameters
        into = self._into
        return [into[name](given[name]) if name in into else given[name] for name in self.names]


@lru_cache(maxsize=512)
def combined(statements: tuple[Statement, ...]) -> str:
    """One statement that does all these writes, and announces what they return and the texts of its last parameter.

    None of them sees what another writes, and no two of them may write the same row.
    """
    parts: list[str] = []
    announced = [f"SELECT unnest(CAST(${{last}} AS text[])) AS {_ANNOUNCED}"]
    places = 0
    for number, statement in enumerate(statements):
        offset = places
        sql = _PLACE.sub(lambda found, offset=offset: f"${int(found.group(1)) + offset}", statement.sql)
        parts.append(f"w{number} AS ({sql})")
        if statement.announces:
            announced.append(f"SELECT {_ANNOUNCED} FROM w{number}")  # noqa: S608 - no text from outside
        places += len(statement.names)
    told = " UNION ALL ".join(announced).replace("{last}", str(places + 1))
    writes = f"WITH {', '.join(parts)} " if parts else ""
    # Who announces holds the lock of all announcements from the commit on: so not while the disk writes (decision 0011).
    return (
        f"{writes}SELECT set_config('synchronous_commit', 'off', true), "  # noqa: S608
        f"pg_notify('{BUS_CHANNEL}', {_ANNOUNCED}) FROM ({told}) AS told"
    )

"""A package on its way into an org: the circumstances every type's code gets, and one component's outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from ..errors import Fault
from ..metadata import Catalogue, ObjectType
from ..rest import Call
from ..schema import load_catalogue
from ..shares.objects import ensure as ensure_shares
from .archive import Node, Package, Problem
from .components import names_of


@dataclass
class Component:
    """One component of a package, and what became of it.

    `node` is without the parts that are components themselves, `whole` is the file.
    """

    type: str
    name: str
    file: str
    node: Node = field(default_factory=lambda: Node(""))
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    whole: Node = field(default_factory=lambda: Node(""))
    created: bool = False
    changed: bool = False
    deleted: bool = False
    id: str = ""
    problem: str | None = None
    line: int | None = None
    warning: bool = False

    @property
    def failed(self) -> bool:
        """True where it could not be deployed."""
        return self.problem is not None and not self.warning

    def as_json(self, now: str) -> dict[str, Any]:
        """As deployments report it."""
        row: dict[str, Any] = {
            "componentType": self.type,
            "fullName": self.name,
            "fileName": self.file,
            "created": self.created,
            "changed": self.changed,
            "deleted": self.deleted,
            "success": not self.failed,
            "createdDate": now,
            "id": self.id or None,
            "warning": self.warning,
        }
        if self.problem is not None:
            row |= {
                "problem": self.problem,
                "problemType": "Warning" if self.warning else "Error",
                "lineNumber": self.line,
                "columnNumber": 1 if self.line else None,
            }
        return row


@dataclass
class Deployment:
    """A package on its way into an org, within one transaction.

    `namespace` is that of a managed package. `installs`: an installed package, whose audience is granted what it
    brings when it stands.
    """

    call: Call
    package: Package
    catalogue: Catalogue
    namespace: str | None = None
    installs: bool = False
    outcomes: list[Component] = field(default_factory=list[Component])
    stale: bool = False
    _names: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _permission_sets: bool | None = None
    _managed: dict[tuple[str, str], str] | None = None

    @property
    def conn(self) -> Any:
        """The transaction's connection."""
        return self.call.conn

    @property
    def to_users(self) -> bool:
        """Whether what is made opens to profile Standard User: not where the package says itself who may see it."""
        if self._permission_sets is None:
            self._permission_sets = self.installs or any(
                path.startswith("permissionsets/") for path in self.package.files
            )
        return not self._permission_sets

    async def attempt(self, component: Component, work: Callable[[], Awaitable[None]]) -> None:
        """One component in a savepoint, so that later ones can still report their own problems."""
        try:
            async with self.conn.transaction():
                await work()
        except Problem as problem:
            component.problem, component.line = problem.message, problem.line
        except Fault as fault:
            component.problem = fault.message
        except asyncpg.exceptions.UniqueViolationError:
            component.problem = (
                "duplicate value found: existing records have the same value in a unique field"
            )
        except asyncpg.exceptions.TooManyColumnsError:
            component.problem = "The object has too many fields"

    def know(self, value: ObjectType) -> None:
        """Takes an object just made or changed into the catalogue, until it is read again."""
        self.catalogue = Catalogue(self.catalogue.version, {**self.catalogue.objects, value.name: value})
        self.stale = True

    def unknow(self, name: str) -> None:
        """Takes an object out of the catalogue."""
        kept = {key: value for key, value in self.catalogue.objects.items() if key != name}
        self.catalogue = Catalogue(self.catalogue.version, kept)
        self.stale = True

    async def reload(self) -> None:
        """Sees what has just been made as everybody will."""
        if self.stale:
            await ensure_shares(self.conn)
            self.catalogue = await load_catalogue(self.conn)
            self.stale = False

    def object(self, name: str, line: int | None, element: str = "fullName") -> ObjectType:
        """An object that must be there."""
        value = self.catalogue.get(name)
        if value is None:
            raise Problem(f"In field: {element} - no CustomObject named {name[:60]} found", line)
        return value

    async def owner(self, type_name: str, name: str) -> str | None:
        """The namespace of the installed package that a component belongs to."""
        if self._managed is None:
            rows = await self.conn.fetch(
                "SELECT type, full_name, namespace FROM meta.component WHERE namespace IS NOT NULL"
            )
            self._managed = {(row["type"], row["full_name"]): row["namespace"] for row in rows}
        return self._managed.get((type_name, name))

    async def names(self, type_name: str) -> set[str]:
        """Names of the stored components of a type, those of this package included once they stand."""
        if type_name not in self._names:
            self._names[type_name] = set(await names_of(self.conn, type_name))
        return self._names[type_name]


Apply = Callable[[Deployment, Component], Awaitable[None]]
Remove = Callable[[Deployment, Component], Awaitable[None]]
Read = Callable[[Any, Catalogue, str], Awaitable[Sequence[Node] | None]]
"""Connection, catalogue, name: what the org itself knows of a component, None where there is none."""
Names = Callable[[Any, Catalogue], Awaitable[list[str]]]

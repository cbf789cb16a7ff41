# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Sharing a record by hand: rows that people make, change and delete. The other rows nobody can write.

Whoever may delete a record by sharing (its owner, those above in the role hierarchy, Modify All) may share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..access.permissions import new_ids
from ..access.questions import Caller, readonly
from ..access.sharing import reachable
from ..errors import Fault, no_such_column
from ..ids import ALPHABET, checksum, parse_id
from ..metadata import Catalogue, Field, ObjectType
from ..saving.drafts import Saved
from ..values import read_value
from .objects import CHILDREN, level_field, parent_field

_GRANTEES = frozenset({"Regular", "Role", "RoleAndSubordinates", "Organization"})
_RANK = {"None": 0, "Private": 0, "ControlledByParent": 0, "Read": 1, "Edit": 2, "ReadWrite": 2}
_SHOWN = {"Read": "Read", "ReadWrite": "Edit"}

Row = dict[str, Any]


class Shares:
    """Verbs on the share rows of one object, for one user, on one connection. One answer for each row."""

    def __init__(self, conn: Any, catalogue: Catalogue, caller: Caller, value: ObjectType):
        self.conn = conn
        self.catalogue = catalogue
        self.caller = caller
        self.value = value
        self.base = catalogue.objects[value.shares or ""]
        self.parent = parent_field(self.base)
        self.level = level_field(self.base)

    async def create(self, inputs: Sequence[Mapping[str, Any]]) -> list[Saved]:
        """Shares records; a record that is shared with somebody already is then shared as far as the new row says."""
        results: list[Saved] = []
        for given in inputs:
            try:
                results.append(Saved(await self._create(self._read(given, creating=True)), created=True))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        return results

    async def update(self, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Saved]:
        """Changes how far rows made by hand open their records."""
        results: list[Saved] = []
        for raw_id, given in inputs:
            try:
                row = await self._made_by_hand(raw_id)
                values = self._read(given, creating=False)
                await self._require_whole(row["record_id"])
                self._check_levels(values)
                row |= {self._columns[name]: content for name, content in values.items()}
                await self._write(row)
                results.append(Saved(row["id"]))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        return results

    async def delete(self, ids: Sequence[str]) -> list[Saved]:
        """Takes back what was shared by hand."""
        results: list[Saved] = []
        for raw_id in ids:
            try:
                row = await self._made_by_hand(raw_id)
                await self._require_whole(row["record_id"])
                await self.conn.execute("DELETE FROM meta.share WHERE id = $1", row["id"])
                results.append(Saved(row["id"]))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        return results

    @property
    def _columns(self) -> dict[str, str]:
        return {self.level: "access"} | (CHILDREN if self.base.name == "Account" else {})

    def _read(self, given: Mapping[str, Any], *, creating: bool) -> Row:
        values: Row = {}
        for name, content in given.items():
            if name == "attributes":
                continue
            item = self.value.get(name)
            if item is None or item.hidden:
                raise no_such_column(name, self.value.name)
            if item.name == "Id" and not creating:
                continue
            if not (item.createable if creating else item.updateable):
                raise _not_writable(item)
            values[item.name] = read_value(item, content)
        return values

    def _check_levels(self, values: Row) -> None:
        wanted = values.get(self.level)
        if self.level in values and wanted not in ("Read", "Edit"):
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Access Level: bad value for restricted picklist field: {wanted}",
                fields=[self.level],
            )
        if wanted is not None and _RANK[str(wanted)] <= _RANK[self.base.sharing]:
            raise Fault(
                "FIELD_FILTER_VALIDATION_EXCEPTION",
                f"{self.level} (trivial share level {wanted}, for organization with default level"
                f" {_SHOWN.get(self.base.sharing, 'None')})",
                fields=[self.level],
            )

    async def _create(self, values: Row) -> str:
        missing = [name for name in (self.parent, "UserOrGroupId", self.level) if values.get(name) is None]
        if missing:
            raise Fault(
                "REQUIRED_FIELD_MISSING",
                f"Required fields are missing: [{', '.join(missing)}]",
                fields=missing,
            )
        if values.get("RowCause") not in (None, "Manual"):
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Row Cause: bad value for restricted picklist field: {values['RowCause']}",
                fields=["RowCause"],
            )
        record_id, grantee_id = values[self.parent], values["UserOrGroupId"]
        self._check_target(record_id)
        await self._require_whole(record_id)
        self._check_levels(values)
        await self._check_grantee(record_id, grantee_id)
        fresh = (await new_ids(self.conn, self.value.key_prefix, 1))[0]
        row: Row = {
            "id": fresh,
            "record_id": record_id,
            "grantee_id": grantee_id,
            "access": values[self.level],
        }
        row |= {column: values.get(name) or "None" for name, column in CHILDREN.items()}
        return await self._write(row)

    def _check_target(self, record_id: str) -> None:
        if record_id[:3] != self.base.key_prefix:
            raise Fault(
                "FIELD_INTEGRITY_EXCEPTION",
                f"{self.base.label} ID: id value of incorrect type: {record_id}",
                fields=[self.parent],
            )

    async def _require_whole(self, record_id: str) -> None:
        """The record, locked, and alive; the user reaches it as its owner does."""
        deleted = await self.conn.fetchval(
            f'SELECT "IsDeleted" FROM {self.base.table} WHERE "Id" = $1 FOR UPDATE', record_id
        )
        seen = await reachable(self.conn, self.catalogue, self.caller, self.base, [record_id])
        if deleted is None or record_id not in seen:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[self.parent])
        if deleted:
            raise Fault("ENTITY_IS_DELETED", "entity is deleted", fields=[self.parent])
        if record_id not in await reachable(
            self.conn, self.catalogue, self.caller, self.base, [record_id], "delete"
        ):
            raise Fault(
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                "insufficient access rights on cross-reference id",
                fields=[self.parent],
            )

    async def _check_grantee(self, record_id: str, grantee_id: str) -> None:
        found = await self.conn.fetchval(
            'SELECT "Type" FROM data."Group" WHERE "Id" = $1 AND NOT "IsDeleted" UNION ALL'
            ' SELECT \'User\' FROM data."User" WHERE "Id" = $1 AND "IsActive" LIMIT 1',
            grantee_id,
        )
        if found != "User" and found not in _GRANTEES:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=["UserOrGroupId"])
        owner = await self.conn.fetchval(
            f'SELECT "OwnerId" FROM {self.base.table} WHERE "Id" = $1', record_id
        )
        if owner == grantee_id:
            raise Fault(
                "FIELD_FILTER_VALIDATION_EXCEPTION",
                "UserOrGroupId (the owner reaches the record already)",
                fields=["UserOrGroupId"],
            )

    async def _write(self, row: Row) -> str:
        names = ["id", "record_id", "grantee_id", "access", *CHILDREN.values()]
        return await self.conn.fetchval(
            f"INSERT INTO meta.share ({', '.join(names)}, object_name, modified_at, modified_by)"
            f" VALUES ({', '.join(f'${number}' for number in range(1, len(names) + 4))})"
            " ON CONFLICT (record_id, grantee_id) DO UPDATE SET modified_at = excluded.modified_at,"
            f" modified_by = excluded.modified_by, {', '.join(f'{name} = excluded.{name}' for name in names[3:])}"
            " RETURNING id",
            *(row[name] for name in names),
            self.base.name,
            datetime.now(UTC).replace(microsecond=0),
            self.caller.user_id,
        )

    async def _made_by_hand(self, raw_id: str) -> Row:
        record_id = parse_id(raw_id)
        if record_id is None:
            raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
        row = await self.conn.fetchrow(
            "SELECT * FROM meta.share WHERE id = $1 AND object_name = $2 FOR UPDATE",
            record_id,
            self.base.name,
        )
        if row is not None:
            found = dict(row)
            if found["record_id"] in await reachable(
                self.conn, self.catalogue, self.caller, self.base, [found["record_id"]]
            ):
                return found
        elif await self._follows_from(record_id):
            raise readonly()
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404, fields=[])

    async def _follows_from(self, share_id: str) -> bool:
        """True for the id of a row that an owner or a rule makes, of a record that the user sees."""
        if share_id[:3] != self.value.key_prefix or share_id[6] not in ALPHABET:
            return False
        id15 = self.base.key_prefix + share_id[3:6] + "0" + share_id[7:15]
        record_id = id15 + checksum(id15)
        known = await self.conn.fetchval(f'SELECT "Id" FROM {self.base.table} WHERE "Id" = $1', record_id)
        return known is not None and bool(
            await reachable(self.conn, self.catalogue, self.caller, self.base, [record_id])
        )


def _not_writable(item: Field) -> Fault:
    return Fault(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {item.name}. Please check the security settings of this field and verify "
        "that it is read/write for your profile or permission set.",
        fields=[item.name],
    )


async def forget_by_hand(conn: Any, record_ids: Sequence[str]) -> None:
    """What was shared by hand ends where a record gets another owner or is gone for good."""
    await conn.execute("DELETE FROM meta.share WHERE record_id = ANY($1)", list(record_ids))


async def forget_groups(conn: Any, group_ids: Sequence[str]) -> None:
    """Nothing is shared with groups that are deleted."""
    await conn.execute("DELETE FROM meta.share WHERE grantee_id = ANY($1)", list(group_ids))

# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Making, changing, finding and deleting records on behalf of a user.

Runs inside the caller's transaction and never commits. What always holds: system fields are the org's own,
references point to records that exist, derived fields follow from the others, every change is announced, and a
record that is refused leaves no trace while its neighbours in the same call may succeed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from . import permissions, recycle, sharing
from .access import Caller, readonly, require, rights, visible_part
from .changes import announce
from .duplicates import Search, detected
from .errors import Fault, no_such_column, not_found
from .ids import make_id, parse_id
from .metadata import COLUMN_TYPES, Catalogue, Field, ObjectType, index_name
from .options import CallOptions
from .orgs import Org
from .person_accounts import derive, mirrored, note_contacts, require_free
from .schema import add_record_types, searched_expression
from .search import search_vector
from .standard import CLOSED_TASK_STATUSES, STAGES
from .validation import broken_rules
from .values import clean_text, read_value

Row = dict[str, Any]
_NOW = "date_trunc('milliseconds', clock_timestamp())"
_COMPOSED = re.compile(r"\{(0+)\}")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one record: its id, or why it was refused."""

    id: str | None = None
    created: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def success(self) -> bool:
        """True when the record was saved."""
        return not self.faults


@dataclass(slots=True)
class _Draft:
    """One record on its way: the values given, then the whole row."""

    position: int
    given: Row
    row: Row
    record_id: str = ""
    before: Row | None = None


def person_name(row: Mapping[str, Any]) -> str:
    """The composed name: first name, then last name. Other orders are for screens."""
    return " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)


def storage_fault(error: Exception) -> Fault:
    """What Salesforce would say for a refusal by the database that is nobody's mistake."""
    if isinstance(error, asyncpg.exceptions.LockNotAvailableError | asyncpg.exceptions.DeadlockDetectedError):
        return Fault("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", fields=[])
    if isinstance(error, asyncpg.exceptions.QueryCanceledError):
        return Fault("QUERY_TIMEOUT", "Your query request was running for too long.", status=400)
    raise error


class Records:
    """Verbs on records, for one user, on one connection.

    `catalogue` is everything there is, because what a user may not see must be kept, too; `visible` is the part the
    user may see, and what is given and answered is measured by it.
    """

    def __init__(
        self,
        org: Org,
        conn: Any,
        catalogue: Catalogue,
        caller: Caller,
        *,
        options: CallOptions = CallOptions(),
        version: str = "66.0",
    ):
        self.org = org
        self.conn = conn
        self.catalogue = catalogue.whole
        self.visible = visible_part(catalogue, caller)
        self.caller = caller
        self.options = options
        self.version = version

    def object(self, name: str) -> ObjectType:
        """The object of that name. 404 NOT_FOUND, also where the user may not read it."""
        value = self.visible.get(name)
        if value is None:
            raise not_found()
        return value

    def only_reachable(
        self, value: ObjectType, alias: str, params: list[Any], level: sharing.Level = "read"
    ) -> str:
        """`" AND ..."` for a WHERE, so that rows are those the user may reach; its values go to `params`."""

        def param(content: Any) -> str:
            params.append(content)
            return f"${len(params)}"

        condition = sharing.row_condition(self.catalogue, self.caller, value, alias, param, level)
        return f" AND {condition}" if condition else ""

    async def levels(self, value: ObjectType, record_id: str) -> set[str]:
        """What the user may do with a record: of `read`, `edit` and `delete`."""
        granted = rights(self.caller, value)
        wanted: tuple[sharing.Level, ...] = ("read", "edit", "delete")
        return {
            level
            for level in wanted
            if getattr(granted, level)
            and await sharing.reachable(self.conn, self.catalogue, self.caller, value, [record_id], level)
        }

    # -- writing -----------------------------------------------------------------------------------------

    async def create(self, value: ObjectType, inputs: Sequence[Mapping[str, Any]]) -> list[Saved]:
        """Makes records, in order; one answer each."""
        value = self.catalogue.objects[value.name]
        require(self.caller, value, "create")
        results: list[Saved | None] = [None] * len(inputs)
        drafts: list[_Draft] = []
        for position, given in enumerate(inputs):
            try:
                if any(key.lower() == "id" for key in given):
                    raise Fault("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
                values = await self._read(value, given, creating=True)
                drafts.append(_Draft(position, values, self._with_defaults(value, values)))
            except Fault as fault:
                results[position] = Saved(faults=(fault,))
        drafts = await self._checked(value, drafts, results, creating=True)
        if drafts:
            await self._number(value, drafts)
            for draft in drafts:
                draft.row["Id"] = draft.record_id
            await self._save(value, drafts, results, self._insert, created=True)
        return [result or Saved() for result in results]

    async def update(self, value: ObjectType, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Saved]:
        """Changes records by id; one answer each."""
        value = self.catalogue.objects[value.name]
        require(self.caller, value, "edit")
        results: list[Saved | None] = [None] * len(inputs)
        ids = [parse_id(record_id) for record_id, _ in inputs]
        present = await self._lock(value, [found for found in ids if found])
        refused = await self._refused(value, present, "edit")
        drafts: list[_Draft] = []
        for position, ((raw_id, given), record_id) in enumerate(zip(inputs, ids, strict=True)):
            try:
                row = self._existing(value, raw_id, record_id, present)
                if row["Id"] in refused:
                    raise readonly()
                values = await self._read(value, given, creating=False)
                require_free(value, row)
                if value.name == "Lead" and row["IsConverted"]:
                    raise Fault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
                before = dict(row)
                # Within one call a later change of the same record builds on the earlier one.
                row.update(values)
                drafts.append(_Draft(position, values, row, row["Id"], before))
            except Fault as fault:
                results[position] = Saved(faults=(fault,))
        drafts = await self._checked(value, drafts, results, creating=False)
        if drafts:
            await self._save(value, drafts, results, self._update, created=False)
        return [result or Saved() for result in results]

    async def upsert(
        self,
        value: ObjectType,
        key: Field,
        inputs: Sequence[tuple[Any, Mapping[str, Any]]],
        *,
        update_only: bool = False,
    ) -> list[Saved]:
        """Changes the record whose external id is given, or makes it; one answer each.

        Calls with the same key wait for each other, so that together they make one record.
        """
        results: list[Saved | None] = [None] * len(inputs)
        keys: list[tuple[int, Any, str]] = []
        seen: set[str] = set()
        for position, (raw, _) in enumerate(inputs):
            try:
                stored = read_value(key, raw if isinstance(raw, str | int | float) else None)
                if stored is None:
                    raise Fault("MISSING_ARGUMENT", f"{key.name} not specified", fields=[key.name])
                compared = str(stored) if key.case_sensitive else str(stored).lower()
                if compared in seen:
                    raise Fault(
                        "DUPLICATE_VALUE", f"Duplicate external id specified: {stored}", fields=[key.name]
                    )
                seen.add(compared)
                keys.append((position, stored, compared))
            except Fault as fault:
                results[position] = Saved(faults=(fault,))
        if key.type != "id":
            await self.conn.fetch(
                "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM "
                "(SELECT DISTINCT k FROM unnest($1::text[]) k ORDER BY k) ordered",
                [f"{value.name}.{key.name}={compared}" for _, _, compared in keys],
            )
        found = await self._by_key(value, key, [stored for _, stored, _ in keys])
        to_create: list[tuple[int, Row]] = []
        to_update: list[tuple[int, str, Row]] = []
        for position, stored, compared in keys:
            body = {
                name: content
                for name, content in inputs[position][1].items()
                if name.lower() not in (key.name.lower(), "id")
            }
            matches = found.get(compared, [])
            if len(matches) > 1:
                results[position] = Saved(
                    faults=(
                        Fault(
                            "DUPLICATE_EXTERNAL_ID",
                            f"{key.name}: more than one record found for external id field: {matches}",
                            status=300,
                            fields=[key.name],
                        ),
                    )
                )
            elif matches:
                to_update.append((position, matches[0], body))
            elif update_only or key.type == "id":
                results[position] = Saved(
                    faults=(
                        not_found(
                            "Provided external ID field does not exist or is not accessible: " + key.name
                        ),
                    )
                )
            else:
                to_create.append((position, body | {key.name: stored}))
        if to_update:
            saved = await self.update(value, [(record_id, body) for _, record_id, body in to_update])
            for (position, _, _), result in zip(to_update, saved, strict=True):
                results[position] = result
        if to_create:
            saved = await self.create(value, [body for _, body in to_create])
            for (position, _), result in zip(to_create, saved, strict=True):
                results[position] = result
        return [result or Saved() for result in results]

    async def matches(self, value: ObjectType, key: Field, raw: str) -> list[str]:
        """Ids of live records with that external id."""
        stored = read_value(key, raw)
        if stored is None:
            return []
        found = await self._by_key(value, key, [stored])
        return next(iter(found.values()), [])

    async def delete(self, value: ObjectType, ids: Sequence[str]) -> list[Saved]:
        """Deletes records (they stay for queryAll) and what belongs to them; clears references to them."""
        value = self.catalogue.objects[value.name]
        require(self.caller, value, "delete")
        parsed = [parse_id(record_id) for record_id in ids]
        present = await self._lock(value, [found for found in parsed if found])
        refused_ids = await self._refused(value, present, "delete")
        results: list[Saved] = []
        doomed: list[str] = []
        for raw_id, record_id in zip(ids, parsed, strict=True):
            try:
                row = self._existing(value, raw_id, record_id, present)
                require_free(value, row)
                if row["Id"] in refused_ids:
                    raise readonly()
                if value.name == "PermissionSet" and row["IsOwnedByProfile"]:
                    raise Fault(
                        "DELETE_FAILED", "A profile's own permission set cannot be deleted.", fields=[]
                    )
                if row["Id"] not in doomed:
                    doomed.append(row["Id"])
                results.append(Saved(row["Id"]))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        held = await self._held(value, doomed)
        if held:
            refused = Fault(
                "DELETE_FAILED",
                "Your attempt to delete this record could not be completed because other records refer to it.",
                fields=[],
            )
            results = [Saved(faults=(refused,)) if result.id in held else result for result in results]
            doomed = [record_id for record_id in doomed if record_id not in held]
        if doomed:
            await recycle.delete(self.conn, self.catalogue, value, doomed, self.caller.user_id)
            await self._follow(value, moved=True)
        return results

    async def undelete(self, ids: Sequence[str]) -> list[Saved]:
        """Brings deleted records back with what was deleted along with them; one answer each."""
        results: list[Saved] = []
        for raw_id in ids:
            try:
                results.append(await self._undelete(raw_id))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        return results

    async def _undelete(self, raw_id: str) -> Saved:
        value, record_id = await self._in_bin(raw_id)
        row = (await self._lock(value, [record_id]))[record_id]
        for reference in value.fields.values():
            # A detail whose master is gone has nowhere to come back to.
            target = self.catalogue.of_id(row[reference.name]) if reference.master else None
            if target is not None and await self.conn.fetchval(
                f'SELECT "IsDeleted" FROM {target.table} WHERE "Id" = $1', row[reference.name]
            ):
                raise Fault("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
        draft = _Draft(0, {}, row, record_id)
        try:
            async with self.conn.transaction():
                await recycle.undelete(self.conn, self.catalogue, record_id, self.caller.user_id)
        except asyncpg.exceptions.UniqueViolationError as error:
            return Saved(faults=(await self._duplicate(value, draft, error),))
        await self._follow(value, moved=True)
        return Saved(record_id)

    async def empty(self, ids: Sequence[str]) -> list[Saved]:
        """Empties deleted records from the recycle bin: they are gone for good; one answer each."""
        results: list[Saved] = []
        for raw_id in ids:
            try:
                _, record_id = await self._in_bin(raw_id)
                await recycle.purge(self.conn, self.catalogue, [record_id])
                results.append(Saved(record_id))
            except Fault as fault:
                results.append(Saved(faults=(fault,)))
        return results

    async def _in_bin(self, raw_id: str) -> tuple[ObjectType, str]:
        """A deleted record that the user may bring back or remove. UNDELETE_FAILED where it is not in the bin."""
        record_id = parse_id(raw_id)
        if record_id is None:
            raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
        seen = self.visible.of_id(record_id)
        if seen is None:
            raise Fault("INVALID_ID_FIELD", "invalid record id", fields=[])
        value = self.catalogue.objects[seen.name]
        require(self.caller, value, "delete")
        root = await self.conn.fetchval("SELECT root_id FROM meta.recycled WHERE record_id = $1", record_id)
        if root != record_id:
            raise Fault("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
        if record_id not in await sharing.reachable(
            self.conn, self.catalogue, self.caller, value, [record_id], "delete"
        ):
            raise readonly()
        return value, record_id

    async def _held(self, value: ObjectType, ids: list[str]) -> set[str]:
        """Which of the records may not go, because a lookup that restricts deletion points to them."""
        held: set[str] = set()
        for child, reference in self.catalogue.children.get(value.name, []):
            if reference.on_delete == "restrict" and ids:
                rows = await self.conn.fetch(
                    f"SELECT DISTINCT {reference.column} AS id FROM {child.table}"
                    f' WHERE {reference.column} = ANY($1) AND NOT "IsDeleted"',
                    ids,
                )
                held.update(row["id"] for row in rows)
        return held

    # -- reading -----------------------------------------------------------------------------------------

    async def fetch(self, value: ObjectType, ids: Sequence[str], fields: Iterable[Field]) -> dict[str, Row]:
        """Live records by 18-character id that the user may see, with the asked fields."""
        columns = ", ".join(f"t.{item.column}" for item in fields)
        params: list[Any] = [list(ids)]
        reachable = self.only_reachable(value, "t", params)
        rows = await self.conn.fetch(
            f'SELECT {columns} FROM {value.table} t WHERE t."Id" = ANY($1) AND NOT t."IsDeleted"{reachable}',
            *params,
        )
        return {row["Id"]: dict(row) for row in rows}

    # -- steps -------------------------------------------------------------------------------------------

    async def _read(self, value: ObjectType, given: Mapping[str, Any], *, creating: bool) -> Row:
        values: Row = {}
        seen = self.visible.objects[value.name]
        for name, content in given.items():
            if name == "attributes":
                continue
            item = value.get(name)
            related: dict[str, Any] | None = None
            if item is None and isinstance(content, dict):
                item = value.by_relationship.get(name.lower())
                related = content
            if item is None or item.hidden:
                raise no_such_column(name, value.name)
            if item.name == "Id" and not creating:
                continue
            mine = seen.fields.get(item.name)
            if mine is None or not (mine.createable if creating else mine.updateable):
                raise Fault(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {item.name}. Please check the security settings of this "
                    "field and verify that it is read/write for your profile or permission set.",
                    fields=[item.name],
                )
            values[item.name] = (
                read_value(item, content) if related is None else await self._related(item, related)
            )
        return values

    async def _related(self, reference: Field, related: Mapping[str, Any]) -> str:
        """The id behind `{"Rel__r": {"ExtId__c": value}}`."""
        keys = {name: content for name, content in related.items() if name not in ("attributes", "type")}
        for target_name in reference.reference_to:
            target = self.visible.get(target_name)
            if target is None or len(keys) != 1:
                continue
            name, content = next(iter(keys.items()))
            key = target.get(name)
            if key is None or not (key.external_id or key.type == "id"):
                continue
            found = await self.matches(target, key, str(content))
            if len(found) == 1:
                return found[0]
            raise Fault(
                "INVALID_FIELD",
                f"Foreign key external ID: {content} not found for field {key.name} in entity {target.name}",
            )
        raise Fault("INVALID_FIELD", f"Invalid foreign key reference for {reference.relationship}")

    def _with_defaults(self, value: ObjectType, values: Row) -> Row:
        row: Row = {}
        for item in value.fields.values():
            if not item.stored:
                continue
            if item.name in values and not (values[item.name] is None and item.type == "boolean"):
                content = values[item.name]
                if content is None and item.required and item.type == "picklist":
                    content = next((choice.value for choice in item.picklist if choice.default), None)
            elif item.type == "boolean":
                content = item.default is True
            elif item.default is not None:
                content = read_value(item, item.default)
            elif item.type == "picklist":
                content = next((choice.value for choice in item.picklist if choice.default), None)
            else:
                content = None
            row[item.name] = content
        if "OwnerId" in row and row["OwnerId"] is None:
            row["OwnerId"] = self.caller.user_id
        return row

    async def _checked(
        self, value: ObjectType, drafts: list[_Draft], results: list[Saved | None], *, creating: bool
    ) -> list[_Draft]:
        """Drafts that may be saved; the others are answered. Fills derived fields."""
        related = await self._look_up_references(value, drafts)
        passed: list[_Draft] = []
        for draft in drafts:
            try:
                self._check_references(value, draft, related)
                if value.name == "Account" and "IsPersonAccount" in value.fields:
                    derive(draft.row, draft.given, new=creating)
                if value.setup:
                    permissions.check_permission_row(self.catalogue, value, draft.row)
                _derive(value, draft.row, related, draft.given)
                missing = [
                    item.name
                    for item in value.fields.values()
                    if item.required
                    and draft.row.get(item.name) is None
                    and (item.createable or item.updateable)
                    and (creating or item.name in draft.given)
                ]
                if missing:
                    raise Fault(
                        "REQUIRED_FIELD_MISSING",
                        f"Required fields are missing: [{', '.join(missing)}]",
                        fields=missing,
                    )
                passed.append(draft)
            except Fault as fault:
                results[draft.position] = Saved(faults=(fault,))
        return await self._by_the_rules(value, passed, results)

    async def _by_the_rules(
        self, value: ObjectType, drafts: list[_Draft], results: list[Saved | None]
    ) -> list[_Draft]:
        """Drafts that validation and duplicate rules let pass; the others are answered."""
        rules = await self.org.rules.at(self.conn, self.catalogue)
        validation = rules.validation.get(value.name)
        if validation and drafts:
            broken = await broken_rules(self.conn, self.catalogue, self.caller, validation, drafts)
            for draft, faults in zip(drafts, broken, strict=True):
                if faults:
                    results[draft.position] = Saved(faults=faults)
            drafts = [draft for draft in drafts if results[draft.position] is None]
        duplicates = rules.duplicates.get(value.name)
        if duplicates and drafts:
            search = Search(self.conn, self.catalogue, self.caller, self.options, self.version)
            for draft, fault in zip(drafts, await detected(search, value, duplicates, drafts), strict=True):
                if fault:
                    results[draft.position] = Saved(faults=(fault,))
            drafts = [draft for draft in drafts if results[draft.position] is None]
        return drafts

    async def _look_up_references(
        self, value: ObjectType, drafts: Sequence[_Draft]
    ) -> dict[str, Mapping[str, Any]]:
        wanted: dict[str, set[str]] = {}
        for draft in drafts:
            for name in draft.given:
                item = value.fields[name]
                target_id = draft.given[name]
                if item.type != "reference" or target_id is None:
                    continue
                target = self.catalogue.of_id(target_id)
                if target is not None and target.name in item.reference_to:
                    wanted.setdefault(target.name, set()).add(target_id)
        found: dict[str, Mapping[str, Any]] = {}
        for name, ids in wanted.items():
            target = self.catalogue.objects[name]
            more = "".join(
                f', t."{column}"'
                for column in (
                    "AccountId",
                    "IsActive",
                    "SobjectType",
                    "Type",
                    "IsConverted",
                    "IsPersonAccount",
                )
                if column in target.fields
            )
            params: list[Any] = [list(ids)]
            seen, edited = (
                self.only_reachable(target, "t", params, level).removeprefix(" AND ") or "true"
                for level in ("read", "edit")
            )
            for row in await self.conn.fetch(
                f'SELECT t."Id", t."IsDeleted", {seen} AS seen, {edited} AS editable{more} FROM {target.table} t'
                ' WHERE t."Id" = ANY($1)',
                *params,
            ):
                found[row["Id"]] = row
            if name == "Group":
                await self._check_queues(value, found, ids)
        return found

    async def _check_queues(
        self, value: ObjectType, found: dict[str, Mapping[str, Any]], ids: Iterable[str]
    ) -> None:
        """Groups that may own records of `value` are its queues; `owns` says so beside each group."""
        rows = await self.conn.fetch(
            'SELECT "QueueId" FROM data."QueueSobject" WHERE "QueueId" = ANY($1) AND "SobjectType" = $2'
            ' AND NOT "IsDeleted"',
            list(ids),
            value.name,
        )
        queues = {row["QueueId"] for row in rows}
        for group_id in ids:
            if group_id in found:
                found[group_id] = dict(found[group_id]) | {"owns": group_id in queues}

    def _check_references(
        self, value: ObjectType, draft: _Draft, related: Mapping[str, Mapping[str, Any]]
    ) -> None:
        for name, target_id in draft.given.items():
            item = value.fields[name]
            if item.type != "reference" or target_id is None:
                continue
            target = self.catalogue.of_id(target_id)
            if target is None or target.name not in item.reference_to:
                raise Fault(
                    "FIELD_INTEGRITY_EXCEPTION",
                    f"{item.label}: id value of incorrect type: {target_id}",
                    fields=[item.name],
                )
            row = related.get(target_id)
            if row is None:
                raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[item.name])
            if row["IsDeleted"]:
                raise Fault("ENTITY_IS_DELETED", "entity is deleted", fields=[item.name])
            if name == "AccountId":
                require_free(value, row)  # a person has one contact
            if row.get("IsConverted"):
                raise Fault(
                    "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[item.name]
                )
            if not row["seen"] or (item.master and not row["editable"]):
                raise Fault(
                    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                    "insufficient access rights on cross-reference id",
                    fields=[item.name],
                )
            if item.name == "OwnerId" and row.get("owns") is False:
                raise Fault(
                    "INVALID_OPERATION", "Queue not associated with this SObject type", fields=["OwnerId"]
                )
            if item.name == "OwnerId" and row.get("IsActive") is False:
                raise Fault("INACTIVE_OWNER_OR_USER", "owner or user is inactive.", fields=["OwnerId"])
            if item.name == "RecordTypeId" and (
                row.get("SobjectType") != value.name or not row.get("IsActive")
            ):
                raise Fault(
                    "INVALID_CROSS_REFERENCE_KEY",
                    f"Record Type ID: this ID value isn't valid for the user: {target_id}",
                    fields=["RecordTypeId"],
                )

    async def _number(self, value: ObjectType, drafts: Sequence[_Draft]) -> None:
        numbers = await self.conn.fetch(
            "SELECT nextval('meta.record_number') AS n FROM generate_series(1, $1)", len(drafts)
        )
        for draft, row in zip(drafts, numbers, strict=True):
            draft.record_id = make_id(value.key_prefix, self.org.instance, row["n"])
        for item in value.fields.values():
            if item.auto_number:
                sequence = f'data."{index_name("sq", value.name, item.name)}"'
                numbers = await self.conn.fetch(
                    f"SELECT nextval('{sequence}') AS n FROM generate_series(1, $1)", len(drafts)
                )
                for draft, row in zip(drafts, numbers, strict=True):
                    draft.row[item.name] = auto_number(item.auto_number, row["n"])
            elif item.name_field and draft_name_is_id(value, item):
                for draft in drafts:
                    draft.row[item.name] = draft.row.get(item.name) or draft.record_id[:15]

    async def _save(
        self,
        value: ObjectType,
        drafts: list[_Draft],
        results: list[Saved | None],
        write: Callable[[ObjectType, list[_Draft]], Any],
        *,
        created: bool,
    ) -> None:
        """Writes all drafts at once; where that fails, one after the other, each in its own savepoint."""
        try:
            async with self.conn.transaction():
                await write(value, drafts)
            saved = drafts
        except asyncpg.exceptions.UniqueViolationError as error:
            if len(drafts) == 1:
                results[drafts[0].position] = Saved(faults=(await self._duplicate(value, drafts[0], error),))
                return
            saved = []
            for draft in drafts:
                try:
                    async with self.conn.transaction():
                        await write(value, [draft])
                    saved.append(draft)
                except asyncpg.exceptions.UniqueViolationError as own:
                    results[draft.position] = Saved(faults=(await self._duplicate(value, draft, own),))
        if value.name == "Account" and "IsPersonAccount" in value.fields:
            await self._follow_persons(value, [draft for draft in saved if draft.row["IsPersonAccount"]])
        changes: list[tuple[str, str, str]] = []
        for draft in saved:
            results[draft.position] = Saved(draft.record_id, created)
            changes.append((value.name, draft.record_id, "created" if created else "updated"))
            if value.name in ("Task", "Event"):
                for parent in (draft.row.get("WhoId"), draft.row.get("WhatId"), draft.row.get("AccountId")):
                    target = self.catalogue.of_id(parent) if parent else None
                    if parent and target:
                        changes.append((target.name, parent, "activity"))
        await announce(self.conn, changes)
        if value.setup and saved:
            moved = any("UserRoleId" in draft.given for draft in saved)
            if created:
                await self._furnish(value, saved)
                moved = any(draft.row.get("UserRoleId") for draft in saved)
            await self._follow(value, moved=moved or value.name != "User")

    async def _furnish(self, value: ObjectType, drafts: Sequence[_Draft]) -> None:
        """What the org itself makes beside new rows of Set-up."""
        if value.name == "User":
            ids = await permissions.new_ids(self.conn, "0Yw", len(drafts))
            await self.conn.executemany(
                'INSERT INTO data."UserLogin" ("Id", "UserId", "IsDeleted", "CreatedDate", "CreatedById",'
                f' "LastModifiedDate", "LastModifiedById", "SystemModstamp") VALUES ($1, $2, false, {_NOW}, $3, {_NOW},'
                f" $3, {_NOW})",
                [
                    (login_id, draft.record_id, self.caller.user_id)
                    for login_id, draft in zip(ids, drafts, strict=True)
                ],
            )
        elif value.name == "RecordType":
            for name in {str(draft.row["SobjectType"]) for draft in drafts}:
                await add_record_types(self.conn, self.catalogue.objects[name])

    async def _follow(self, value: ObjectType, *, moved: bool) -> None:
        """What is worked out from rows of Set-up, worked out anew."""
        await permissions.follow(self.conn, value)
        if value.name in sharing.RECOMPUTED_BY and (
            moved
            or await self.conn.fetchval(
                'SELECT EXISTS (SELECT 1 FROM data."Group" WHERE "Type" = \'Organization\' AND NOT "IsDeleted")'
            )
        ):
            await sharing.recompute(self.conn)

    async def _follow_persons(self, account: ObjectType, drafts: list[_Draft]) -> None:
        """The contacts of person accounts say what their accounts say."""
        contact = self.catalogue.objects["Contact"]
        born: list[_Draft] = []
        for draft in drafts:
            if draft.before is None:
                values = mirrored(contact, draft.row) | {"AccountId": draft.record_id}
                row = self._with_defaults(contact, values) | {"IsPersonAccount": True}
                _derive(contact, row, {}, values)
                born.append(_Draft(0, values, row))
        if born:
            await self._number(contact, born)
            for draft in born:
                draft.row["Id"] = draft.record_id
            await self._insert(contact, born)
            await note_contacts(
                self.conn, account, {draft.row["AccountId"]: draft.record_id for draft in born}
            )
        changes: dict[str, Row] = {}
        for draft in drafts:
            if draft.before is not None and draft.before["PersonContactId"]:
                contact_id: str = draft.before["PersonContactId"]
                changes.setdefault(contact_id, {}).update(mirrored(contact, draft.given))
        rows = await self._lock(contact, list(changes))
        followed = [
            _Draft(0, changes[key], row | changes[key], key) for key, row in rows.items() if changes[key]
        ]
        for draft in followed:
            _derive(contact, draft.row, {}, draft.given)
        if followed:
            await self._update(contact, followed)
        await announce(
            self.conn,
            [(contact.name, draft.record_id, "created") for draft in born]
            + [(contact.name, draft.record_id, "updated") for draft in followed],
        )

    async def _insert(self, value: ObjectType, drafts: list[_Draft]) -> None:
        names = [name for name, item in value.fields.items() if name not in _SYSTEM and item.stored]
        placeholders = [f"${position}" for position in range(1, len(names) + 1)]
        columns = [value.fields[name].column for name in names]
        user = f"${len(names) + 1}"
        columns += [
            '"IsDeleted"',
            '"CreatedDate"',
            '"CreatedById"',
            '"LastModifiedDate"',
            '"LastModifiedById"',
        ]
        placeholders += ["false", _NOW, user, _NOW, user]
        columns.append('"SystemModstamp"')
        placeholders.append(_NOW)
        if value.searchable:
            columns.append("_search")
            placeholders.append(f"${len(names) + 2}::text::tsvector")
        sql = f"INSERT INTO {value.table} ({', '.join(columns)}) VALUES ({', '.join(placeholders)})"
        rows = [
            [draft.row.get(name) for name in names]
            + [self.caller.user_id]
            + ([search_vector(value, draft.row)] if value.searchable else [])
            for draft in drafts
        ]
        await self._write_rows(sql, rows)

    async def _update(self, value: ObjectType, drafts: list[_Draft]) -> None:
        touched = {name for draft in drafts for name in draft.given}
        touched.update(item.name for item in value.fields.values() if item.calculated and item.stored)
        if "CaseNumber" in value.fields:
            touched.discard("CaseNumber")
        names = sorted(touched)
        sets = [f"{value.fields[name].column} = ${position}" for position, name in enumerate(names, start=3)]
        sets += [f'"LastModifiedDate" = {_NOW}', '"LastModifiedById" = $2', f'"SystemModstamp" = {_NOW}']
        if value.searchable:
            sets.append(f"_search = ${len(names) + 3}::text::tsvector")
        sql = f'UPDATE {value.table} SET {", ".join(sets)} WHERE "Id" = $1'
        rows = [
            [draft.record_id, self.caller.user_id]
            + [draft.row.get(name) for name in names]
            + ([search_vector(value, draft.row)] if value.searchable else [])
            for draft in drafts
        ]
        await self._write_rows(sql, rows)

    async def _write_rows(self, sql: str, rows: list[list[Any]]) -> None:
        if len(rows) == 1:
            await self.conn.execute(sql, *rows[0])
        else:
            await self.conn.executemany(sql, rows)

    async def _duplicate(self, value: ObjectType, draft: _Draft, error: Any) -> Fault:
        if error.constraint_name == "one_permissionsetassignment":
            return Fault(
                "DUPLICATE_VALUE",
                f"Duplicate PermissionSetAssignment. Assignee: {draft.row['AssigneeId'][:15]}; "
                f"Permission Set: {draft.row['PermissionSetId'][:15]}",
                fields=["AssigneeId", "PermissionSetId"],
            )
        item = value.unique_indexes.get(error.constraint_name or "")
        if item is None:
            return Fault("DUPLICATE_VALUE", "duplicate value found: unknown", fields=[])
        found = await self._by_key(value, item, [draft.row[item.name]])
        others = [other for ids in found.values() for other in ids]
        shown = others[0][:15] if others else "unknown"
        return Fault(
            "DUPLICATE_VALUE",
            f"duplicate value found: {item.name} duplicates value on record with id: {shown}",
            fields=[item.name],
        )

    async def _by_key(self, value: ObjectType, key: Field, values: list[Any]) -> dict[str, list[str]]:
        """Ids of live records by compared key."""
        expression = searched_expression(key)
        folded = key.textual and not key.case_sensitive
        compared = [item.lower() if folded and isinstance(item, str) else item for item in values]
        kind = COLUMN_TYPES.get(key.type, "text").split(" ")[0]
        kind = "double precision" if kind == "double" else kind
        rows = await self.conn.fetch(
            f'SELECT "Id", {expression} AS k FROM {value.table} '
            f'WHERE {expression} = ANY($1::{kind}[]) AND NOT "IsDeleted" ORDER BY "Id" LIMIT 2000',
            compared,
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            name = str(row["k"]) if key.case_sensitive else str(row["k"]).lower()
            found.setdefault(name, []).append(row["Id"])
        return found

    async def _refused(self, value: ObjectType, present: dict[str, Row], level: sharing.Level) -> set[str]:
        """Of locked rows: drops those the user may not even see, answers those that may not be written."""
        ids = list(present)
        seen = await sharing.reachable(self.conn, self.catalogue, self.caller, value, ids)
        for record_id in ids:
            if record_id not in seen:
                del present[record_id]
        allowed = await sharing.reachable(self.conn, self.catalogue, self.caller, value, list(seen), level)
        return seen - allowed

    async def _lock(self, value: ObjectType, ids: Sequence[str]) -> dict[str, Row]:
        columns = ", ".join(item.column for item in value.fields.values() if item.stored)
        rows = await self.conn.fetch(
            f'SELECT {columns} FROM {value.table} WHERE "Id" = ANY($1) ORDER BY "Id" FOR UPDATE', list(ids)
        )
        return {row["Id"]: dict(row) for row in rows}

    def _existing(
        self, value: ObjectType, raw_id: str, record_id: str | None, present: Mapping[str, Row]
    ) -> Row:
        if record_id is None:
            raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
        if record_id[:3] != value.key_prefix:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404, fields=[])
        row = present.get(record_id)
        if row is None:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404, fields=[])
        if row["IsDeleted"]:
            raise Fault("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])
        return row


_SYSTEM = frozenset(
    {"IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)


def auto_number(pattern: str, number: int) -> str:
    """A display format such as `VC-{00000}` filled with a number."""
    return _COMPOSED.sub(lambda found: str(number).zfill(len(found.group(1))), pattern, count=1)


def draft_name_is_id(value: ObjectType, item: Field) -> bool:
    """True for a custom object's optional text name, which falls back to the record's id."""
    return value.kind == "custom" and item.name == "Name" and not item.required


def _derive_stage(row: Row, given: Row) -> None:
    """What an opportunity's stage says; a probability that is given with it stays."""
    probability, row["IsClosed"], row["IsWon"], row["ForecastCategory"] = STAGES.get(
        str(row.get("StageName")), (row.get("Probability"), False, False, "Pipeline")
    )
    if "StageName" in given and given.get("Probability") is None:
        given["Probability"] = row["Probability"] = probability
    amount, chance = row.get("Amount"), row.get("Probability")
    row["ExpectedRevenue"] = None if amount is None or chance is None else round(amount * chance / 100, 2)


def _derive(value: ObjectType, row: Row, related: Mapping[str, Mapping[str, Any]], given: Row) -> None:
    """Fills the fields that follow from others."""
    if value.person and value.name != "Account":
        row["Name"] = person_name(row) or None
    if value.name in ("Task", "Event"):
        who, what = row.get("WhoId"), row.get("WhatId")
        if who and what and str(who).startswith("00Q"):
            raise Fault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Related To ID: a Lead cannot be combined with a related record",
                fields=["WhatId"],
            )
        for other in (what, who):
            if other is None:
                continue
            if str(other).startswith("001"):
                row["AccountId"] = other
                break
            if other in related and related[other].get("AccountId"):
                row["AccountId"] = related[other]["AccountId"]
                break
        else:
            if not who and not what:
                row["AccountId"] = None
    if value.name == "Task":
        closed = row.get("Status") in CLOSED_TASK_STATUSES
        row["IsClosed"] = closed
        if not closed:
            row["CompletedDateTime"] = None
        elif row.get("CompletedDateTime") is None:
            row["CompletedDateTime"] = datetime.now(UTC).replace(microsecond=0)
        row["IsHighPriority"] = row.get("Priority") == "High"
    elif value.name == "Opportunity":
        _derive_stage(row, given)
    elif value.name == "Case":
        row["IsClosed"] = row.get("Status") == "Closed"
        if not row["IsClosed"]:
            row["ClosedDate"] = None
        elif row.get("ClosedDate") is None:
            row["ClosedDate"] = datetime.now(UTC).replace(microsecond=0)
        contact = related.get(row.get("ContactId") or "")
        if contact is not None and not row.get("AccountId"):
            row["AccountId"] = contact.get("AccountId")
    elif value.name == "User":
        row["UserType"] = "Standard"
        username = clean_text(str(row.get("Username") or ""))
        if username and ("@" not in username or " " in username):
            raise Fault(
                "INVALID_EMAIL_ADDRESS", f"Username: invalid email address: {username}", fields=["Username"]
            )

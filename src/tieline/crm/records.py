# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Making, changing, finding and deleting records on behalf of a user.

Runs inside the caller's transaction and never commits. What always holds: system fields are the org's own,
references point to records that exist, derived fields follow from the others, every change is announced, and a
record that is refused leaves no trace while its neighbours in the same call may succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from . import audit_trail, recycle
from .access import managed, permissions, sharing, tabs
from .access.questions import Caller, default_record_type, readonly, require, rights, visible_part
from .changes import announce
from .errors import Fault, no_such_column, not_found
from .events import push_topics
from .events.platform import publish
from .ids import make_id, parse_id
from .merging.duplicates import Search, detected
from .metadata import Catalogue, Field, ObjectType, index_name
from .options import CallOptions
from .orgs import Org
from .person_accounts import decide_kind, mirrored, note_contacts, require_free
from .saving import references
from .saving.assignment import assign
from .saving.drafts import Draft, Row, Saved, auto_number, derive, name_is_id, with_defaults
from .saving.storage import by_key, duplicate, existing, insert, lock, update
from .schema import add_record_types
from .shares.groups import furnish_groups
from .shares.rows import Shares, forget_by_hand
from .validation import broken_rules
from .values import read_value

_NOW = "date_trunc('milliseconds', clock_timestamp())"


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
        namespace: str | None = None,
    ):
        self.namespace = namespace
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
        if value.shares is not None:
            return await Shares(self.conn, self.catalogue, self.caller, value).create(inputs)
        if value.kind == "platform_event":
            return await self._publish(value, inputs)
        results: list[Saved | None] = [None] * len(inputs)
        drafts: list[Draft] = []
        for position, given in enumerate(inputs):
            try:
                if any(key.lower() == "id" for key in given):
                    raise Fault("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
                values = await self._read(value, given, creating=True)
                kind = default_record_type(self.caller, value)
                person = value.name == "Account" and values.get("LastName") is not None
                if kind is not None and values.get("RecordTypeId") is None and not person:
                    values["RecordTypeId"] = kind.id
                drafts.append(Draft(position, values, with_defaults(value, values, self.caller.user_id)))
            except Fault as fault:
                results[position] = Saved(faults=(fault,))
        drafts = await self._checked(value, drafts, results, creating=True)
        if drafts:
            await self._number(value, drafts)
            for draft in drafts:
                draft.row["Id"] = draft.record_id
            await self._save(value, drafts, results, insert, created=True)
        return [result or Saved() for result in results]

    async def _publish(self, value: ObjectType, inputs: Sequence[Mapping[str, Any]]) -> list[Saved]:
        """Publishes platform events, which are made as records are; one answer each."""
        read: list[Row | Fault] = []
        for given in inputs:
            try:
                read.append(await self._read(value, given, creating=True))
            except Fault as fault:
                read.append(fault)
        published = iter(
            await publish(
                self.conn, value, self.caller, [item for item in read if not isinstance(item, Fault)]
            )
        )
        results: list[Saved] = []
        for item in read:
            result = item if isinstance(item, Fault) else next(published)
            if isinstance(result, Fault):
                results.append(Saved(faults=(result,)))
            else:
                number = await self.conn.fetchval("SELECT nextval('meta.record_number')")
                results.append(Saved(make_id(value.key_prefix, self.org.instance, number), True, (), result))
        self.org.wake("events")
        return results

    async def update(self, value: ObjectType, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Saved]:
        """Changes records by id; one answer each."""
        value = self.catalogue.objects[value.name]
        require(self.caller, value, "edit")
        if value.shares is not None:
            return await Shares(self.conn, self.catalogue, self.caller, value).update(inputs)
        results: list[Saved | None] = [None] * len(inputs)
        ids = [parse_id(record_id) for record_id, _ in inputs]
        present = await lock(self.conn, value, [found for found in ids if found])
        refused = await self._refused(value, present, "edit")
        drafts: list[Draft] = []
        for position, ((raw_id, given), record_id) in enumerate(zip(inputs, ids, strict=True)):
            try:
                row = existing(value, raw_id, record_id, present)
                if row["Id"] in refused:
                    raise readonly()
                values = await self._read(value, given, creating=False)
                require_free(value, row)
                if value.name == "Lead" and row["IsConverted"]:
                    raise Fault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
                before = dict(row)
                # Within one call a later change of the same record builds on the earlier one.
                row.update(values)
                drafts.append(Draft(position, values, row, row["Id"], before))
            except Fault as fault:
                results[position] = Saved(faults=(fault,))
        drafts = await self._checked(value, drafts, results, creating=False)
        if drafts:
            await self._save(value, drafts, results, update, created=False)
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
        found = await by_key(self.conn, value, key, [stored for _, stored, _ in keys])
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
        found = await by_key(self.conn, value, key, [stored])
        return next(iter(found.values()), [])

    async def named(self, value: ObjectType, key: Field, texts: Sequence[str]) -> dict[str, str]:
        """For each text that is the external id of exactly one live record, that record's id. At most 1,000 texts."""
        stored: dict[str, Any] = {}
        for text in texts:
            with suppress(Fault):
                stored[text] = read_value(key, text)
        found = await by_key(self.conn, value, key, list(stored.values())) if stored else {}
        ids: dict[str, str] = {}
        for text, content in stored.items():
            same = found.get(str(content) if key.case_sensitive else str(content).lower(), ())
            if len(same) == 1:
                ids[text] = same[0]
        return ids

    async def delete(self, value: ObjectType, ids: Sequence[str]) -> list[Saved]:
        """Deletes records (they stay for queryAll) and what belongs to them; clears references to them."""
        value = self.catalogue.objects[value.name]
        require(self.caller, value, "delete")
        if value.shares is not None:
            return await Shares(self.conn, self.catalogue, self.caller, value).delete(ids)
        parsed = [parse_id(record_id) for record_id in ids]
        present = await lock(self.conn, value, [found for found in parsed if found])
        refused_ids = await self._refused(value, present, "delete")
        holders = await self._holders(value, present.values())
        results: list[Saved] = []
        doomed: list[str] = []
        for raw_id, record_id in zip(ids, parsed, strict=True):
            try:
                row = existing(value, raw_id, record_id, present)
                require_free(value, row)
                managed.require_own(value, row, holders)
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
            if value.setup:
                gone = [(present[record_id], ()) for record_id in doomed]
                await audit_trail.note_records(self.conn, self.caller, value, "deleted", gone)
            await recycle.delete(self.conn, self.catalogue, value, doomed, self.caller.user_id)
            await self.follow(value, moved=True)
        return results

    async def _holders(self, value: ObjectType, rows: Iterable[Row]) -> frozenset[str]:
        """What belongs to installed packages among rows of Set-up, unless it is that package's turn."""
        return await managed.held(self.conn, value, rows, self.namespace) if value.setup else frozenset()

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

    async def _checked(
        self, value: ObjectType, drafts: list[Draft], results: list[Saved | None], *, creating: bool
    ) -> list[Draft]:
        """Drafts that may be saved; the others are answered. Fills derived fields."""
        if drafts and self.options.auto_assign:
            assign(
                (await self.org.rules.at(self.conn, self.catalogue)).assignment, value, drafts, self.options
            )
        related = await references.look_up(self.conn, self.catalogue, self.caller, value, drafts)
        holders = await self._holders(value, [draft.before or draft.row for draft in drafts])
        passed: list[Draft] = []
        for draft in drafts:
            try:
                managed.require_own(value, draft.before or draft.row, holders)
                references.check(self.catalogue, self.caller, value, draft, related)
                if value.name == "Account" and "IsPersonAccount" in value.fields:
                    decide_kind(draft.row, draft.given, new=creating)
                if value.setup:
                    permissions.check_permission_row(self.catalogue, value, draft.row)
                derive(value, draft.row, related, draft.given)
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
        if value.name == tabs.SETTING:
            return await tabs.check(self.conn, self.catalogue, passed, results)
        if value.name == push_topics.NAME:
            return await push_topics.check(self.conn, self.visible, self.caller, passed, results)
        return await self._by_the_rules(value, passed, results)

    async def _by_the_rules(
        self, value: ObjectType, drafts: list[Draft], results: list[Saved | None]
    ) -> list[Draft]:
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

    async def _number(self, value: ObjectType, drafts: Sequence[Draft]) -> None:
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
            elif item.name_field and name_is_id(value, item):
                for draft in drafts:
                    draft.row[item.name] = draft.row.get(item.name) or draft.record_id[:15]

    async def _save(
        self,
        value: ObjectType,
        drafts: list[Draft],
        results: list[Saved | None],
        write: Callable[[Any, ObjectType, Sequence[Draft], str], Any],
        *,
        created: bool,
    ) -> None:
        """Writes all drafts at once; where that fails, one after the other, each in its own savepoint."""
        try:
            async with self.conn.transaction():
                await write(self.conn, value, drafts, self.caller.user_id)
            saved = drafts
        except asyncpg.exceptions.UniqueViolationError as error:
            if len(drafts) == 1:
                results[drafts[0].position] = Saved(
                    faults=(await duplicate(self.conn, value, drafts[0], error),)
                )
                return
            saved = []
            for draft in drafts:
                try:
                    async with self.conn.transaction():
                        await write(self.conn, value, [draft], self.caller.user_id)
                    saved.append(draft)
                except asyncpg.exceptions.UniqueViolationError as own:
                    results[draft.position] = Saved(faults=(await duplicate(self.conn, value, draft, own),))
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
        if value.name in self.catalogue.shares and not created:
            handed_over = [
                draft.record_id
                for draft in saved
                if draft.before and draft.before["OwnerId"] != draft.row["OwnerId"]
            ]
            if handed_over:
                await forget_by_hand(self.conn, handed_over)
        if value.setup and saved:
            moved = created or any("UserRoleId" in draft.given for draft in saved)
            if created:
                await self._furnish(value, saved)
            await self.follow(value, moved=moved or value.name != "User")
            await audit_trail.note_records(
                self.conn,
                self.caller,
                value,
                "created" if created else "changed",
                [(draft.row, draft.changed) for draft in saved],
            )

    async def _furnish(self, value: ObjectType, drafts: Sequence[Draft]) -> None:
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
        elif value.name == "UserRole":
            await furnish_groups(self.conn)
        elif value.name == "RecordType":
            for name in {str(draft.row["SobjectType"]) for draft in drafts}:
                await add_record_types(self.conn, self.catalogue.objects[name])

    async def follow(self, value: ObjectType, *, moved: bool) -> None:
        """What is worked out from rows of Set-up, worked out anew."""
        await permissions.follow(self.conn, value)
        if value.name == push_topics.NAME:
            await push_topics.follow(self.conn, self.catalogue)
            self.org.wake("events")
        if value.name in sharing.RECOMPUTED_BY and moved:
            await sharing.recompute(self.conn)

    async def _follow_persons(self, account: ObjectType, drafts: list[Draft]) -> None:
        """The contacts of person accounts say what their accounts say."""
        contact = self.catalogue.objects["Contact"]
        born: list[Draft] = []
        for draft in drafts:
            if draft.before is None:
                values = mirrored(contact, draft.row) | {"AccountId": draft.record_id}
                row = with_defaults(contact, values, self.caller.user_id) | {"IsPersonAccount": True}
                derive(contact, row, {}, values)
                born.append(Draft(0, values, row))
        if born:
            await self._number(contact, born)
            for draft in born:
                draft.row["Id"] = draft.record_id
            await insert(self.conn, contact, born, self.caller.user_id)
            await note_contacts(
                self.conn, account, {draft.row["AccountId"]: draft.record_id for draft in born}
            )
        changes: dict[str, Row] = {}
        for draft in drafts:
            if draft.before is not None and draft.before["PersonContactId"]:
                contact_id: str = draft.before["PersonContactId"]
                changes.setdefault(contact_id, {}).update(mirrored(contact, draft.given))
        rows = await lock(self.conn, contact, list(changes))
        followed = [
            Draft(0, changes[key], row | changes[key], key) for key, row in rows.items() if changes[key]
        ]
        for draft in followed:
            derive(contact, draft.row, {}, draft.given)
        if followed:
            await update(self.conn, contact, followed, self.caller.user_id)
        await announce(
            self.conn,
            [(contact.name, draft.record_id, "created") for draft in born]
            + [(contact.name, draft.record_id, "updated") for draft in followed],
        )

    async def _refused(self, value: ObjectType, present: dict[str, Row], level: sharing.Level) -> set[str]:
        """Of locked rows: drops those the user may not even see, answers those that may not be written."""
        ids = list(present)
        seen = await sharing.reachable(self.conn, self.catalogue, self.caller, value, ids)
        for record_id in ids:
            if record_id not in seen:
                del present[record_id]
        allowed = await sharing.reachable(self.conn, self.catalogue, self.caller, value, list(seen), level)
        return seen - allowed

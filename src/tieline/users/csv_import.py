"""Users from a CSV file: read, compared with who is there, shown line by line, and written.

The same file twice changes nothing the second time. Lines that are wrong are told and left out; the rest is written in
one transaction. What a spreadsheet would run as a formula is refused.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, delete, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert

from tieline import audit
from tieline.db.database import Transaction
from tieline.errors import InputInvalid, TielineError
from tieline.identity.tables import app_user
from tieline.queues.tables import queue, queue_member
from tieline.salesforce.tables import connection
from tieline.users import service as users
from tieline.users.service import Draft, Role

MOST_LINES = 10_000
"""As many users as the largest account that Tieline is measured with; larger files are split."""
COLUMNS = ("email", "name", "language", "roles", "queues", "client_integration", "active")
_TITLES = {
    "e-mail": "email", "mail": "email", "メール": "email", "メールアドレス": "email", "名前": "name", "氏名": "name",
    "言語": "language", "ロール": "roles", "role": "roles", "キュー": "queues", "queue": "queues",
    "クライアント統合": "client_integration", "クライアント連携": "client_integration",
    "client integration": "client_integration", "有効": "active",
}  # fmt: skip
_ROLES: Mapping[str, Role] = {
    "administrator": "administrator", "管理者": "administrator", "supervisor": "supervisor",
    "スーパーバイザー": "supervisor", "agent": "agent", "エージェント": "agent",
}  # fmt: skip
_LANGUAGES = {"en": "en", "english": "en", "英語": "en", "ja": "ja", "japanese": "ja", "日本語": "ja", "": ""}
_YES = {
    "": True,
    "yes": True,
    "true": True,
    "1": True,
    "はい": True,
    "no": False,
    "false": False,
    "0": False,
    "いいえ": False,
}
_OFF = ("", "off", "none", "オフ")
TEMPLATE = (
    "email,name,language,roles,queues,client_integration,active\r\n"
    "hanako@example.com,山田 花子,ja,agent,support,Acme CRM,yes\r\n"
    "sam@example.com,Sam Lee,en,agent;supervisor,support,,yes\r\n"
)

Kind = Literal["new", "changed", "same", "wrong"]


class FileInvalid(TielineError):
    """The file as a whole cannot be taken; `params.reason` says why."""

    code, status = "import_file_invalid", 422


@dataclass(slots=True)
class Line:
    """One line of the file: what becomes of it, or what is wrong with it."""

    number: int
    email: str
    name: str
    kind: Kind = "wrong"
    reason: str | None = None
    """Which column is wrong, or why the line is: `formula`, `twice`, `owner`, `seats`..."""
    value: str = ""
    user: dict[str, Any] = field(default_factory=dict[str, Any])
    queues: frozenset[UUID] | None = None
    """None: the file has no such column, and memberships stay."""
    members: frozenset[UUID] = frozenset()
    """Queues that the user is in now."""
    existing: Any = None

    def refuse(self, reason: str, value: str = "") -> None:
        """Say what is wrong; the first reason stays."""
        if self.reason is None:
            self.kind, self.reason, self.value = "wrong", reason, value[:80]


def read(body: bytes) -> list[tuple[int, dict[str, str]]]:
    """The file's lines with their numbers, by column. UTF-8 with or without BOM, UTF-16, Shift_JIS; comma, semicolon or tab.

    Raises `FileInvalid`.
    """
    text = _decoded(body)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        titles = [_title(each) for each in next(rows, [])]
        if "email" not in titles or "name" not in titles:
            raise FileInvalid(reason="columns")
        if len(set(titles)) != len(titles):
            raise FileInvalid(reason="column_twice")
        lines: list[tuple[int, dict[str, str]]] = []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(lines) == MOST_LINES:
                raise FileInvalid(reason="many", limit=MOST_LINES)
            cells = [*row, *[""] * len(titles)]
            lines.append((rows.line_num, {name: cells[at].strip() for at, name in enumerate(titles) if name}))
    except csv.Error as error:
        raise FileInvalid(reason="form") from error
    if not lines:
        raise FileInvalid(reason="empty")
    return lines


async def planned(
    tx: Transaction, lines: Sequence[tuple[int, dict[str, str]]], *, language: str
) -> list[Line]:
    """What would become of each line now. `language` is that of users for whom the file names none."""
    queues = {row.name.casefold(): row.id for row in await tx.all(_own(tx, queue))}
    queues |= {row.slug.casefold(): row.id for row in await tx.all(_own(tx, queue))}
    connections = {
        row.name.casefold(): row.id
        for row in await tx.all(_own(tx, connection).where(connection.c.state != "removed"))
    }
    emails = [cells["email"].lower() for _, cells in lines]
    theirs = app_user.c.email == any_(bindparam("of_emails", type_=ARRAY(Text)))
    known = {row.email: row for row in await tx.all(_own(tx, app_user).where(theirs), {"of_emails": emails})}
    members: dict[UUID, set[UUID]] = {}
    for row in await tx.all(_own(tx, queue_member)):
        members.setdefault(row.user_id, set()).add(row.queue_id)
    # Beside what else this process does: ten thousand lines take a while.
    return await asyncio.to_thread(_planned, lines, queues, connections, known, members, language)


def _planned(
    lines: Sequence[tuple[int, dict[str, str]]],
    queues: Mapping[str, UUID],
    connections: Mapping[str, UUID],
    known: Mapping[str, Any],
    members: Mapping[UUID, set[UUID]],
    language: str,
) -> list[Line]:
    seen: set[str] = set()
    made: list[Line] = []
    for number, cells in lines:
        line = Line(number, cells["email"].lower(), cells["name"])
        made.append(line)
        _read_line(line, cells, queues, connections, known.get(line.email), language)
        if line.email in seen:
            line.refuse("twice", line.email)
        seen.add(line.email)
        if line.reason is None:
            line.kind = _kind(line, members)
        line.members = frozenset(members.get(line.existing.id, ())) if line.existing else frozenset()
    return made


async def write(tx: Transaction, lines: Sequence[Line], by: audit.By) -> list[Draft]:
    """Write what is new or changed; gives the users who are new. Lines that turn out wrong are marked so."""
    drafts = {
        line.number: Draft(
            line.email,
            **line.user,
            id=line.existing.id if line.existing else None,
            version=line.existing.version if line.existing else 0,
        )
        for line in lines
        if line.kind in ("new", "changed")
    }
    await users.write(tx, list(drafts.values()), by)
    new: list[Draft] = []
    left: list[tuple[UUID, UUID]] = []
    joined: list[tuple[UUID, UUID]] = []
    for line in lines:
        draft = drafts.get(line.number)
        if draft is None:
            continue
        if draft.refused is not None or draft.id is None:
            line.refuse(draft.refused.code if draft.refused else "internal_error")
            continue
        if line.existing is None:
            new.append(draft)
        if line.queues is not None:
            left += [(draft.id, id) for id in line.members - line.queues]
            joined += [(draft.id, id) for id in line.queues - line.members]
    own = {"account_id": tx.account_id}
    if left:
        gone = [{**own, "of_user": user, "of_queue": id} for user, id in left]
        await tx.execute(_LEFT.where(queue_member.c.account_id == tx.account_id), gone)
    if joined:
        come = [{**own, "user_id": user, "queue_id": id} for user, id in sorted(joined)]
        await tx.execute(pg_insert(queue_member).on_conflict_do_nothing(), come)
    return new


_LEFT = delete(queue_member).where(
    queue_member.c.user_id == bindparam("of_user"), queue_member.c.queue_id == bindparam("of_queue")
)


def _read_line(
    line: Line,
    cells: Mapping[str, str],
    queues: Mapping[str, UUID],
    connections: Mapping[str, UUID],
    existing: Any,
    language: str,
) -> None:
    line.existing = existing
    for name in ("email", "name"):
        if _formula(cells[name]):
            line.refuse("formula", cells[name])
    spoken = _LANGUAGES.get(cells.get("language", "").casefold())
    if spoken is None:
        line.refuse("language", cells["language"])
    roles: list[Role] = []
    for word in _words(cells.get("roles", "")):
        role = _ROLES.get(word.casefold())
        if role is None:
            line.refuse("roles", word)
        elif role not in roles:
            roles.append(role)
    if "queues" in cells:
        for word in _words(cells["queues"]):
            if word.casefold() not in queues:
                line.refuse("queues", word)
        line.queues = frozenset(
            queues[w.casefold()] for w in _words(cells["queues"]) if w.casefold() in queues
        )
    connection_id = existing.connection_id if existing else None
    if "client_integration" in cells:
        wanted = cells["client_integration"].casefold()
        connection_id = connections.get(wanted)
        if connection_id is None and wanted not in _OFF:
            line.refuse("client_integration", cells["client_integration"])
    active = _YES.get(cells.get("active", "").casefold())
    if active is None:
        line.refuse("active", cells["active"])
    kept: list[Role] = [role for role in existing.roles if role != "owner"] if existing else ["agent"]
    roles = roles or kept
    if line.queues and "agent" not in roles:
        line.refuse("queues_of_no_agent")
    try:
        users.check_person(line.email, line.name)
    except InputInvalid as error:
        line.refuse(str(error.params["field"]), cells[str(error.params["field"])])
    line.user = {
        "name": " ".join(line.name.split()),
        "language": spoken or (existing.language if existing else language),
        "roles": roles,
        "active": bool(active) if "active" in cells or existing is None else existing.active,
        "connection_id": connection_id,
    }
    if (
        existing is not None
        and "owner" in existing.roles
        and ("administrator" not in roles or not line.user["active"])
    ):
        line.refuse("owner")
    if existing is None and not line.user["active"]:
        line.refuse("inactive_new")


def _kind(line: Line, members: Mapping[UUID, set[UUID]]) -> Kind:
    row = line.existing
    if row is None:
        return "new"
    now = {
        "name": row.name,
        "language": row.language,
        "roles": sorted(role for role in row.roles if role != "owner"),
        "active": row.active,
        "connection_id": row.connection_id,
    }
    same = now == {**line.user, "roles": sorted(line.user["roles"])} and (
        line.queues is None or line.queues == frozenset(members.get(row.id, ()))
    )
    return "same" if same else "changed"


def _own(tx: Transaction, table: Any) -> Any:
    return select(table).where(table.c.account_id == tx.account_id)


def _decoded(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise FileInvalid(reason="encoding")


def _title(cell: str) -> str:
    word = cell.strip().casefold()
    name = _TITLES.get(word, word.replace(" ", "_"))
    if name and name not in COLUMNS:
        raise FileInvalid(reason="column_unknown", column=cell.strip()[:40])
    return name


def _formula(cell: str) -> bool:
    return cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def _words(cell: str) -> list[str]:
    for separator in "、,;|/":
        cell = cell.replace(separator, ";")
    return [word.strip() for word in cell.split(";") if word.strip()]

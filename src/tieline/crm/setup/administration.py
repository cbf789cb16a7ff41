"""Who may enter Set-up, and the values that its doors take: each with its limit and a refusal that names it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request

from .. import audit_trail
from ..console import Visit, visiting
from ..errors import Fault, Faults
from ..ids import parse_id
from ..saving.drafts import Saved
from ..standard_setup import PERMISSIONS
from ..web import read_json

MOST_AT_ONCE = 200
"""Records that one click may be about."""


@asynccontextmanager
async def administering(request: Request, permission: str = "CustomizeApplication") -> AsyncGenerator[Visit]:
    """A visit of a user who holds a user permission. INSUFFICIENT_ACCESS otherwise."""
    async with visiting(request) as visit:
        if not visit.caller.may(permission):
            label = PERMISSIONS[permission][1 if visit.language == "ja" else 0]
            message = (
                f"この操作には「{label}」権限が必要です。"
                if visit.language == "ja"
                else f"This needs the permission {label}"
            )
            raise Fault("INSUFFICIENT_ACCESS", message, status=403)
        yield visit


def looking(request: Request) -> Any:
    """A visit of a user who may look at Set-up."""
    return administering(request, "ViewSetup")


async def body_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. JSON_PARSER_ERROR otherwise."""
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


def refusal(name: str, message: str) -> Fault:
    """INVALID_INPUT about one value."""
    return Fault("INVALID_INPUT", f"{name} {message}", fields=[name])


def text_of(name: str, value: Any, longest: int) -> str:
    """A text that is not empty, without the blanks around it."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest or "\x00" in value:
        raise refusal(name, f"must be a text of 1 to {longest} characters")
    return value.strip()


def flag_of(name: str, value: Any) -> bool:
    """True or false, nothing else."""
    if not isinstance(value, bool):
        raise refusal(name, "must be true or false")
    return value


def choice_of(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of the choices."""
    if value not in choices:
        raise refusal(name, f"must be one of {', '.join(choices)}")
    return str(value)


def ids_of(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of record ids, each once."""
    given: Any = body.get(name)
    if not isinstance(given, list) or not given:
        raise refusal(name, "must be a list of record ids")
    entries: list[Any] = given
    if len(entries) > MOST_AT_ONCE:
        raise refusal(name, f"must have at most {MOST_AT_ONCE} entries")
    found: list[str] = []
    for entry in entries:
        record_id = parse_id(entry)
        if record_id is None:
            raise Fault("MALFORMED_ID", f"malformed id {str(entry)[:40]}", fields=[name])
        if record_id not in found:
            found.append(record_id)
    return found


def all_saved(results: list[Saved]) -> list[str]:
    """The ids of what was saved; raises what was refused, so that a transaction keeps nothing of it."""
    faults = [fault for result in results for fault in result.faults]
    if faults:
        raise Faults(faults)
    return [result.id or "" for result in results]


async def setup_setting(conn: Any, name: str) -> Any:
    """One setting of the org; None where it was never set."""
    return await conn.fetchval("SELECT value FROM meta.setting WHERE name = $1", name)


async def store_setting(visit: Visit, name: str, value: Any) -> None:
    """Keeps one setting of the org, and that it was changed."""
    await visit.conn.execute(
        "INSERT INTO meta.setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )
    shown = value if isinstance(value, bool | int | str) else None
    await audit_trail.note(
        visit.conn,
        visit.caller,
        "settings",
        "changedSetting",
        name=name,
        value=None if shown is None else str(shown),
    )

"""Softphone layouts as the callbar reports them: checked, bounded, kept by their hash.

The org tells a layout to the browser only (`getSoftphoneLayout`), so it comes through an agent's page and is
believed for nothing but that agent's screen pops.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from tieline.db.database import Transaction
from tieline.errors import InputInvalid
from tieline.salesforce.tables import softphone_layout

MAX_BYTES = 64 * 1024

_API_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,119}$"


class _Part(BaseModel):
    # What a later release adds is left out, not refused.
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class LayoutField(_Part):
    """A field shown of an object."""

    api_name: str = Field(alias="apiName", pattern=_API_NAME)
    display_name: str = Field(default="", alias="displayName", max_length=255)


class ScreenPop(_Part):
    """What to open for a number of matches; the type's set is open, because not all of its values are published."""

    type: str = Field(alias="screenPopType", pattern=_API_NAME)
    data: str | None = Field(default=None, alias="screenPopData", max_length=255)


class ScreenPopSettings(_Part):
    """Screen pops by the number of matches; outbound and internal calls have none."""

    opens_within: Literal["ExistingWindow", "NewWindow"] | None = Field(
        default=None, alias="screenPopsOpenWithin"
    )
    no_match: ScreenPop | None = Field(default=None, alias="NoMatch")
    single_match: ScreenPop | None = Field(default=None, alias="SingleMatch")
    multiple_matches: ScreenPop | None = Field(default=None, alias="MultipleMatches")


class CallType(_Part):
    """The layout of one call type."""

    call_related_fields: list[str] = Field(default=[], alias="callRelatedFields", max_length=20)
    objects: dict[str, list[LayoutField]] = Field(default={}, max_length=50)
    screen_pop_settings: ScreenPopSettings | None = Field(default=None, alias="screenPopSettings")


class SoftphoneLayout(_Part):
    """A softphone layout."""

    inbound: CallType | None = Field(default=None, alias="Inbound")
    outbound: CallType | None = Field(default=None, alias="Outbound")
    internal: CallType | None = Field(default=None, alias="Internal")


def checked(layout: Mapping[str, Any]) -> SoftphoneLayout:
    """The layout, or `InputInvalid` when it is none or larger than any real one."""
    try:
        if len(json.dumps(layout)) > MAX_BYTES:
            raise InputInvalid("the layout is too large", field="layout")
        return SoftphoneLayout.model_validate(layout)
    except (ValidationError, ValueError, RecursionError) as error:
        raise InputInvalid("this is no softphone layout", field="layout") from error


async def store(tx: Transaction, connection_id: UUID, layout: Mapping[str, Any]) -> bytes:
    """Keep a layout of a connection. Gives its hash; the same layout again only renews when it was seen."""
    content = checked(layout).model_dump(by_alias=True, exclude_none=True)
    digest = hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()
    row = insert(softphone_layout).values(
        account_id=tx.account_id,
        connection_id=connection_id,
        hash=digest,
        layout=content,
        reported_at=tx.now,
    )
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=["account_id", "connection_id", "hash"],
            set_={"reported_at": func.greatest(softphone_layout.c.reported_at, row.excluded.reported_at)},
        )
    )
    return digest

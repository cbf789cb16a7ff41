"""Every feature's tables, imported once, so that migrations and tests see the whole schema."""

from __future__ import annotations

from tieline import audit
from tieline.agents import tables as agents
from tieline.calllog import tables as calllog
from tieline.db.schema import metadata
from tieline.engagements import tables as engagements
from tieline.identity import tables as identity
from tieline.mail import tables as mail
from tieline.oauth import tables as oauth
from tieline.phone import tables as phone
from tieline.queues import tables as queues
from tieline.salesforce import tables as salesforce
from tieline.users import tables as users

__all__ = [
    "agents",
    "audit",
    "calllog",
    "engagements",
    "identity",
    "mail",
    "metadata",
    "oauth",
    "phone",
    "queues",
    "salesforce",
    "users",
]

"""Apex that packages bring, as functions of this program: an org stores classes, it does not run them.

Whoever starts the orgs hands over the twins by class name. A twin answers only where its class is deployed, and to
whom profile or permission set give access to the class, with that user's rights on every record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..rest import Call

Method = Callable[["Call", Mapping[str, Any]], Awaitable[Any]]
"""A method annotated `@AuraEnabled`: the caller's circumstances and the named parameters; its answer as JSON."""
Twins = Mapping[str, Mapping[str, Method]]
"""Methods by class and name, both as Apex spells them."""


def calls_out(method: Method) -> Method:
    """Marks a method that asks other systems: no transaction is open around it, each of its saves is one of its own."""
    method.calls_out = True  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess]
    return method


class AuraHandledException(Exception):
    """What an Apex method tells its component by the exception of that name."""

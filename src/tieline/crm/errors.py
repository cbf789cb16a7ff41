"""Errors in Salesforce's own words, and their two shapes on the wire.

A `Fault` is one error: a code, a sentence, an HTTP status and the fields it is about. Rows and top-level
answers say `errorCode`; collections and save results say `statusCode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .language import Labelled, said


class Fault(Exception):
    """One refusal, as the org's API words it. `about` is the field or object whose label the message names."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] | None = None,
        about: Labelled | None = None,
    ):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = tuple(fields) if fields is not None else None
        self.about = about

    @property
    def spoken(self) -> str:
        """The message in the language of the answer."""
        return said(self.message, self.about)

    def as_row(self) -> dict[str, Any]:
        """`{message, errorCode, fields?}`: the dialect of single-record resources."""
        row: dict[str, Any] = {"message": self.spoken, "errorCode": self.code}
        if self.fields is not None:
            row["fields"] = list(self.fields)
        return row

    def as_save_error(self) -> dict[str, Any]:
        """`{statusCode, message, fields}`: the dialect of collections and save results."""
        return {"statusCode": self.code, "message": self.spoken, "fields": list(self.fields or ())}


class Faults(Exception):
    """Several faults of one record, reported together."""

    def __init__(self, faults: Sequence[Fault]):
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


def not_found(message: str = "The requested resource does not exist") -> Fault:
    """404 NOT_FOUND."""
    return Fault("NOT_FOUND", message, status=404)


def session_expired() -> Fault:
    """401 INVALID_SESSION_ID."""
    return Fault("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def no_such_column(column: str, entity: str) -> Fault:
    """400 INVALID_FIELD for a name that the entity does not have, or that the user may not see."""
    return Fault(
        "INVALID_FIELD",
        f"No such column '{column}' on entity '{entity}'. If you are attempting to use a custom field, be "
        "sure to append the '__c' after the custom field name. Please reference your WSDL or the describe "
        "call for the appropriate names.",
    )


def unsupported_type(name: str) -> Fault:
    """400 INVALID_TYPE for an object that does not exist, or that the user may not see."""
    return Fault("INVALID_TYPE", f"sObject type '{name}' is not supported.")

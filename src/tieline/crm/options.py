"""What a request's headers ask of the org beyond the request itself.

`Sforce-Call-Options`, `Sforce-Duplicate-Rule-Header`, `Sforce-Auto-Assign` and `Sforce-Query-Options` are lists of
`name=value`, separated by commas or semicolons; what is not understood is left alone, as at Salesforce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallOptions:
    """`client` is the name a program gives itself. The next three are about duplicate rules.

    `auto_assign` has new and changed leads and cases go where an assignment rule says: the active one, or the one named
    by id in `assignment_rule`. `all_or_none` is SOAP's: one refused record undoes the others of its call.
    `allow_duplicates` saves in spite of a rule that only warns; `duplicate_records` asks for the fields of what was
    found; `duplicates_as_caller` looks only at records that the caller may see.
    """

    client: str = ""
    allow_duplicates: bool = False
    duplicate_records: bool = False
    duplicates_as_caller: bool = True
    auto_assign: bool = False
    assignment_rule: str | None = None
    all_or_none: bool = False


ORDINARY = CallOptions()
"""What is asked of the org by a request that asks for nothing in particular."""


def pairs(header: str | None) -> dict[str, str]:
    """The header's `name=value` pairs, names in lower case. At most 20 are read."""
    found: dict[str, str] = {}
    for part in re.split(r"[,;]", header or "", maxsplit=20)[:20]:
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip()
    return found


def call_options(headers: Mapping[str, str]) -> CallOptions:
    """The options of a request; `headers` by lower-case name."""
    about, duplicates = headers.get("sforce-call-options"), headers.get("sforce-duplicate-rule-header")
    assign = headers.get("sforce-auto-assign", "").strip()
    asked = pairs(duplicates)
    return CallOptions(
        client=pairs(about).get("client", "")[:100],
        allow_duplicates=asked.get("allowsave", "").lower() == "true",
        duplicate_records=asked.get("includerecorddetails", "").lower() == "true",
        duplicates_as_caller=asked.get("runascurrentuser", "true").lower() != "false",
        auto_assign=assign.lower() != "false",
        assignment_rule=assign[:18] if assign.lower() not in ("", "true", "false") else None,
    )

"""The rules of the set-up guide's steps, by the table that the Apex class is tested with too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tieline.apex_twins.guide import Facts, steps_of

CASES: list[dict[str, Any]] = json.loads(Path("sfdx/cases/TielineGuideSteps.json").read_text())
NAMES = [
    "authorize", "connect", "callCenter", "utilityItem", "permissionSets", "users", "clientIntegration",
    "countryCodes", "statusSync", "relatedObjects", "softphoneLayout", "testCall",
]  # fmt: skip
NOTHING = {"count": None, "detail": None, "at": None}


@pytest.mark.parametrize("case", CASES, ids=[case["about"] for case in CASES])
def test_the_twin_concludes_as_the_table_says(case: dict[str, Any]) -> None:
    found = {step.name: vars(step) for step in steps_of(Facts(**case["facts"]))}
    assert list(found) == NAMES
    for wanted in case["steps"]:
        step = found[wanted["name"]]
        # A number that is nothing is as good as none.
        assert {**step, "count": step["count"] or None} == NOTHING | wanted


def test_the_table_has_every_code() -> None:
    told = {(step["name"], step["code"]) for case in CASES for step in case["steps"]}
    assert {name for name, code in told if code == "OK"} == set(NAMES)
    assert len(told) > 40

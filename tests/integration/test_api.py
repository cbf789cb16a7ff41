"""The public API against its own document: whatever is sent, it answers as it says."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.integration.apps import App
from tests.integration.center import Center, a_center

from tieline.db.database import Database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = {GenerationMode.POSITIVE: 40, GenerationMode.NEGATIVE: 40}
"""Requests of each operation."""


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def test_it_answers_as_its_document_says(center: Center) -> None:
    app = await App.made(center)
    told = (await center.http.get("/api/v1/openapi.json")).json()
    for result in schemathesis.openapi.from_dict(told).get_all_operations():
        operation = result.ok()
        # Each with a grant of its own, so that none comes to the limit of requests.
        token = (await app.let_in())["access_token"]
        answers = await asyncio.to_thread(hammer, operation, center, {"Authorization": f"Bearer {token}"})
        done = sum(count for status, count in answers.items() if status < 300)
        assert done and answers[429] == answers[503] == 0, (operation.label, answers)


def hammer(operation: Any, center: Center, headers: dict[str, str]) -> Counter[int]:
    """Send the operation all kinds of things; gives how often each status was the answer."""
    answers: Counter[int] = Counter()
    user = str(center.agents["one"])

    def send(case: Case, hits: bool) -> None:
        if hits:
            aim(case)
        answer = case.call(base_url=center.origin, headers=headers, timeout=30)
        answers[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    def aim(case: Case) -> None:
        """Let what fits only by knowing fit: whom it is about, and what the user is now."""
        if "user_id" in (case.path_parameters or {}):
            case.path_parameters["user_id"] = user
        if isinstance(body := case.body, dict) and "roles" in body:
            body |= {"roles": ["agent"], "connection_id": None}
            if "email" in body:
                body["email"] = f"{secrets.token_hex(6)}@example.com"
            if "version" in body:
                now = case.operation.schema["/api/v1/users/{user_id}"]["GET"].Case(
                    path_parameters={"user_id": user}
                )
                body["version"] = now.call(base_url=center.origin, headers=headers).json()["version"]

    for mode, examples in EXAMPLES.items():
        if mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()) and not operation.body:
            continue  # nothing in it can be wrong
        aimed = st.booleans() if mode is GenerationMode.POSITIVE else st.just(False)
        each = given(case=operation.as_strategy(mode), hits=aimed)(send)
        each = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(each)
        seed(f"{operation.label} {mode}")(each)()
    return answers


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\ud800", "\u202eabc", "%", "'\"\\", "a" * 5000, "\U0010ffff"]
)
async def test_texts_that_databases_and_encodings_choke_on(center: Center, text: str) -> None:
    app = await App.made(center)
    headers = {"Authorization": f"Bearer {(await app.let_in())['access_token']}"}
    plain = text.encode("utf-8", "surrogatepass")
    user = (await center.http.get(f"/api/v1/users/{center.agents['one']}", headers=headers)).json()
    own = {name: user[name] for name in ("version", "name", "language", "roles", "active")}
    new = {"email": "a@example.com", "name": "A", "language": "en", "roles": ["agent"]}
    answers = [
        await center.http.get(f"/api/v1/{path}={quote(plain)}", headers=headers)
        for path in ("users?search", "users?after", "users?connection", "users?role", "agents?after")
    ]
    answers += [
        await center.http.get(f"/api/v1/{path}/{quote(plain, safe='')}", headers=headers)
        for path in ("users", "agents")
    ]
    for method, path, body in (
        ("POST", "/users", new | {"email": f"{text}@example.com"}),
        ("POST", "/users", new | {"email": "b@example.com", "connection_id": text}),
        ("PUT", f"/users/{user['id']}", own | {"name": f"A{text}", "connection_id": None}),
        ("PUT", f"/users/{user['id']}/skills", {"skills": [{"name": text, "level": 1}]}),
    ):
        # As JSON of ASCII only, which carries what UTF-8 cannot.
        content = json.dumps(body).encode()
        json_headers = headers | {"Content-Type": "application/json"}
        answers.append(
            await center.http.request(method, f"/api/v1{path}", content=content, headers=json_headers)
        )
    told = [(a.request.method, a.request.url.path, a.status_code) for a in answers]
    assert {status for _, _, status in told} <= {200, 201, 404, 409, 422}, told

"""OAuth clients as metadata: connected apps, and external client apps with their policies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .certificates import self_signed
from .conftest import AGENT
from .package_files import archive, connected_app, external_app
from .test_deploy import deploy
from .test_tokens import KEY


@pytest.fixture
async def apps(console: Browser) -> AsyncIterator[Browser]:
    """The administrator's console; what was deployed is removed again."""
    yield console
    for client_id in ("voice-client", "deployed-client"):
        await console.api("DELETE", f"setup/apps/{client_id}")


async def listed(console: Browser, client_id: str) -> dict[str, Any]:
    found = (await console.api("GET", "setup/apps")).json()["apps"]
    return next(app for app in found if app["client_id"] == client_id)


def problem(result: dict[str, Any]) -> str:
    assert result["success"] is False
    return result["details"]["componentFailures"][0]["problem"]


async def test_policies_of_an_external_client_app_take_effect(
    admin: httpx2.AsyncClient, apps: Browser
) -> None:
    first = await deploy(admin, archive(external_app()))
    assert first["success"], first["details"]["componentFailures"]
    app = await listed(apps, "deployed-client")
    assert (app["permitted"], app["profiles"]) == ("approved", ["System Administrator"])
    assert (app["refresh_policy"], app["refresh_seconds"]) == ("inactivity", 30 * 86_400)
    assert app["session_minutes"] == 30
    again = await deploy(admin, archive(external_app()))
    assert not [row for row in again["details"]["componentSuccesses"] if row["changed"]]
    await deploy(admin, archive(external_app(AdminApprovedPreAuthorized="AllSelfAuthorized")))
    assert (await listed(apps, "deployed-client"))["permitted"] == "all"


async def test_a_connected_app_is_deployed_whole_and_keeps_a_secret_made_in_set_up(
    admin: httpx2.AsyncClient, apps: Browser
) -> None:
    files = connected_app(
        f"<certificate>{self_signed(KEY)}</certificate><isAdminApproved>true</isAdminApproved>"
        f"<oauthClientCredentialUser>{AGENT}</oauthClientCredentialUser>",
        "<oauthPolicy><refreshTokenPolicy>specific_lifetime:2:MONTHS</refreshTokenPolicy></oauthPolicy>"
        "<profileName>Standard User</profileName>",
    )
    first = await deploy(admin, archive(files))
    assert first["success"], first["details"]["componentFailures"]
    row = next(item for item in first["details"]["componentSuccesses"] if item["fullName"] == "Voice")
    assert (row["created"], row["changed"]) == (True, True)
    app = await listed(apps, "voice-client")
    assert (app["kind"], app["permitted"], app["profiles"]) == ("connected", "approved", ["Standard User"])
    assert (app["run_as"], app["refresh_policy"]) == (AGENT, "lifetime")
    assert app["refresh_seconds"] == 60 * 86_400
    changed = await apps.api("PATCH", "setup/apps/voice-client", json={"new_secret": True})
    again = await deploy(admin, archive(files))
    row = next(item for item in again["details"]["componentSuccesses"] if item["fullName"] == "Voice")
    assert (row["created"], row["changed"]) == (False, False)
    form = {"grant_type": "client_credentials", "client_id": "voice-client"}
    secret = changed.json()["client_secret"]
    answer = await admin.post("/services/oauth2/token", data=form | {"client_secret": secret})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (connected_app("<isAdminApproved>perhaps</isAdminApproved>"), "isAdminApproved"),
        (connected_app("<scopes>Everything</scopes>"), "OAuth scope"),
        (connected_app("<certificate>x</certificate>"), "X.509"),
        (connected_app("<consumerSecret>short</consumerSecret>"), "consumerSecret"),
        (connected_app(around="<profileName>Unheard Of</profileName>"), "no Profile named Unheard Of"),
        (connected_app("<oauthClientCredentialUser>x@y.z</oauthClientCredentialUser>"), "no User named"),
        (
            connected_app(around="<oauthPolicy><refreshTokenPolicy>never</refreshTokenPolicy></oauthPolicy>"),
            "refresh token policy",
        ),
        (external_app(SpecificInactivity="Sometimes"), "refresh token policy"),
        (external_app(Days="Fortnights"), "validity"),
        (external_app(AdminApprovedPreAuthorized="Everybody"), "permittedUsersPolicyType"),
    ],
    ids=range(10),
)
async def test_bad_settings_are_named(
    admin: httpx2.AsyncClient, files: dict[str, str | bytes], words: str
) -> None:
    assert words in problem(await deploy(admin, archive(files)))


async def test_a_package_cannot_take_the_built_in_app_s_key_or_name(admin: httpx2.AsyncClient) -> None:
    text = str(connected_app()["connectedApps/Voice.connectedApp"])
    stolen = connected_app() | {
        "connectedApps/Voice.connectedApp": text.replace("voice-client", "PlatformCLI")
    }
    assert "already used" in problem(await deploy(admin, archive(stolen)))
    named = {
        "package.xml": str(connected_app()["package.xml"]).replace("Voice", "PlatformCLI"),
        "connectedApps/PlatformCLI.connectedApp": text,
    }
    assert (await deploy(admin, archive(named)))["success"] is False

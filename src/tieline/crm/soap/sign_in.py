"""SOAP operations around a session: login, logout, getUserInfo, getServerTimestamp."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..access.questions import Caller
from ..errors import Fault
from ..rest import Call
from ..sign_in import auth
from .door import Part, Visitor, entrance, operation

_CURRENCY = {"ja_JP": ("JPY", "¥"), "en_US": ("USD", "$")}


@entrance("login")
async def login(visitor: Visitor, asked: Part) -> dict[str, Any]:
    """A session for a user name and a password, with or without a security token behind it."""
    org = visitor.org
    username, password = (asked.value("username") or "").strip()[:80], (asked.value("password") or "")[:250]
    tried = await auth.attempt(
        org, username, password, visitor.address, "Other Apex API", security_token=True
    )
    if tried.user_id is None:
        # A wait is not told: who guesses must not learn that the guesses are no longer looked at.
        raise Fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    async with org.connection() as conn:
        caller = await auth.caller_of_user(conn, tried.user_id)
        if caller is None:
            raise Fault("INVALID_LOGIN", "User is inactive")
        session_id = await auth.open_api_session(conn, org, caller.user_id)
        call = Call(org, conn, await org.catalogue(conn), caller, visitor.version, visitor.origin)
        information = await _user_info(call)
    services = f"{visitor.origin}/services/Soap"
    place = f"{visitor.version}/{org.org_id[:15]}"
    return {
        "result": {
            "metadataServerUrl": f"{services}/m/{place}",
            "passwordExpired": False,
            "sandbox": False,
            "serverUrl": f"{services}/{visitor.door}/{place}",
            "sessionId": session_id,
            "userId": caller.user_id,
            "userInfo": information,
        }
    }


@entrance("logout")
async def logout(visitor: Visitor, asked: Part) -> dict[str, Any]:
    """Ends the session of the header."""
    async with visitor.org.connection() as conn:
        if not await auth.end_access_token(conn, visitor.session_id):
            raise Fault("INVALID_SESSION_ID", "Session expired or invalid")
    return {}


@operation("getUserInfo")
async def get_user_info(call: Call, asked: Part) -> dict[str, Any]:
    """Who the session's user is."""
    return {"result": await _user_info(call)}


@operation("getServerTimestamp")
async def get_server_timestamp(call: Call, asked: Part) -> dict[str, Any]:
    """The server's time."""
    now = datetime.now(UTC)
    return {"result": {"timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"}}


async def _user_info(call: Call) -> dict[str, Any]:
    caller: Caller = call.caller
    row = await call.conn.fetchrow(
        'SELECT o."Name" AS organization, o."DefaultLocaleSidKey" AS locale, u."ProfileId" AS profile_id'
        ' FROM data."User" u CROSS JOIN data."Organization" o WHERE u."Id" = $1',
        caller.user_id,
    )
    code, symbol = _CURRENCY.get(row["locale"] or "", _CURRENCY["en_US"])
    return {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": symbol,
        "orgAttachmentFileSizeLimit": 5 * 1024 * 1024,
        "orgDefaultCurrencyIsoCode": code,
        "orgDefaultCurrencyLocale": row["locale"] or "en_US",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": "IsPersonAccount" in call.catalogue.objects["Account"].fields,
        "organizationId": call.org.org_id,
        "organizationMultiCurrency": False,
        "organizationName": row["organization"],
        "profileId": row["profile_id"],
        "roleId": None,
        "sessionSecondsValid": await auth.session_minutes(call.conn) * 60,
        "userDefaultCurrencyIsoCode": None,
        "userEmail": caller.email,
        "userFullName": caller.name,
        "userId": caller.user_id,
        "userLanguage": caller.language,
        "userLocale": caller.locale,
        "userName": caller.username,
        "userTimeZone": caller.time_zone,
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }

"""Sample records of an org: two users, some accounts, contacts, a lead, a case, a task, in two languages.

Loading twice is loading once: what is there by its external mark, username or name, is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .database import connect
from .orgs import Org
from .records import Records
from .schema import load_catalogue
from .settings import CrmSettings
from .sign_in.auth import caller_of_user, set_password

_USERS = (("agent1", "花子", "佐藤", "ja"), ("agent2", "Ann", "Miller", "en_US"))
_ACCOUNTS: Sequence[Mapping[str, Any]] = (
    {
        "Name": "Northwind Traders",
        "Phone": "(415) 555-0140",
        "Industry": "Retail",
        "BillingCity": "San Francisco",
    },
    {"Name": "Harbor Light Media", "Phone": "+1 628 555 0111", "Industry": "Media"},
    {"Name": "あおば製作所", "Phone": "03-4567-0100", "BillingCity": "東京"},
)
_CONTACTS: Sequence[tuple[str | None, Mapping[str, Any]]] = (
    ("Northwind Traders", {"FirstName": "Grace", "LastName": "Holt", "Phone": "(415) 555-0141",
                           "Email": "grace.holt@northwind.example", "Title": "Buyer"}),
    ("Northwind Traders", {"FirstName": "Amir", "LastName": "Nasser", "MobilePhone": "+1 415 555 0142",
                           "Email": "amir.nasser@northwind.example"}),
    ("Harbor Light Media", {"FirstName": "Ingrid", "LastName": "Dahl", "Phone": "628.555.0112"}),
    ("あおば製作所", {"FirstName": "直樹", "LastName": "森", "Phone": "03-4567-0101", "Title": "工場長",
                  "Email": "naoki.mori@aoba.example"}),
    (None, {"FirstName": "Pat", "LastName": "Solo", "Phone": "+44 20 7946 0200"}),
)  # fmt: skip


async def load(settings: CrmSettings, org_name: str, password: str, *, users_only: bool = False) -> None:
    """Fills the org, as its administrator. `password` is that of the sample users. ValueError for an unknown org."""
    registry = await connect(settings)
    try:
        row = await registry.fetchrow("SELECT * FROM crm_org WHERE name = $1", org_name)
    finally:
        await registry.close()
    if row is None:
        raise ValueError(f"There is no org named {org_name!r}.")
    conn = await connect(settings, row["database_name"])
    try:
        async with conn.transaction():
            await _fill(settings, conn, row, password, users_only=users_only)
    finally:
        await conn.close()


async def _fill(
    settings: CrmSettings, conn: Any, row: Mapping[str, Any], password: str, *, users_only: bool
) -> None:
    instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
    admin = await conn.fetchval(
        'SELECT u."Id" FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
        ' WHERE p."Name" = \'System Administrator\' AND u."IsActive" ORDER BY u."CreatedDate", u."Id" LIMIT 1'
    )
    caller = await caller_of_user(conn, admin or "")
    if caller is None:
        raise ValueError("The org has no active administrator.")
    catalogue = await load_catalogue(conn)
    records = Records(Org(row, settings, None, instance), conn, catalogue, caller)

    async def make(name: str, key: str, values: Mapping[str, Any]) -> tuple[str, bool]:
        """The id of the record with that key, and whether it was made now."""
        found = await conn.fetchval(
            f'SELECT "Id" FROM data."{name}" WHERE "{key}" = $1 AND NOT "IsDeleted" LIMIT 1',  # noqa: S608
            values[key],
        )
        if found is not None:
            return str(found), False
        saved = (await records.create(catalogue.objects[name], [values]))[0]
        if saved.faults:
            raise ValueError(saved.faults[0].message)
        return saved.id or "", True

    profile = await conn.fetchval('SELECT "Id" FROM data."Profile" WHERE "Name" = \'Standard User\'')
    for alias, first, last, language in _USERS:
        username, ja = f"{alias}@{row['name']}.example", language == "ja"
        user_id, made = await make(
            "User",
            "Username",
            {
                "Username": username, "Email": username, "FirstName": first, "LastName": last, "Alias": alias,
                "ProfileId": profile, "LanguageLocaleKey": language, "EmailEncodingKey": "UTF-8",
                "LocaleSidKey": "ja_JP" if ja else "en_US",
                "TimeZoneSidKey": "Asia/Tokyo" if ja else "America/Los_Angeles",
            },
        )  # fmt: skip
        if made:
            await set_password(conn, user_id, password)
    if users_only:
        return
    accounts = {values["Name"]: (await make("Account", "Name", values))[0] for values in _ACCOUNTS}
    contacts: dict[str, str] = {}
    for account, values in _CONTACTS:
        linked = {**values, **({"AccountId": accounts[account]} if account else {})}
        contacts[values["LastName"]] = (await make("Contact", "LastName", linked))[0]
    await make(
        "Lead",
        "LastName",
        {"FirstName": "Yuki", "LastName": "Tanabe", "Company": "Tanabe Design", "Phone": "06-6789-0100"},
    )
    await make(
        "Case",
        "Subject",
        {"Subject": "Parcel has not arrived", "ContactId": contacts["Holt"], "Origin": "Phone"},
    )
    await make("Task", "Subject", {"Subject": "Call back about the order", "WhoId": contacts["Nasser"]})

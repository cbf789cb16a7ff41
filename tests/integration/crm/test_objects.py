"""Objects and fields of every type: described, written, read, related, deleted and brought back."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tieline.crm.custom_settings import setting_for
from tieline.crm.orgs import Org, connect
from tieline.crm.records import Records
from tieline.crm.saving.recycle_bin import empty, undelete
from tieline.crm.schema import load_catalogue
from tieline.crm.sign_in.auth import caller_of_user

from .conftest import ADMIN, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql


def _field(name: str, kind: str, more: str = "") -> str:
    return f"<fields><fullName>{name}</fullName><label>{name[:-3]}</label>{more}<type>{kind}</type></fields>"


def _values(*names: str, restricted: bool = False) -> str:
    listed = "".join(
        f"<value><fullName>{name}</fullName><default>false</default><label>{name}</label></value>"
        for name in names
    )
    return (
        f"<valueSet><restricted>{str(restricted).lower()}</restricted><valueSetDefinition><sorted>false</sorted>"
        f"{listed}</valueSetDefinition></valueSet>"
    )


def _object(label: str, inner: str, sharing: str = "ReadWrite") -> str:
    return (
        f"<CustomObject {NS}>{inner}<label>{label}</label><nameField><label>Name</label><type>Text</type></nameField>"
        f"<pluralLabel>{label}s</pluralLabel><sharingModel>{sharing}</sharingModel></CustomObject>"
    )


LINE = "<visibleLines>3</visibleLines>"
EVERY = _object(
    "Every",
    _field("Text__c", "Text", "<length>20</length><externalId>true</externalId><unique>true</unique>")
    + _field("Exact__c", "Text", "<caseSensitive>true</caseSensitive><length>20</length><unique>true</unique>")
    + _field("Area__c", "TextArea")
    + _field("Long__c", "LongTextArea", f"<length>1000</length>{LINE}")
    + _field("Number__c", "Number", "<precision>6</precision><scale>2</scale>")
    + _field("Money__c", "Currency", "<precision>18</precision><scale>2</scale>")
    + _field("Share__c", "Percent", "<precision>5</precision><scale>1</scale>")
    + _field("Day__c", "Date")
    + _field("Moment__c", "DateTime")
    + _field("Clock__c", "Time")
    + _field("Mail__c", "Email")
    + _field("Call__c", "Phone")
    + _field("Site__c", "Url")
    + _field("Yes__c", "Checkbox", "<defaultValue>true</defaultValue>")
    + _field("One__c", "Picklist", _values("Red", "Green", restricted=True))
    + _field("Free__c", "Picklist", _values("Red", "Green"))
    + _field("Many__c", "MultiselectPicklist", LINE + _values("A", "B", "C", restricted=True))
    + _field("Count__c", "AutoNumber", "<displayFormat>E-{000}</displayFormat>")
    + _field("Look__c", "Lookup", "<referenceTo>Account</referenceTo><relationshipName>Everys</relationshipName>"),
)  # fmt: skip
DETAIL = _object(
    "Detail",
    _field("Every__c", "MasterDetail", "<referenceTo>Every__c</referenceTo><relationshipName>Details</relationshipName>"),
    "ControlledByParent",
)  # fmt: skip
WISH = (
    f"<CustomObject {NS}><customSettingsType>Hierarchy</customSettingsType>"
    + _field("Limit__c", "Number", "<precision>4</precision><scale>0</scale>")
    + _field("Loud__c", "Text", "<length>10</length>")
    + "<label>Wish</label><visibility>Public</visibility></CustomObject>"
)
CODE = (
    f"<CustomObject {NS}>"
    + _field("Dial__c", "Text", "<length>5</length>")
    + _field("Order__c", "Number", "<precision>3</precision><scale>0</scale>")
    + "<label>Code</label><pluralLabel>Codes</pluralLabel><visibility>Public</visibility></CustomObject>"
)
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
RECORD = (
    f"<CustomMetadata {NS} {XSI}><label>Japan</label><protected>false</protected>"
    "<values><field>Dial__c</field><value>+81</value></values>"
    "<values><field>Order__c</field><value>2</value></values></CustomMetadata>"
)
RECORD_TYPES = (
    f"<CustomObject {NS}><recordTypes><fullName>Claim</fullName><active>true</active><label>Claim</label></recordTypes>"
    "<recordTypes><fullName>Old</fullName><active>false</active><label>Old</label></recordTypes></CustomObject>"
)


def types_package() -> bytes:
    return archive(
        {
            "package.xml": manifest(
                CustomObject=["Every__c", "Detail__c", "Wish__c", "Code__mdt", "Case"],
                CustomMetadata=["Code.Japan"],
            ),
            "objects/Every__c.object": EVERY,
            "objects/Detail__c.object": DETAIL,
            "objects/Wish__c.object": WISH,
            "objects/Code__mdt.object": CODE,
            "objects/Case.object": RECORD_TYPES,
            "customMetadata/Code.Japan.md": RECORD,
        }
    )


@pytest.fixture(scope="session")
async def types(world: World) -> dict[str, Any]:
    """Custom objects with fields of every type, deployed once."""
    http = await client_of(world, ADMIN)
    result = await deploy(http, types_package())
    await http.aclose()
    assert result["success"], result["details"]["componentFailures"]
    return result


async def records_of(world: World, conn: Any) -> Records:
    user_id = await conn.fetchval('SELECT "Id" FROM data."User" WHERE "Username" = $1', ADMIN)
    caller = await caller_of_user(conn, user_id)
    assert caller is not None
    instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
    row = {"name": "acme", "org_id": world.org_id, "label": "Acme", "database_name": "crm_test_acme"}
    return Records(Org(row, world.settings, None, instance), conn, await load_catalogue(conn), caller)


GIVEN: dict[str, Any] = {
    "Text__c": "every", "Exact__c": "Exact", "Area__c": "a\nb", "Long__c": "long\ntext", "Number__c": 1234.567,
    "Money__c": 12345678.9, "Share__c": 12.34, "Day__c": "2026-02-28", "Moment__c": "2026-02-28T10:00:00+09:00",
    "Clock__c": "09:05", "Mail__c": "a@b.example", "Call__c": "(03) 1234-5678", "Site__c": "https://a.example",
    "One__c": "red", "Free__c": "Blue", "Many__c": "c;A;c",
}  # fmt: skip
STORED = GIVEN | {
    "Number__c": 1234.57, "Share__c": 12.3, "Moment__c": "2026-02-28T01:00:00.000+0000",
    "Clock__c": "09:05:00.000Z", "One__c": "Red", "Many__c": "A;C", "Yes__c": True, "Look__c": None,
}  # fmt: skip


async def test_fields_of_every_type_come_back_as_they_were_stored(
    types: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    record_id = await make(admin, "Every__c", Name="E", **GIVEN)
    read = (await admin.get(f"{DATA}/sobjects/Every__c/{record_id}")).json()
    assert {name: read[name] for name in STORED} == STORED
    assert read["Count__c"].startswith("E-0")
    found = await soql(admin, f"SELECT Clock__c, Many__c, Money__c FROM Every__c WHERE Id = '{record_id}'")
    assert found["records"][0]["Clock__c"] == "09:05:00.000Z"
    for where, holds in {
        "Many__c INCLUDES ('a')": True,
        "Many__c INCLUDES ('A;B')": False,
        "Many__c INCLUDES ('A;B', 'a;c')": True,
        "Many__c EXCLUDES ('B')": True,
        "Many__c EXCLUDES ('C', 'B')": False,
        "Many__c = 'A;C'": True,
        "Clock__c > 09:00:00Z AND Clock__c < 10:00:00.000Z": True,
        "Clock__c = 10:00:00Z": False,
    }.items():
        rows = await soql(admin, f"SELECT Id FROM Every__c WHERE Id = '{record_id}' AND ({where})")
        assert bool(rows["records"]) is holds, where
    described = (await admin.get(f"{DATA}/sobjects/Every__c/describe")).json()
    kinds = {item["name"]: item["type"] for item in described["fields"]}
    assert (kinds["Clock__c"], kinds["Many__c"], kinds["Money__c"], kinds["Look__c"]) == (
        "time", "multipicklist", "currency", "reference",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Text__c": "x" * 21}, "STRING_TOO_LONG", "Text__c"),
        ({"Number__c": 10000}, "NUMBER_OUTSIDE_VALID_RANGE", "Number__c"),
        ({"Clock__c": "25:00"}, "JSON_PARSER_ERROR", None),
        ({"Day__c": "2026-02-30"}, "JSON_PARSER_ERROR", None),
        ({"Mail__c": "nobody"}, "INVALID_EMAIL_ADDRESS", "Mail__c"),
        ({"One__c": "Blue"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "One__c"),
        ({"Many__c": "A;D"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Many__c"),
        ({"Look__c": "003000000000001AAA"}, "FIELD_INTEGRITY_EXCEPTION", "Look__c"),
        ({"Count__c": "E-1"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Count__c"),
        ({"Nothing__c": 1}, "INVALID_FIELD", None),
    ],
)
async def test_values_that_do_not_fit_are_refused(
    types: dict[str, Any], admin: httpx2.AsyncClient, fields: dict[str, Any], code: str, named: str | None
) -> None:
    answer = await admin.post(f"{DATA}/sobjects/Every__c", json={"Name": "E"} | fields)
    assert error(answer) == (400, code)
    assert named is None or answer.json()[0]["fields"] == [named]


async def test_unique_text_is_compared_as_the_field_says(
    types: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    await make(admin, "Every__c", Name="U", Text__c="Same", Exact__c="Case")
    again = await admin.post(f"{DATA}/sobjects/Every__c", json={"Name": "U", "Text__c": "sAME"})
    assert error(again) == (400, "DUPLICATE_VALUE")
    await make(admin, "Every__c", Name="U", Exact__c="cASE")
    exact = await admin.post(f"{DATA}/sobjects/Every__c", json={"Name": "U", "Exact__c": "Case"})
    assert error(exact) == (400, "DUPLICATE_VALUE")


async def test_details_go_with_their_master_and_come_back_with_it(
    types: dict[str, Any], admin: httpx2.AsyncClient, world: World
) -> None:
    account = await make(admin, "Account", Name="Looked at")
    master = await make(admin, "Every__c", Name="Master", Look__c=account)
    detail = await make(admin, "Detail__c", Name="Detail", Every__c=master)
    described = (await admin.get(f"{DATA}/sobjects/Detail__c/describe")).json()
    reference = next(item for item in described["fields"] if item["name"] == "Every__c")
    assert (reference["relationshipOrder"], reference["cascadeDelete"], reference["updateable"]) == (
        0,
        True,
        False,
    )
    assert "OwnerId" not in {item["name"] for item in described["fields"]}
    missing = await admin.post(f"{DATA}/sobjects/Detail__c", json={"Name": "None"})
    assert error(missing) == (400, "REQUIRED_FIELD_MISSING")
    assert (await admin.delete(f"{DATA}/sobjects/Every__c/{master}")).status_code == 204
    assert error(await admin.get(f"{DATA}/sobjects/Detail__c/{detail}")) == (404, "NOT_FOUND")
    assert (await admin.delete(f"{DATA}/sobjects/Account/{account}")).status_code == 204
    conn = await connect(world.settings, "crm_test_acme")
    async with conn.transaction():
        records = await records_of(world, conn)
        refused = (await undelete(records, [detail]))[0]
        assert refused.faults[0].code == "UNDELETE_FAILED"
        assert [saved.faults for saved in await undelete(records, [master, account])] == [(), ()]
    await conn.close()
    found = await soql(admin, f"SELECT Id, Every__r.Look__c FROM Detail__c WHERE Id = '{detail}'")
    # A record in the bin keeps its lookups: only those of live records are cleared.
    assert found["records"][0]["Every__r"]["Look__c"] == account


async def test_a_cleared_lookup_comes_back_unless_something_else_stands_there(
    admin: httpx2.AsyncClient, world: World, types: dict[str, Any]
) -> None:
    first, second = await make(admin, "Account", Name="First"), await make(admin, "Account", Name="Second")
    kept = await make(admin, "Every__c", Name="kept", Look__c=first)
    moved = await make(admin, "Every__c", Name="moved", Look__c=first)
    contact = await make(admin, "Contact", LastName="Along", AccountId=first)
    assert (await admin.delete(f"{DATA}/sobjects/Account/{first}")).status_code == 204
    await admin.patch(f"{DATA}/sobjects/Every__c/{moved}", json={"Look__c": second})
    conn = await connect(world.settings, "crm_test_acme")
    async with conn.transaction():
        assert (await undelete(await records_of(world, conn), [first]))[0].success
    found = {
        row["Id"]: row["Look__c"]
        for row in (await soql(admin, "SELECT Id, Look__c FROM Every__c WHERE Look__c <> null"))["records"]
    }
    assert (found[kept], found[moved]) == (first, second)
    assert (await admin.get(f"{DATA}/sobjects/Contact/{contact}")).json()["AccountId"] == first
    await admin.delete(f"{DATA}/sobjects/Account/{first}")
    async with conn.transaction():
        records = await records_of(world, conn)
        assert (await empty(records, [first]))[0].success
        assert (await undelete(records, [first]))[0].faults[0].code == "UNDELETE_FAILED"
    await conn.close()
    gone = await admin.get(f"{DATA}/queryAll", params={"q": f"SELECT Id FROM Contact WHERE Id = '{contact}'"})
    assert gone.json()["totalSize"] == 0


async def test_a_hierarchy_setting_holds_from_the_nearest_record(
    types: dict[str, Any], admin: httpx2.AsyncClient, agent: httpx2.AsyncClient, world: World
) -> None:
    conn = await connect(world.settings, "crm_test_acme")
    user = await conn.fetchrow(
        'SELECT "Id", "ProfileId" FROM data."User" WHERE "Username" = \'agent@acme.example\''
    )
    await make(admin, "Wish__c", SetupOwnerId=world.org_id, Limit__c=1, Loud__c="org")
    await make(admin, "Wish__c", SetupOwnerId=user["ProfileId"], Limit__c=2)
    value = (await load_catalogue(conn)).objects["Wish__c"]
    assert await setting_for(conn, value, user["Id"]) == {"Limit__c": 2, "Loud__c": "org"}
    await make(admin, "Wish__c", SetupOwnerId=user["Id"], Loud__c="user")
    assert await setting_for(conn, value, user["Id"]) == {"Limit__c": 2, "Loud__c": "user"}
    again = await admin.post(f"{DATA}/sobjects/Wish__c", json={"SetupOwnerId": user["Id"]})
    assert error(again) == (400, "DUPLICATE_VALUE")
    assert (await soql(agent, "SELECT Limit__c FROM Wish__c"))["totalSize"] == 3
    refused = await agent.post(f"{DATA}/sobjects/Wish__c", json={"SetupOwnerId": user["Id"]})
    assert error(refused) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    await conn.close()


async def test_custom_metadata_is_read_by_users_and_written_by_deployments(
    types: dict[str, Any], admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    found = await soql(agent, "SELECT DeveloperName, MasterLabel, Dial__c, Order__c FROM Code__mdt")
    row = found["records"][0]
    assert (row["DeveloperName"], row["MasterLabel"], row["Dial__c"], row["Order__c"]) == (
        "Japan",
        "Japan",
        "+81",
        2.0,
    )
    described = (await agent.get(f"{DATA}/sobjects/Code__mdt/describe")).json()
    assert "IsDeleted" not in {item["name"] for item in described["fields"]}
    assert described["keyPrefix"].startswith("m")
    refused = await admin.post(f"{DATA}/sobjects/Code__mdt", json={"Dial__c": "+1"})
    assert error(refused) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    again = await deploy(admin, types_package())
    changed = [row["fullName"] for row in again["details"]["componentSuccesses"] if row["changed"]]
    assert changed == []


async def test_records_have_types_where_types_exist(types: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    kinds = {
        row["DeveloperName"]: row["Id"]
        for row in (await soql(admin, "SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Case'"))[
            "records"
        ]
    }
    case = await make(admin, "Case", Subject="typed", RecordTypeId=kinds["Claim"])
    found = await soql(admin, f"SELECT RecordType.DeveloperName FROM Case WHERE Id = '{case}'")
    assert found["records"][0]["RecordType"]["DeveloperName"] == "Claim"
    old = await admin.post(f"{DATA}/sobjects/Case", json={"RecordTypeId": kinds["Old"]})
    assert error(old) == (400, "INVALID_CROSS_REFERENCE_KEY")
    described = (await admin.get(f"{DATA}/sobjects/Case/describe")).json()
    shown = {info["developerName"]: info["active"] for info in described["recordTypeInfos"]}
    assert shown == {"Claim": True, "Old": False, "Master": True}
    lead = (await admin.get(f"{DATA}/sobjects/Lead/describe")).json()
    assert "RecordTypeId" not in {item["name"] for item in lead["fields"]}


async def test_compound_fields_are_read_whole_and_written_in_parts(admin: httpx2.AsyncClient) -> None:
    record_id = await make(
        admin, "Contact", FirstName="花子", LastName="佐藤", MailingCity="京都市", MailingCountry="日本"
    )
    read = (await admin.get(f"{DATA}/sobjects/Contact/{record_id}")).json()
    assert read["OtherAddress"] is None
    assert read["MailingAddress"] == {
        "city": "京都市", "country": "日本", "geocodeAccuracy": None, "latitude": None, "longitude": None,
        "postalCode": None, "state": None, "street": None,
    }  # fmt: skip
    refused = await admin.patch(
        f"{DATA}/sobjects/Contact/{record_id}", json={"MailingAddress": {"city": "x"}}
    )
    assert error(refused) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    fields = {
        item["name"]: item for item in (await admin.get(f"{DATA}/sobjects/Contact/describe")).json()["fields"]
    }
    assert (fields["MailingAddress"]["type"], fields["MailingCity"]["compoundFieldName"]) == (
        "address",
        "MailingAddress",
    )
    assert fields["FirstName"]["compoundFieldName"] == "Name"


async def test_an_opportunity_s_stage_says_what_follows(admin: httpx2.AsyncClient) -> None:
    record_id = await make(
        admin, "Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-12-31", Amount=1000
    )
    read = (await admin.get(f"{DATA}/sobjects/Opportunity/{record_id}")).json()
    assert (read["Probability"], read["ExpectedRevenue"], read["IsClosed"]) == (10.0, 100.0, False)
    await admin.patch(f"{DATA}/sobjects/Opportunity/{record_id}", json={"StageName": "Closed Won"})
    read = (await admin.get(f"{DATA}/sobjects/Opportunity/{record_id}")).json()
    assert (read["Probability"], read["IsWon"], read["ForecastCategory"]) == (100.0, True, "Closed")

"""SOAP operations on records: what REST does, in the words of both dialects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.plain_http import plain_http

from tieline.crm.soap.xml_values import clean

from .conftest import ADMIN, AGENT, World, client_of
from .test_rest import DATA, make, soql
from .test_soap import ENTERPRISE, PARTNER, post, session_of

SF = {"u": "urn:sobject.partner.soap.sforce.com", "c": "urn:sobject.enterprise.soap.sforce.com"}
XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Soap:
    """A session at one of the two doors."""

    def __init__(self, http: httpx2.AsyncClient, session_id: str, door: str = "u"):
        self.http, self.session_id, self.door = http, session_id, door

    async def raw(self, body: str, headers: str = "") -> httpx2.Response:
        namespace = PARTNER if self.door == "u" else ENTERPRISE
        text = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{namespace}"'
            f' xmlns:sf="{SF[self.door]}" xmlns:xsi="{XSI}"><s:Header><SessionHeader><sessionId>{self.session_id}'
            f"</sessionId></SessionHeader>{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        )
        return await post(self.http, text.encode(), f"{self.door}/66.0")

    async def __call__(self, body: str, headers: str = "") -> list[Any]:
        """The `result` elements of an answer."""
        answer = await self.raw(body, headers)
        assert answer.status_code == 200, answer.text
        return etree.fromstring(answer.content).findall(".//{*}Body/*/{*}result")

    async def fault(self, body: str) -> str:
        answer = await self.raw(body)
        assert answer.status_code == 500
        return etree.fromstring(answer.content).findtext(".//{*}exceptionCode") or "client"


def texts(element: Any, *names: str) -> list[str | None]:
    return [element.findtext(f"{{*}}{name}") for name in names]


def sobject(kind: str, **fields: str) -> str:
    inside = "".join(f"<sf:{name}>{text}</sf:{name}>" for name, text in fields.items())
    return f"<sObjects><sf:type>{kind}</sf:type>{inside}</sObjects>"


@pytest.fixture
async def soap(world: World) -> Any:
    async with plain_http(base_url=world.base, timeout=20) as http:
        yield Soap(http, await session_of(http))


async def test_a_record_lives_its_whole_life(soap: Soap, admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Soapy & Sons")
    (made,) = await soap(
        f"<create>{sobject('Contact', LastName='Lather', AccountId=account, DoNotCall='true')}</create>"
    )
    contact, success = texts(made, "id", "success")
    assert success == "true"
    assert contact
    (changed,) = await soap(
        "<update><sObjects xsi:type='sf:Contact'><fieldsToNull>AccountId</fieldsToNull>"
        f"<sf:Id>{contact}</sf:Id><sf:FirstName>Sue</sf:FirstName></sObjects></update>"
    )
    assert texts(changed, "id", "success") == [contact, "true"]
    (read, missing) = await soap(
        "<retrieve><fieldList>Id, Name, AccountId, DoNotCall, CreatedDate</fieldList><sObjectType>Contact</sObjectType>"
        f"<ids>{contact}</ids><ids>003000000000000AAA</ids></retrieve>"
    )
    assert read.get(f"{{{XSI}}}type") == "sf:sObject"
    assert texts(read, "type", "Id", "Name", "DoNotCall") == ["Contact", contact, "Sue Lather", "true"]
    assert (read.findtext("{*}CreatedDate") or "").endswith("Z")
    assert (missing.get(f"{{{XSI}}}nil"), read.find("{*}AccountId").get(f"{{{XSI}}}nil")) == ("true", "true")
    (upserted,) = await soap(
        f"<upsert><externalIDFieldName>Id</externalIDFieldName>{sobject('Contact', Id=contact, Title='Chief')}</upsert>"
    )
    assert texts(upserted, "created", "id", "success") == ["false", contact, "true"]
    (gone,) = await soap(f"<delete><ids>{contact}</ids></delete>")
    assert texts(gone, "success") == ["true"]
    (again,) = await soap(f"<delete><ids>{contact}</ids></delete>")
    assert texts(again.find("{*}errors"), "statusCode") == ["ENTITY_IS_DELETED"]
    (back,) = await soap(f"<undelete><ids>{contact}</ids></undelete>")
    assert texts(back, "id", "success") == [contact, "true"]
    await soap(f"<delete><ids>{contact}</ids></delete>")
    (emptied,) = await soap(f"<emptyRecycleBin><ids>{contact}</ids></emptyRecycleBin>")
    assert texts(emptied, "success") == ["true"]
    (late,) = await soap(f"<undelete><ids>{contact}</ids></undelete>")
    assert texts(late.find("{*}errors"), "statusCode") == ["UNDELETE_FAILED"]


async def test_one_refused_record_undoes_the_others_where_asked_for(
    soap: Soap, admin: httpx2.AsyncClient
) -> None:
    rows = sobject("Contact", LastName="AllOrNone") + sobject("Contact", FirstName="No last name")
    one_by_one = await soap(f"<create>{rows}</create>")
    assert [row.findtext("{*}success") for row in one_by_one] == ["true", "false"]
    together = await soap(
        f"<create>{rows}</create>", "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
    )
    codes = [row.findtext("{*}errors/{*}statusCode") for row in together]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    found = await soql(admin, "SELECT COUNT() FROM Contact WHERE LastName = 'AllOrNone'")
    assert found["totalSize"] == 1


@pytest.mark.parametrize("door", ["u", "c"])
async def test_queries_answer_in_both_dialects(soap: Soap, admin: httpx2.AsyncClient, door: str) -> None:
    account = await make(admin, "Account", Name=f"Dialect {door}")
    for number in range(3):
        await make(admin, "Contact", LastName=f"D{number}", AccountId=account)
    soap.door = door
    text = (
        f"SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account WHERE Id = '{account}'"
    )
    (result,) = await soap(f"<query><queryString>{text}</queryString></query>")
    assert texts(result, "done", "size") == ["true", "1"]
    record = result.find("{*}records")
    kind, first = ("sf:sObject", "type") if door == "u" else ("sf:Account", "Name")
    assert record.get(f"{{{XSI}}}type") == kind
    assert etree.QName(record[0]).localname == first
    assert etree.QName(record[0]).namespace == SF[door]
    children = record.find("{*}Contacts")
    assert [child.findtext("{*}LastName") for child in children.findall("{*}records")] == ["D0", "D1", "D2"]
    (parents,) = await soap(
        f"<query><queryString>SELECT Account.Name FROM Contact WHERE AccountId = '{account}'</queryString></query>"
    )
    assert parents.findtext("{*}records/{*}Account/{*}Name") == f"Dialect {door}"
    (counted,) = await soap(
        "<query><queryString>SELECT COUNT(Id) n, Account.Name a FROM Contact WHERE AccountId = "
        f"'{account}' GROUP BY Account.Name</queryString></query>"
    )
    assert texts(counted.find("{*}records"), "n", "a") == ["3", f"Dialect {door}"]
    (found,) = await soap(
        f"<search><searchString>FIND {{Dialect {door}}} RETURNING Account(Id)</searchString></search>"
    )
    assert found.findtext("{*}searchRecords/{*}record/{*}Id") == account


async def test_long_answers_come_in_pages(soap: Soap, admin: httpx2.AsyncClient) -> None:
    rows = [{"attributes": {"type": "Lead"}, "LastName": f"P{n}", "Company": "Paged"} for n in range(200)]
    for _ in range(2):
        await admin.post(f"{DATA}/composite/sobjects", json={"records": rows})
    options = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    text = "SELECT Id FROM Lead WHERE Company = 'Paged'"
    (page,) = await soap(f"<query><queryString>{text}</queryString></query>", options)
    done, locator, size = texts(page, "done", "queryLocator", "size")
    assert (done, size, len(page.findall("{*}records"))) == ("false", "400", 200)
    (rest,) = await soap(f"<queryMore><queryLocator>{locator}</queryLocator></queryMore>", options)
    assert (rest.findtext("{*}done"), len(rest.findall("{*}records"))) == ("true", 200)
    assert (
        await soap.fault("<queryMore><queryLocator>01g-1</queryLocator></queryMore>")
        == "INVALID_QUERY_LOCATOR"
    )


async def test_objects_are_described_as_the_user_sees_them(world: World, soap: Soap) -> None:
    (one,) = await soap("<describeSObject><sObjectType>contact</sObjectType></describeSObject>")
    assert texts(one, "name", "keyPrefix", "label") == ["Contact", "003", "Contact"]
    fields = {field.findtext("{*}name"): field for field in one.findall("{*}fields")}
    assert texts(fields["AccountId"], "type", "referenceTo", "relationshipName") == [
        "reference",
        "Account",
        "Account",
    ]
    both = await soap(
        "<describeSObjects><sObjectType>Lead</sObjectType><sObjectType>Case</sObjectType></describeSObjects>"
    )
    assert [one.findtext("{*}name") for one in both] == ["Lead", "Case"]
    (everything,) = await soap("<describeGlobal/>")
    assert "PermissionSet" in {one.findtext("{*}name") for one in everything.findall("{*}sobjects")}
    mine = Soap(soap.http, await session_of(soap.http, AGENT))
    (less,) = await mine("<describeGlobal/>")
    assert "PermissionSet" not in {one.findtext("{*}name") for one in less.findall("{*}sobjects")}
    assert (
        await mine.fault("<describeSObject><sObjectType>PermissionSet</sObjectType></describeSObject>")
        == "INVALID_TYPE"
    )


async def test_changes_are_told_for_replication(soap: Soap, admin: httpx2.AsyncClient) -> None:
    kept, gone = [await make(admin, "Contact", LastName=name) for name in ("Kept", "Gone")]
    await admin.delete(f"{DATA}/sobjects/Contact/{gone}")
    now = datetime.now(UTC)
    span = (
        f"<sObjectType>Contact</sObjectType><startDate>{(now - timedelta(hours=1)).isoformat()}</startDate>"
        f"<endDate>{(now + timedelta(hours=1)).isoformat()}</endDate>"
    )
    (updated,) = await soap(f"<getUpdated>{span}</getUpdated>")
    assert kept in {element.text for element in updated.findall("{*}ids")}
    (deleted,) = await soap(f"<getDeleted>{span}</getDeleted>")
    rows = {
        row.findtext("{*}id"): row.findtext("{*}deletedDate") for row in deleted.findall("{*}deletedRecords")
    }
    assert (rows[gone] or "").endswith("Z")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<create/>", "EXCEEDED_ID_LIMIT"),
        (f"<create>{sobject('Nothing', Name='x')}</create>", "INVALID_TYPE"),
        ("<delete/>", "EXCEEDED_ID_LIMIT"),
        ("<query><queryString>SELECT</queryString></query>", "MALFORMED_QUERY"),
        ("<query/>", "MALFORMED_QUERY"),
        ("<search><searchString>x</searchString></search>", "MALFORMED_SEARCH"),
        ("<retrieve><fieldList>Nope</fieldList><sObjectType>Case</sObjectType><ids>1</ids></retrieve>", "MALFORMED_ID"),
        ("<upsert/>", "MISSING_ARGUMENT"),
        ("<getUpdated><sObjectType>Case</sObjectType></getUpdated>", "MISSING_ARGUMENT"),
        ("<nothing/>", "client"),
    ],
)  # fmt: skip
async def test_wrong_requests_get_a_fault(soap: Soap, body: str, code: str) -> None:
    assert await soap.fault(body) == code


OPERATIONS = (
    "create", "update", "upsert", "delete", "undelete", "emptyRecycleBin", "retrieve", "query", "queryMore", "search",
    "describeSObject", "describeSObjects", "getUpdated", "getDeleted", "merge", "convertLead",
)  # fmt: skip
NAMES = ("sObjects", "ids", "type", "Id", "fieldsToNull", "LastName", "AccountId", "Account", "queryString", "fieldList",
         "queryLocator", "searchString", "sObjectType", "startDate", "endDate", "externalIDFieldName", "request",
         "masterRecord", "leadConverts", "DoNotCall")  # fmt: skip
TEXTS = st.sampled_from(["", "Contact", "Account", "003000000000000AAA", "SELECT Id FROM Contact", "FIND {x}", "true",
                         "2026-01-01T00:00:00Z", "Id", "\u0000", "\ufffe", "'", "99"]) | st.text(max_size=12)  # fmt: skip
TREES = st.recursive(
    TEXTS.map(lambda text: (text, ())),
    lambda inner: st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=5).map(
        lambda parts: ("", tuple(parts))
    ),
    max_leaves=8,
)


def _xml(name: str, tree: Any) -> str:
    text, parts = tree
    return f"<{name}>{escape(clean(text))}{''.join(_xml(inner, part) for inner, part in parts)}</{name}>"


@settings(max_examples=settings().max_examples // 2)
@given(operation=st.sampled_from(OPERATIONS), tree=TREES, door=st.sampled_from("uc"))
async def test_no_envelope_breaks_the_door(world: World, operation: str, tree: Any, door: str) -> None:
    http = await client_of(world, ADMIN)
    soap = Soap(http, world.tokens[ADMIN]["access_token"], door)
    answer = await soap.raw(_xml(operation, tree))
    await http.aclose()
    assert answer.status_code in (200, 500)
    assert answer.headers["content-type"].startswith("text/xml")
    etree.fromstring(answer.content)
    assert "UNKNOWN_EXCEPTION" not in answer.text

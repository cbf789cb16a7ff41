"""The org speaks its user's language: labels, values and refusals, at every door."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, World
from .test_rest import DATA, make

SAME = frozenset(
    {
        "Fax", "ID", "URL", "Web", "Sandbox", "ToDo", "UTF-8", "Hot", "Warm", "Cold", "Mr.", "Ms.", "Mrs.", "Dr.",
        "Prof.", "LinkedIn",
    }
)  # fmt: skip
"""What Salesforce's Japanese writes as its English does."""
JAPANESE = {"Accept-Language": "ja"}
_KANA = re.compile(r"[぀-ヿ一-鿿]")


@pytest.fixture
async def pages(world: World) -> AsyncIterator[Browser]:
    """The console of the agent, who reads Japanese."""
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def test_every_standard_object_field_and_value_has_its_japanese(admin: httpx2.AsyncClient) -> None:
    everything = (await admin.get(f"{DATA}/sobjects", headers=JAPANESE)).json()["sobjects"]
    standard = [each for each in everything if not each["custom"]]
    assert len(standard) > 20
    missing = [
        f"{each['name']}: {each[key]}"
        for each in standard
        for key in ("label", "labelPlural")
        if not _readable(each[key])
    ]
    for each in standard:
        described = (await admin.get(f"{DATA}/sobjects/{each['name']}/describe", headers=JAPANESE)).json()
        for item in described["fields"]:
            if item["custom"]:
                continue
            name = f"{each['name']}.{item['name']}"
            if not _readable(item["label"]):
                missing.append(f"{name}: {item['label']}")
            missing += [
                f"{name}={choice['value']}: {choice['label']}"
                for choice in item["picklistValues"]
                if not _readable(choice["label"])
            ]
    assert missing == []


def _readable(label: str) -> bool:
    return bool(_KANA.search(label)) or label in SAME


async def test_labels_follow_the_user_and_a_header_may_ask_otherwise(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    async def label(http: httpx2.AsyncClient, language: str | None) -> str:
        headers = {"Accept-Language": language} if language else {}
        return (await http.get(f"{DATA}/sobjects/Contact/describe", headers=headers)).json()["label"]

    assert await label(agent, None) == "取引先責任者"
    assert await label(agent, "*") == "取引先責任者"
    assert await label(agent, "en-US,en;q=0.9") == "Contact"
    assert await label(admin, None) == "Contact"
    assert await label(admin, "ja-JP, en;q=0.1") == "取引先責任者"
    assert await label(admin, "fr") == "Contact"


async def test_values_are_shown_in_the_user_s_words_and_form(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    lead = await make(admin, "Lead", LastName="Words", Company="Acme", Status="Working - Contacted")
    asked = f"SELECT toLabel(Status) FROM Lead WHERE Id = '{lead}'"
    for http, expected in ((agent, "コンタクト済み"), (admin, "Working - Contacted")):
        rows = (await http.get(f"{DATA}/query", params={"q": asked})).json()["records"]
        assert rows[0]["Status"] == expected
        shown = await http.get(f"{DATA}/ui-api/records/{lead}", params={"fields": "Lead.Status"})
        assert shown.json()["fields"]["Status"] == {"displayValue": expected, "value": "Working - Contacted"}
        info = (
            await http.get(f"{DATA}/ui-api/object-info/Lead/picklist-values/012000000000000AAA/Status")
        ).json()
        assert expected in [choice["label"] for choice in info["values"]]
    deal = await make(
        admin, "Opportunity", Name="Form", StageName="Qualification", CloseDate="2026-03-04", Amount=1234.5
    )
    fields = {"fields": "Opportunity.CloseDate,Opportunity.Amount"}
    for http, day, amount in ((agent, "2026/03/04", "￥1,234.50"), (admin, "3/4/2026", "$1,234.50")):
        shown = (await http.get(f"{DATA}/ui-api/records/{deal}", params=fields)).json()["fields"]
        assert (shown["CloseDate"]["displayValue"], shown["Amount"]["displayValue"]) == (day, amount)


async def test_layouts_speak_japanese(agent: httpx2.AsyncClient) -> None:
    layout = (await agent.get(f"{DATA}/sobjects/Contact/describe/layouts/012000000000000AAA")).json()
    assert [section["heading"] for section in layout["detailLayoutSections"]][:2] == ["詳細", "住所"]
    assert (await agent.get(f"{DATA}/sobjects/Contact/describe/compactLayouts/primary")).json()[
        "label"
    ] == "システムデフォルト"


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("Contact", {"FirstName": "x"}, "REQUIRED_FIELD_MISSING", "値を入力してください: [LastName]"),
    (
        "Contact",
        {"LastName": "x", "Email": "no"},
        "INVALID_EMAIL_ADDRESS",
        "メール: 無効なメールアドレス: no",
    ),
    (
        "Contact",
        {"LastName": "x" * 81},
        "STRING_TOO_LONG",
        f"姓: データ値が大きすぎます: {'x' * 81} (最大長=80)",
    ),
    (
        "Task",
        {"Subject": "x", "CallType": "Sideways"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "コール種別: 制限つき選択リスト項目の値が不適切: Sideways",
    ),
    (
        "Contact",
        {"LastName": "x", "AccountId": "003000000000001AAA"},
        "FIELD_INTEGRITY_EXCEPTION",
        "取引先 ID: 不適切な種別の ID 値: 003000000000001AAA",
    ),
]


@pytest.mark.parametrize(("name", "values", "code", "sentence"), REFUSED)
async def test_refusals_are_worded_in_the_user_s_language(
    admin: httpx2.AsyncClient,
    agent: httpx2.AsyncClient,
    pages: Browser,
    name: str,
    values: dict[str, Any],
    code: str,
    sentence: str,
) -> None:
    english = (await admin.post(f"{DATA}/sobjects/{name}", json=values)).json()[0]
    assert english["errorCode"] == code
    assert not _KANA.search(english["message"])
    for answer in (
        await agent.post(f"{DATA}/sobjects/{name}", json=values),
        await admin.post(f"{DATA}/sobjects/{name}", json=values, headers=JAPANESE),
        await pages.api("POST", f"data/v66.0/sobjects/{name}", json=values),
    ):
        assert (answer.status_code, answer.json()[0]["message"]) == (400, sentence)
        assert answer.json()[0]["fields"] == english["fields"]
    record = {"attributes": {"type": name}, **values}
    many = (await agent.post(f"{DATA}/composite/sobjects", json={"records": [record]})).json()
    assert many[0]["errors"][0] == {"statusCode": code, "message": sentence, "fields": english["fields"]}


async def test_a_taken_value_and_a_deleted_record_are_told_in_japanese(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    contact = await make(admin, "Contact", LastName="Gone")
    assert (await admin.delete(f"{DATA}/sobjects/Contact/{contact}")).status_code == 204
    gone = await agent.patch(f"{DATA}/sobjects/Contact/{contact}", json={"LastName": "Back"})
    assert gone.json()[0]["message"] == "エンティティは削除されています"
    user = (await admin.get(f"{DATA}/query", params={"q": "SELECT Id, ProfileId FROM User LIMIT 1"})).json()
    values = {
        "Username": ADMIN, "LastName": "Twin", "Alias": "twin", "Email": "a@b.example", "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "ja", "LocaleSidKey": "ja_JP", "TimeZoneSidKey": "Asia/Tokyo",
        "ProfileId": user["records"][0]["ProfileId"],
    }  # fmt: skip
    taken = await admin.post(f"{DATA}/sobjects/User", json=values, headers=JAPANESE)
    assert taken.json()[0]["message"].startswith(
        "重複する値が見つかりました: Username が次の ID のレコードの値と重複しています: 005"
    )


async def test_soap_takes_the_language_from_its_header(world: World, admin: httpx2.AsyncClient) -> None:
    token = world.tokens[ADMIN]["access_token"]

    async def refusal(locale: str) -> str:
        text = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">'
            f"<s:Header><p:SessionHeader><p:sessionId>{token}</p:sessionId></p:SessionHeader>{locale}</s:Header>"
            "<s:Body><p:convertLead><p:leadConverts><p:leadId>00Q000000000001</p:leadId>"
            "<p:convertedStatus>Closed - Converted</p:convertedStatus></p:leadConverts></p:convertLead></s:Body>"
            "</s:Envelope>"
        )
        answer = await admin.post(
            "/services/Soap/u/66.0", content=text, headers={"Content-Type": "text/xml", "SOAPAction": '""'}
        )
        return answer.text

    japanese = "<p:LocaleOptions><p:language>ja_JP</p:language></p:LocaleOptions>"
    assert "無効な相互参照 ID: 00Q000000000001" in await refusal(japanese)
    assert "invalid cross reference id: 00Q000000000001" in await refusal("")


async def test_one_answer_s_language_is_not_the_next_one_s(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    values = {"FirstName": "x"}
    for _ in range(2):
        japanese = await agent.post(f"{DATA}/sobjects/Contact", json=values)
        english = await admin.post(f"{DATA}/sobjects/Contact", json=values)
        assert japanese.json()[0]["message"] == "値を入力してください: [LastName]"
        assert english.json()[0]["message"] == "Required fields are missing: [LastName]"
    nobody = await admin.get(f"{DATA}/sobjects", headers={"Authorization": "Bearer none", **JAPANESE})
    assert nobody.json()[0]["message"] == "Session expired or invalid"

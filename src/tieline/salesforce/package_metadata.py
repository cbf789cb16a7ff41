"""What an org needs for us, as metadata to deploy, until the Salesforce package carries it.

`package` builds the zip of a `deployRequest`, `deploy` brings it into an org and waits. Every API name begins
with `Tieline_`, except fields of our own objects.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, cast
from xml.etree import ElementTree as Xml

import httpx2

from tieline.errors import TielineError
from tieline.salesforce.client import API_VERSION, answer_of
from tieline.salesforce.mapping import SESSION, SESSION_KEY, TASK_LINK

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
APP = "Tieline"
CALL_CENTER = "TielineContactCenter"
CALL_CENTER_LABEL = "Tieline Contact Center"
COUNTRY_CODE = "Tieline_Country_Code__c"
_BOUNDARY = "tieline-deploy-9b1c6f1e"
_DEPLOY_S = 300.0

Tree = Sequence[tuple[str, "str | Tree"]]
"""Elements in order: name and text, or name and children."""


class DeployFailed(TielineError):
    """The org refused the metadata. `params.problems` names component and problem."""

    code, status = "deploy_failed", 502


def package(adapter_url: str, callback_url: str, client_id: str, client_secret: str) -> bytes:
    """The zip: session history, country codes, the link on activities, the call center, the OAuth client.

    `adapter_url` is where the callbar is, `callback_url` where the org sends a connecting browser back to.
    """
    files = {
        f"objects/{SESSION}.object": _document("CustomObject", _session_history()),
        f"objects/{COUNTRY_CODE}.object": _document("CustomObject", _country_code()),
        "objects/Activity.object": _document(
            "CustomObject",
            [("fields", _field(TASK_LINK, "Contact center engagement", "Url"))],
        ),
        f"callCenters/{CALL_CENTER}.callCenter": _document("CallCenter", _call_center(adapter_url)),
        f"externalClientApps/{APP}.eca": _document(
            "ExternalClientApplication",
            [
                ("contactEmail", "contact-center@example.com"),
                ("description", "Connects the Tieline contact center to this org."),
                ("distributionState", "Local"),
                ("isProtected", "false"),
                ("label", APP),
            ],
        ),
        f"extlClntAppOauthSettings/{APP}_oauth.ecaOauth": _document(
            "ExtlClntAppOauthSettings",
            [
                ("commaSeparatedOauthScopes", "Api, RefreshToken, OpenID, Basic"),
                ("externalClientApplication", APP),
                ("label", f"{APP}_oauth"),
            ],
        ),
        f"extlClntAppGlobalOauthSets/{APP}_glbloauth.ecaGlblOauth": _document(
            "ExtlClntAppGlobalOauthSettings",
            [
                ("callbackUrl", callback_url),
                ("consumerKey", client_id),
                ("consumerSecret", client_secret),
                ("externalClientApplication", APP),
                ("isConsumerSecretOptional", "false"),
                ("isIntrospectAllTokens", "false"),
                ("isPkceRequired", "true"),
                ("isSecretRequiredForRefreshToken", "true"),
                ("label", f"{APP}_glbloauth"),
                ("shouldRotateConsumerKey", "false"),
                ("shouldRotateConsumerSecret", "false"),
            ],
        ),
        f"objectTranslations/{SESSION}-ja.objectTranslation": _document(
            "CustomObjectTranslation", _japanese("セッション履歴", _SESSION_JA, name_field="セッション")
        ),
        f"objectTranslations/{COUNTRY_CODE}-ja.objectTranslation": _document(
            "CustomObjectTranslation", _japanese("電話の国番号", _COUNTRY_CODE_JA)
        ),
        "objectTranslations/Activity-ja.objectTranslation": _document(
            "CustomObjectTranslation", _japanese(None, {TASK_LINK: "コンタクトセンターの通話"})
        ),
        "package.xml": _document(
            "Package",
            [
                *(
                    ("types", [*(("members", member) for member in members), ("name", kind)])
                    for kind, members in (
                        ("CustomObject", (SESSION, COUNTRY_CODE)),
                        ("CustomField", (f"Activity.{TASK_LINK}",)),
                        ("CallCenter", (CALL_CENTER,)),
                        (
                            "CustomObjectTranslation",
                            (f"{SESSION}-ja", f"{COUNTRY_CODE}-ja", "Activity-ja"),
                        ),
                        ("ExternalClientApplication", (APP,)),
                        ("ExtlClntAppOauthSettings", (f"{APP}_oauth",)),
                        ("ExtlClntAppGlobalOauthSettings", (f"{APP}_glbloauth",)),
                    )
                ),
                ("version", API_VERSION),
            ],
        ),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # One fixed date: the same input is the same zip.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


async def deploy(
    http: httpx2.AsyncClient, data_url: str, content: bytes, *, headers: Mapping[str, str] | None = None
) -> None:
    """Deploy a zip and wait until it stands, all of it or nothing.

    `data_url` is the API's base with its version, such as `https://X.my.salesforce.com/services/data/v66.0`;
    `headers` authorise. Raises `DeployFailed`, `CrmFailure`.
    """
    options = {"rollbackOnError": True, "singlePackage": True, "testLevel": "NoTestRun"}
    body = b"".join(
        (
            f"--{_BOUNDARY}\r\n".encode(),
            b'Content-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n',
            json.dumps({"deployOptions": options}).encode(),
            f"\r\n--{_BOUNDARY}\r\n".encode(),
            b'Content-Disposition: form-data; name="file"; filename="deploy.zip"\r\n',
            b"Content-Type: application/zip\r\n\r\n",
            content,
            f"\r\n--{_BOUNDARY}--\r\n".encode(),
        )
    )
    given = dict(headers or {})
    answer = await answer_of(
        http,
        "POST",
        data_url + "/metadata/deployRequest",
        content=body,
        headers={**given, "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"},
    )
    deploy_id = str(answer["id"])
    wait = 0.05
    async with asyncio.timeout(_DEPLOY_S):
        while True:
            answer = await answer_of(
                http,
                "GET",
                f"{data_url}/metadata/deployRequest/{deploy_id}",
                params={"includeDetails": "true"},
                headers=given,
            )
            result = cast("dict[str, Any]", answer.get("deployResult") or {})
            if result.get("done"):
                break
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)
    if result.get("status") != "Succeeded":
        failures = (result.get("details") or {}).get("componentFailures") or []
        problems = [f"{failure.get('fullName')}: {failure.get('problem')}" for failure in failures[:20]] or [
            str(result.get("errorMessage") or result.get("status"))
        ]
        raise DeployFailed("; ".join(problems), problems=problems)


_SESSION_JA = {
    SESSION_KEY: "通話 ID",
    "Direction__c": "方向",
    "Number__c": "電話番号",
    "Queue__c": "キュー",
    "Agent__c": "エージェント",
    "Agent_User__c": "エージェント（ユーザー）",
    "Arrived_At__c": "着信日時",
    "Answered_At__c": "応答日時",
    "Ended_At__c": "終了日時",
    "Waited_Seconds__c": "待ち時間（秒）",
    "Talked_Seconds__c": "通話時間（秒）",
    "Held_Seconds__c": "保留時間（秒）",
    "Outcome__c": "結果",
    "End_Cause__c": "終了理由",
    "Disposition__c": "対応結果",
    "Notes__c": "メモ",
    "Contact__c": "取引先責任者",
    "Lead__c": "リード",
    "Account__c": "取引先",
    "Task_Id__c": "ToDo",
    "Link__c": "リンク",
}
_COUNTRY_CODE_JA = {"Code__c": "国番号", "Order__c": "順序"}


def _japanese(label: str | None, fields: Mapping[str, str], *, name_field: str | None = None) -> Tree:
    """The Japanese labels of an object and its fields; Japanese has no plural form of its own."""
    cases: list[tuple[str, str | Tree]] = [
        ("caseValues", [("plural", plural), ("value", label)]) for plural in ("false", "true") if label
    ]
    return [
        *cases,
        *(("fields", [("label", text), ("name", name)]) for name, text in fields.items()),
        *([("nameFieldLabel", name_field)] if name_field else []),
    ]


def _session_history() -> Tree:
    return [
        ("deploymentStatus", "Deployed"),
        ("description", "One record for each engagement of the contact center."),
        ("enableReports", "true"),
        # A search for a number is for people: call logs that hold it too would hide them.
        ("enableSearch", "false"),
        ("fields", _field(SESSION_KEY, "Engagement", "Text", length="36", external=True)),
        ("fields", _field("Direction__c", "Direction", "Text", length="20")),
        ("fields", _field("Number__c", "Number", "Phone")),
        ("fields", _field("Queue__c", "Queue", "Text", length="80")),
        ("fields", _field("Agent__c", "Agent", "Text", length="120")),
        ("fields", _lookup("Agent_User__c", "Agent User", "User", "Tieline_Sessions")),
        ("fields", _field("Arrived_At__c", "Arrived At", "DateTime")),
        ("fields", _field("Answered_At__c", "Answered At", "DateTime")),
        ("fields", _field("Ended_At__c", "Ended At", "DateTime")),
        *(
            ("fields", _field(name, label, "Number", precision="9", scale="0"))
            for name, label in (
                ("Waited_Seconds__c", "Waited (Seconds)"),
                ("Talked_Seconds__c", "Talked (Seconds)"),
                ("Held_Seconds__c", "On Hold (Seconds)"),
            )
        ),
        ("fields", _field("Outcome__c", "Outcome", "Text", length="40")),
        ("fields", _field("End_Cause__c", "End Cause", "Text", length="40")),
        ("fields", _field("Disposition__c", "Disposition", "Text", length="255")),
        ("fields", _field("Notes__c", "Notes", "LongTextArea", length="32000", visibleLines="5")),
        ("fields", _lookup("Contact__c", "Contact", "Contact", "Tieline_Sessions")),
        ("fields", _lookup("Lead__c", "Lead", "Lead", "Tieline_Sessions")),
        ("fields", _lookup("Account__c", "Account", "Account", "Tieline_Sessions")),
        ("fields", _field("Task_Id__c", "Task", "Text", length="18")),
        ("fields", _field("Link__c", "Link", "Url")),
        ("label", "Session History"),
        ("nameField", [("label", "Session"), ("type", "Text")]),
        ("pluralLabel", "Session History"),
        ("sharingModel", "ReadWrite"),
    ]


def _country_code() -> Tree:
    return [
        ("customSettingsType", "List"),
        ("description", "Dialling codes by which callers' numbers are looked up."),
        ("fields", _field("Code__c", "Code", "Text", length="4")),
        ("fields", _field("Order__c", "Order", "Number", precision="3", scale="0")),
        ("label", "Phone Country Code"),
        ("visibility", "Public"),
    ]


def _call_center(adapter_url: str) -> Tree:
    def section(name: str, label: str, items: Sequence[tuple[str, str, str]]) -> tuple[str, Tree]:
        return (
            "sections",
            [
                *(
                    ("items", [("label", item_label), ("name", item), ("value", value)])
                    for item, item_label, value in items
                ),
                ("label", label),
                ("name", name),
            ],
        )

    return [
        ("adapterUrl", adapter_url),
        ("displayName", CALL_CENTER_LABEL),
        ("displayNameLabel", "Display Name"),
        ("internalNameLabel", "Internal Name"),
        section(
            "reqGeneralInfo",
            "General Information",
            [
                ("reqAdapterUrl", "CTI Adapter URL", adapter_url),
                ("reqUseApi", "Use CTI API", "true"),
                ("reqSoftphoneHeight", "Softphone Height", "680"),
                ("reqSoftphoneWidth", "Softphone Width", "700"),
                (
                    "reqSalesforceCompatibilityMode",
                    "Salesforce Compatibility Mode",
                    "Classic_and_Lightning",
                ),
            ],
        ),
        section(
            "reqDialingOptions",
            "Dialing Options",
            [
                ("reqOutsidePrefix", "Outside Prefix", "9"),
                ("reqLongDistPrefix", "Long Distance Prefix", "1"),
                ("reqInternationalPrefix", "International Prefix", "01"),
            ],
        ),
    ]


def _field(name: str, label: str, kind: str, *, external: bool = False, **more: str) -> Tree:
    fields = {"fullName": name, "label": label, "type": kind, "required": "false", **more}
    if external:
        fields |= {"externalId": "true", "unique": "true", "caseSensitive": "false", "required": "true"}
    if kind in ("LongTextArea",):
        del fields["required"]
    # The schema is a sequence: names in alphabetical order after fullName.
    return [("fullName", name), *sorted((k, v) for k, v in fields.items() if k != "fullName")]


def _lookup(name: str, label: str, to: str, relationship: str) -> Tree:
    return _field(
        name,
        label,
        "Lookup",
        deleteConstraint="SetNull",
        referenceTo=to,
        relationshipLabel="Session History",
        relationshipName=relationship,
    )


def _document(root: str, tree: Tree) -> bytes:
    element = Xml.Element(root, {"xmlns": NAMESPACE})
    _fill(element, tree)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(element, encoding="utf-8")


def _fill(element: Xml.Element, tree: Tree) -> None:
    for name, value in tree:
        child = Xml.SubElement(element, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)

# ruff: noqa: E501 - a table: one field, one line
"""The standard objects that people work with, as data: names, types, lengths and labels as Salesforce documents them.

Provisioning writes these and `standard_setup.py` into the registry; from then on the registry is the truth. A later
release adds objects or fields here and a migration that installs what is missing.
"""

from __future__ import annotations

from .fields import (
    address,
    description,
    field,
    name_field,
    object_type,
    owner_field,
    person_name_fields,
    phone,
    pick,
    plain_address,
    read_only,
    ref,
)
from .metadata import Field, ObjectType
from .standard_setup import SETUP_OBJECTS

_SOURCES = pick(
    "Web", ("Phone Inquiry", "電話問い合わせ"), ("Partner Referral", "パートナーからの紹介"),
    ("Purchased List", "購入リスト"), ("Other", "その他"),
)  # fmt: skip
_INDUSTRIES = pick(
    ("Agriculture", "農業"), ("Banking", "銀行"), ("Communications", "通信"), ("Consulting", "コンサルティング"),
    ("Education", "教育"), ("Electronics", "電子"), ("Energy", "エネルギー"), ("Finance", "金融"),
    ("Government", "政府機関"), ("Healthcare", "医療"), ("Hospitality", "ホスピタリティ"), ("Insurance", "保険"),
    ("Manufacturing", "製造"), ("Media", "メディア"), ("Retail", "小売"), ("Technology", "テクノロジ"),
    ("Telecommunications", "電気通信"), ("Transportation", "運輸"), ("Utilities", "公共事業"), ("Other", "その他"),
)  # fmt: skip
_RATINGS = pick("Hot", "Warm", "Cold")
_PRIORITIES = pick(("High", "高"), ("Normal", "中"), ("Low", "低"), default="Normal")


def _activity_fields(*, queues: bool) -> list[Field]:
    return [
        ref("WhoId", ("Contact", "Lead"), "Name ID", "名前 ID", relationship="Who", child_relationship="Tasks", on_delete="cascade"),
        ref("WhatId", (), "Related To ID", "関連先 ID", relationship="What", child_relationship="Tasks", on_delete="cascade"),
        field("Subject", "combobox", "Subject", "件名", 255, name_field=True, picklist=pick(("Call", "電話"), ("Email", "メール"), ("Other", "その他"))),
        ref("AccountId", "Account", "Account ID", "取引先 ID", createable=False, updateable=False, calculated=True),
        field("ActivityDate", "date", "Due Date Only", "期日のみ"),
        description("Comments", "コメント"),
        field("IsReminderSet", "boolean", "Reminder Set", "アラーム設定"),
        field("ReminderDateTime", "datetime", "Reminder Date/Time", "アラーム日時"),
        owner_field(queues=queues),
    ]  # fmt: skip


STANDARD_OBJECTS: tuple[ObjectType, ...] = (
    *SETUP_OBJECTS,
    object_type("Account", "001", ("Account", "Accounts", "取引先"), [
        name_field(255, "Account Name", "取引先名"),
        field("Type", "picklist", "Account Type", "種別", 255, picklist=pick(("Prospect", "見込み客"), ("Customer", "顧客"), ("Partner", "パートナー"), ("Other", "その他"))),
        ref("ParentId", "Account", "Parent Account ID", "親取引先 ID", child_relationship="ChildAccounts"),
        phone("Phone", "Account Phone", "電話"),
        phone("Fax", "Account Fax", "Fax"),
        field("AccountNumber", "string", "Account Number", "取引先番号", 40),
        field("AccountSource", "picklist", "Account Source", "取引先ソース", 255, picklist=_SOURCES),
        field("Website", "url", "Website", "Web サイト", 255),
        field("Site", "string", "Account Site", "取引先部門", 80),
        field("Sic", "string", "SIC Code", "産業コード", 20),
        field("SicDesc", "string", "SIC Description", "産業分類", 80),
        field("TickerSymbol", "string", "Ticker Symbol", "株式コード", 20),
        field("Ownership", "picklist", "Ownership", "会社形態", 255, picklist=pick(("Public", "上場"), ("Private", "非上場"), ("Subsidiary", "子会社"), ("Other", "その他"))),
        field("Rating", "picklist", "Account Rating", "評価", 255, picklist=_RATINGS),
        field("Industry", "picklist", "Industry", "業種", 255, picklist=_INDUSTRIES),
        field("AnnualRevenue", "currency", "Annual Revenue", "年間売上", precision=18),
        field("NumberOfEmployees", "int", "Employees", "従業員数"),
        *address("Billing", "Billing", "請求先"),
        *address("Shipping", "Shipping", "納入先"),
        description("Account Description", "説明"),
        owner_field(),
    ], searchable=True, activities=True),
    object_type("Contact", "003", ("Contact", "Contacts", "取引先責任者"), [
        *person_name_fields(),
        ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Contacts", on_delete="cascade"),
        field("Title", "string", "Title", "役職", 128),
        field("Department", "string", "Department", "部署", 80),
        phone("Phone", "Business Phone", "電話"),
        phone("MobilePhone", "Mobile Phone", "携帯"),
        phone("HomePhone", "Home Phone", "自宅電話"),
        phone("OtherPhone", "Other Phone", "その他の電話"),
        phone("AssistantPhone", "Asst. Phone", "アシスタント電話"),
        phone("Fax", "Business Fax", "Fax"),
        field("Email", "email", "Email", "メール", 80),
        field("AssistantName", "string", "Assistant's Name", "アシスタント", 40),
        ref("ReportsToId", "Contact", "Reports To ID", "上司 ID", relationship="ReportsTo"),
        field("LeadSource", "picklist", "Lead Source", "リードソース", 255, picklist=_SOURCES),
        field("Birthdate", "date", "Birthdate", "誕生日"),
        field("DoNotCall", "boolean", "Do Not Call", "電話禁止"),
        field("HasOptedOutOfEmail", "boolean", "Email Opt Out", "メール送信除外"),
        field("HasOptedOutOfFax", "boolean", "Fax Opt Out", "Fax 送信除外"),
        *address("Mailing", "Mailing", "郵送先"),
        *address("Other", "Other", "その他"),
        description("Contact Description", "説明"),
        owner_field(),
    ], searchable=True, activities=True),
    object_type("Lead", "00Q", ("Lead", "Leads", "リード"), [
        *person_name_fields(),
        field("Company", "string", "Company", "会社名", 255, required=True),
        field("Title", "string", "Title", "役職", 128),
        phone("Phone", "Phone", "電話"),
        phone("MobilePhone", "Mobile Phone", "携帯"),
        phone("Fax", "Fax", "Fax"),
        field("Email", "email", "Email", "メール", 80),
        field("Website", "url", "Website", "Web サイト", 255),
        field("LeadSource", "picklist", "Lead Source", "リードソース", 255, picklist=_SOURCES),
        field("Status", "picklist", "Status", "リード状況", 255, required=True, picklist=pick(
            ("Open - Not Contacted", "未コンタクト"), ("Working - Contacted", "コンタクト済み"),
            ("Closed - Converted", "取引開始済み"), ("Closed - Not Converted", "終了 - 取引なし"), default="Open - Not Contacted")),
        field("Industry", "picklist", "Industry", "業種", 255, picklist=_INDUSTRIES),
        field("Rating", "picklist", "Rating", "評価", 255, picklist=_RATINGS),
        field("AnnualRevenue", "currency", "Annual Revenue", "年間売上", precision=18),
        field("NumberOfEmployees", "int", "Employees", "従業員数"),
        field("DoNotCall", "boolean", "Do Not Call", "電話禁止"),
        field("HasOptedOutOfEmail", "boolean", "Email Opt Out", "メール送信除外"),
        field("HasOptedOutOfFax", "boolean", "Fax Opt Out", "Fax 送信除外"),
        field("IsUnreadByOwner", "boolean", "Unread By Owner", "所有者未読", default=True),
        field("IsConverted", "boolean", "Converted", "取引の開始済み", createable=False, updateable=False),
        *plain_address(),
        description("Description", "説明"),
        owner_field(queues=True),
    ], searchable=True, activities=True),
    object_type("Opportunity", "006", ("Opportunity", "Opportunities", "商談"), [
        name_field(120, "Name", "商談名"),
        ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Opportunities", on_delete="cascade"),
        field("StageName", "picklist", "Stage", "フェーズ", 255, required=True, picklist=pick(
            ("Prospecting", "見込み"), ("Qualification", "評価"), ("Proposal/Price Quote", "提案"),
            ("Negotiation/Review", "交渉"), ("Closed Won", "成立"), ("Closed Lost", "不成立"))),
        field("Amount", "currency", "Amount", "金額", precision=18, scale=2),
        field("CloseDate", "date", "Close Date", "完了予定日", required=True),
        field("Probability", "percent", "Probability (%)", "確度 (%)", precision=3),
        read_only("ExpectedRevenue", "currency", "Expected Amount", "期待収益", precision=18, scale=2, calculated=True),
        field("TotalOpportunityQuantity", "double", "Quantity", "数量", precision=18, scale=2),
        field("Type", "picklist", "Opportunity Type", "種別", 255, picklist=pick(("Existing Business", "既存ビジネス"), ("New Business", "新規ビジネス"))),
        field("NextStep", "string", "Next Step", "次のステップ", 255),
        field("LeadSource", "picklist", "Lead Source", "リードソース", 255, picklist=_SOURCES),
        read_only("IsClosed", "boolean", "Closed", "完了フラグ", calculated=True),
        read_only("IsWon", "boolean", "Won", "成立フラグ", calculated=True),
        read_only("ForecastCategory", "picklist", "Forecast Category", "売上予測分類", 40, calculated=True, picklist=pick(("Pipeline", "パイプライン"), ("Closed", "完了"), ("Omitted", "除外"))),
        description(),
        owner_field(),
    ], searchable=True, activities=True),
    object_type("Case", "500", ("Case", "Cases", "ケース"), [
        field("CaseNumber", "string", "Case Number", "ケース番号", 30, required=True, createable=False, updateable=False, name_field=True, auto_number="{00000000}"),
        ref("ContactId", "Contact", "Contact ID", "取引先責任者 ID", child_relationship="Cases"),
        ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Cases"),
        field("Subject", "string", "Subject", "件名", 255),
        field("Status", "picklist", "Status", "状況", 255, picklist=pick(("New", "新規"), ("Working", "対応中"), ("Escalated", "エスカレーション済み"), ("Closed", "クローズ"), default="New")),
        field("Priority", "picklist", "Priority", "優先度", 255, picklist=pick(("High", "高"), ("Medium", "中"), ("Low", "低"), default="Medium")),
        field("Origin", "picklist", "Case Origin", "発生源", 255, picklist=pick(("Phone", "電話"), ("Email", "メール"), "Web")),
        ref("ParentId", "Case", "Parent Case ID", "親ケース ID", child_relationship="Cases"),
        field("Type", "picklist", "Case Type", "種別", 255, picklist=pick(("Question", "質問"), ("Problem", "問題"), ("Feature Request", "機能要望"))),
        field("Reason", "picklist", "Case Reason", "原因", 255, picklist=pick(("Installation", "導入"), ("User Education", "利用方法"), ("Performance", "性能"), ("Breakdown", "故障"), ("Other", "その他"))),
        field("SuppliedName", "string", "Name", "Web 名前", 80),
        field("SuppliedEmail", "email", "Email Address", "Web メール", 80),
        field("SuppliedCompany", "string", "Company", "Web 会社名", 80),
        field("SuppliedPhone", "string", "Company Phone", "Web 電話", 40),
        field("IsEscalated", "boolean", "Escalated", "エスカレーション済み"),
        read_only("ClosedDate", "datetime", "Closed Date", "クローズ日時", calculated=True),
        field("IsClosed", "boolean", "Closed", "クローズ済み", createable=False, updateable=False, calculated=True),
        description(),
        owner_field(queues=True),
    ], searchable=True, activities=True),
    object_type("Task", "00T", ("Task", "Tasks", "ToDo"), [
        *_activity_fields(queues=True),
        field("Status", "picklist", "Status", "状況", 255, required=True, picklist=pick(
            ("Not Started", "未着手"), ("In Progress", "進行中"), ("Completed", "完了"),
            ("Waiting on someone else", "他者待ち"), ("Deferred", "延期"), default="Not Started")),
        field("Priority", "picklist", "Priority", "優先度", 255, required=True, picklist=_PRIORITIES),
        field("Type", "picklist", "Type", "種別", 40, picklist=pick(("Call", "電話"), ("Email", "メール"), ("Meeting", "打ち合わせ"), ("Other", "その他"))),
        read_only("IsClosed", "boolean", "Closed", "完了", calculated=True),
        read_only("IsHighPriority", "boolean", "High Priority", "優先度 高", calculated=True),
        field("CompletedDateTime", "datetime", "Completed Date/Time", "完了日時", createable=False, updateable=False, calculated=True),
        field("TaskSubtype", "picklist", "Task Subtype", "ToDo サブタイプ", 40, updateable=False, restricted=True,
               picklist=pick(("Task", "ToDo"), ("Email", "メール"), "LinkedIn", ("ListEmail", "リストメール"), ("Cadence", "ケイデンス"), ("Call", "電話"), default="Task")),
        field("CallDurationInSeconds", "int", "Call Duration", "通話時間"),
        field("CallType", "picklist", "Call Type", "コール種別", 40, restricted=True, picklist=pick(("Internal", "内部"), ("Inbound", "着信"), ("Outbound", "発信"))),
        field("CallDisposition", "string", "Call Result", "コール結果", 255),
        field("CallObject", "string", "Call Object Identifier", "コールオブジェクト識別子", 255),
        field("IsArchived", "boolean", "Archived", "アーカイブ済み", createable=False, updateable=False),
    ]),
    object_type("Event", "00U", ("Event", "Events", "行動"), [
        *_activity_fields(queues=False),
        field("Location", "string", "Location", "場所", 255),
        field("StartDateTime", "datetime", "Start Date Time", "開始日時", required=True),
        field("EndDateTime", "datetime", "End Date Time", "終了日時"),
        field("DurationInMinutes", "int", "Duration", "期間"),
        field("IsAllDayEvent", "boolean", "All-Day Event", "終日"),
        field("IsPrivate", "boolean", "Private", "非公開"),
        field("ShowAs", "picklist", "Show Time As", "公開方法", 40, picklist=pick(("Busy", "予定あり"), ("OutOfOffice", "外出"), ("Free", "予定なし"), default="Busy")),
        field("Type", "picklist", "Type", "種別", 40, picklist=pick(("Call", "電話"), ("Email", "メール"), ("Meeting", "打ち合わせ"), ("Other", "その他"))),
        field("IsArchived", "boolean", "Archived", "アーカイブ済み", createable=False, updateable=False),
    ]),
)  # fmt: skip

TASK_STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")
CLOSED_TASK_STATUSES = frozenset({"Completed"})

STAGES: dict[str, tuple[float, bool, bool, str]] = {
    "Prospecting": (10, False, False, "Pipeline"),
    "Qualification": (10, False, False, "Pipeline"),
    "Proposal/Price Quote": (75, False, False, "Pipeline"),
    "Negotiation/Review": (90, False, False, "Pipeline"),
    "Closed Won": (100, True, True, "Closed"),
    "Closed Lost": (0, True, False, "Omitted"),
}
"""What a stage says of an opportunity: probability in percent, closed, won, forecast category."""

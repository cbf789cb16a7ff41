# ruff: noqa: E501 - a table: one field, one line
"""The standard objects of an org, as data: names, types, lengths and labels as Salesforce documents them.

Provisioning writes these into the registry once; from then on the registry is the truth. A later release adds
objects or fields here and a migration that installs what is missing.
"""

from __future__ import annotations

from typing import Any

from .metadata import Field, FieldType, ObjectType, PicklistValue


def _field(
    name: str, type_: FieldType, label: str, label_ja: str | None = None, length: int = 0, **more: Any
) -> Field:
    return Field(name=name, type=type_, label=label, label_ja=label_ja, length=length, **more)


def _pick(*values: str | tuple[str, str], default: str | None = None) -> tuple[PicklistValue, ...]:
    found: list[PicklistValue] = []
    for value in values:
        text, ja = (value, None) if isinstance(value, str) else value
        found.append(PicklistValue(text, text, ja, text == default))
    return tuple(found)


def _ref(name: str, to: str | tuple[str, ...], label: str, label_ja: str | None = None, **more: Any) -> Field:
    relationship = more.pop("relationship", name.removesuffix("Id"))
    targets = (to,) if isinstance(to, str) else to
    return Field(
        name=name,
        type="reference",
        label=label,
        label_ja=label_ja,
        length=18,
        reference_to=targets,
        relationship=relationship,
        **more,
    )


def id_field() -> Field:
    """`Id`, first of every object."""
    return _field(
        "Id", "id", "Record ID", "レコード ID", 18, required=True, createable=False, updateable=False
    )


def system_fields() -> list[Field]:
    """Who made and changed a record, and when; the org writes them."""
    common: dict[str, Any] = {"createable": False, "updateable": False, "required": True}
    return [
        _field("IsDeleted", "boolean", "Deleted", "削除", **common),
        _field("CreatedDate", "datetime", "Created Date", "作成日", **common),
        _ref("CreatedById", "User", "Created By ID", "作成者 ID", relationship="CreatedBy", on_delete="keep", **common),
        _field("LastModifiedDate", "datetime", "Last Modified Date", "最終更新日", **common),
        _ref(
            "LastModifiedById", "User", "Last Modified By ID", "最終更新者 ID",
            relationship="LastModifiedBy", on_delete="keep", **common,
        ),
        _field("SystemModstamp", "datetime", "System Modstamp", "システム Modstamp", **common),
    ]  # fmt: skip


def owner_field() -> Field:
    """`OwnerId`; the creator unless the request says otherwise."""
    return _ref("OwnerId", "User", "Owner ID", "所有者 ID", relationship="Owner", on_delete="keep")


def name_field(length: int = 255, label: str = "Name", label_ja: str = "名前", **more: Any) -> Field:
    """`Name`, which people read."""
    return _field("Name", "string", label, label_ja, length, name_field=True, **({"required": True} | more))


def _phone(name: str, label: str, label_ja: str) -> Field:
    return _field(name, "phone", label, label_ja, 40)


def _address(prefix: str, label: str, label_ja: str) -> list[Field]:
    return [
        _field(
            f"{prefix}Street", "textarea", f"{label} Street", f"町名・番地 ({label_ja})", 255, multiline=True
        ),
        _field(f"{prefix}City", "string", f"{label} City", f"市区郡 ({label_ja})", 40),
        _field(f"{prefix}State", "string", f"{label} State/Province", f"都道府県 ({label_ja})", 80),
        _field(f"{prefix}PostalCode", "string", f"{label} Zip/Postal Code", f"郵便番号 ({label_ja})", 20),
        _field(f"{prefix}Country", "string", f"{label} Country", f"国 ({label_ja})", 80),
    ]


def _person_name(salutation: bool = True) -> list[Field]:
    fields = [
        _field("LastName", "string", "Last Name", "姓", 80, required=True),
        _field("FirstName", "string", "First Name", "名", 40),
    ]
    if salutation:
        values = _pick("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
        fields.append(_field("Salutation", "picklist", "Salutation", "敬称", 40, picklist=values))
    fields.append(
        name_field(
            121, "Full Name", "氏名", createable=False, updateable=False, calculated=True, required=True
        )
    )
    return fields


_DESCRIPTION_LENGTH = 32_000


def _description(label: str = "Description", label_ja: str = "説明") -> Field:
    return _field(
        "Description", "textarea", label, label_ja, _DESCRIPTION_LENGTH, multiline=True, filterable=False
    )


_SOURCES = _pick(
    "Web", ("Phone Inquiry", "電話問い合わせ"), ("Partner Referral", "パートナーからの紹介"),
    ("Purchased List", "購入リスト"), ("Other", "その他"),
)  # fmt: skip
_INDUSTRIES = _pick(
    ("Agriculture", "農業"), ("Banking", "銀行"), ("Communications", "通信"), ("Consulting", "コンサルティング"),
    ("Education", "教育"), ("Electronics", "電子"), ("Energy", "エネルギー"), ("Finance", "金融"),
    ("Government", "政府機関"), ("Healthcare", "医療"), ("Hospitality", "ホスピタリティ"), ("Insurance", "保険"),
    ("Manufacturing", "製造"), ("Media", "メディア"), ("Retail", "小売"), ("Technology", "テクノロジ"),
    ("Telecommunications", "電気通信"), ("Transportation", "運輸"), ("Utilities", "公共事業"), ("Other", "その他"),
)  # fmt: skip
_PRIORITIES = _pick(("High", "高"), ("Normal", "中"), ("Low", "低"), default="Normal")
_LANGUAGES = _pick(("en_US", "英語"), ("ja", "日本語"), default="en_US")


def _object(
    name: str, prefix: str, labels: tuple[str, str, str], fields: list[Field], **more: Any
) -> ObjectType:
    everything = [id_field(), *fields, *system_fields()]
    return ObjectType(
        name=name,
        label=labels[0],
        label_plural=labels[1],
        label_ja=labels[2],
        label_plural_ja=labels[2],
        key_prefix=prefix,
        fields={value.name: value for value in everything},
        **more,
    )


def _activity_fields() -> list[Field]:
    return [
        _ref("WhoId", ("Contact", "Lead"), "Name ID", "名前 ID", relationship="Who", child_relationship="Tasks", on_delete="cascade"),
        _ref("WhatId", (), "Related To ID", "関連先 ID", relationship="What", child_relationship="Tasks", on_delete="cascade"),
        _field("Subject", "combobox", "Subject", "件名", 255, name_field=True, picklist=_pick(("Call", "電話"), ("Email", "メール"), ("Other", "その他"))),
        _ref("AccountId", "Account", "Account ID", "取引先 ID", createable=False, updateable=False, calculated=True),
        _field("ActivityDate", "date", "Due Date Only", "期日のみ"),
        _description("Comments", "コメント"),
        owner_field(),
    ]  # fmt: skip


STANDARD_OBJECTS: tuple[ObjectType, ...] = (
    _object("Organization", "00D", ("Organization", "Organizations", "組織"), [
        name_field(80, "Name", "組織名"),
        _field("PrimaryContact", "string", "Primary Contact", "主取引先責任者", 80),
        _phone("Phone", "Phone", "電話"),
        _field("LanguageLocaleKey", "picklist", "Language", "言語", 40, picklist=_LANGUAGES, restricted=True),
        _field("DefaultLocaleSidKey", "string", "Locale", "ロケール", 40),
        _field("TimeZoneSidKey", "string", "Time Zone", "タイムゾーン", 40),
        _field("OrganizationType", "string", "Edition", "エディション", 40, createable=False, updateable=False),
        _field("InstanceName", "string", "Instance Name", "インスタンス名", 5, createable=False, updateable=False),
        _field("IsSandbox", "boolean", "Is Sandbox", "Sandbox", createable=False, updateable=False),
        _field("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15, createable=False, updateable=False),
        _field("TrialExpirationDate", "datetime", "Trial Expiration Date", "試用期限", createable=False, updateable=False),
    ], setup=True, createable=False, deletable=False),
    _object("Profile", "00e", ("Profile", "Profiles", "プロファイル"), [
        name_field(255, "Name", "名前", unique=True),
        _field("UserType", "picklist", "User Type", "ユーザータイプ", 40, picklist=_pick("Standard")),
        _field("Description", "string", "Description", "説明", 255),
        _field("PermissionsModifyAllData", "boolean", "Modify All Data", "すべてのデータの編集"),
        _field("PermissionsApiEnabled", "boolean", "API Enabled", "API の有効化", default=True),
    ], setup=True, createable=False, updateable=False, deletable=False),
    _object("PermissionSet", "0PS", ("Permission Set", "Permission Sets", "権限セット"), [
        _field("Name", "string", "Permission Set Name", "API 参照名", 80, required=True, unique=True, name_field=True),
        _field("Label", "string", "Permission Set Label", "権限セットの表示ラベル", 80, required=True),
        _field("Description", "string", "Description", "説明", 255),
        _ref("ProfileId", "Profile", "Profile ID", "プロファイル ID", createable=False, updateable=False),
        _field("IsOwnedByProfile", "boolean", "Is Owned By Profile", "プロファイルが所有", createable=False, updateable=False),
    ], setup=True),
    _object("CallCenter", "04v", ("Call Center", "Call Centers", "コールセンター"), [
        name_field(80, "Name", "表示名"),
        _field("InternalName", "string", "Internal Name", "内部名", 80, required=True, unique=True, updateable=False),
        _field("AdapterUrl", "string", "Adapter URL", "アダプター URL", 2000),
        _field("CustomSettings", "textarea", "Custom Settings", "カスタム設定", 131_072, multiline=True, filterable=False),
        _field("Version", "double", "Version", "バージョン", precision=4, scale=2),
    ], setup=True, updateable=False, deletable=False),
    _object("User", "005", ("User", "Users", "ユーザー"), [
        _field("Username", "string", "Username", "ユーザー名", 80, required=True, unique=True),
        *_person_name(salutation=False),
        _field("CompanyName", "string", "Company Name", "会社名", 80),
        _field("Title", "string", "Title", "役職", 80),
        _field("Department", "string", "Department", "部署", 80),
        _field("Email", "email", "Email", "メール", 128, required=True),
        _phone("Phone", "Phone", "電話"),
        _phone("MobilePhone", "Mobile", "携帯"),
        _phone("Extension", "Extension", "内線"),
        _phone("Fax", "Fax", "Fax"),
        _field("Alias", "string", "Alias", "別名", 8, required=True),
        _field("CommunityNickname", "string", "Nickname", "ニックネーム", 40),
        _field("IsActive", "boolean", "Active", "有効", default=True),
        _field("TimeZoneSidKey", "picklist", "Time Zone", "タイムゾーン", 40, required=True),
        _field("LocaleSidKey", "picklist", "Locale", "ロケール", 40, required=True),
        _field("LanguageLocaleKey", "picklist", "Language", "言語", 40, required=True, picklist=_LANGUAGES, restricted=True),
        _field("EmailEncodingKey", "picklist", "Email Encoding", "メールの文字コード", 40, required=True, picklist=_pick("UTF-8", default="UTF-8")),
        _ref("ProfileId", "Profile", "Profile ID", "プロファイル ID", required=True, on_delete="restrict"),
        _field("UserType", "picklist", "User Type", "ユーザータイプ", 40, picklist=_pick("Standard"), createable=False, updateable=False),
        _ref("CallCenterId", "CallCenter", "Call Center ID", "コールセンター ID"),
        _field("LastLoginDate", "datetime", "Last Login", "最終ログイン", createable=False, updateable=False),
    ], setup=True, deletable=False, searchable=True),
    _object("Account", "001", ("Account", "Accounts", "取引先"), [
        name_field(255, "Account Name", "取引先名"),
        _field("Type", "picklist", "Account Type", "種別", 255, picklist=_pick(("Prospect", "見込み客"), ("Customer", "顧客"), ("Partner", "パートナー"), ("Other", "その他"))),
        _ref("ParentId", "Account", "Parent Account ID", "親取引先 ID", child_relationship="ChildAccounts"),
        _phone("Phone", "Account Phone", "電話"),
        _phone("Fax", "Account Fax", "Fax"),
        _field("AccountNumber", "string", "Account Number", "取引先番号", 40),
        _field("Website", "url", "Website", "Web サイト", 255),
        _field("Industry", "picklist", "Industry", "業種", 255, picklist=_INDUSTRIES),
        _field("AnnualRevenue", "currency", "Annual Revenue", "年間売上", precision=18),
        _field("NumberOfEmployees", "int", "Employees", "従業員数"),
        *_address("Billing", "Billing", "請求先"),
        *_address("Shipping", "Shipping", "納入先"),
        _description("Account Description", "説明"),
        owner_field(),
    ], searchable=True, activities=True),
    _object("Contact", "003", ("Contact", "Contacts", "取引先責任者"), [
        *_person_name(),
        _ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Contacts", on_delete="cascade"),
        _field("Title", "string", "Title", "役職", 128),
        _field("Department", "string", "Department", "部署", 80),
        _phone("Phone", "Business Phone", "電話"),
        _phone("MobilePhone", "Mobile Phone", "携帯"),
        _phone("HomePhone", "Home Phone", "自宅電話"),
        _phone("OtherPhone", "Other Phone", "その他の電話"),
        _phone("AssistantPhone", "Asst. Phone", "アシスタント電話"),
        _phone("Fax", "Business Fax", "Fax"),
        _field("Email", "email", "Email", "メール", 80),
        _field("AssistantName", "string", "Assistant's Name", "アシスタント", 40),
        _ref("ReportsToId", "Contact", "Reports To ID", "上司 ID", relationship="ReportsTo"),
        _field("LeadSource", "picklist", "Lead Source", "リードソース", 255, picklist=_SOURCES),
        _field("Birthdate", "date", "Birthdate", "誕生日"),
        *_address("Mailing", "Mailing", "郵送先"),
        _description("Contact Description", "説明"),
        owner_field(),
    ], searchable=True, activities=True),
    _object("Lead", "00Q", ("Lead", "Leads", "リード"), [
        *_person_name(),
        _field("Company", "string", "Company", "会社名", 255, required=True),
        _field("Title", "string", "Title", "役職", 128),
        _phone("Phone", "Phone", "電話"),
        _phone("MobilePhone", "Mobile Phone", "携帯"),
        _phone("Fax", "Fax", "Fax"),
        _field("Email", "email", "Email", "メール", 80),
        _field("Website", "url", "Website", "Web サイト", 255),
        _field("LeadSource", "picklist", "Lead Source", "リードソース", 255, picklist=_SOURCES),
        _field("Status", "picklist", "Status", "リード状況", 255, required=True, picklist=_pick(
            ("Open - Not Contacted", "未コンタクト"), ("Working - Contacted", "コンタクト済み"),
            ("Closed - Converted", "取引開始済み"), ("Closed - Not Converted", "終了 - 取引なし"), default="Open - Not Contacted")),
        _field("Industry", "picklist", "Industry", "業種", 255, picklist=_INDUSTRIES),
        _field("IsConverted", "boolean", "Converted", "取引の開始済み", createable=False, updateable=False),
        _field("Street", "textarea", "Street", "町名・番地", 255, multiline=True),
        _field("City", "string", "City", "市区郡", 40),
        _field("State", "string", "State/Province", "都道府県", 80),
        _field("PostalCode", "string", "Zip/Postal Code", "郵便番号", 20),
        _field("Country", "string", "Country", "国", 80),
        _description("Description", "説明"),
        owner_field(),
    ], searchable=True, activities=True),
    _object("Opportunity", "006", ("Opportunity", "Opportunities", "商談"), [
        name_field(120, "Name", "商談名"),
        _ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Opportunities", on_delete="cascade"),
        _field("StageName", "picklist", "Stage", "フェーズ", 255, required=True, picklist=_pick(
            ("Prospecting", "見込み"), ("Qualification", "評価"), ("Proposal/Price Quote", "提案"),
            ("Negotiation/Review", "交渉"), ("Closed Won", "成立"), ("Closed Lost", "不成立"))),
        _field("Amount", "currency", "Amount", "金額", precision=18, scale=2),
        _field("CloseDate", "date", "Close Date", "完了予定日", required=True),
        _description(),
        owner_field(),
    ], searchable=True, activities=True),
    _object("Case", "500", ("Case", "Cases", "ケース"), [
        _field("CaseNumber", "string", "Case Number", "ケース番号", 30, required=True, createable=False, updateable=False, name_field=True, auto_number="{00000000}"),
        _ref("ContactId", "Contact", "Contact ID", "取引先責任者 ID", child_relationship="Cases"),
        _ref("AccountId", "Account", "Account ID", "取引先 ID", child_relationship="Cases"),
        _field("Subject", "string", "Subject", "件名", 255),
        _field("Status", "picklist", "Status", "状況", 255, picklist=_pick(("New", "新規"), ("Working", "対応中"), ("Escalated", "エスカレーション済み"), ("Closed", "クローズ"), default="New")),
        _field("Priority", "picklist", "Priority", "優先度", 255, picklist=_pick(("High", "高"), ("Medium", "中"), ("Low", "低"), default="Medium")),
        _field("Origin", "picklist", "Case Origin", "発生源", 255, picklist=_pick(("Phone", "電話"), ("Email", "メール"), "Web")),
        _field("SuppliedPhone", "string", "Company Phone", "Web 電話", 40),
        _field("IsClosed", "boolean", "Closed", "クローズ済み", createable=False, updateable=False, calculated=True),
        _description(),
        owner_field(),
    ], searchable=True, activities=True),
    _object("TaskStatus", "01T", ("Task Status Value", "Task Status Values", "ToDo 状況の値"), [
        _field("MasterLabel", "string", "Master Label", "マスタ表示ラベル", 255, name_field=True),
        _field("ApiName", "string", "API Name", "API 参照名", 255),
        _field("SortOrder", "int", "Sort Order", "並び替え順"),
        _field("IsDefault", "boolean", "Is Default", "デフォルト"),
        _field("IsClosed", "boolean", "Is Closed", "完了"),
    ], setup=True, createable=False, updateable=False, deletable=False),
    _object("RecordType", "012", ("Record Type", "Record Types", "レコードタイプ"), [
        name_field(80, "Name", "名前"),
        _field("DeveloperName", "string", "Record Type Name", "レコードタイプ名", 80, required=True),
        _field("SobjectType", "string", "SObject Type Name", "sObject 種別名", 40, required=True),
        _field("IsActive", "boolean", "Active", "有効", default=True),
        _field("Description", "string", "Description", "説明", 255),
    ], setup=True, createable=False, updateable=False, deletable=False),
    _object("Task", "00T", ("Task", "Tasks", "ToDo"), [
        *_activity_fields(),
        _field("Status", "picklist", "Status", "状況", 255, required=True, picklist=_pick(
            ("Not Started", "未着手"), ("In Progress", "進行中"), ("Completed", "完了"),
            ("Waiting on someone else", "他者待ち"), ("Deferred", "延期"), default="Not Started")),
        _field("Priority", "picklist", "Priority", "優先度", 255, required=True, picklist=_PRIORITIES),
        _field("Type", "picklist", "Type", "種別", 40, picklist=_pick(("Call", "電話"), ("Email", "メール"), ("Meeting", "打ち合わせ"), ("Other", "その他"))),
        _field("IsClosed", "boolean", "Closed", "完了", createable=False, updateable=False, calculated=True),
        _field("CompletedDateTime", "datetime", "Completed Date/Time", "完了日時", createable=False, updateable=False, calculated=True),
        _field("TaskSubtype", "picklist", "Task Subtype", "ToDo サブタイプ", 40, updateable=False, restricted=True,
               picklist=_pick("Task", "Email", "LinkedIn", "ListEmail", "Cadence", "Call", default="Task")),
        _field("CallDurationInSeconds", "int", "Call Duration", "通話時間"),
        _field("CallType", "picklist", "Call Type", "コール種別", 40, restricted=True, picklist=_pick(("Internal", "内部"), ("Inbound", "着信"), ("Outbound", "発信"))),
        _field("CallDisposition", "string", "Call Result", "コール結果", 255),
        _field("CallObject", "string", "Call Object Identifier", "コールオブジェクト識別子", 255),
        _field("IsArchived", "boolean", "Archived", "アーカイブ済み", createable=False, updateable=False),
    ]),
    _object("Event", "00U", ("Event", "Events", "行動"), [
        *_activity_fields(),
        _field("Location", "string", "Location", "場所", 255),
        _field("StartDateTime", "datetime", "Start Date Time", "開始日時", required=True),
        _field("EndDateTime", "datetime", "End Date Time", "終了日時"),
        _field("DurationInMinutes", "int", "Duration", "期間"),
        _field("IsAllDayEvent", "boolean", "All-Day Event", "終日"),
        _field("IsArchived", "boolean", "Archived", "アーカイブ済み", createable=False, updateable=False),
    ]),
)  # fmt: skip

TASK_STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")
CLOSED_TASK_STATUSES = frozenset({"Completed"})

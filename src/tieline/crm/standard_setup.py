# ruff: noqa: E501 - a table: one field, one line
"""The standard objects of Set-up, as data: who works here, what they may do, and how the org is furnished."""

from __future__ import annotations

from .fields import (
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

LANGUAGES = pick(("en_US", "英語"), ("ja", "日本語"), default="en_US")

PERMISSIONS: dict[str, tuple[str, str]] = {
    "ApiEnabled": ("API Enabled", "API の有効化"),
    "ViewSetup": ("View Setup and Configuration", "設定・定義の参照"),
    "CustomizeApplication": ("Customize Application", "アプリケーションのカスタマイズ"),
    "ManageUsers": ("Manage Users", "ユーザーの管理"),
    "AssignPermissionSets": ("Assign Permission Sets", "権限セットの割り当て"),
    "ManageCallCenters": ("Manage Call Centers", "コールセンターの管理"),
    "ViewAllData": ("View All Data", "すべてのデータの参照"),
    "ModifyAllData": ("Modify All Data", "すべてのデータの編集"),
    "ViewAllUsers": ("View All Users", "すべてのユーザーの参照"),
    "ViewDeveloperName": ("View Developer Name", "API 参照名の参照"),
    "EditTask": ("Edit Tasks", "ToDo の編集"),
    "EditEvent": ("Edit Events", "行動の編集"),
    "TransferAnyEntity": ("Transfer Record", "レコードの移行"),
    "ConvertLeads": ("Convert Leads", "リードの取引の開始"),
}
"""User permissions of this org, by API name: a `Permissions...` checkbox on each permission set."""


def _permission_fields() -> list[Field]:
    return [
        field(f"Permissions{name}", "boolean", label, label_ja)
        for name, (label, label_ja) in PERMISSIONS.items()
    ]


def _developer_name(**more: bool) -> list[Field]:
    return [
        field(
            "DeveloperName", "string", "Developer Name", "API 参照名", 80, required=True, unique=True, **more
        ),
        field(
            "MasterLabel", "string", "Master Label", "マスタ表示ラベル", 80, required=True, name_field=True
        ),
        field("Language", "picklist", "Language", "言語", 40, picklist=LANGUAGES, restricted=True),
    ]


SETUP_OBJECTS: tuple[ObjectType, ...] = (
    object_type("Organization", "00D", ("Organization", "Organizations", "組織"), [
        name_field(80, "Name", "組織名"),
        field("Division", "string", "Division", "部門", 80),
        *plain_address(),
        field("PrimaryContact", "string", "Primary Contact", "主取引先責任者", 80),
        phone("Phone", "Phone", "電話"),
        phone("Fax", "Fax", "Fax"),
        field("LanguageLocaleKey", "picklist", "Language", "言語", 40, picklist=LANGUAGES, restricted=True),
        field("DefaultLocaleSidKey", "string", "Locale", "ロケール", 40),
        field("TimeZoneSidKey", "string", "Time Zone", "タイムゾーン", 40),
        field("FiscalYearStartMonth", "int", "Fiscal Year Starts In", "会計年度期首月", default=1),
        read_only("OrganizationType", "string", "Edition", "エディション", 40),
        read_only("InstanceName", "string", "Instance Name", "インスタンス名", 5),
        read_only("IsSandbox", "boolean", "Is Sandbox", "Sandbox"),
        read_only("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15),
        read_only("TrialExpirationDate", "datetime", "Trial Expiration Date", "試用期限"),
    ], setup=True, createable=False, deletable=False),
    object_type("Profile", "00e", ("Profile", "Profiles", "プロファイル"), [
        name_field(255, "Name", "名前", unique=True),
        field("UserType", "picklist", "User Type", "ユーザータイプ", 40, picklist=pick(("Standard", "標準"))),
        field("Description", "string", "Description", "説明", 255),
        field("PermissionsModifyAllData", "boolean", "Modify All Data", "すべてのデータの編集"),
        field("PermissionsApiEnabled", "boolean", "API Enabled", "API の有効化", default=True),
    ], setup=True, createable=False, updateable=False, deletable=False),
    object_type("UserRole", "00E", ("Role", "Role", "ロール"), [
        name_field(80, "Name", "名前"),
        ref("ParentRoleId", "UserRole", "Parent Role ID", "上位ロール ID", relationship="ParentRole", on_delete="restrict"),
        field("DeveloperName", "string", "Developer Name", "API 参照名", 80, unique=True),
        field("RollupDescription", "string", "Description", "説明", 80),
        read_only("PortalType", "picklist", "Portal Type", "ポータルの種別", 40, picklist=pick(("None", "なし"), default="None")),
        field("OpportunityAccessForAccountOwner", "picklist", "Opportunity Access Level for Account Owner", "取引先所有者の商談アクセスレベル", 40, picklist=pick(("None", "なし"), ("Read", "参照"), ("Edit", "編集"), default="Edit")),
    ], setup=True),
    object_type("PermissionSet", "0PS", ("Permission Set", "Permission Sets", "権限セット"), [
        field("Name", "string", "Permission Set Name", "API 参照名", 80, required=True, unique=True, name_field=True),
        field("Label", "string", "Permission Set Label", "権限セットの表示ラベル", 80, required=True),
        field("Description", "string", "Description", "説明", 255),
        ref("ProfileId", "Profile", "Profile ID", "プロファイル ID", createable=False, updateable=False),
        read_only("IsOwnedByProfile", "boolean", "Is Owned By Profile", "プロファイルが所有"),
        read_only("IsCustom", "boolean", "Is Custom", "カスタム", default=True),
        read_only("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15),
        field("HasActivationRequired", "boolean", "Session Activation Required", "セッションの有効化が必要"),
        read_only("Type", "picklist", "Type", "種別", 40, picklist=pick(("Regular", "通常"), ("Profile", "プロファイル"), default="Regular")),
        *_permission_fields(),
    ], setup=True),
    object_type("PermissionSetAssignment", "0Pa", ("Permission Set Assignment", "Permission Set Assignments", "権限セットの割り当て"), [
        ref("PermissionSetId", "PermissionSet", "PermissionSet ID", "権限セット ID", child_relationship="Assignments", required=True, updateable=False, on_delete="cascade"),
        ref("AssigneeId", "User", "Assignee ID", "割り当て先 ID", child_relationship="PermissionSetAssignments", required=True, updateable=False, on_delete="cascade"),
        field("ExpirationDate", "datetime", "Expires On", "有効期限"),
        read_only("IsActive", "boolean", "Is Active", "有効", default=True),
    ], setup=True),
    object_type("ObjectPermissions", "110", ("Object Permissions", "Object Permissions", "オブジェクト権限"), [
        ref("ParentId", "PermissionSet", "Parent ID", "親 ID", child_relationship="ObjectPerms", required=True, updateable=False, on_delete="cascade"),
        field("SobjectType", "picklist", "Sobject Type Name", "sObject 種別名", 40, required=True, updateable=False),
        field("PermissionsRead", "boolean", "Read Records", "レコードの参照"),
        field("PermissionsCreate", "boolean", "Create Records", "レコードの作成"),
        field("PermissionsEdit", "boolean", "Edit Records", "レコードの編集"),
        field("PermissionsDelete", "boolean", "Delete Records", "レコードの削除"),
        field("PermissionsViewAllRecords", "boolean", "Read All Records", "すべてのレコードの参照"),
        field("PermissionsModifyAllRecords", "boolean", "Edit All Records", "すべてのレコードの編集"),
    ], setup=True),
    object_type("FieldPermissions", "01k", ("Field Permissions", "Field Permissions", "項目権限"), [
        ref("ParentId", "PermissionSet", "Parent ID", "親 ID", child_relationship="FieldPerms", required=True, updateable=False, on_delete="cascade"),
        field("SobjectType", "picklist", "Sobject Type Name", "sObject 種別名", 40, required=True, updateable=False),
        field("Field", "picklist", "Field Name", "項目名", 100, required=True, updateable=False),
        field("PermissionsRead", "boolean", "Read Field", "項目の参照"),
        field("PermissionsEdit", "boolean", "Edit Field", "項目の編集"),
    ], setup=True),
    object_type("CallCenter", "04v", ("Call Center", "Call Centers", "コールセンター"), [
        name_field(80, "Name", "表示名"),
        field("InternalName", "string", "Internal Name", "内部名", 80, required=True, unique=True, updateable=False),
        field("AdapterUrl", "string", "Adapter URL", "アダプター URL", 2000),
        field("CustomSettings", "textarea", "Custom Settings", "カスタム設定", 131_072, multiline=True, filterable=False),
        field("Version", "double", "Version", "バージョン", precision=4, scale=2),
    ], setup=True, updateable=False, deletable=False),
    object_type("User", "005", ("User", "Users", "ユーザー"), [
        field("Username", "string", "Username", "ユーザー名", 80, required=True, unique=True),
        *person_name_fields(salutation=False),
        field("CompanyName", "string", "Company Name", "会社名", 80),
        field("Division", "string", "Division", "部門", 80),
        field("Title", "string", "Title", "役職", 80),
        field("Department", "string", "Department", "部署", 80),
        *plain_address(),
        field("Email", "email", "Email", "メール", 128, required=True),
        phone("Phone", "Phone", "電話"),
        phone("MobilePhone", "Mobile", "携帯"),
        phone("Extension", "Extension", "内線"),
        phone("Fax", "Fax", "Fax"),
        field("Alias", "string", "Alias", "別名", 8, required=True),
        field("CommunityNickname", "string", "Nickname", "ニックネーム", 40),
        field("EmployeeNumber", "string", "Employee Number", "従業員番号", 20),
        field("FederationIdentifier", "string", "SAML Federation ID", "SAML 統合 ID", 512),
        field("AboutMe", "textarea", "About Me", "自己紹介", 1000, multiline=True, filterable=False),
        field("IsActive", "boolean", "Active", "有効", default=True),
        field("TimeZoneSidKey", "picklist", "Time Zone", "タイムゾーン", 40, required=True),
        field("LocaleSidKey", "picklist", "Locale", "ロケール", 40, required=True),
        field("LanguageLocaleKey", "picklist", "Language", "言語", 40, required=True, picklist=LANGUAGES, restricted=True),
        field("EmailEncodingKey", "picklist", "Email Encoding", "メールの文字コード", 40, required=True, picklist=pick("UTF-8", default="UTF-8")),
        ref("UserRoleId", "UserRole", "Role ID", "ロール ID", child_relationship="Users", on_delete="restrict"),
        ref("ProfileId", "Profile", "Profile ID", "プロファイル ID", required=True, on_delete="restrict"),
        ref("ManagerId", "User", "Manager ID", "マネージャー ID"),
        read_only("UserType", "picklist", "User Type", "ユーザータイプ", 40, picklist=pick(("Standard", "標準"))),
        ref("CallCenterId", "CallCenter", "Call Center ID", "コールセンター ID"),
        field("UserPermissionsCallCenterAutoLogin", "boolean", "Auto-login To Call Center", "コールセンターへの自動ログイン"),
        read_only("LastLoginDate", "datetime", "Last Login", "最終ログイン"),
    ], setup=True, deletable=False, searchable=True),
    object_type("UserLogin", "0Yw", ("User Login", "User Logins", "ユーザーログイン"), [
        ref("UserId", "User", "User ID", "ユーザー ID", required=True, createable=False, updateable=False, on_delete="cascade"),
        field("IsFrozen", "boolean", "Frozen", "凍結"),
        field("IsPasswordLocked", "boolean", "Password Locked", "パスワードのロック"),
    ], setup=True, createable=False, deletable=False),
    object_type("Group", "00G", ("Group", "Groups", "グループ"), [
        name_field(40, "Name", "名前", required=True),
        field("DeveloperName", "string", "Developer Name", "API 参照名", 80),
        ref("RelatedId", ("UserRole", "User"), "Related ID", "関連 ID", relationship="Related", on_delete="cascade"),
        field("Type", "picklist", "Type", "種別", 40, required=True, updateable=False, restricted=True,
              picklist=pick(("Regular", "公開グループ"), ("Queue", "キュー"), ("Role", "ロール"), ("RoleAndSubordinates", "ロール & 下位ロール"), ("Organization", "組織"), default="Regular")),
        field("Email", "email", "Email", "メール", 255),
        ref("OwnerId", "User", "Owner ID", "所有者 ID", relationship="Owner", on_delete="keep", createable=False, updateable=False),
        field("DoesSendEmailToMembers", "boolean", "Send Email to Members", "メンバーへのメール送信"),
        field("DoesIncludeBosses", "boolean", "Include Bosses", "上司を含む", default=True),
    ], setup=True),
    object_type("GroupMember", "011", ("Group Member", "Group Members", "グループメンバー"), [
        ref("GroupId", "Group", "Group ID", "グループ ID", child_relationship="GroupMembers", required=True, updateable=False, on_delete="cascade"),
        ref("UserOrGroupId", ("User", "Group"), "User/Group ID", "ユーザー/グループ ID", relationship="UserOrGroup", required=True, updateable=False, on_delete="cascade"),
    ], setup=True, updateable=False),
    object_type("QueueSobject", "03g", ("Queue Sobject", "Queue Sobjects", "キュー sObject"), [
        ref("QueueId", "Group", "Queue ID", "キュー ID", relationship="Queue", child_relationship="QueueSobjects", required=True, updateable=False, on_delete="cascade"),
        field("SobjectType", "picklist", "Sobject Type", "sObject 種別", 40, required=True, updateable=False),
    ], setup=True, updateable=False),
    object_type("TaskStatus", "01T", ("Task Status Value", "Task Status Values", "ToDo 状況の値"), [
        field("MasterLabel", "string", "Master Label", "マスタ表示ラベル", 255, name_field=True),
        field("ApiName", "string", "API Name", "API 参照名", 255),
        field("SortOrder", "int", "Sort Order", "並び替え順"),
        field("IsDefault", "boolean", "Is Default", "デフォルト"),
        field("IsClosed", "boolean", "Is Closed", "完了"),
    ], setup=True, createable=False, updateable=False, deletable=False),
    object_type("RecordType", "012", ("Record Type", "Record Types", "レコードタイプ"), [
        name_field(80, "Name", "名前"),
        field("DeveloperName", "string", "Record Type Name", "レコードタイプ名", 80, required=True),
        field("SobjectType", "string", "SObject Type Name", "sObject 種別名", 40, required=True, updateable=False),
        field("IsActive", "boolean", "Active", "有効", default=True),
        field("Description", "string", "Description", "説明", 255),
        read_only("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15),
    ], setup=True, deletable=False),
    object_type("ServiceChannel", "0N9", ("Service Channel", "Service Channels", "サービスチャネル"), [
        *_developer_name(),
        field("RelatedEntity", "string", "Related Entity", "関連エンティティ", 40),
    ], setup=True),
    object_type("ServicePresenceStatus", "0N5", ("Service Presence Status", "Service Presence Statuses", "プレゼンス状況"), [
        *_developer_name(),
    ], setup=True, deletable=False),
    object_type("ServiceChannelStatus", "0N6", ("Service Channel Status", "Service Channel Statuses", "サービスチャネル状況"), [
        ref("ServiceChannelId", "ServiceChannel", "Service Channel ID", "サービスチャネル ID", child_relationship="ServiceChannelStatuses", required=True, on_delete="cascade"),
        ref("ServicePresenceStatusId", "ServicePresenceStatus", "Service Presence Status ID", "プレゼンス状況 ID", child_relationship="ServiceChannelStatuses", required=True, on_delete="cascade"),
    ], setup=True),
    object_type("PresenceUserConfig", "0Pu", ("Presence Configuration", "Presence Configurations", "プレゼンス設定"), [
        *_developer_name(),
        field("Capacity", "int", "Capacity", "キャパシティ", default=5),
        field("OptionsIsAutoAcceptEnabled", "boolean", "Automatically accept requests", "要求の自動承認"),
        field("OptionsIsDeclineEnabled", "boolean", "Allow agents to decline requests", "エージェントによる拒否を許可"),
        field("OptionsIsDeclineReasonEnabled", "boolean", "Allow agents to choose a decline reason", "拒否理由の選択を許可"),
        field("OptionsIsDisconnectSoundEnabled", "boolean", "Play a sound on disconnect", "切断時に音を鳴らす"),
        field("OptionsIsRequestSoundEnabled", "boolean", "Play a sound with requests", "要求時に音を鳴らす", default=True),
        ref("PresenceStatusOnDeclineId", "ServicePresenceStatus", "Status on Decline", "拒否時の状況", relationship="PresenceStatusOnDecline"),
        ref("PresenceStatusOnPushTimeoutId", "ServicePresenceStatus", "Status on Push Time-Out", "タイムアウト時の状況", relationship="PresenceStatusOnPushTimeout"),
    ], setup=True),
    object_type("UserServicePresence", "0N7", ("User Service Presence", "User Service Presences", "ユーザーのプレゼンス"), [
        read_only("Name", "string", "Name", "名前", 255, name_field=True, required=True, auto_number="{0000000}"),
        ref("UserId", "User", "User ID", "ユーザー ID", relationship="User"),
        ref("ServicePresenceStatusId", "ServicePresenceStatus", "Service Presence Status ID", "プレゼンス状況 ID"),
        read_only("IsCurrentState", "boolean", "Is Current State", "現在の状態"),
        read_only("IsAway", "boolean", "Is Away", "離席中"),
        read_only("StatusStartDate", "datetime", "Status Start Date", "状況の開始日時"),
        read_only("StatusEndDate", "datetime", "Status End Date", "状況の終了日時"),
        read_only("StatusDuration", "int", "Status Duration", "状況の期間"),
        read_only("ConfiguredCapacity", "int", "Configured Capacity", "設定されたキャパシティ"),
        read_only("AverageCapacity", "double", "Average Capacity", "平均キャパシティ", precision=10, scale=2),
        read_only("AtCapacityDuration", "int", "At Capacity Duration", "キャパシティ上限の期間"),
        read_only("IdleDuration", "int", "Idle Duration", "アイドル期間"),
        owner_field(),
    ], setup=True, createable=False, updateable=False),
)  # fmt: skip

"""What metadata files may say: one line of shape for each type, and the check of a file against it.

A shape lists elements: `name`, then `!` where it must be there, `*` where it may be repeated, and what it holds:
`:bool`, `:int`, `:number`, `:any` (anything), `=A|B` (one of), `>Type` (the name of a component of that type),
`{Group}` (elements of another shape). Everything else is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .archive import NAMESPACE, Node, Problem

MAX_TEXT = 131_072


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a shape. `holds` is text, bool, int, number, any, enum, name or group; `of` says more."""

    name: str
    needed: bool
    many: bool
    holds: str
    of: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of another component in a file."""

    element: str
    type: str
    name: str
    line: int


_TOKEN = re.compile(r"(\w+)(!?)(\*?)(?::(\w+)|=([\w|]+)|>(\w+)|\{(\w+)\})?")


def _parsed(text: str) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for token in text.split():
        match = _TOKEN.fullmatch(token)
        assert match, token
        name, needed, many, plain, choices, target, inner = match.groups()
        holds = plain or ("enum" if choices else "name" if target else "group" if inner else "text")
        found[name] = Element(name, bool(needed), bool(many), holds, choices or target or inner or "")
    return found


_NAMED = "fullName description "
_ECA = _NAMED + "externalClientApplication!>ExternalClientApplication label "
_CREDENTIAL = (
    "certificate description parameterName! parameterType! parameterValue sequenceNumber:int parameterGroup"
    " authProvider "
)
_SHAPES: Mapping[str, str] = {
    "CustomObject": _NAMED + """actionOverrides*:any allowInChatterGroups:bool businessProcesses*:any
        compactLayoutAssignment compactLayouts*:any customHelp customHelpPage
        customSettingsType deploymentStatus=InDevelopment|Deployed enableActivities:bool
        enableBulkApi:bool enableChangeDataCapture:bool enableEnhancedLookup:bool enableFeeds:bool
        enableHistory:bool enableLicensing:bool enableReports:bool enableSearch:bool enableSharing:bool
        enableStreamingApi:bool eventType=HighVolume|StandardVolume externalSharingModel fieldSets*:any
        fields*:any gender household:bool indexes*:any label listViews*:any nameField{NameField} pluralLabel
        profileSearchLayouts*:any publishBehavior=PublishAfterCommit|PublishImmediately recordTypeTrackFeedHistory:bool
        recordTypeTrackHistory:bool recordTypes*:any searchLayouts:any sharingModel sharingReasons*:any startsWith
        validationRules*:any visibility=Public|Protected|PackageProtected webLinks*:any""",
    "NameField": """fullName displayFormat label type startingNumber:int trackHistory:bool trackFeedHistory:bool
        trackTrending:bool""",
    "CustomField": _NAMED + """businessOwnerGroup businessOwnerUser businessStatus caseSensitive:bool
        complianceGroup customDataType defaultValue deleteConstraint=SetNull|Cascade|Restrict displayFormat
        displayLocationInDecimal:bool encryptionScheme externalId:bool
        fieldManageability=DeveloperControlled|SubscriberControlled|Locked formula
        formulaTreatBlanksAs=BlankAsBlank|BlankAsZero inlineHelpText
        isAIPredictionField:bool isFilteringDisabled:bool isNameField:bool isSortingDisabled:bool label length:int
        lookupFilter:any maskChar maskType precision:int readOnlyProxy:bool referenceTo referenceTargetField
        relationshipLabel relationshipName relationshipOrder:int reparentableMasterDetail:bool required:bool
        restrictedAdminField:bool scale:int securityClassification startingNumber:int stripMarkup:bool summarizedField
        trackFeedHistory:bool trackHistory:bool trackTrending:bool translateData:bool type unique:bool valueSet:any
        visibleLines:int writeRequiresMasterRead:bool""",
    "RecordType": _NAMED + "active:bool businessProcess compactLayoutAssignment label! picklistValues*:any",
    "ValidationRule": _NAMED + """active:bool errorConditionFormula errorDisplayField errorMessage
        shouldEvaluateOnClient:bool""",
    "ListView": """fullName booleanFilter columns* division
        filterScope!=Everything|Mine|Queue|Delegated|MyTerritory|MyTeamTerritory|Team|SalesTeam|AssignedToMe|MineAndMyGroups
        filters*{ListViewFilter} label! language queue sharedTo:any""",
    "ListViewFilter": """field! value
        operation!=equals|notEqual|lessThan|greaterThan|lessOrEqual|greaterOrEqual|contains|notContain|startsWith|includes|excludes|within""",
    "CompactLayout": "fullName fields* label!",
    "FieldSet": _NAMED + "availableFields*:any displayedFields*:any label",
    "WebLink": _NAMED + """availability displayType encodingKey hasMenubar:bool hasScrollbars:bool hasToolbar:bool
        height:int isResizable:bool linkType masterLabel openType page position protected:bool requireRowSelection:bool
        scontrol showsLocation:bool showsStatus:bool url width:int""",
    "CustomMetadata": _NAMED + "label protected:bool values*{CustomMetadataValue}",
    "CustomMetadataValue": "field! value",
    "CustomLabel": "fullName categories language! protected!:bool shortDescription! value!",
    "CustomPermission": _NAMED + """connectedApp isLicensed:bool label! requiredPermission*:any
        externalClientApplication""",
    "CustomTab": _NAMED + """actionOverrides*:any auraComponent>AuraDefinitionBundle customObject:bool
        flexiPage>FlexiPage frameHeight:int hasSidebar:bool icon label lwcComponent>LightningComponentBundle motif
        page>ApexPage scontrol splashPageLink url urlEncodingKey""",
    "CustomApplication": _NAMED + """actionOverrides*{AppActionOverride} brand{AppBrand} consoleConfig:any
        defaultLandingTab formFactors*=Small|Medium|Large isNavAutoTempTabsDisabled:bool
        isNavPersonalizationDisabled:bool isNavTabPersistenceDisabled:bool isOmniPinnedViewEnabled:bool
        isServiceCloudConsole:bool label logo navType=Standard|Console preferences:any profileActionOverrides*:any
        setupExperience subscriberTabs* tabs*>CustomTab tabSetType uiType=Aloha|Lightning utilityBar>FlexiPage
        workspaceConfig{AppWorkspaceConfig}""",
    "AppActionOverride": """actionName! comment content formFactor=Small|Medium|Large pageOrSobjectType
        skipRecordTypeSelect:bool type!""",
    "AppBrand": "footerColor headerColor logo logoVersion:int shouldOverrideOrgTheme:bool",
    "AppWorkspaceConfig": "mappings*{WorkspaceMapping}",
    "WorkspaceMapping": "fieldName tab!",
    "FlexiPage": _NAMED + """events*:any flexiPageRegions*{FlexiPageRegion} masterLabel! parentFlexiPage
        platformActionlist:any quickActionList:any sobjectType>CustomObject template!{FlexiPageTemplateInstance}
        type!=AppPage|ObjectPage|RecordPage|HomePage|ForecastingPage|MailAppAppPage|CommAppPage|UtilityBar|RecordPreview|EmbeddedServicePage|EmailTemplatePage|ApplicationLayout|VoiceExtension|EasyHomePage""",
    "FlexiPageRegion": """appendable itemInstances*{ItemInstance} mode name! prependable replaceable
        componentInstances*{ComponentInstance} type!=Region|Facet|Background""",
    "ItemInstance": "componentInstance{ComponentInstance} fieldInstance:any",
    "ComponentInstance": """componentInstanceProperties*:any componentName! componentType flexipageDataSources*:any
        identifier visibilityRule:any""",
    "FlexiPageTemplateInstance": """componentType flexipageDataSources*:any identifier name! properties*:any
        schemaProperties*:any""",
    "LightningComponentBundle": _NAMED + """ai apiVersion:number capabilities:any isExplicitImport:bool isExposed:bool
        lwcResources:any masterLabel runtimeNamespace targetConfigs:any targets{LwcTargets}""",
    "LwcTargets": "target*",
    "AuraDefinitionBundle": _NAMED + "apiVersion:number packageVersions*:any type",
    "ApexClass": "fullName apiVersion!:number packageVersions*:any status!=Active|Deleted|Inactive urls*:any",
    "ApexTrigger": "fullName apiVersion!:number packageVersions*:any status!=Active|Deleted|Inactive",
    "ApexPage": _NAMED + """apiVersion!:number availableInTouch:bool confirmationTokenRequired:bool label!
        packageVersions*:any""",
    "ApexComponent": _NAMED + "apiVersion!:number label! packageVersions*:any",
    "StaticResource": _NAMED + "cacheControl!=Private|Public contentType!",
    "LightningMessageChannel": _NAMED + """isExposed:bool lightningMessageFields*{LightningMessageField}
        masterLabel!""",
    "LightningMessageField": "description fieldName!",
    "CspTrustedSite": _NAMED + """canAccessCamera:bool canAccessMicrophone:bool
        context=All|LEX|Communities|FieldServiceMobileExtension|LightningOut|VisualForce endpointUrl!
        isActive!:bool isApplicableToConnectSrc:bool isApplicableToFontSrc:bool isApplicableToFrameSrc:bool
        isApplicableToImgSrc:bool isApplicableToMediaSrc:bool isApplicableToStyleSrc:bool mobileExtension""",
    "RemoteSiteSetting": _NAMED + "disableProtocolSecurity!:bool isActive!:bool url!",
    "CorsWhitelistOrigin": _NAMED + "urlPattern!",
    "ExternalCredential": _NAMED + """authenticationProtocol! externalCredentialParameters*{ExternalCredentialParameter}
        label!""",
    "ExternalCredentialParameter": _CREDENTIAL + "externalAuthIdentityProvider>ExternalAuthIdentityProvider",
    "ExternalAuthIdentityProvider": _NAMED + """authenticationFlow!=AuthorizationCode|ClientCredentials|SalesforceDefined
        authenticationProtocol!=OAuth|SalesforceDefined
        externalAuthIdentityProviderParameters*{ExternalAuthIdentityProviderParameter} label!""",
    "ExternalAuthIdentityProviderParameter": """description parameterName! parameterType! parameterValue
        sequenceNumber:int""",
    "NamedCredential": _NAMED + """allowMergeFieldsInBody:bool allowMergeFieldsInHeader:bool authProvider
        authTokenEndpointUrl awsAccessKey awsAccessSecret awsRegion awsService calloutStatus=Enabled|Disabled certificate
        endpoint generateAuthorizationHeader:bool jwtAudience jwtFormulaSubject jwtIssuer jwtSigningCertificate
        jwtTextSubject jwtValidityPeriodSeconds:int label! namedCredentialParameters*{NamedCredentialParameter}
        namedCredentialType=Legacy|SecuredEndpoint|PrivateEndpoint oauthRefreshToken oauthScope oauthToken
        outboundNetworkConnection password principalType protocol username""",
    "NamedCredentialParameter": _CREDENTIAL + """externalCredential>ExternalCredential
        globalNamedPrincipalCredential:bool managedFeatureEnabledCallout:bool outboundNetworkConnection
        readOnlyNamedCredential:bool systemUserNamedCredential:bool""",
    "PlatformEventChannelMember": "fullName enrichedFields*:any eventChannel! filterExpression selectedEntity!",
    "Layout": "fullName layoutSections*{LayoutSection} " + " ".join(f"{name}*:any" for name in (
        "customButtons", "customConsoleComponents", "emailDefault", "excludeButtons", "feedLayout", "headers",
        "miniLayout", "multilineLayoutFields", "platformActionList", "quickActionList", "relatedContent",
        "relatedLists", "relatedObjects", "runAssignmentRulesDefault", "showEmailCheckbox", "showHighlightsPanel",
        "showInteractionLogPanel", "showKnowledgeComponent", "showRunAssignmentRulesCheckbox", "showSolutionSection",
        "showSubmitAndAttachButton", "summaryLayout",
    )),
    "LayoutSection": """customLabel:bool detailHeading:bool editHeading:bool label layoutColumns*{LayoutColumn}
        style=TwoColumnsTopToBottom|TwoColumnsLeftToRight|OneColumn|CustomLinks""",
    "LayoutColumn": "layoutItems*{LayoutItem} reserved",
    "LayoutItem": """analyticsCloudComponent:any behavior=Edit|Required|Readonly canvas component customLink emptySpace:bool
        field height:int page reportChartComponent:any scontrol showLabel:bool showScrollbars:bool width""",
    "CallCenter": """fullName adapterUrl contactCenterChannels*:any customSettings displayName displayNameLabel
        internalNameLabel sections*{CallCenterSection} version""",
    "CallCenterSection": "items*{CallCenterItem} label name!",
    "CallCenterItem": "label name! value",
    "ExternalClientApplication": _NAMED + """contactEmail contactPhone
        distributionState iconUrl infoUrl isProtected:bool label
        logoUrl managedType orgScopedExternalApp""",
    "ExtlClntAppOauthSettings": _ECA + """areAttributesIncludedInAssetToken:bool
        areCustomPermsIncludedInAssetToken:bool assetTokenAudiences assetTokenSigningCertificate assetTokenValidity:int
        clientAssertionCertificate commaSeparatedCustomScopes commaSeparatedOauthScopes customAttributes*:any
        isFirstPartyAppEnabled:bool oauthLink singleLogoutUrl trustedIpRanges*:any""",
    "ExtlClntAppConfigurablePolicies": _ECA + """isCanvasPluginEnabled:bool isEnabled!:bool isMobilePluginEnabled:bool
        isNotificationPluginEnabled:bool isOauthPluginEnabled:bool isPushPluginEnabled:bool isSamlPluginEnabled:bool
        startPage startUrl""",
    "PermissionSet": _NAMED + """agentAccesses*:any applicationVisibilities*{ApplicationVisibility}
        classAccesses*{ClassAccess} customMetadataTypeAccesses*:any customPermissions*{CustomPermissionAccess}
        customSettingAccesses*:any emailRoutingAddressAccesses*:any externalCredentialPrincipalAccesses*:any
        externalDataSourceAccesses*:any externalClientAppAccesses*:any fieldPermissions*{FieldPermission} flowAccesses*:any
        hasActivationRequired:bool label license objectPermissions*{ObjectPermission} pageAccesses*{PageAccess}
        recordTypeVisibilities*:any servicePresenceStatusAccesses*:any ServicePresenceStatusAccesses*:any
        tabSettings*{TabSetting} userPermissions*{UserPermission}""",
    "Profile": _NAMED + """agentAccesses*:any applicationVisibilities*{ApplicationVisibility}
        categoryGroupVisibilities*:any classAccesses*{ClassAccess} custom:bool customMetadataTypeAccesses*:any
        customPermissions*{CustomPermissionAccess} customSettingAccesses*:any externalCredentialPrincipalAccesses*:any
        externalDataSourceAccesses*:any fieldPermissions*{FieldPermission} flowAccesses*:any
        layoutAssignments*{LayoutAssignment} loginFlows*:any loginHours:any loginIpRanges*:any
        objectPermissions*{ObjectPermission} pageAccesses*{PageAccess} profileActionOverrides*:any
        recordTypeVisibilities*{RecordTypeVisibility} servicePresenceStatusAccesses*:any
        tabVisibilities*{TabVisibility} userLicense userPermissions*{UserPermission}""",
    "LayoutAssignment": "layout! recordType",
    "RecordTypeVisibility": "default!:bool personAccountDefault:bool recordType! visible!:bool",
    "TabVisibility": "tab!>CustomTab visibility!=DefaultOff|DefaultOn|Hidden",
    "ApplicationVisibility": "application!>CustomApplication default:bool visible!:bool",
    "ClassAccess": "apexClass!>ApexClass enabled!:bool",
    "CustomPermissionAccess": "enabled!:bool name!>CustomPermission",
    "FieldPermission": "editable!:bool field! readable:bool hidden:bool",
    "ObjectPermission": """allowCreate!:bool allowDelete!:bool allowEdit!:bool allowRead!:bool modifyAllRecords!:bool
        object! viewAllFields:bool viewAllRecords!:bool""",
    "PageAccess": "apexPage!>ApexPage enabled!:bool",
    "TabSetting": "tab!>CustomTab visibility!=None|Available|Visible",
    "UserPermission": "enabled!:bool name!",
    "CustomObjectTranslation": """fullName caseValues*:any fieldSets*:any fields*:any gender layouts*:any nameFieldLabel
        quickActions*:any recordTypes*:any sharingReasons*:any standardFields*:any startsWith validationRules*:any
        webLinks*:any workflowTasks*:any""",
    "Translations": "fullName customLabels*{Translated} customApplications*{TranslatedApplication} customTabs*{Translated} "
        + " ".join(f"{name}*:any" for name in (
            "bots", "customDataTypeTranslations", "customPageWebLinks", "decisionTables", "flowDefinitions",
            "globalPicklists", "identityVerificationProcDefs", "pipelineInspMetricConfigs", "prompts", "quickActions",
            "reportTypes", "scontrols",
        )),
    "Translated": "label name!",
    "TranslatedApplication": "description label name!",
    "Report": "fullName name! reportType! format=Tabular|Summary|Matrix|MultiBlock description " + " ".join(
        f"{name}*:any" for name in (
            "aggregates", "block", "blockInfo", "buckets", "chart", "colorRanges", "columns", "crossFilters",
            "currency", "customDetailFormulas", "dataCategoryFilters", "division", "filter", "folderName",
            "formattingRules", "groupingsAcross", "groupingsDown", "historicalSelector", "includeDetail",
            "numSubscriptions", "params", "reportCustomDetailFormula", "roleHierarchyFilter", "rowLimit", "scope",
            "showCurrentDate", "showDetails", "showGrandTotal", "showSubTotals", "sortColumn", "sortOrder",
            "territoryHierarchyFilter", "timeFrameFilter", "userFilter",
        )),
    "Dashboard": "fullName title! description " + " ".join(f"{name}*:any" for name in (
        "backgroundEndColor", "backgroundFadeDirection", "backgroundStartColor", "chartTheme", "colorPalette",
        "dashboardChartTheme", "dashboardColorPalette", "dashboardFilters", "dashboardGridLayout",
        "dashboardResultRefreshedDate", "dashboardResultRunningUser", "dashboardType", "folderName", "isGridLayout",
        "leftSection", "middleSection", "numSubscriptions", "owner", "rightSection", "runningUser", "textColor",
        "titleColor", "titleSize",
    )),
    "Folder": "fullName accessType folderShares*:any name publicFolderAccess sharedTo:any",
}  # fmt: skip

SHAPES: Mapping[str, Mapping[str, Element]] = {name: _parsed(text) for name, text in _SHAPES.items()}
"""Elements by type or group."""


def check(node: Node, name: str, type_name: str, found: list[Reference]) -> None:
    """Problem where a node does not have the shape of that name; references it makes are added to `found`."""
    shape = SHAPES[name]
    counts: dict[str, int] = {}
    for child in node.children:
        element = shape.get(child.tag)
        if element is None:
            raise Problem(
                f"Element {NAMESPACE}{child.tag[:80]} invalid at this location in type {name}", child.line
            )
        counts[child.tag] = counts.get(child.tag, 0) + 1
        if counts[child.tag] > 1 and not element.many:
            raise Problem(f"Duplicate element {child.tag}", child.line)
        _check_value(child, element, name, type_name, found)
    for element in shape.values():
        if element.needed and element.name not in counts:
            raise Problem(f"Required field is missing: {element.name}", node.line)


def _check_value(child: Node, element: Element, name: str, type_name: str, found: list[Reference]) -> None:
    if element.holds == "group":
        check(child, element.of, type_name, found)
        return
    if element.holds == "any":
        return
    if child.children:
        raise Problem(
            f"Element {NAMESPACE}{child.children[0].tag[:80]} invalid at this location in type {name}",
            child.children[0].line,
        )
    text = child.text
    if len(text) > MAX_TEXT:
        raise Problem(f"{child.tag} is longer than {MAX_TEXT} characters", child.line)
    if element.needed and not text:
        raise Problem(f"Required field is missing: {child.tag}", child.line)
    if element.holds == "bool" and text not in ("true", "false", "0", "1"):
        raise Problem(f"'{text[:40]}' is not a valid value for the type xsd:boolean", child.line)
    if element.holds == "int" and not re.fullmatch(r"-?\d{1,9}", text):
        raise Problem(f"'{text[:40]}' is not a valid value for the type xsd:int", child.line)
    if element.holds == "number" and not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text):
        raise Problem(f"'{text[:40]}' is not a valid value for the type xsd:double", child.line)
    if element.holds == "enum" and text not in element.of.split("|"):
        raise Problem(
            f"'{text[:40]}' is not a valid value for the enum '{_enum(name, child.tag)}'", child.line
        )
    if element.holds == "name" and text:
        found.append(Reference(child.tag, element.of, text, child.line))


def _enum(name: str, tag: str) -> str:
    """The type's name of an enumeration, as a message shows it."""
    known = {
        ("FlexiPage", "type"): "FlexiPageType",
        ("FlexiPageRegion", "type"): "FlexiPageRegionType",
        ("ListViewFilter", "operation"): "FilterOperation",
        ("TabSetting", "visibility"): "PermissionSetTabVisibility",
        ("CspTrustedSite", "context"): "CspTrustedSiteContext",
        ("ApexClass", "status"): "ApexCodeUnitStatus",
        ("CustomField", "deleteConstraint"): "DeleteConstraint",
    }
    return known.get((name, tag)) or tag[0].upper() + tag[1:]


def to_json(node: Node, type_name: str) -> dict[str, Any]:
    """A file's content as the Tooling API's `Metadata` tells it: repeated elements are lists, flags are booleans."""
    shape = SHAPES.get(type_name, {})
    found: dict[str, Any] = {}
    for child in node.children:
        element = shape.get(child.tag)
        value = _json_value(child, element)
        if element is not None and element.many:
            found.setdefault(child.tag, []).append(value)
        else:
            found[child.tag] = value
    return found


def _json_value(node: Node, element: Element | None) -> Any:
    if element is not None and element.holds == "bool":
        return node.text == "true"
    if element is not None and element.holds in ("int", "number"):
        return float(node.text) if element.holds == "number" else int(node.text)
    if element is not None and element.holds == "group":
        return to_json(node, element.of)
    return to_json(node, "") if node.children else node.text

"""Metadata packages for tests."""

from __future__ import annotations

import io
import zipfile

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def manifest(**members: list[str]) -> str:
    types = "".join(
        "<types>"
        + "".join(f"<members>{name}</members>" for name in names)
        + f"<name>{type_name}</name></types>"
        for type_name, names in members.items()
    )
    return f'<?xml version="1.0"?><Package {NS}>{types}<version>66.0</version></Package>'


def archive(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return out.getvalue()


def text_field(name: str, *, length: int = 255, unique: bool = False) -> str:
    flags = (
        "<externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive>"
        if unique
        else ""
    )
    return (
        f"<fields><fullName>{name}</fullName>{flags}<label>{name[:-3]}</label><length>{length}</length>"
        "<type>Text</type></fields>"
    )


SESSION = f"""<?xml version="1.0" encoding="UTF-8"?>
<CustomObject {NS}>
    <deploymentStatus>Deployed</deploymentStatus>
    <enableActivities>true</enableActivities>
    <fields>
        <fullName>Contact__c</fullName><label>Contact</label><referenceTo>Contact</referenceTo>
        <relationshipLabel>Sessions</relationshipLabel><relationshipName>Sessions</relationshipName>
        <required>false</required><type>Lookup</type>
    </fields>
    {text_field("Engagement__c", length=64, unique=True)}
    <fields><fullName>Duration__c</fullName><label>Duration</label><precision>8</precision><scale>0</scale>
        <type>Number</type></fields>
    <fields><fullName>Done__c</fullName><defaultValue>false</defaultValue><label>Done</label>
        <type>Checkbox</type></fields>
    <fields><fullName>Started__c</fullName><label>Started</label><type>DateTime</type></fields>
    <fields><fullName>Link__c</fullName><label>Link</label><type>Url</type></fields>
    <fields><fullName>Notes__c</fullName><label>Notes</label><length>32768</length><type>LongTextArea</type>
        <visibleLines>3</visibleLines></fields>
    <fields><fullName>Direction__c</fullName><label>Direction</label><type>Picklist</type><valueSet>
        <restricted>true</restricted><valueSetDefinition><sorted>false</sorted>
        <value><fullName>Inbound</fullName><default>true</default><label>Inbound</label></value>
        <value><fullName>Outbound</fullName><default>false</default><label>Outbound</label></value>
        </valueSetDefinition></valueSet></fields>
    <label>Session</label>
    <nameField><displayFormat>S-{{00000}}</displayFormat><label>Session Number</label><type>AutoNumber</type></nameField>
    <pluralLabel>Sessions</pluralLabel>
    <sharingModel>ReadWrite</sharingModel>
</CustomObject>"""
CODES = f"""<?xml version="1.0"?><CustomObject {NS}><customSettingsType>List</customSettingsType>
<fields><fullName>Code__c</fullName><label>Code</label><length>4</length><required>true</required><type>Text</type></fields>
<label>Country Code</label><visibility>Public</visibility></CustomObject>"""
ACTIVITY = f'<?xml version="1.0"?><CustomObject {NS}>{text_field("Call_Key__c", unique=True)}</CustomObject>'
TRANSLATION = f"""<?xml version="1.0"?><CustomObjectTranslation {NS}><caseValues><plural>false</plural>
<value>セッション</value></caseValues><fields><label>通話時間</label><name>Duration__c</name></fields><nameFieldLabel>セッション名</nameFieldLabel>
</CustomObjectTranslation>"""
CENTER = f"""<?xml version="1.0"?><CallCenter {NS}><adapterUrl>https://phone.example/cti</adapterUrl>
<displayName>Phone</displayName><displayNameLabel>Display</displayNameLabel><internalNameLabel>Internal</internalNameLabel>
<sections><items><label>Use</label><name>reqUseApi</name><value>true</value></items><label>General</label>
<name>reqGeneralInfo</name></sections></CallCenter>"""
ECA = f"""<?xml version="1.0"?><ExternalClientApplication {NS}><contactEmail>a@b.example</contactEmail>
<distributionState>Local</distributionState><isProtected>false</isProtected><label>Deployed App</label>
</ExternalClientApplication>"""
ECA_OAUTH = f"""<?xml version="1.0"?><ExtlClntAppOauthSettings {NS}>
<commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes>
<externalClientApplication>Dep</externalClientApplication><label>Dep_oauth</label></ExtlClntAppOauthSettings>"""
ECA_GLOBAL = f"""<?xml version="1.0"?><ExtlClntAppGlobalOauthSettings {NS}>
<callbackUrl>http://localhost:9/deployed</callbackUrl><consumerKey>deployed-client</consumerKey>
<consumerSecret>deployed-secret</consumerSecret><externalClientApplication>Dep</externalClientApplication>
<isConsumerSecretOptional>false</isConsumerSecretOptional><isPkceRequired>true</isPkceRequired>
<label>Dep_global</label></ExtlClntAppGlobalOauthSettings>"""


def whole() -> dict[str, str | bytes]:
    """A package with everything this org takes."""
    return {
        "package.xml": manifest(
            CustomObject=["Session__c", "Codes__c", "Activity"],
            CustomField=["Activity.Call_Key__c"],
            CustomObjectTranslation=["Session__c-ja"],
            CallCenter=["phone"],
            ExternalClientApplication=["Dep"],
            ExtlClntAppOauthSettings=["Dep_oauth"],
            ExtlClntAppGlobalOauthSettings=["Dep_global"],
        ),
        "objects/Session__c.object": SESSION,
        "objects/Codes__c.object": CODES,
        "objects/Activity.object": ACTIVITY,
        "objectTranslations/Session__c-ja.objectTranslation": TRANSLATION,
        "callCenters/phone.callCenter": CENTER,
        "externalClientApps/Dep.eca": ECA,
        "extlClntAppOauthSettings/Dep_oauth.ecaOauth": ECA_OAUTH,
        "extlClntAppGlobalOauthSets/Dep_global.ecaGlblOauth": ECA_GLOBAL,
    }


ECA_POLICIES = f"""<?xml version="1.0"?><ExtlClntAppOauthConfigurablePolicies {NS}>
<commaSeparatedProfile>System Administrator</commaSeparatedProfile>
<externalClientApplication>Dep</externalClientApplication><label>Dep_policies</label>
<permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>
<refreshTokenPolicyType>SpecificInactivity</refreshTokenPolicyType>
<refreshTokenValidityPeriod>30</refreshTokenValidityPeriod><refreshTokenValidityUnit>Days</refreshTokenValidityUnit>
<sessionTimeoutInMinutes>30</sessionTimeoutInMinutes></ExtlClntAppOauthConfigurablePolicies>"""


def external_app(**changes: str) -> dict[str, str | bytes]:
    """An external client app with policies; keywords replace what its policies say."""
    policies = ECA_POLICIES
    for before, after in changes.items():
        policies = policies.replace(before, after)
    return {
        "package.xml": manifest(
            ExternalClientApplication=["Dep"],
            ExtlClntAppOauthSettings=["Dep_oauth"],
            ExtlClntAppGlobalOauthSettings=["Dep_global"],
            ExtlClntAppOauthConfigurablePolicies=["Dep_policies"],
        ),
        "externalClientApps/Dep.eca": ECA,
        "extlClntAppOauthSettings/Dep_oauth.ecaOauth": ECA_OAUTH,
        "extlClntAppGlobalOauthSets/Dep_global.ecaGlblOauth": ECA_GLOBAL,
        "extlClntAppOauthPolicies/Dep_policies.ecaOauthPlcy": policies,
    }


def connected_app(inside: str = "", around: str = "") -> dict[str, str | bytes]:
    """A connected app; `inside` goes into its OAuth settings, `around` beside them."""
    text = f"""<?xml version="1.0"?><ConnectedApp {NS}><contactEmail>a@b.example</contactEmail><label>Voice</label>
<oauthConfig><callbackUrl>http://localhost:9/voice</callbackUrl><consumerKey>voice-client</consumerKey>
<scopes>Api</scopes><scopes>RefreshToken</scopes>{inside}</oauthConfig>{around}</ConnectedApp>"""
    return {"package.xml": manifest(ConnectedApp=["Voice"]), "connectedApps/Voice.connectedApp": text}

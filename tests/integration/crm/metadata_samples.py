"""One small component of every metadata type, by type: file path in a package and content."""

from __future__ import annotations

from .package_files import CENTER, ECA, ECA_GLOBAL, ECA_OAUTH, NS, text_field

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'


def document(root: str, inner: str, attributes: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} {NS} {attributes}>{inner}</{root}>'


OBJECT = document(
    "CustomObject",
    "<compactLayouts><fullName>Short</fullName><fields>Key__c</fields><label>Short</label></compactLayouts>"
    "<deploymentStatus>Deployed</deploymentStatus><description>What was said</description>"
    "<enableActivities>true</enableActivities><enableReports>true</enableReports>"
    "<fieldSets><fullName>Few</fullName><description>d</description><displayedFields><field>Key__c</field>"
    "<isFieldManaged>false</isFieldManaged><isRequired>false</isRequired></displayedFields><label>Few</label></fieldSets>"
    + text_field("Key__c", length=40, unique=True)
    + "<fields><fullName>About__c</fullName><deleteConstraint>SetNull</deleteConstraint><inlineHelpText>Who</inlineHelpText>"
    "<label>About</label><referenceTo>Contact</referenceTo><relationshipLabel>Talks</relationshipLabel>"
    "<relationshipName>Talks</relationshipName><required>false</required><type>Lookup</type></fields>"
    "<fields><fullName>Kind__c</fullName><label>Kind</label><required>false</required><type>Picklist</type><valueSet>"
    "<restricted>true</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>In</fullName>"
    "<default>true</default><label>In</label></value></valueSetDefinition></valueSet></fields>"
    "<label>Talk</label><listViews><fullName>All</fullName><columns>NAME</columns><columns>Key__c</columns>"
    "<filterScope>Everything</filterScope><filters><field>Key__c</field><operation>notEqual</operation><value>x</value>"
    "</filters><label>All</label></listViews>"
    "<nameField><displayFormat>T-{0000}</displayFormat><label>Number</label><type>AutoNumber</type></nameField>"
    "<pluralLabel>Talks</pluralLabel><recordTypes><fullName>Loud</fullName><active>true</active><label>Loud</label>"
    "</recordTypes><sharingModel>ReadWrite</sharingModel>"
    "<validationRules><fullName>Has_Key</fullName><active>true</active><errorConditionFormula>ISBLANK(Key__c)"
    "</errorConditionFormula><errorDisplayField>Key__c</errorDisplayField><errorMessage>A key, please</errorMessage>"
    "</validationRules><webLinks><fullName>Help</fullName><availability>online</availability><displayType>button</displayType>"
    "<linkType>url</linkType><masterLabel>Help</masterLabel><openType>newWindow</openType><protected>false</protected>"
    "<url>https://help.example</url></webLinks>",
)

SAMPLES: dict[str, dict[str, str]] = {
    "CustomObject:Talk__c": {"objects/Talk__c.object": OBJECT},
    "CustomObject:Talk_Rule__mdt": {
        "objects/Talk_Rule__mdt.object": document(
            "CustomObject",
            text_field("Pattern__c", length=80)
            + "<fields><fullName>Order__c</fullName><label>Order</label><precision>3</precision><scale>0</scale>"
            "<type>Number</type></fields><label>Talk Rule</label><pluralLabel>Talk Rules</pluralLabel>"
            "<visibility>Public</visibility>",
        )
    },
    "CustomObject:Talk_Wish__c": {
        "objects/Talk_Wish__c.object": document(
            "CustomObject",
            "<customSettingsType>Hierarchy</customSettingsType><enableFeeds>false</enableFeeds>"
            + text_field("Loud__c", length=10)
            + "<label>Talk Wish</label><visibility>Public</visibility>",
        )
    },
    "CustomMetadata:Talk_Rule.First": {
        "customMetadata/Talk_Rule.First.md": document(
            "CustomMetadata",
            "<label>First</label><protected>false</protected>"
            '<values><field>Order__c</field><value xsi:type="xsd:double">2.0</value></values>'
            '<values><field>Pattern__c</field><value xsi:type="xsd:string">+81*</value></values>',
            XSI,
        )
    },
    "CustomLabels:CustomLabels": {
        "labels/CustomLabels.labels": document(
            "CustomLabels",
            "<labels><fullName>Greeting</fullName><language>en_US</language><protected>false</protected>"
            "<shortDescription>Greeting</shortDescription><value>Hello &amp; welcome</value></labels>",
        )
    },
    "Translations:ja": {
        "translations/ja.translation": document(
            "Translations",
            "<customLabels><label>ようこそ</label><name>Greeting</name></customLabels>",
        )
    },
    "CustomPermission:Hear": {
        "customPermissions/Hear.customPermission": document(
            "CustomPermission", "<isLicensed>false</isLicensed><label>Hear</label>"
        )
    },
    "StaticResource:Logo": {
        "staticresources/Logo.resource": "svg",
        "staticresources/Logo.resource-meta.xml": document(
            "StaticResource", "<cacheControl>Public</cacheControl><contentType>image/svg+xml</contentType>"
        ),
    },
    "ApexClass:Talker": {
        "classes/Talker.cls": "// class Other\npublic with sharing class Talker {\n    public void say() {}\n}\n",
        "classes/Talker.cls-meta.xml": document(
            "ApexClass", "<apiVersion>64.0</apiVersion><status>Active</status>"
        ),
    },
    "ApexPage:TalkPage": {
        "pages/TalkPage.page": "<apex:page>hello</apex:page>",
        "pages/TalkPage.page-meta.xml": document(
            "ApexPage", "<apiVersion>64.0</apiVersion><label>TalkPage</label>"
        ),
    },
    "LightningMessageChannel:Talking": {
        "messageChannels/Talking.messageChannel": document(
            "LightningMessageChannel",
            "<isExposed>true</isExposed><lightningMessageFields><fieldName>state</fieldName></lightningMessageFields>"
            "<masterLabel>Talking</masterLabel>",
        )
    },
    "CspTrustedSite:Talk_Host": {
        "cspTrustedSites/Talk_Host.cspTrustedSite": document(
            "CspTrustedSite",
            "<canAccessMicrophone>true</canAccessMicrophone><context>LEX</context>"
            "<endpointUrl>https://talk.example</endpointUrl><isActive>true</isActive>"
            "<isApplicableToFrameSrc>true</isApplicableToFrameSrc>",
        )
    },
    "RemoteSiteSetting:Talk_Api": {
        "remoteSiteSettings/Talk_Api.remoteSite": document(
            "RemoteSiteSetting",
            "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive>"
            "<url>https://talk.example</url>",
        )
    },
    "CorsWhitelistOrigin:Talk_Origin": {
        "corsWhitelistOrigins/Talk_Origin.corsWhitelistOrigin": document(
            "CorsWhitelistOrigin", "<urlPattern>https://talk.example</urlPattern>"
        )
    },
    "ExternalAuthIdentityProvider:Talk_Idp": {
        "externalAuthIdentityProviders/Talk_Idp.externalAuthIdentityProvider": document(
            "ExternalAuthIdentityProvider",
            "<authenticationFlow>AuthorizationCode</authenticationFlow>"
            "<authenticationProtocol>OAuth</authenticationProtocol><externalAuthIdentityProviderParameters>"
            "<parameterName>TokenUrl</parameterName><parameterType>TokenUrl</parameterType>"
            "<parameterValue>https://talk.example/token</parameterValue></externalAuthIdentityProviderParameters>"
            "<label>Talk Idp</label>",
        )
    },
    "ExternalCredential:Talk_Ext": {
        "externalCredentials/Talk_Ext.externalCredential": document(
            "ExternalCredential",
            "<authenticationProtocol>Oauth</authenticationProtocol><externalCredentialParameters>"
            "<externalAuthIdentityProvider>Talk_Idp</externalAuthIdentityProvider><parameterName>Idp</parameterName>"
            "<parameterType>ExternalAuthIdentityProvider</parameterType></externalCredentialParameters>"
            "<label>Talk Ext</label>",
        )
    },
    "NamedCredential:Talk_Named": {
        "namedCredentials/Talk_Named.namedCredential": document(
            "NamedCredential",
            "<calloutStatus>Enabled</calloutStatus><label>Talk Named</label><namedCredentialParameters>"
            "<parameterName>Url</parameterName><parameterType>Url</parameterType>"
            "<parameterValue>https://talk.example</parameterValue></namedCredentialParameters><namedCredentialParameters>"
            "<externalCredential>Talk_Ext</externalCredential><parameterName>Ext</parameterName>"
            "<parameterType>Authentication</parameterType></namedCredentialParameters>"
            "<namedCredentialType>SecuredEndpoint</namedCredentialType>",
        )
    },
    "LightningComponentBundle:talkBox": {
        "lwc/talkBox/talkBox.js": "export default class TalkBox {}",
        "lwc/talkBox/talkBox.html": "<template></template>",
        "lwc/talkBox/talkBox.js-meta.xml": document(
            "LightningComponentBundle",
            "<apiVersion>64.0</apiVersion><isExposed>true</isExposed><targets><target>lightning__Tab</target></targets>",
        ),
    },
    "AuraDefinitionBundle:TalkAura": {
        "aura/TalkAura/TalkAura.cmp": "<aura:component/>",
        "aura/TalkAura/TalkAura.cmp-meta.xml": document("AuraDefinitionBundle", "<apiVersion>64.0</apiVersion>"),
    },
    "Layout:Talk__c-Talk Layout": {
        "layouts/Talk__c-Talk Layout.layout": document(
            "Layout",
            "<layoutSections><customLabel>false</customLabel><detailHeading>true</detailHeading>"
            "<editHeading>true</editHeading><label>Information</label><layoutColumns><layoutItems>"
            "<behavior>Edit</behavior><field>Key__c</field></layoutItems></layoutColumns>"
            "<style>OneColumn</style></layoutSections>",
        )
    },
    "FlexiPage:Talk_Bar": {
        "flexipages/Talk_Bar.flexipage": document(
            "FlexiPage",
            "<flexiPageRegions><itemInstances><componentInstance><componentInstanceProperties><name>label</name>"
            "<type>decorator</type><value>Phone</value></componentInstanceProperties>"
            "<componentName>opencti:softPhone</componentName><identifier>softphone</identifier></componentInstance>"
            "</itemInstances><itemInstances><componentInstance><componentName>c:talkBox</componentName>"
            "</componentInstance></itemInstances><name>utilityItems</name><type>Region</type></flexiPageRegions>"
            "<masterLabel>Talk Bar</masterLabel><template><name>one:utilityBarTemplateDesktop</name></template>"
            "<type>UtilityBar</type>",
        )
    },
    "CustomTab:Talk__c": {
        "tabs/Talk__c.tab": document(
            "CustomTab", "<customObject>true</customObject><motif>Custom75: Phone</motif>"
        )
    },
    "CustomTab:Talk_Box": {
        "tabs/Talk_Box.tab": document(
            "CustomTab", "<label>Box</label><lwcComponent>talkBox</lwcComponent><motif>Custom67: Gears</motif>"
        )
    },
    "CustomApplication:Talk_App": {
        "applications/Talk_App.app": document(
            "CustomApplication",
            "<formFactors>Large</formFactors><label>Talk App</label><navType>Console</navType>"
            "<tabs>standard-Contact</tabs><tabs>Talk__c</tabs><uiType>Lightning</uiType>"
            "<utilityBar>Talk_Bar</utilityBar><workspaceConfig><mappings><tab>Talk__c</tab></mappings></workspaceConfig>",
        )
    },
    "CallCenter:TalkCenter": {"callCenters/TalkCenter.callCenter": CENTER},
    "ExternalClientApplication:TalkEca": {
        "externalClientApps/TalkEca.eca": ECA.replace("Deployed App", "Talk App")
    },
    "ExtlClntAppOauthSettings:TalkEca_oauth": {
        "extlClntAppOauthSettings/TalkEca_oauth.ecaOauth": ECA_OAUTH.replace(">Dep<", ">TalkEca<")
    },
    "ExtlClntAppGlobalOauthSettings:TalkEca_global": {
        "extlClntAppGlobalOauthSets/TalkEca_global.ecaGlblOauth": ECA_GLOBAL.replace(">Dep<", ">TalkEca<").replace(
            "deployed-client", "talk-client"
        )
    },
    "PermissionSet:Talk_Agent": {
        "permissionsets/Talk_Agent.permissionset": document(
            "PermissionSet",
            "<applicationVisibilities><application>Talk_App</application><visible>true</visible></applicationVisibilities>"
            "<classAccesses><apexClass>Talker</apexClass><enabled>true</enabled></classAccesses>"
            "<customMetadataTypeAccesses><enabled>true</enabled><name>Talk_Rule__mdt</name></customMetadataTypeAccesses>"
            "<customPermissions><enabled>true</enabled><name>Hear</name></customPermissions>"
            "<description>For talkers</description>"
            "<fieldPermissions><editable>true</editable><field>Talk__c.Kind__c</field><readable>true</readable>"
            "</fieldPermissions><hasActivationRequired>false</hasActivationRequired><label>Talk Agent</label>"
            "<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>"
            "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Talk__c</object>"
            "<viewAllRecords>false</viewAllRecords></objectPermissions><tabSettings><tab>Talk__c</tab>"
            "<visibility>Visible</visibility></tabSettings><userPermissions><enabled>true</enabled><name>EditTask</name>"
            "</userPermissions>",
        )
    },
    "CustomObjectTranslation:Talk__c-ja": {
        "objectTranslations/Talk__c-ja.objectTranslation": document(
            "CustomObjectTranslation", "<caseValues><plural>false</plural><value>会話</value></caseValues>"
        )
    },
    "Report:Talk_Reports": {
        "reports/Talk_Reports-meta.xml": document("ReportFolder", "<name>Talk Reports</name>")
    },
    "Report:Talk_Reports/Talks": {
        "reports/Talk_Reports/Talks.report": document(
            "Report",
            "<columns><field>CUST_NAME</field></columns><format>Tabular</format><name>Talks</name>"
            "<reportType>CustomEntity$Talk__c</reportType>",
        )
    },
}  # fmt: skip


def members() -> dict[str, list[str]]:
    """The samples' names by type."""
    found: dict[str, list[str]] = {}
    for key in SAMPLES:
        type_name, _, name = key.partition(":")
        found.setdefault(type_name, []).append(name)
    return found


def files() -> dict[str, str]:
    """All files of the samples."""
    return {path: content for parts in SAMPLES.values() for path, content in parts.items()}

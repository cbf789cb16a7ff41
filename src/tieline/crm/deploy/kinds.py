"""The metadata types of this org: one row for each, in the order in which they need each other.

A row says where a type's files stand in a package, what shape they have, and, where a type lives elsewhere than in the
table of components, how it is applied, read back, listed and removed. Everything else is made of this table: deploying,
deleting, retrieving, listing and describing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import (
    access,
    apps,
    assignment,
    call_centers,
    credentials,
    custom_apps,
    event_channels,
    fields,
    objects,
    profiles,
    rules,
    sharing,
    stored,
    translations,
)
from .deployment import Apply, Names, Read, Remove


@dataclass(frozen=True)
class Kind:
    """One metadata type.

    `parent` and `tag`: it is an element of its parent's file. `beside`: its content has a `-meta.xml` beside it.
    `bundle`: a folder of files. `folders`: files stand in folders of their own type. `check` is for what a shape cannot
    say. `subscriber`: of a package, this may be changed where it is installed.
    """

    name: str
    folder: str = ""
    suffix: str = ""
    shape: str | None = None
    parent: str = ""
    tag: str = ""
    beside: bool = False
    bundle: bool = False
    folders: bool = False
    subscriber: bool = False
    check: Apply | None = None
    apply: Apply | None = None
    read: Read | None = None
    names: Names | None = None
    remove: Remove | None = None
    modelled: frozenset[str] = frozenset()

    @property
    def root(self) -> str:
        """The root element of its file, or its element in its parent's."""
        return self.tag or self.name


def _part(name: str, tag: str, parent: str = "CustomObject", **more: object) -> Kind:
    return Kind(name, parent=parent, tag=tag, shape=name, **more)  # pyright: ignore[reportArgumentType]


def _file(name: str, folder: str, suffix: str, **more: object) -> Kind:
    return Kind(name, folder, suffix, name, **more)  # pyright: ignore[reportArgumentType]


ALL: Sequence[Kind] = (
    Kind("CustomLabels", "labels", "labels"),
    _part("CustomLabel", "labels", "CustomLabels", check=stored.label),
    Kind("CustomObject", "objects", "object", "CustomObject", apply=objects.apply, read=objects.read,
         names=objects.names, remove=objects.remove, modelled=objects.MODELLED),
    _part("CustomField", "fields", apply=fields.apply, read=fields.read, names=fields.names,
          remove=fields.remove, modelled=fields.MODELLED),
    _part("RecordType", "recordTypes", apply=access.apply_record_type, read=access.read_record_type,
          names=access.record_type_names, remove=access.remove_record_type,
          modelled=access.RECORD_TYPE_MODELLED),
    _file("CustomPermission", "customPermissions", "customPermission", check=stored.named),
    _file("StaticResource", "staticresources", "resource", beside=True, check=stored.static_resource),
    _file("ApexClass", "classes", "cls", beside=True, check=stored.apex),
    _file("ApexTrigger", "triggers", "trigger", beside=True, check=stored.apex),
    _file("ApexComponent", "components", "component", beside=True, check=stored.apex),
    _file("ApexPage", "pages", "page", beside=True, check=stored.apex),
    _file("LightningMessageChannel", "messageChannels", "messageChannel", check=stored.message_channel),
    _file("CspTrustedSite", "cspTrustedSites", "cspTrustedSite", check=stored.address),
    _file("RemoteSiteSetting", "remoteSiteSettings", "remoteSite", check=stored.address),
    _file("CorsWhitelistOrigin", "corsWhitelistOrigins", "corsWhitelistOrigin", check=stored.address),
    _file("ExternalAuthIdentityProvider", "externalAuthIdentityProviders", "externalAuthIdentityProvider",
          check=stored.named, remove=credentials.remove_provider),
    _file("ExternalCredential", "externalCredentials", "externalCredential", check=stored.named,
          remove=credentials.remove_credential),
    _file("NamedCredential", "namedCredentials", "namedCredential", check=stored.named),
    Kind("LightningComponentBundle", "lwc", "js", "LightningComponentBundle", bundle=True,
         check=stored.lightning_component),
    Kind("AuraDefinitionBundle", "aura", "cmp", "AuraDefinitionBundle", bundle=True, check=stored.aura_bundle),
    _file("CustomMetadata", "customMetadata", "md", apply=access.apply_metadata_record,
          read=access.read_metadata_record, names=access.metadata_record_names,
          remove=access.remove_metadata_record, modelled=access.RECORD_MODELLED),
    _part("ValidationRule", "validationRules", apply=rules.apply_validation_rule, read=rules.read_validation_rule,
          names=rules.validation_rule_names, remove=rules.remove_validation_rule,
          modelled=rules.VALIDATION_MODELLED),
    Kind("MatchingRules", "matchingRules", "matchingRule", apply=rules.apply_matching_rules,
         remove=rules.remove_matching_rules),
    Kind("DuplicateRule", "duplicateRules", "duplicateRule", apply=rules.apply_duplicate_rule,
         remove=rules.remove_duplicate_rule),
    Kind("SharingRules", "sharingRules", "sharingRules", check=sharing.check_file),
    Kind("SharingOwnerRule", parent="SharingRules", tag="sharingOwnerRules", apply=sharing.apply,
         remove=sharing.remove),
    Kind("SharingCriteriaRule", parent="SharingRules", tag="sharingCriteriaRules", apply=sharing.apply,
         remove=sharing.remove),
    Kind("AssignmentRules", "assignmentRules", "assignmentRules", check=assignment.check_file),
    Kind("AssignmentRule", parent="AssignmentRules", tag="assignmentRule", apply=assignment.apply,
         remove=assignment.remove),
    _file("PlatformEventChannelMember", "platformEventChannelMembers", "platformEventChannelMember",
          apply=event_channels.apply, remove=event_channels.remove),
    _part("ListView", "listViews", check=stored.list_view, subscriber=True),
    _part("CompactLayout", "compactLayouts", check=stored.part_of_object),
    _part("FieldSet", "fieldSets", check=stored.part_of_object),
    _part("WebLink", "webLinks", check=stored.part_of_object),
    _file("Layout", "layouts", "layout", check=stored.layout, subscriber=True),
    _file("FlexiPage", "flexipages", "flexipage", check=stored.flexi_page),
    _file("CustomTab", "tabs", "tab", check=stored.tab, remove=access.remove_tab),
    _file("CustomApplication", "applications", "app", apply=custom_apps.apply, remove=custom_apps.remove),
    _file("CallCenter", "callCenters", "callCenter", apply=call_centers.apply, read=call_centers.read,
          names=call_centers.names, remove=call_centers.remove, modelled=call_centers.MODELLED, subscriber=True),
    _file("ExternalClientApplication", "externalClientApps", "eca", apply=apps.apply_application,
          remove=apps.remove_application),
    _file("ExtlClntAppOauthSettings", "extlClntAppOauthSettings", "ecaOauth", apply=apps.apply_oauth_settings,
          remove=apps.remove_oauth_settings),
    Kind("ExtlClntAppGlobalOauthSettings", "extlClntAppGlobalOauthSets", "ecaGlblOauth",
         apply=apps.apply_global_settings, remove=apps.remove_global_settings),
    Kind("ExtlClntAppOauthConfigurablePolicies", "extlClntAppOauthPolicies", "ecaOauthPlcy",
         apply=apps.apply_policies, remove=apps.remove_policies, subscriber=True),
    _file("ExtlClntAppConfigurablePolicies", "extlClntAppPolicies", "ecaPlcy", subscriber=True),
    Kind("ConnectedApp", "connectedApps", "connectedApp", apply=apps.apply_connected_app,
         remove=apps.remove_connected_app),
    _file("PermissionSet", "permissionsets", "permissionset", apply=access.apply_permission_set,
          read=access.read_permission_set, names=access.permission_set_names,
          remove=access.remove_permission_set, modelled=access.SET_MODELLED),
    _file("Profile", "profiles", "profile", apply=profiles.apply, read=profiles.read, names=profiles.names,
          remove=profiles.remove, modelled=profiles.MODELLED, subscriber=True),
    _file("CustomObjectTranslation", "objectTranslations", "objectTranslation", apply=translations.apply_object),
    _file("Translations", "translations", "translation", check=translations.check, apply=translations.apply),
    _file("Report", "reports", "report", folders=True, check=stored.in_folder, subscriber=True),
    _file("Dashboard", "dashboards", "dashboard", folders=True, check=stored.in_folder, subscriber=True),
)  # fmt: skip

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in ALL}
"""By name, in the order of deployment."""
BY_FOLDER: Mapping[str, Kind] = {kind.folder: kind for kind in ALL if kind.folder}
FOLDER_SHAPES: Mapping[str, str] = {"Report": "ReportFolder", "Dashboard": "DashboardFolder"}
"""Root elements of the folders of a type."""


def parts_of(parent: str) -> Iterable[Kind]:
    """The types whose components stand in the file of another."""
    return (kind for kind in ALL if kind.parent == parent)

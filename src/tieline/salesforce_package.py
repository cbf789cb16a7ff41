"""The Salesforce package: the project `sfdx/` with an installation's hosts in it, as a source tree and as a zip.

The source names hosts that can never be (`.invalid`); building puts those of the installation in their place. The
same source and hosts always give the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from tieline.settings import SettingsError

Node = Any
"""An XML element; lxml has no types."""
NAME, PUBLISHER = "Tieline", "Tieline"
_ORIGIN, _VANITY = b"https://origin.tieline.invalid", b"https://vanity.tieline.invalid"
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_IGNORED = frozenset({"__tests__", "__mocks__", "jsconfig.json", ".eslintrc.json", "tsconfig.json"})
_TEXTS = frozenset({".xml", ".json", ".js", ".html", ".css", ".cls", ".cmp"})

_FILES: Mapping[str, str] = {
    "applications": "CustomApplication", "callCenters": "CallCenter", "cspTrustedSites": "CspTrustedSite",
    "customMetadata": "CustomMetadata", "dashboards": "Dashboard", "externalAuthIdentityProviders":
    "ExternalAuthIdentityProvider", "externalClientApps": "ExternalClientApplication", "externalCredentials":
    "ExternalCredential", "extlClntAppGlobalOauthSets": "ExtlClntAppGlobalOauthSettings",
    "extlClntAppOauthSettings": "ExtlClntAppOauthSettings", "flexipages": "FlexiPage", "labels": "CustomLabels",
    "layouts": "Layout", "messageChannels": "LightningMessageChannel", "namedCredentials": "NamedCredential",
    "objects": "CustomObject", "objectTranslations": "CustomObjectTranslation", "permissionsets": "PermissionSet",
    "remoteSiteSettings": "RemoteSiteSetting", "reports": "Report", "tabs": "CustomTab", "translations": "Translations",
}  # fmt: skip
_BUNDLES: Mapping[str, str] = {"lwc": "LightningComponentBundle", "aura": "AuraDefinitionBundle"}
_BESIDE: Mapping[str, str] = {"classes": "ApexClass", "staticresources": "StaticResource"}
"""Types by folder: one XML file, a folder of files, a file with its XML beside it."""
_PARTS: Mapping[str, Mapping[str, str]] = {
    "objects": {
        "field": "fields", "listView": "listViews", "compactLayout": "compactLayouts", "recordType": "recordTypes",
        "validationRule": "validationRules", "webLink": "webLinks", "fieldSet": "fieldSets",
    },
    "objectTranslations": {"fieldTranslation": "fields"},
}  # fmt: skip
"""Elements of a parent's file that the project keeps in files of their own, by the suffix of those."""


class PackageError(SettingsError):
    """The package cannot be built; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where an installation's contact center is: its own origin, and the account's vanity origin."""

    origin: str
    vanity: str

    @classmethod
    def of(cls, origin: str, vanity: str) -> Hosts:
        """Checked origins. Raises `PackageError`."""
        found = cls(_origin("ORIGIN", origin, "https://contact.example.com"),
                    _origin("VANITY", vanity, "https://acme.contact.example.com"))  # fmt: skip
        if found.origin == found.vanity:
            raise PackageError(
                "VANITY is the same as ORIGIN: give the account's own address, the portal shows it under Account."
            )
        return found

    def put(self, content: bytes) -> bytes:
        """The content with these hosts in the place of those that can never be."""
        return content.replace(_ORIGIN, self.origin.encode()).replace(_VANITY, self.vanity.encode())


def _origin(name: str, text: str, example: str) -> str:
    given = text.strip().rstrip("/")
    if not given:
        raise PackageError(f"{name} is missing: write {name}={example}")
    parts = urlsplit(given)
    try:
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(host):
        raise PackageError(f"{name} {given[:80]!r} is not an address such as {example}")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise PackageError(f"{name} {given[:80]!r} must end after host and port, as in {example}")
    if parts.scheme == "http" and host != "localhost" and not host.endswith(".localhost"):
        raise PackageError(
            f"{name} must begin with https://: Salesforce and browsers refuse a softphone in clear."
        )
    shown = "" if port in (None, 443 if parts.scheme == "https" else 80) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def project() -> Path:
    """The project: in the checkout, or where TIELINE_SFDX says. Raises `PackageError`."""
    path = Path(os.environ.get("TIELINE_SFDX") or Path(__file__).resolve().parents[2] / "sfdx")
    if not (path / "sfdx-project.json").is_file():
        raise PackageError(f"{path} holds no sfdx-project.json: set TIELINE_SFDX to the package's project.")
    return path


def _definition(root: Path) -> dict[str, Any]:
    return json.loads((root / "sfdx-project.json").read_text("utf-8"))


def version(root: Path | None = None) -> str:
    """The package's version, such as `0.1.0`."""
    main = next(row for row in _definition(root or project())["packageDirectories"] if row.get("default"))
    return str(main["versionNumber"]).removesuffix(".NEXT")


def source(root: Path, hosts: Hosts) -> dict[str, bytes]:
    """The project's files by path, hosts filled in, without what belongs to development only."""
    folders = [row["path"] for row in _definition(root)["packageDirectories"]]
    found = {
        name: (root / name).read_bytes()
        for name in ("sfdx-project.json", ".forceignore")
        if (root / name).exists()
    }
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not _IGNORED & set(path.relative_to(root).parts):
                content = path.read_bytes()
                text = path.suffix in _TEXTS
                found[path.relative_to(root).as_posix()] = hosts.put(content) if text else content
    return found


def metadata(root: Path, hosts: Hosts) -> dict[str, bytes]:
    """The files of a deployment: what the Metadata API takes, with its manifest."""
    folders = [f"{row['path']}/main/default/" for row in _definition(root)["packageDirectories"]]
    members: dict[str, set[str]] = {}
    files: dict[str, bytes] = {}
    parents: dict[str, Node] = {}
    for path, content in source(root, hosts).items():
        base = next((folder for folder in folders if path.startswith(folder)), None)
        if base is not None:
            _convert(path.removeprefix(base), content, files, parents, members)
    for path, element in sorted(parents.items()):
        files[path] = _xml(element)
    api_version = str(_definition(root)["sourceApiVersion"])
    manifest = _element("Package")
    for kind, names in sorted(members.items()):
        types = etree.SubElement(manifest, _tag("types"))
        for name in sorted(names):
            etree.SubElement(types, _tag("members")).text = name
        etree.SubElement(types, _tag("name")).text = kind
    etree.SubElement(manifest, _tag("version")).text = api_version
    return {"package.xml": _xml(manifest), **dict(sorted(files.items()))}


def _convert(
    path: str,
    content: bytes,
    files: dict[str, bytes],
    parents: dict[str, Node],
    members: dict[str, set[str]],
) -> None:
    """One file of the project into the files of a deployment."""
    folder, _, rest = path.partition("/")
    if folder in _BUNDLES:
        members.setdefault(_BUNDLES[folder], set()).add(rest.partition("/")[0])
        files[path] = content
    elif folder in _BESIDE:
        if not rest.endswith("-meta.xml"):
            members.setdefault(_BESIDE[folder], set()).add(rest.rpartition(".")[0])
        files[path] = content
    elif folder in _PARTS:
        _part(folder, rest, content, parents, members)
    elif folder not in _FILES or not rest.endswith("-meta.xml"):
        raise PackageError(f"sfdx: the file {path} is of no type that this program packs.")
    else:
        name = rest.removesuffix("-meta.xml").rpartition(".")[0]
        of_folder = rest.endswith("Folder-meta.xml")
        files[f"{folder}/{name}-meta.xml" if of_folder else path.removesuffix("-meta.xml")] = content
        members.setdefault(_FILES[folder], set()).add(name)


def _part(
    folder: str,
    rest: str,
    content: bytes,
    parents: dict[str, Node],
    members: dict[str, set[str]],
) -> None:
    """A parent's own file, or an element of it: the parent first, then its parts by name."""
    parent = rest.partition("/")[0]
    suffix = rest.removesuffix("-meta.xml").rpartition(".")[2]
    kind = _FILES[folder]
    path = f"{folder}/{parent}.{'object' if folder == 'objects' else 'objectTranslation'}"
    root = parents.setdefault(path, _element(kind))
    read = _read(rest, content)
    tag = _PARTS[folder].get(suffix)
    if tag is None:
        root.extend(list(read))
        members.setdefault(kind, set()).add(parent)
        return
    read.tag = _tag(tag)
    root.append(read)
    if folder == "objects" and not parent.endswith(("__c", "__mdt")):
        # Of an object that is not ours only the part is named.
        name = read.findtext(_tag("fullName"))
        members.setdefault(etree.QName(_read(rest, content)).localname, set()).add(f"{parent}.{name}")


def _read(path: str, content: bytes) -> Node:
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise PackageError(f"sfdx: {path} is not well-formed: {error.msg}") from None


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _element(name: str) -> Node:
    return etree.Element(_tag(name), nsmap={None: _NAMESPACE})


def _xml(root: Node) -> bytes:
    etree.indent(root, "    ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(
        root, encoding="UTF-8", pretty_print=True
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files by path; one fixed date: the same files are the same zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def archive(hosts: Hosts) -> bytes:
    """The zip to deploy or to put on an org's shelf of packages."""
    return zipped(metadata(project(), hosts))


def build(out: Path, hosts: Hosts) -> tuple[Path, Path]:
    """Write the zip and the source tree below `out`; gives both paths. What was built there before is replaced."""
    root = project()
    zip_path, tree = out / f"tieline-{version(root)}.zip", out / "source"
    content = zipped(metadata(root, hosts))
    files = source(root, hosts)
    if tree.is_symlink() or (tree.exists() and not (tree / "sfdx-project.json").exists()):
        raise PackageError(f"{tree} was not built by this command: choose another folder.")
    shutil.rmtree(tree, ignore_errors=True)
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    zip_path.write_bytes(content)
    return zip_path, tree

"""The call center definitions that an org's administrator imports, with our own addresses filled in.

Two documents: the standard one, and the one for single sign-on, whose adapter URL carries the account's vanity host.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

Document = Literal["standard", "sso"]

_NAMES = {
    "standard": ("TielineContactCenter", "Tieline Contact Center"),
    "sso": ("TielineContactCenterSSO", "Tieline Contact Center SSO"),
}
"""Internal and display names: those of the package, so that either way makes the same call centers."""
ADAPTER_PATH = "/cci/multi/callbar-cti"


def adapter_url(document: Document, public_url: str, vanity: str) -> str:
    """Where the callbar of a document is."""
    if document == "standard":
        return public_url + ADAPTER_PATH
    at = urlsplit(public_url)
    return f"{at.scheme}://{vanity}.{at.netloc}{ADAPTER_PATH}"


def definition(document: Document, public_url: str, vanity: str) -> str:
    """The document as *Import Call Center* takes it."""
    internal, display = _NAMES[document]
    items = (
        ("reqInternalName", "Internal Name", internal),
        ("reqDisplayName", "Display Name", display),
        ("reqDescription", "Description", ""),
        ("reqAdapterUrl", "CTI Adapter URL", adapter_url(document, public_url, vanity)),
        ("reqUseApi", "Use CTI API", "true"),
        ("reqSoftphoneHeight", "Softphone Height", "680"),
        ("reqSoftphoneWidth", "Softphone Width", "700"),
        ("reqSalesforceCompatibilityMode", "Salesforce Compatibility Mode", "Classic_and_Lightning"),
    )
    prefixes = (
        ("reqOutsidePrefix", "Outside Prefix", "9"),
        ("reqLongDistPrefix", "Long Distance Prefix", "1"),
        ("reqInternationalPrefix", "International Prefix", "01"),
    )
    sections = (
        ("reqGeneralInfo", "General Information", items),
        ("reqDialingOptions", "Dialing Options", prefixes),
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<callCenter>"]
    for place, (name, label, entries) in enumerate(sections):
        lines.append(f'  <section sortOrder="{place}" name="{name}" label="{label}">')
        lines += [
            f'    <item sortOrder="{order}" name="{item}" label="{words}">{escape(value)}</item>'
            for order, (item, words, value) in enumerate(entries)
        ]
        lines.append("  </section>")
    return "\n".join((*lines, "</callCenter>", ""))

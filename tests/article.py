"""The article's two call-center documents, which Set-up must import unchanged."""

from __future__ import annotations

ARTICLE = """<callCenter>
<section sortOrder="0" name="reqGeneralInfo" label="General Info">
<item sortOrder="0" name="reqInternalName" label="Zoom Contact Center">{internal}</item>
<item sortOrder="1" name="reqDisplayName" label="Display Name">{display}</item>
<item sortOrder="2" name="reqDescription" label="Description"></item>
<item sortOrder="3" name="reqAdapterUrl" label="CTI Adapter URL">{adapter}</item>
<item sortOrder="4" name="reqUseApi" label="Use CTI API">true</item>
<item sortOrder="5" name="reqSoftphoneHeight" label="Softphone Height">680</item>
<item sortOrder="6" name="reqSoftphoneWidth" label="Softphone Width">700</item>
<item label="Salesforce Compatibility Mode" name="reqSalesforceCompatibilityMode" sortOrder="7">Classic_and_Lightning</item>
</section>
<section sortOrder="1" name="reqDialingOptions" label="Dialing Options">
<item sortOrder="0" name="reqOutsidePrefix" label="Outside Prefix">9</item>
<item sortOrder="1" name="reqLongDistPrefix" label="Long Distance Prefix">1</item>
<item sortOrder="2" name="reqInternationalPrefix" label="International Prefix">01</item>
</section>
</callCenter>"""
STANDARD = ARTICLE.format(
    internal="zoomcontactcenter",
    display="Zoom Contact Center",
    adapter="https://zoom.us/cci/multi/callbar-cti",
)
SSO = ARTICLE.format(
    internal="zccsso", display="ZCC SSO", adapter="https://yourVanityUrl/cci/multi/callbar-cti"
)

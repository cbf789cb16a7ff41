"""The Apex classes of our Salesforce package, as the embedded org runs them.

One module for each class of `sfdx/force-app/main/default/classes`; what a method must answer is written once, in
`sfdx/cases/*.json`, for both. Whoever starts an org hands these over; the org's own code knows none of them.
"""

from tieline.apex_twins import access, guide, presence, related_objects, settings, setup
from tieline.crm.lightning.twins import Twins

TWINS: Twins = {
    "TielineAccess": access.METHODS,
    "TielineGuide": guide.METHODS,
    "TielinePresence": presence.METHODS,
    "TielineRelatedObjects": related_objects.METHODS,
    "TielineSettings": settings.METHODS,
    "TielineSetup": setup.METHODS,
}

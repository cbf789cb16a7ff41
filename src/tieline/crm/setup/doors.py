"""All routes of Set-up."""

from __future__ import annotations

from . import call_centers, oauth_apps, objects, omni, org_settings, permission_sets, softphone_layouts, users

ROUTES = [
    *users.ROUTES,
    *call_centers.ROUTES,
    *softphone_layouts.ROUTES,
    *permission_sets.ROUTES,
    *org_settings.ROUTES,
    *oauth_apps.ROUTES,
    *omni.ROUTES,
    *objects.ROUTES,
]

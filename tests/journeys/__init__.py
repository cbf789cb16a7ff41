"""Journeys: the demo as users live it, in real Chromium, with real audio."""

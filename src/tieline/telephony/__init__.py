"""Telephony: the Switch seam, its embedded implementation and its scripted twin."""

"""Credentials for calls out of the org: named and external credentials, who gives them their tokens, calls by them."""

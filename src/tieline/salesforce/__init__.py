"""Salesforce: connections, the one client, match, screen pop settings, call log delivery."""

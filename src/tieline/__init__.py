"""Tieline: a self-hosted voice contact center joined to Salesforce."""

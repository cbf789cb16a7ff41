"""An embedded, Salesforce-compatible CRM: a product of its own.

It imports nothing else of the package it is shipped in and is met over HTTP only. `app.create_app` serves
it, `provision.create_org` makes an org.
"""

"""The call log: written with the closing of an engagement, delivered to the CRM afterwards, once."""

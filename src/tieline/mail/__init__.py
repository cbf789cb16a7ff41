"""Outgoing mail: rows written by whoever causes it, sent once by the worker."""

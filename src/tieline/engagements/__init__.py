"""Engagements, their legs and offers: the state table and the verbs."""

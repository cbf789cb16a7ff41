"""Accounts, users, sessions: who may come in, and as what."""

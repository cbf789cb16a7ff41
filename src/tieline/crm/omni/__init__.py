"""Omni-Channel: who may take which status, what a user's status is now, and what it was."""

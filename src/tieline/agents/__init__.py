"""Agents, their status and the presence concluded from it."""

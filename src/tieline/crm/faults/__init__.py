"""Faults on demand: how an org misbehaves when a test asks it to."""

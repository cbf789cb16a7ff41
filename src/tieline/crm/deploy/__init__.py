"""Deployments: what metadata files say becomes part of the org, and comes back out of it."""

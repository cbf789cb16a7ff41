"""Tables of credentials, in the org's database."""

from __future__ import annotations

TABLES = """
CREATE TABLE auth.external_client (
    provider text PRIMARY KEY, client_id text NOT NULL, secret_sealed bytea NOT NULL
);
CREATE TABLE auth.external_credential (
    credential text NOT NULL, principal text NOT NULL, access_sealed bytea, refresh_sealed bytea,
    expires_at timestamptz, user_id text NOT NULL, authenticated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (credential, principal)
);
CREATE TABLE auth.external_flow (
    state_hash bytea PRIMARY KEY, credential text NOT NULL, principal text NOT NULL, user_id text NOT NULL,
    verifier_sealed bytea NOT NULL, return_path text NOT NULL, expires_at timestamptz NOT NULL
);
"""
"""Clients by provider, tokens by principal (none where they are refused), and people on their way through a provider."""

"""Tables of bulk jobs in an org's database."""

from __future__ import annotations

from typing import Any

_SQL = """
CREATE TABLE meta.bulk_job (
    id text PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('ingest', 'query')), operation text NOT NULL,
    object_name text NOT NULL, user_id text NOT NULL, state text NOT NULL, external_id text, soql text,
    delimiter text NOT NULL, line_ending text NOT NULL, api_version text NOT NULL, options jsonb NOT NULL,
    processed bigint NOT NULL DEFAULT 0, failed bigint NOT NULL DEFAULT 0, retries int NOT NULL DEFAULT 0,
    busy_ms bigint NOT NULL DEFAULT 0, problem text, uploaded boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bulk_job_by_time ON meta.bulk_job (kind, created_at, id);
CREATE INDEX bulk_job_waiting ON meta.bulk_job (created_at) WHERE state IN ('UploadComplete', 'InProgress');
CREATE TABLE meta.bulk_data (
    job_id text NOT NULL REFERENCES meta.bulk_job ON DELETE CASCADE, number int NOT NULL, content bytea NOT NULL,
    PRIMARY KEY (job_id, number)
);
ALTER TABLE meta.bulk_data ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE meta.bulk_batch (
    job_id text NOT NULL REFERENCES meta.bulk_job ON DELETE CASCADE, number int NOT NULL, records int NOT NULL,
    failed int NOT NULL, successes bytea NOT NULL, failures bytea NOT NULL, PRIMARY KEY (job_id, number)
);
ALTER TABLE meta.bulk_batch ALTER COLUMN successes SET STORAGE EXTERNAL;
"""


async def install(conn: Any) -> None:
    """Makes the tables.

    `bulk_data` is what was sent to an ingest job, cut anywhere. `bulk_batch` is what became of some of its records,
    written in the transaction that saved them: a job that is taken up again does no batch twice. A query's batches
    are its records.
    """
    await conn.execute(_SQL)

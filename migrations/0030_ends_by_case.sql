-- Licenses are read by when they end: under row-level security Postgres reads no index by a condition over COALESCE, and does
-- by the same written with CASE (findings/postgres-row-security-coalesce-index.sh).
SET LOCAL search_path TO read_model, public;

DROP INDEX license_state_end;
CREATE INDEX license_state_end ON license_state
    (tenant_id, (CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END), license_id)
    WHERE standing <> 'retired';

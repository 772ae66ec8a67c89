-- From which ranges of addresses signing in failed, and for how many accounts. Operational, not history: keyed hashes
-- alone, kept for minutes, lost in a crash without harm.
CREATE UNLOGGED TABLE login_failures (
    tenant_id text        NOT NULL,
    range     bytea       NOT NULL,
    account   bytea       NOT NULL,
    failed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, range, account)
);
CREATE INDEX login_failures_old ON login_failures (failed_at);

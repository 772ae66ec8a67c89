-- Claims that were set free, so that it is known what was taken at any position: a restore may go back to it.
CREATE TABLE released_claims (
    tenant_id    text   NOT NULL,
    kind         text   NOT NULL,
    value_hash   bytea  NOT NULL,
    aggregate_id text   NOT NULL,
    position     bigint NOT NULL,
    released_at  bigint NOT NULL
);
CREATE INDEX released_claims_released_at ON released_claims (released_at);
SELECT guard_by_tenant('released_claims'::regclass);

-- What the log was called before restores went back: positions up to `until` were told under that id.
CREATE TABLE log_lineage (
    log_id   uuid        PRIMARY KEY,
    until    bigint      NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What became of backups and of trying them, for monitoring and for whoever asks; what there is to restore stands in the store.
CREATE TABLE backup_runs (
    run_id      uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('create', 'verify')),
    store_id    uuid,
    backup_id   text,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    error       text
);
CREATE INDEX backup_runs_kind_started_at ON backup_runs (kind, started_at);

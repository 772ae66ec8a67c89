-- How far making or trying a backup is, and what came of it, for who watches.
ALTER TABLE backup_runs
    DROP CONSTRAINT backup_runs_kind_check,
    ADD CONSTRAINT backup_runs_kind_check CHECK (kind IN ('create', 'verify', 'files', 'drill')),
    -- Which backup is tried; `backup_id` is which succeeded.
    ADD COLUMN about      text,
    ADD COLUMN step       text        NOT NULL DEFAULT '',
    ADD COLUMN reached    bigint      NOT NULL DEFAULT 0,
    ADD COLUMN goal       bigint      NOT NULL DEFAULT 0,
    -- A run that is not at its end and was not heard of for a minute was cut off.
    ADD COLUMN touched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN events     bigint,
    ADD COLUMN position   bigint,
    -- What the log had recorded beyond it.
    ADD COLUMN lost       bigint;
CREATE INDEX backup_runs_started_at ON backup_runs (started_at, run_id);
CREATE INDEX backup_runs_failed ON backup_runs (started_at) WHERE error IS NOT NULL;
CREATE INDEX backup_runs_backup_id ON backup_runs (backup_id, started_at) WHERE kind = 'verify';

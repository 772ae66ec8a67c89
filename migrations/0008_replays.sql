-- Replays that analysts asked for, with their files, so that any node can hand them out. Kept for a day.
CREATE TABLE replays (
    replay_id  uuid        PRIMARY KEY,
    tenant_id  text        NOT NULL,
    name       text        NOT NULL,
    position   bigint      NOT NULL,
    format     text        NOT NULL,
    status     text        NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
    reached    bigint      NOT NULL DEFAULT 0,
    error      text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE replay_chunks (
    replay_id  uuid    NOT NULL REFERENCES replays ON DELETE CASCADE,
    table_name text    NOT NULL,
    number     integer NOT NULL,
    bytes      bytea   NOT NULL,
    PRIMARY KEY (replay_id, table_name, number)
);

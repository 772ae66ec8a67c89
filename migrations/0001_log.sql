-- The log: one head, three tables, one order of positions. See ARCHITECTURE.md, "The log".

-- One row; its lock orders all commits. Chains are those of the newest row of each table.
CREATE TABLE log_head (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    log_id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    position        bigint      NOT NULL DEFAULT 0,
    recorded_at     timestamptz NOT NULL DEFAULT 'epoch',
    events_chain    bytea       NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    heartbeats_chain bytea      NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    decisions_chain bytea       NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
);
INSERT INTO log_head DEFAULT VALUES;

-- The first seven columns are those of postgres-es, so that a tool written for it can read the log.
-- payload and metadata are json, not jsonb: the exact bytes are hashed.
CREATE TABLE events (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigint      PRIMARY KEY CHECK (position > 0),
    tenant_id      text        NOT NULL,
    command_id     uuid        NOT NULL,
    command_index  integer     NOT NULL CHECK (command_index >= 0),
    recorded_at    timestamptz NOT NULL,
    chain          bytea       NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, sequence),
    UNIQUE (command_id, command_index)
);

-- Heartbeats and decisions are no aggregate's own history: their sequence is their position.
CREATE TABLE heartbeat_events (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigint      NOT NULL CHECK (position > 0),
    tenant_id      text        NOT NULL,
    command_id     uuid        NOT NULL,
    command_index  integer     NOT NULL CHECK (command_index >= 0),
    recorded_at    timestamptz NOT NULL,
    chain          bytea       NOT NULL,
    PRIMARY KEY (recorded_at, position)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX heartbeat_events_position ON heartbeat_events (position);
CREATE INDEX heartbeat_events_command ON heartbeat_events (command_id);

CREATE TABLE decision_events (LIKE heartbeat_events INCLUDING ALL) PARTITION BY RANGE (recorded_at);

-- Makes the partitions of a month, named by year and month in UTC.
CREATE FUNCTION make_log_partitions(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    first  timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    next   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    FOREACH parent IN ARRAY ARRAY['heartbeat_events', 'decision_events'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(month, '_YYYY_MM'), parent, first, next);
    END LOOP;
END $$;

-- Unique codes, license-key look-up, resources: written in the same transaction as the events that take or free them.
CREATE TABLE claims (
    tenant_id    text   NOT NULL,
    kind         text   NOT NULL,
    value_hash   bytea  NOT NULL,
    aggregate_id text   NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (tenant_id, kind, value_hash)
);

-- Floating seats: until when each is held by its last heartbeat.
CREATE TABLE seat_holds (
    tenant_id     text        NOT NULL,
    activation_id uuid        PRIMARY KEY,
    license_id    uuid        NOT NULL,
    held_until    timestamptz NOT NULL
);

-- Answers to repeated requests, sealed, committed with the change that they answer.
CREATE TABLE idempotency_keys (
    tenant_id    text        NOT NULL,
    scope_hash   bytea       NOT NULL,
    request_hash bytea       NOT NULL,
    status       smallint    NOT NULL,
    response     text        NOT NULL,
    position     bigint      NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scope_hash)
);
CREATE INDEX idempotency_keys_recorded_at ON idempotency_keys (recorded_at);

-- A cache of states: disposable, rebuilt from the events.
CREATE TABLE snapshots (
    tenant_id      text    NOT NULL,
    aggregate_type text    NOT NULL,
    aggregate_id   text    NOT NULL,
    state_schema   integer NOT NULL,
    sequence       bigint  NOT NULL,
    position       bigint  NOT NULL,
    state          bytea   NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Signed statements of where the log stood.
CREATE TABLE checkpoints (
    log_id     uuid        NOT NULL,
    position   bigint      NOT NULL,
    signed_at  timestamptz NOT NULL,
    checkpoint text        NOT NULL,
    PRIMARY KEY (log_id, position)
);

-- The one truth outside the log: random keys, each wrapped by a key derived from SECRET_KEY.
CREATE TABLE vault_keys (
    tenant_id  text        NOT NULL,
    purpose    text        NOT NULL,
    key_id     text        NOT NULL,
    wrapped    bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    PRIMARY KEY (tenant_id, purpose, key_id)
);

-- Who runs what: one node at a time projects, or does a worker's task.
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    holder     uuid        NOT NULL,
    held_until timestamptz NOT NULL
);

-- How far each read model has come.
CREATE TABLE projector_checkpoints (
    name        text        PRIMARY KEY,
    version     integer     NOT NULL,
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    stopped_by  text
);

-- When a credential was last used: operational, not history, and therefore no event.
CREATE TABLE api_key_usage (
    tenant_id    text        NOT NULL,
    api_key_id   uuid        PRIMARY KEY,
    last_used_at timestamptz NOT NULL
);

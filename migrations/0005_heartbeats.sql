-- Partitions are attached, never made in place: CREATE TABLE … PARTITION OF locks the parent against appends, and waits
-- for its readers; ATTACH does neither.
DROP FUNCTION make_log_partitions(date);
CREATE FUNCTION make_partition(parent regclass, month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    home  text := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent);
    whole text := (SELECT relname FROM pg_class WHERE oid = parent);
    part  text := whole || to_char(month, '_YYYY_MM');
    first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    next  timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(format('%I.%I', home, part)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', home, part, home, whole);
        EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', home, whole, home, part, first, next);
    END IF;
END $$;

CREATE FUNCTION make_partitions(month date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Two nodes that make the same month at once take turns.
    PERFORM pg_advisory_xact_lock(hashtextextended('licet partitions', 0));
    PERFORM public.make_partition(parent, month)
    FROM unnest(ARRAY['public.heartbeat_events', 'public.decision_events', 'read_model.license_heartbeats']::regclass[]) AS parent;
END $$;

SET LOCAL search_path TO read_model, public;

ALTER TABLE activations ADD COLUMN silent_since timestamptz;
ALTER TABLE activations ADD COLUMN transferred_from uuid;
ALTER TABLE activations ADD COLUMN checked_out_until timestamptz;

-- One row a beat; as many months as the log keeps online.
CREATE TABLE license_heartbeats (
    tenant_id     text        NOT NULL,
    position      bigint      NOT NULL,
    license_id    uuid        NOT NULL,
    activation_id uuid        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    code          text        NOT NULL,
    active_users  bigint,
    app_version   text,
    features      text        NOT NULL,
    usage         text        NOT NULL,
    PRIMARY KEY (recorded_at, position)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX license_heartbeats_license ON license_heartbeats (license_id, recorded_at);

-- When each machine was last heard of, and what of its present hour and day is counted already.
CREATE TABLE last_seen (
    tenant_id     text        NOT NULL,
    activation_id uuid        PRIMARY KEY,
    license_id    uuid        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    beats         bigint      NOT NULL,
    code          text        NOT NULL,
    app_version   text,
    active_users  bigint,
    hour          timestamptz NOT NULL,
    hour_users    bigint      NOT NULL,
    day           timestamptz NOT NULL,
    day_users     bigint      NOT NULL,
    nonces        text        NOT NULL,
    position      bigint      NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX last_seen_license ON last_seen (license_id);

-- Beats, machines and users of a license, by hour and by day in UTC; users are the sum of each machine's most.
CREATE TABLE activity (
    tenant_id    text        NOT NULL,
    license_id   uuid        NOT NULL,
    bucket       text        NOT NULL CHECK (bucket IN ('hour', 'day')),
    since        timestamptz NOT NULL,
    beats        bigint      NOT NULL,
    machines     bigint      NOT NULL,
    active_users bigint      NOT NULL,
    PRIMARY KEY (license_id, bucket, since)
) WITH (fillfactor = 80);

CREATE TABLE feature_usage (
    tenant_id  text        NOT NULL,
    license_id uuid        NOT NULL,
    feature    text        NOT NULL,
    day        timestamptz NOT NULL,
    count      bigint      NOT NULL,
    PRIMARY KEY (license_id, feature, day)
);

CREATE TABLE meter_usage (
    tenant_id  text        NOT NULL,
    license_id uuid        NOT NULL,
    meter      text        NOT NULL,
    period     timestamptz NOT NULL,
    amount     bigint      NOT NULL,
    PRIMARY KEY (license_id, period, meter)
);

CREATE TABLE license_usage_stats (
    tenant_id     text        NOT NULL,
    license_id    uuid        PRIMARY KEY,
    beats         bigint      NOT NULL,
    machines      bigint      NOT NULL,
    first_beat_at timestamptz NOT NULL,
    last_beat_at  timestamptz NOT NULL,
    peak_machines bigint      NOT NULL,
    peak_users    bigint      NOT NULL
) WITH (fillfactor = 80);

-- What machines were refused, repetitions within an hour in one row.
CREATE TABLE decisions (
    tenant_id      text        NOT NULL,
    license_id     uuid        NOT NULL,
    machine        text        NOT NULL,
    code           text        NOT NULL,
    decided_at     timestamptz NOT NULL,
    activation_id  uuid,
    asked          text        NOT NULL,
    policy_version integer     NOT NULL,
    facts          text        NOT NULL,
    count          bigint      NOT NULL,
    last_at        timestamptz NOT NULL,
    position       bigint      NOT NULL,
    PRIMARY KEY (license_id, machine, code, decided_at)
);
CREATE INDEX decisions_time ON decisions (license_id, decided_at);

SELECT guard_by_tenant(name::regclass)
FROM unnest(ARRAY['license_heartbeats', 'last_seen', 'activity', 'feature_usage', 'meter_usage', 'license_usage_stats', 'decisions']) AS name;

-- Makes an empty copy of a read model's table in another schema, partitions included.
CREATE FUNCTION public.copy_read_model(name text, target text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    living regclass := format('read_model.%I', name)::regclass;
    part   record;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = living) = 'p' THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL) PARTITION BY RANGE (recorded_at)', target, name, living);
        FOR part IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
                    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = living LOOP
            EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I %s', target, part.relname, target, name, part.bounds);
        END LOOP;
    ELSE
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)', target, name, living);
    END IF;
    PERFORM public.guard_by_tenant(format('%I.%I', target, name)::regclass);
END $$;

-- Puts that copy in place of the living table.
CREATE FUNCTION public.swap_read_model(name text, source text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    EXECUTE format('DROP TABLE read_model.%I', name);
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = format('%I.%I', source, name)::regclass LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA read_model', source, part.relname);
    END LOOP;
    EXECUTE format('ALTER TABLE %I.%I SET SCHEMA read_model', source, name);
END $$;

-- Months that have left online storage: each a Parquet file with a signed manifest. See ARCHITECTURE.md, "The archive".
CREATE TABLE archive_segments (
    table_name     text        NOT NULL,
    month          text        NOT NULL CHECK (month ~ '^\d{4}-\d{2}$'),
    first_position bigint      NOT NULL,
    last_position  bigint      NOT NULL CHECK (last_position >= first_position),
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    rows           bigint      NOT NULL CHECK (rows > 0),
    chain_in       bytea,
    chain_out      bytea,
    file           text        NOT NULL,
    bytes          bigint      NOT NULL,
    sha256         bytea       NOT NULL,
    manifest       text        NOT NULL,
    PRIMARY KEY (table_name, month)
);

-- A replayed row of a month that has left online storage has no place in a rebuilt read model.
CREATE FUNCTION public.discard_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.recorded_at < TG_ARGV[0]::timestamptz THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'there is no partition for %', NEW.recorded_at;
END $$;

-- Makes an empty copy of a read model's table in another schema, partitions included. Rows of months that have left
-- online storage are kept where the whole history is asked for, and discarded otherwise.
DROP FUNCTION public.copy_read_model(text, text);
CREATE FUNCTION public.copy_read_model(name text, target text, whole boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    living regclass := format('read_model.%I', name)::regclass;
    online timestamptz := (SELECT (to_date(max(month), 'YYYY-MM') + interval '1 month') AT TIME ZONE 'UTC'
                           FROM public.archive_segments WHERE table_name = name);
    part   record;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = living) = 'p' THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL) PARTITION BY RANGE (recorded_at)', target, name, living);
        FOR part IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
                    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhparent = living AND NOT i.inhdetachpending LOOP
            EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I %s', target, part.relname, target, name, part.bounds);
        END LOOP;
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I DEFAULT', target, name || '_rest', target, name);
        IF NOT whole THEN
            EXECUTE format('CREATE TRIGGER discard BEFORE INSERT ON %I.%I FOR EACH ROW EXECUTE FUNCTION public.discard_archived(%L)',
                target, name || '_rest', coalesce(online, '-infinity'));
        END IF;
    ELSE
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)', target, name, living);
    END IF;
    PERFORM public.guard_by_tenant(format('%I.%I', target, name)::regclass);
END $$;

-- Puts that copy in place of the living table.
CREATE OR REPLACE FUNCTION public.swap_read_model(name text, source text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    EXECUTE format('DROP TABLE read_model.%I', name);
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', source, name || '_rest');
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = format('%I.%I', source, name)::regclass LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA read_model', source, part.relname);
    END LOOP;
    EXECUTE format('ALTER TABLE %I.%I SET SCHEMA read_model', source, name);
END $$;

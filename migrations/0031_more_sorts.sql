-- Customers are listed by name and by how many licenses they have: a worker that can open names keeps both, beside the index
-- of search, and begins anew. Names stand here as they are compared, those of living persons alone.
CREATE TABLE customer_directory (
    tenant_id   text    NOT NULL,
    customer_id uuid    PRIMARY KEY,
    name        text    COLLATE "C" NOT NULL,
    licenses    integer NOT NULL DEFAULT 0,
    retired     boolean NOT NULL
);
CREATE INDEX customer_directory_name ON customer_directory (tenant_id, retired, name, customer_id);
CREATE INDEX customer_directory_licenses ON customer_directory (tenant_id, retired, licenses, customer_id);
SELECT guard_by_tenant('customer_directory'::regclass);
DELETE FROM consumers WHERE name = 'search';

-- Licenses are listed by when one of their machines reported last: from its issue on each has its figures.
SET LOCAL search_path TO read_model, public;

ALTER TABLE license_usage_stats ALTER first_beat_at DROP NOT NULL, ALTER last_beat_at DROP NOT NULL;
CREATE INDEX license_usage_stats_last ON license_usage_stats
    (tenant_id, (CASE WHEN last_beat_at IS NULL THEN timestamptz '1970-01-01 00:00+00' ELSE last_beat_at END), license_id);

-- What a customer had once is asked for too.
DROP INDEX license_state_customer;
CREATE INDEX license_state_customer ON license_state (tenant_id, customer_id, issued_at, license_id) INCLUDE (standing);

-- Customers are listed by name and by how many licenses they have: a worker that can open names keeps both, beside the index
-- of search. Names stand here as they are compared, those of living persons alone: whoever is forgotten has none from the
-- same moment on, whichever program it is that forgets.
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
CREATE FUNCTION blank_forgotten() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    UPDATE customer_directory SET name = '' WHERE customer_id = NEW.key_id::uuid AND tenant_id = NEW.tenant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER blank_forgotten AFTER UPDATE OF destroyed_at ON vault_keys FOR EACH ROW
    WHEN (NEW.destroyed_at IS NOT NULL AND NEW.purpose = 'person') EXECUTE FUNCTION blank_forgotten();

-- Licenses are listed by when one of their machines reported last: from its issue on each has its figures.
SET LOCAL search_path TO read_model, public;

ALTER TABLE license_usage_stats ALTER first_beat_at DROP NOT NULL, ALTER last_beat_at DROP NOT NULL;
INSERT INTO license_usage_stats (tenant_id, license_id, beats, machines, peak_machines, peak_users)
    SELECT tenant_id, license_id, 0, 0, 0, 0 FROM license_state ON CONFLICT DO NOTHING;
CREATE INDEX license_usage_stats_last ON license_usage_stats
    (tenant_id, (CASE WHEN last_beat_at IS NULL THEN timestamptz '1970-01-01 00:00+00' ELSE last_beat_at END), license_id);

-- What a customer had once is asked for too.
DROP INDEX license_state_customer;
CREATE INDEX license_state_customer ON license_state (tenant_id, customer_id, issued_at, license_id) INCLUDE (standing);

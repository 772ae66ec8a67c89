-- Row-level security, the second barrier between tenants: reading for a tenant happens as licet_reader, a role that
-- owns nothing and sees only rows of the tenant named in the transaction. The appender, projectors and audit use the
-- owner, and FORCE is not set for the owner because those must see every tenant.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'licet_reader') THEN
        CREATE ROLE licet_reader NOLOGIN;
    END IF;
EXCEPTION
    -- Another database of the cluster migrates at this moment and has made it.
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$
BEGIN
    EXECUTE format('GRANT licet_reader TO %I', current_user);
EXCEPTION
    WHEN unique_violation THEN NULL;
END $$;

CREATE SCHEMA read_model;
GRANT USAGE ON SCHEMA public, read_model TO licet_reader;

-- Makes a table readable for licet_reader, one tenant at a time.
CREATE FUNCTION guard_by_tenant(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY one_tenant ON %s TO licet_reader USING (tenant_id = current_setting(''licet.tenant_id'', true))', target);
    EXECUTE format('GRANT SELECT ON %s TO licet_reader', target);
END $$;

SELECT guard_by_tenant(name::regclass)
FROM unnest(ARRAY['events', 'heartbeat_events', 'decision_events', 'claims', 'seat_holds', 'api_key_usage']) AS name;
GRANT SELECT ON log_head, projector_checkpoints TO licet_reader;

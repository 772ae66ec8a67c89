-- Since when a target has taken nothing: after three days, what has waited for it as long is given up.
ALTER TABLE webhook_pauses ADD COLUMN failing_since timestamptz NOT NULL DEFAULT clock_timestamp();

-- Since when a license is stopped: after the longest lease, the list of leases that were called back need not name it.
ALTER TABLE read_model.license_state ADD COLUMN stopped_at timestamptz;
DROP INDEX read_model.license_state_stopped;
CREATE INDEX license_state_stopped ON read_model.license_state (tenant_id, stopped_at) WHERE stopped_at IS NOT NULL;

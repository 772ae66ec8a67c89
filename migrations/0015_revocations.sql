-- The list of leases that were called back looks at what has ended only, not at every machine of a fleet.
CREATE INDEX activations_ended ON read_model.activations (tenant_id, deactivated_at) WHERE deactivated_at IS NOT NULL;
CREATE INDEX license_state_stopped ON read_model.license_state (tenant_id, license_id) WHERE standing <> 'active';

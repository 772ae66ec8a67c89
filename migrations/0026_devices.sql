-- Machines are listed over all licenses, in the order of their activation, by how their seat stands and what they run on.
SET LOCAL search_path TO read_model, public;

CREATE INDEX activations_listed ON activations (tenant_id, activated_at, activation_id);
CREATE INDEX activations_status ON activations (tenant_id,
    (CASE WHEN deactivated_at IS NOT NULL THEN 'deactivated' WHEN silent_since IS NOT NULL THEN 'silent' ELSE 'active' END),
    activated_at, activation_id);
CREATE INDEX activations_os ON activations (tenant_id, os, activated_at, activation_id);

-- Licenses are listed by how they stand, and found by the last group of their key.
SET LOCAL search_path TO read_model, public;

CREATE INDEX license_state_status ON license_state (tenant_id, standing, expiry_noted, issued_at, license_id)
    WHERE standing <> 'retired';
CREATE INDEX license_state_key ON license_state (tenant_id, right(key_masked, 5), issued_at, license_id)
    WHERE standing <> 'retired';

-- Licenses are listed by when they end; what never ends comes last.
SET LOCAL search_path TO read_model, public;

CREATE INDEX license_state_end ON license_state
    (tenant_id, (coalesce(expires_at, timestamptz '9999-12-31 00:00+00')), license_id) WHERE standing <> 'retired';

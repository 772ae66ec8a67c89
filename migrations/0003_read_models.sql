-- Read models. Everything in the schema read_model can be dropped and comes back the same from the log.
-- A rebuild makes the same tables in a schema of its own, filled from the log, and swaps them in.
SET LOCAL search_path TO read_model, public;

CREATE TABLE license_state (
    tenant_id     text        NOT NULL,
    license_id    uuid        PRIMARY KEY,
    customer_id   uuid        NOT NULL,
    policy_id     uuid        NOT NULL,
    product_id    uuid        NOT NULL,
    key_masked    text        NOT NULL,
    standing      text        NOT NULL CHECK (standing IN ('active', 'suspended', 'revoked', 'retired')),
    seats         integer,
    active        integer     NOT NULL,
    valid_from    timestamptz NOT NULL,
    expires_at    timestamptz,
    expiry_noted  boolean     NOT NULL,
    features      text        NOT NULL,
    limits        text        NOT NULL,
    note_sealed   text,
    issued_at     timestamptz NOT NULL,
    position      bigint      NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX license_state_issued ON license_state (tenant_id, issued_at, license_id);
CREATE INDEX license_state_customer ON license_state (customer_id);
CREATE INDEX license_state_due ON license_state (expires_at) WHERE NOT expiry_noted AND standing IN ('active', 'suspended');

CREATE TABLE activations (
    tenant_id       text        NOT NULL,
    activation_id   uuid        PRIMARY KEY,
    license_id      uuid        NOT NULL,
    hostname_sealed text,
    os              text,
    app_version     text,
    activated_at    timestamptz NOT NULL,
    deactivated_at  timestamptz,
    reason          text,
    position        bigint      NOT NULL
);
CREATE INDEX activations_license ON activations (license_id, activated_at, activation_id);

CREATE TABLE audit_log (
    tenant_id      text        NOT NULL,
    position       bigint      PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    actor_kind     text        NOT NULL,
    actor_id       text        NOT NULL,
    action         text        NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    request_id     text        NOT NULL,
    correlation_id uuid        NOT NULL,
    client_sealed  text
);
CREATE INDEX audit_log_target ON audit_log (aggregate_id, position);

-- What operators list and edit: products, policies, customers, releases and API keys, one row each, with the
-- aggregate's state as the rules fold it.
CREATE TABLE resources (
    tenant_id   text        NOT NULL,
    kind        text        NOT NULL,
    resource_id uuid        NOT NULL,
    code        text,
    parent_id   uuid,
    created_at  timestamptz NOT NULL,
    retired     boolean     NOT NULL,
    state       text        NOT NULL,
    position    bigint      NOT NULL,
    PRIMARY KEY (kind, resource_id)
);
CREATE INDEX resources_created ON resources (tenant_id, kind, created_at, resource_id);

SELECT guard_by_tenant(name::regclass)
FROM unnest(ARRAY['license_state', 'activations', 'audit_log', 'resources']) AS name;

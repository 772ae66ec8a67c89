-- How much of each meter was used on a day: what unusual usage is compared with.
SET LOCAL search_path TO read_model, public;

CREATE TABLE meter_days (
    tenant_id  text        NOT NULL,
    license_id uuid        NOT NULL,
    meter      text        NOT NULL,
    day        timestamptz NOT NULL,
    amount     bigint      NOT NULL,
    PRIMARY KEY (license_id, meter, day)
);
SELECT guard_by_tenant('meter_days'::regclass);

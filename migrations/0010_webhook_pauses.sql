-- A target that fails is left alone for a while, whatever else is due to it.
CREATE TABLE webhook_pauses (
    webhook_id uuid        PRIMARY KEY,
    failures   integer     NOT NULL,
    until      timestamptz NOT NULL
);
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE status = 'pending';

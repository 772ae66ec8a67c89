-- Work to do, not history: how far each consumer of the log has come, and what is on its way. Read models and their
-- rebuilds never touch these, so that a rebuild sends nothing again.
CREATE TABLE consumers (
    name     text   PRIMARY KEY,
    position bigint NOT NULL
);

-- One row for each event that a webhook is told of.
CREATE TABLE webhook_deliveries (
    tenant_id       text        NOT NULL,
    webhook_id      uuid        NOT NULL,
    position        bigint      NOT NULL,
    event_type      text        NOT NULL,
    status          text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts        integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at      timestamptz,
    last_status     integer,
    last_error      text,
    PRIMARY KEY (webhook_id, position)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE status = 'pending';

-- One row for each mail; its id says what it is about, so that the same is never queued twice. Addresses and names are
-- looked up when it is sent, and stand nowhere here.
CREATE TABLE mails (
    mail_id         text        PRIMARY KEY,
    tenant_id       text        NOT NULL,
    kind            text        NOT NULL,
    subject_id      uuid        NOT NULL,
    facts           text        NOT NULL,
    status          text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'dead')),
    attempts        integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at      timestamptz,
    last_error      text
);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE status = 'pending';

-- Where the log began to tell others anew: after a restore, or a failover that lost events, positions are given out again.
-- An event is told in the epoch that its position lies in; the first epoch is named by the log's own id.
CREATE TABLE log_epochs (
  epoch       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  begun_after bigint NOT NULL CHECK (begun_after >= 0),
  begun_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Why a consumer has stopped, until it goes on.
ALTER TABLE consumers ADD COLUMN stopped_by text;

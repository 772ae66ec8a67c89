-- Since when a target has taken nothing: after three days, what has waited for it as long is given up.
ALTER TABLE webhook_pauses ADD COLUMN failing_since timestamptz NOT NULL DEFAULT clock_timestamp();

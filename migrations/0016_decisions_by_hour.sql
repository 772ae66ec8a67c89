-- Refusals of one license, machine and code fold by the hour, whichever node answered. The rows are made anew: the
-- projector's version has been raised.
SET LOCAL search_path TO read_model, public;

TRUNCATE decisions;
ALTER TABLE decisions
    ADD COLUMN hour timestamptz NOT NULL,
    DROP CONSTRAINT decisions_pkey,
    ADD PRIMARY KEY (license_id, machine, code, hour);

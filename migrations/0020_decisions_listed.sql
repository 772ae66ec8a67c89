-- Refusals are listed by when they were first decided, which never changes: a repetition moves none of them to another page.
SET LOCAL search_path TO read_model, public;

CREATE INDEX decisions_listed ON decisions (license_id, decided_at, code, machine);
DROP INDEX decisions_time;

-- What is found by what is typed: hashes of beginnings of words under the tenant's key, so that no name stands here in the
-- clear, and no tenant's search meets another's. Row-level security would keep the index from being used. A worker
-- keeps it; where it is emptied and its consumer's place forgotten, it is filled again.
CREATE TABLE search_terms (
    tenant_id text     NOT NULL,
    kind      text     NOT NULL,
    thing_id  uuid     NOT NULL,
    terms     bigint[] NOT NULL,
    PRIMARY KEY (kind, thing_id)
);
CREATE INDEX search_terms_terms ON search_terms USING gin (terms) WITH (fastupdate = off);

-- When sessions were last used: operational, not history. A node tells it once a minute at most.
CREATE TABLE session_use (
    session_id   uuid        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    last_seen_at timestamptz NOT NULL
) WITH (fillfactor = 70);

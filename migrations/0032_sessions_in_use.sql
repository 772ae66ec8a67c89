-- How many operators are at work is counted for monitoring.
CREATE INDEX session_use_seen ON session_use (last_seen_at);

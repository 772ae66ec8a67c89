-- What each node has admitted, for limits that hold over all of them. Not logged: after a crash counting begins anew.
CREATE UNLOGGED TABLE rate_counts (
    key         bytea  NOT NULL,
    time_window bigint NOT NULL,
    node        uuid   NOT NULL,
    count       bigint NOT NULL,
    PRIMARY KEY (key, time_window, node)
);

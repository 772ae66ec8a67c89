//! Database Performance: what PostgreSQL does for the log and the read models.

use super::{Dashboard, lines};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "licet-database",
        title: "Database Performance",
        panels: vec![
            lines(
                "Connections",
                "none",
                "By state, and how many there may be.",
                &[
                    ("sum by (state) (pg_stat_activity_count)", "{{state}}"),
                    ("max(pg_settings_max_connections)", "limit"),
                ],
            ),
            lines(
                "Connections of the nodes",
                "none",
                "Of each pool, those that are in use and how many it may have.",
                &[
                    ("licet_db_connections{state=\"used\"}", "{{instance}} {{pool}}"),
                    ("licet_db_connections_limit", "{{instance}} {{pool}}: limit"),
                ],
            ),
            lines(
                "Transactions",
                "ops",
                "Committed and rolled back.",
                &[
                    ("sum(rate(pg_stat_database_xact_commit[$__rate_interval]))", "committed"),
                    (
                        "sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))",
                        "rolled back",
                    ),
                ],
            ),
            lines(
                "Found in memory",
                "percentunit",
                "Share of blocks that need not be read from the disk.",
                &[(
                    "sum(rate(pg_stat_database_blks_hit[$__rate_interval])) / (sum(rate(pg_stat_database_blks_hit[$__rate_interval])) + sum(rate(pg_stat_database_blks_read[$__rate_interval])))",
                    "hits",
                )],
            ),
            lines(
                "Rows written",
                "wps",
                "Inserted, updated and deleted.",
                &[
                    ("sum(rate(pg_stat_database_tup_inserted[$__rate_interval]))", "inserted"),
                    ("sum(rate(pg_stat_database_tup_updated[$__rate_interval]))", "updated"),
                    ("sum(rate(pg_stat_database_tup_deleted[$__rate_interval]))", "deleted"),
                ],
            ),
            lines(
                "Rows read",
                "rps",
                "Looked at, and handed out: far more of the former is a query without an index.",
                &[
                    (
                        "sum(rate(pg_stat_database_tup_returned[$__rate_interval]))",
                        "looked at",
                    ),
                    (
                        "sum(rate(pg_stat_database_tup_fetched[$__rate_interval]))",
                        "by an index",
                    ),
                ],
            ),
            lines(
                "Append transactions",
                "s",
                "What the log's transactions take: mostly the disk's flush.",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(licet_append_batch_seconds_bucket[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(licet_append_batch_seconds_bucket[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "Locks",
                "none",
                "Held now, by mode.",
                &[("sum by (mode) (pg_locks_count)", "{{mode}}")],
            ),
            lines(
                "Conflicts",
                "none",
                "Deadlocks in five minutes, times that the appender lost its connection, and temporary files.",
                &[
                    ("sum(increase(pg_stat_database_deadlocks[5m]))", "deadlocks"),
                    ("sum(increase(licet_log_reconnects_total[5m]))", "reconnects"),
                    ("sum(increase(pg_stat_database_temp_files[5m]))", "temporary files"),
                ],
            ),
            lines(
                "Size",
                "bytes",
                "Of each database.",
                &[("pg_database_size_bytes", "{{datname}}")],
            ),
            lines(
                "Dead rows",
                "none",
                "In the ten tables that have most: autovacuum brings them down.",
                &[(
                    "topk(10, sum by (relname) (pg_stat_user_tables_n_dead_tup))",
                    "{{relname}}",
                )],
            ),
            lines(
                "Refused by the log",
                "none",
                "In five minutes, by reason.",
                &[(
                    "sum by (reason) (increase(licet_appends_refused_total[5m]))",
                    "{{reason}}",
                )],
            ),
        ],
    }
}

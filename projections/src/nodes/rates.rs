//! How often callers ask, told between nodes. Operational, not history: the table is not logged and may be lost.

use sqlx::PgPool;
use uuid::Uuid;

/// What one node has admitted for one key in one window.
#[derive(Debug, Clone)]
pub struct NodeCount {
    /// A digest of the key.
    pub key: [u8; 16],
    /// When the window began, in seconds since 1970.
    pub window_begins: i64,
    /// How many.
    pub count: i64,
}

/// What all the other nodes have admitted for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherNodes {
    /// In the window that was asked about.
    pub now: i64,
    /// In the one before it.
    pub before: i64,
}

/// Tells what this node has admitted; answers what all the others have, in the same order.
pub async fn share(
    pool: &PgPool,
    node: Uuid,
    window_seconds: i64,
    counts: &[NodeCount],
) -> sqlx::Result<Vec<OtherNodes>> {
    let keys: Vec<Vec<u8>> = counts.iter().map(|count| count.key.to_vec()).collect();
    let windows: Vec<i64> = counts.iter().map(|count| count.window_begins).collect();
    let own: Vec<i64> = counts.iter().map(|count| count.count).collect();
    sqlx::query!(
        r#"INSERT INTO rate_counts (key, time_window, node, count)
           SELECT key, time_window, $3, count FROM unnest($1::bytea[], $2::bigint[], $4::bigint[]) AS told (key, time_window, count)
           ON CONFLICT (key, time_window, node) DO UPDATE SET count = excluded.count"#,
        &keys,
        &windows,
        node,
        &own,
    )
    .execute(pool)
    .await?;
    let others = sqlx::query_as!(
        OtherNodes,
        r#"SELECT coalesce(sum(r.count) FILTER (WHERE r.time_window = asked.time_window), 0)::bigint AS "now!",
               coalesce(sum(r.count) FILTER (WHERE r.time_window < asked.time_window), 0)::bigint AS "before!"
           FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS asked (key, time_window, place)
           LEFT JOIN rate_counts r ON r.key = asked.key AND r.time_window IN (asked.time_window, asked.time_window - $4)
               AND r.node <> $3
           GROUP BY asked.place ORDER BY asked.place"#,
        &keys,
        &windows,
        node,
        window_seconds,
    )
    .fetch_all(pool)
    .await?;
    Ok(others)
}

/// Forgets windows that began before this, in seconds since 1970.
pub async fn sweep(pool: &PgPool, before: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM rate_counts WHERE time_window < $1", before)
        .execute(pool)
        .await?;
    Ok(())
}

//! Makes a log older than it is: what a server finds that slept for months.

use futures::TryStreamExt as _;
use licet_event_store::{EventLog, LogOptions, LogTable, chain};

/// Moves everything that was recorded back by so many days, with chains that hold. Nobody else may use the database.
pub async fn age(url: &str, days: i32) {
    let (log, tasks) = EventLog::open(url, &LogOptions::default())
        .await
        .expect("the log opens");
    let earliest = "SELECT min(recorded_at) - make_interval(days => $1) FROM (SELECT recorded_at FROM events UNION ALL
                    SELECT recorded_at FROM heartbeat_events UNION ALL SELECT recorded_at FROM decision_events) AS every";
    let months = format!(
        "SELECT make_partitions(month::date) IS NULL FROM generate_series(date_trunc('month', ({earliest}) AT TIME ZONE 'UTC'),
             now() AT TIME ZONE 'UTC', interval '1 month') AS month"
    );
    sqlx::query(&months)
        .bind(days)
        .execute(log.pool())
        .await
        .expect("partitions are made");
    for table in [
        "events",
        "heartbeat_events",
        "decision_events",
        "read_model.license_heartbeats",
    ] {
        let moved = format!("UPDATE {table} SET recorded_at = recorded_at - make_interval(days => $1)");
        sqlx::query(&moved)
            .bind(days)
            .execute(log.pool())
            .await
            .expect("rows move");
    }
    for (table, head) in LogTable::ALL
        .into_iter()
        .zip(["events_chain", "heartbeats_chain", "decisions_chain"])
    {
        let mut link = chain::GENESIS;
        let rows: Vec<_> = Box::pin(log.tail_from(table, 0, i64::MAX))
            .try_collect()
            .await
            .expect("the log is read");
        for event in &rows {
            link = chain::link_recorded(&link, event);
            let linked = format!("UPDATE {} SET chain = $1 WHERE position = $2", table.as_str());
            let linked = sqlx::query(&linked).bind(&link[..]).bind(event.position);
            linked.execute(log.pool()).await.expect("links are made");
        }
        let moved = format!("UPDATE log_head SET {head} = $1");
        let moved = sqlx::query(&moved).bind(&link[..]);
        moved.execute(log.pool()).await.expect("the head is moved");
    }
    sqlx::query("DELETE FROM checkpoints")
        .execute(log.pool())
        .await
        .expect("checkpoints go");
    drop(log);
    tasks.finish().await;
}

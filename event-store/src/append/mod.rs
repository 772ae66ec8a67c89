//! The statements of one append transaction. The order matters: lock the head, look in a fresh statement, check, write,
//! commit. Beats need no looking up: a node that has the log to itself writes them in one statement (`straight`).

mod batch;
mod checks;
mod connection;
mod facts;
mod head;
mod optimistic;

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use batch::Batch;
use checks::Checks;
pub(crate) use connection::LogConnection;
use facts::{Facts, look_up};
use head::{Head, LastHead, lock_head};

use crate::submission::Appended;

/// For how long a repeated request gets the first answer again.
pub(crate) const IDEMPOTENCY_HOURS: i64 = 24;

/// Which of these orders went in after a position, with the position and time of each one's newest event.
async fn find_commands(
    connection: &mut PgConnection,
    command_ids: &[Uuid],
    after: i64,
) -> sqlx::Result<HashMap<Uuid, Appended>> {
    let rows = sqlx::query!(
        r#"SELECT command_id AS "command_id!", max(position) AS "position!", max(recorded_at) AS "recorded_at!" FROM (
               SELECT command_id, position, recorded_at FROM events WHERE position > $2 AND command_id = ANY($1)
               UNION ALL SELECT command_id, position, recorded_at FROM heartbeat_events WHERE position > $2 AND command_id = ANY($1)
               UNION ALL SELECT command_id, position, recorded_at FROM decision_events WHERE position > $2 AND command_id = ANY($1)
           ) AS found GROUP BY command_id"#,
        command_ids,
        after,
    )
    .fetch_all(connection)
    .await?;
    let found = |row: (Uuid, i64, OffsetDateTime)| {
        (
            row.0,
            Appended {
                position: row.1,
                recorded_at: row.2.into(),
            },
        )
    };
    Ok(rows
        .into_iter()
        .map(|row| found((row.command_id, row.position, row.recorded_at)))
        .collect())
}

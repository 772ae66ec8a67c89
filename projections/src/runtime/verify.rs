//! Replays a read model into a scratch schema and compares it with the living one, row by row.

use licet_event_store::EventLog;
use serde::Serialize;
use sqlx::{Connection as _, Row as _};

use super::{Progress, ProjectionError, Projector, Purpose, Scratch, fold};

/// What the comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The read model.
    pub name: &'static str,
    /// The position at which both were compared.
    pub position: i64,
    /// How many rows a replay gives.
    pub rows: i64,
    /// Rows that differ, at most ten, as JSON.
    pub differences: Vec<Difference>,
}

/// A row that is only on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `living` or `replayed`.
    pub only_in: String,
    /// The row.
    pub row: String,
}

/// Compares at the projector's checkpoint, which stands still only while the comparison itself runs.
pub async fn verify(
    projector: &dyn Projector,
    log: &EventLog,
    progress: Progress<'_>,
) -> Result<Verified, ProjectionError> {
    let mut scratch = Scratch::make(log, &[projector], Purpose::Verify).await?;
    let compared = compare(projector, log, &mut scratch, progress).await;
    scratch.drop_schema().await?;
    compared
}

async fn compare(
    projector: &dyn Projector,
    log: &EventLog,
    scratch: &mut Scratch,
    progress: Progress<'_>,
) -> Result<Verified, ProjectionError> {
    let reached = sqlx::query_scalar!(
        "SELECT position FROM projector_checkpoints WHERE name = $1",
        projector.name()
    )
    .fetch_optional(log.pool())
    .await?
    .unwrap_or(0);
    fold(&[projector], log, &mut scratch.connection, (0, reached), progress).await?;
    let mut transaction = scratch.connection.begin().await?;
    let position = sqlx::query_scalar!(
        "SELECT position FROM projector_checkpoints WHERE name = $1 FOR UPDATE",
        projector.name()
    )
    .fetch_optional(&mut *transaction)
    .await?
    .unwrap_or(0);
    fold(&[projector], log, &mut transaction, (reached, position), progress).await?;
    let mut differences = Vec::new();
    let mut rows = 0;
    for table in projector.tables() {
        let (living, replayed) = (format!("read_model.{table}"), format!("{}.{table}", scratch.schema));
        for (only_in, one, other) in [("living", &living, &replayed), ("replayed", &replayed, &living)] {
            let statement = format!(
                "SELECT row_to_json(differing)::text FROM (TABLE {one} EXCEPT ALL TABLE {other} LIMIT 10) AS differing"
            );
            let found = sqlx::query(&statement).fetch_all(&mut *transaction).await?;
            for row in found {
                differences.push(Difference {
                    only_in: only_in.to_owned(),
                    row: row.try_get(0)?,
                });
            }
        }
        let counted = sqlx::query(&format!("SELECT count(*) FROM {replayed}"))
            .fetch_one(&mut *transaction)
            .await?;
        rows += counted.try_get::<i64, _>(0)?;
    }
    transaction.rollback().await?;
    Ok(Verified {
        name: projector.name(),
        position,
        rows,
        differences,
    })
}

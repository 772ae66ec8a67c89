//! Folds a stretch of the log into a projector's table.

use std::pin::Pin;

use futures::{Stream, TryStreamExt as _};
use licet_event_store::{LogTable, ReadError, RecordedRow, read};
use sqlx::{PgConnection, PgPool};

use super::{Progress, ProjectionError, Projector};

/// Rows touched in memory before they are written. A rebuild of a hundred thousand licenses writes each row once.
const FLUSH_ROWS: usize = 200_000;
/// Events read in one statement.
const STRETCH: i64 = 100_000;

/// Reads everything after `after` up to `until` and folds it into the tables that the connection's search path names.
/// Stops at a gap and at what it cannot read; the caller's transaction then ends without effect.
pub(crate) async fn fold(
    projector: &dyn Projector,
    pool: &PgPool,
    connection: &mut PgConnection,
    (after, until): (i64, i64),
    progress: Progress<'_>,
) -> Result<u64, ProjectionError> {
    let types: Vec<String> = projector.event_types().iter().map(ToString::to_string).collect();
    let mut folding = projector.begin();
    let mut events = 0;
    let mut reached = after;
    while reached < until {
        let end = until.min(reached + STRETCH);
        expect_dense(connection, reached, end).await?;
        let mut rows = Merged::open(projector.log_tables(), pool, (reached, end), &types).await?;
        while let Some(row) = rows.next().await? {
            folding.push(&row)?;
            events += 1;
        }
        if folding.pending() >= FLUSH_ROWS {
            folding.flush(connection).await?;
        }
        reached = end;
        progress(reached, until);
    }
    folding.flush(connection).await?;
    Ok(events)
}

type Rows<'a> = Pin<Box<dyn Stream<Item = sqlx::Result<RecordedRow>> + Send + 'a>>;

/// Several tables of the log as one stream, in the one order of positions.
struct Merged<'a>(Vec<(Rows<'a>, Option<RecordedRow>)>);

impl<'a> Merged<'a> {
    async fn open(
        tables: &[LogTable],
        pool: &'a PgPool,
        stretch: (i64, i64),
        types: &[String],
    ) -> sqlx::Result<Merged<'a>> {
        let mut streams = Vec::new();
        for table in tables {
            let mut rows: Rows<'_> = Box::pin(read::stream_types(pool, *table, stretch, types));
            let first = rows.try_next().await?;
            streams.push((rows, first));
        }
        Ok(Self(streams))
    }

    async fn next(&mut self) -> sqlx::Result<Option<RecordedRow>> {
        let mut lowest: Option<(i64, usize)> = None;
        for (index, (_, row)) in self.0.iter().enumerate() {
            if let Some(row) = row {
                let place = (row.position()?, index);
                lowest = Some(lowest.map_or(place, |known| known.min(place)));
            }
        }
        let Some((_, index)) = lowest else { return Ok(None) };
        let (rows, row) = &mut self.0[index];
        let next = rows.try_next().await?;
        Ok(std::mem::replace(row, next))
    }
}

/// Positions are dense over the three tables together: anything else means that history is missing.
async fn expect_dense(connection: &mut PgConnection, after: i64, until: i64) -> Result<(), ProjectionError> {
    let found = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM events WHERE position > $1 AND position <= $2)
                + (SELECT count(*) FROM heartbeat_events WHERE position > $1 AND position <= $2)
                + (SELECT count(*) FROM decision_events WHERE position > $1 AND position <= $2) AS "found!""#,
        after,
        until,
    )
    .fetch_one(&mut *connection)
    .await?;
    if found == until - after {
        return Ok(());
    }
    let missing = sqlx::query_scalar!(
        r#"SELECT min(place) AS "missing!" FROM generate_series($1::bigint + 1, $2::bigint) AS place
           WHERE NOT EXISTS (SELECT FROM events WHERE position = place)
             AND NOT EXISTS (SELECT FROM heartbeat_events WHERE position = place)
             AND NOT EXISTS (SELECT FROM decision_events WHERE position = place)"#,
        after,
        until,
    )
    .fetch_one(connection)
    .await?;
    Err(ReadError::Gap(missing).into())
}

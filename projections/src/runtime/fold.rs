//! Folds a stretch of the log into projectors' tables.

use std::{collections::HashSet, pin::Pin};

use futures::{Stream, TryStreamExt as _};
use licet_event_store::{EventLog, LogTable, ReadError, RecordedRow};
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::{Folding, Progress, ProjectionError, Projector};

/// Rows touched in memory before they are written, while the next ones are read: at most three times as many wait.
const FLUSH_ROWS: usize = 100_000;
/// Events read in one statement.
const READ_SIZE: i64 = 100_000;

/// What was pushed since the last flush, of each projector.
type Batch = Vec<Box<dyn Folding>>;

/// Reads everything after `after` up to `until`, once, and folds it into the tables of these projectors that the
/// connection's search path names: what was read is written while more is read. Stops at a gap and at what it cannot
/// read; the caller's transaction then ends without effect.
pub(crate) async fn fold(
    projectors: &[&dyn Projector],
    log: &EventLog,
    connection: &mut PgConnection,
    stretch: (i64, i64),
    progress: Progress<'_>,
) -> Result<u64, ProjectionError> {
    let (full, waiting) = mpsc::channel(1);
    let reading = read(projectors, log, stretch, full, progress);
    // Both to their ends: a statement that is broken off would leave its connection in the middle of an answer.
    let (read, written) = tokio::join!(reading, write(connection, waiting));
    written?;
    read
}

async fn write(connection: &mut PgConnection, mut waiting: mpsc::Receiver<Batch>) -> sqlx::Result<()> {
    while let Some(batch) = waiting.recv().await {
        for mut folding in batch {
            if folding.pending() > 0 {
                folding.flush(connection).await?;
            }
        }
    }
    Ok(())
}

/// Reads and folds in memory; whoever writes gets a batch at a time. Ends early where that one has failed.
async fn read(
    projectors: &[&dyn Projector],
    log: &EventLog,
    (after, until): (i64, i64),
    full: mpsc::Sender<Batch>,
    progress: Progress<'_>,
) -> Result<u64, ProjectionError> {
    let mut members: Vec<SharedReading<'_>> = projectors
        .iter()
        .map(|projector| SharedReading::of(*projector))
        .collect();
    let wanted: HashSet<&str> = members.iter().flat_map(|member| &member.types).copied().collect();
    let types: Vec<String> = wanted.into_iter().map(ToOwned::to_owned).collect();
    let reads = |table: &LogTable| {
        projectors
            .iter()
            .any(|projector| projector.log_tables().contains(table))
    };
    let tables: Vec<LogTable> = LogTable::ALL.into_iter().filter(reads).collect();
    let mut events = 0;
    let mut reached = after;
    while reached < until {
        let end = stretch(log, reached, until).await?;
        let mut rows = Merged::open(&tables, log, (reached, end), &types).await?;
        while let Some(row) = rows.next().await? {
            let mut pending = 0;
            for member in &mut members {
                member.push(&row)?;
                pending += member.folding.pending();
            }
            events += 1;
            if pending >= FLUSH_ROWS {
                progress(row.position()?, until);
                if full.send(taken(&mut members)).await.is_err() {
                    return Ok(events);
                }
            }
        }
        reached = end;
        progress(reached, until);
    }
    // Nobody takes it where the writing has failed, which is told by whoever wrote.
    let _ = full.send(taken(&mut members)).await;
    Ok(events)
}

fn taken(members: &mut [SharedReading<'_>]) -> Batch {
    let taken = |member: &mut SharedReading<'_>| std::mem::replace(&mut member.folding, member.projector.begin());
    members.iter_mut().map(taken).collect()
}

/// A projector in a reading that several share.
struct SharedReading<'a> {
    projector: &'a dyn Projector,
    types: HashSet<&'static str>,
    folding: Box<dyn Folding>,
}

impl<'a> SharedReading<'a> {
    fn of(projector: &'a dyn Projector) -> Self {
        Self {
            projector,
            types: projector.event_types().into_iter().collect(),
            folding: projector.begin(),
        }
    }

    fn push(&mut self, row: &RecordedRow) -> Result<(), ReadError> {
        if self.types.contains(row.event_type()?) {
            self.folding.push(row)?;
        }
        Ok(())
    }
}

type Rows<'a> = Pin<Box<dyn Stream<Item = Result<RecordedRow, ReadError>> + Send + 'a>>;

/// Several tables of the log as one stream, in the one order of positions.
struct Merged<'a>(Vec<(Rows<'a>, Option<RecordedRow>)>);

impl<'a> Merged<'a> {
    async fn open(
        tables: &[LogTable],
        log: &'a EventLog,
        stretch: (i64, i64),
        types: &'a [String],
    ) -> Result<Merged<'a>, ReadError> {
        let mut streams = Vec::new();
        for table in tables {
            let mut rows: Rows<'_> = Box::pin(log.walk(*table, stretch, types).await?);
            let first = rows.try_next().await?;
            streams.push((rows, first));
        }
        Ok(Self(streams))
    }

    async fn next(&mut self) -> Result<Option<RecordedRow>, ReadError> {
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

/// How far one reading may go, and that nothing is missing up to there: online, positions are dense over the three
/// tables together. In the archive, the manifests and their hashes vouch for what a file holds.
async fn stretch(log: &EventLog, after: i64, until: i64) -> Result<i64, ProjectionError> {
    let end = until.min(after + READ_SIZE);
    let found = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM events WHERE position > $1 AND position <= $2)
                + (SELECT count(*) FROM heartbeat_events WHERE position > $1 AND position <= $2)
                + (SELECT count(*) FROM decision_events WHERE position > $1 AND position <= $2) AS "events!",
                  (SELECT coalesce(max(last_position), 0) FROM archive_segments
                   WHERE table_name IN ('heartbeat_events', 'decision_events')) AS "archived!""#,
        after,
        end,
    )
    .fetch_one(log.pool())
    .await?;
    if found.events == end - after {
        return Ok(end);
    }
    if after < found.archived {
        return Ok(until.min(found.archived));
    }
    let missing = sqlx::query_scalar!(
        r#"SELECT min(place) AS "missing!" FROM generate_series($1::bigint + 1, $2::bigint) AS place
           WHERE NOT EXISTS (SELECT FROM events WHERE position = place)
             AND NOT EXISTS (SELECT FROM heartbeat_events WHERE position = place)
             AND NOT EXISTS (SELECT FROM decision_events WHERE position = place)"#,
        after,
        end,
    )
    .fetch_one(log.pool())
    .await?;
    Err(ReadError::Gap(missing).into())
}

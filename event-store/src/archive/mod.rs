//! Months that leave online storage: each becomes a Parquet file with a signed manifest, or several where it is large, is
//! read back and compared, and only then dropped. Whoever walks the log walks on through these files where they are at
//! hand.

mod catalog;
mod due;
mod keep;
mod manifest;
mod rows;

use std::path::PathBuf;

use sqlx::Connection as _;
use sqlx::PgConnection;
use uuid::Uuid;

pub use catalog::{Segment, all as segments};
pub(crate) use catalog::{of as segments_of, reaches};
pub use manifest::Manifest;
pub use rows::file;
pub(crate) use rows::{check_file, last_until, stream};

use due::Month;

use crate::{EventLog, LogTable, columnar::Failure, metrics::METRICS, vault::Signer};

/// Rows that one file takes at most: a larger month becomes several files. Some six minutes of work, which is what a
/// restart of the server can undo.
const FILE_ROWS: i64 = 10_000_000;

/// A table that is partitioned by month and does not stay online for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedTable {
    schema: &'static str,
    table: &'static str,
    source: LogTable,
    days: u32,
    file_rows: i64,
}

impl ArchivedTable {
    /// A table of the log; a month of it leaves when its last day is so many days ago.
    pub fn log(table: LogTable, days: u32) -> Self {
        Self {
            schema: "public",
            table: table.as_str(),
            source: table,
            days,
            file_rows: FILE_ROWS,
        }
    }

    /// A table that a read model makes of a table of the log, with its `position` and `recorded_at`.
    pub fn read_model(table: &'static str, source: LogTable, days: u32) -> Self {
        Self {
            schema: "read_model",
            table,
            source,
            days,
            file_rows: FILE_ROWS,
        }
    }

    /// The same with files of so many rows at most, at least one.
    #[must_use]
    pub fn in_files_of(self, rows: u32) -> Self {
        Self {
            file_rows: i64::from(rows.max(1)),
            ..self
        }
    }

    /// Whether it is the log's own, and so chained.
    fn is_log(&self) -> bool {
        self.table == self.source.as_str()
    }

    fn parent(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// Why archiving stopped. Nothing was dropped that is not in a file that was read back.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A file could not be written or read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        cause: Failure,
    },
    /// What was read is not what was written, or not where it belongs.
    #[error("{what}; nothing was dropped")]
    Mismatch {
        /// What does not hold, for people.
        what: String,
    },
    /// There is no folder for the files.
    #[error("there is no folder for the archive: set --archive-dir or ARCHIVE_DIR")]
    NoFolder,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Archived {
    /// Files written; a large month has several.
    pub written: Vec<Segment>,
    /// Partitions dropped, the written ones' among them.
    pub dropped: Vec<String>,
    /// Partitions that wait for the next run: someone reads the log from its beginning, or a projector is behind.
    pub waiting: Vec<String>,
}

/// Taken while someone walks the log from its beginning: nothing is dropped under their feet.
const READERS: &str = "licet archive readers";
/// Taken by whoever archives.
const ARCHIVER: &str = "licet archiver";

/// Keeps months from being dropped for as long as the connection lives.
pub async fn hold_months(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_lock_shared(hashtextextended($1, 0)) IS NULL AS held",
        READERS
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// What a run of archiving goes by.
struct ArchiveRun<'a, F> {
    log: &'a EventLog,
    log_id: Uuid,
    signer: &'a Signer,
    settled: i64,
    /// Hears of each file and how many rows it has so far.
    told: F,
    done: Archived,
}

/// Archives every month that is due and drops it from online storage, the oldest first. `settled` is the position that
/// every read model has reached: what is beyond it stays. `told` hears of each file how many rows it has so far. Appends
/// go on all the while.
pub async fn run(
    log: &EventLog,
    archived_tables: &[ArchivedTable],
    (signer, settled): (&Signer, i64),
    told: impl FnMut(&str, i64) + Send,
) -> Result<Archived, ArchiveError> {
    let mut connection = log.connect().await?;
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "alone!""#,
        ARCHIVER
    )
    .fetch_one(&mut connection)
    .await?;
    let mut run = ArchiveRun {
        log,
        log_id: log.log_id().await?,
        signer,
        settled,
        told,
        done: Archived::default(),
    };
    for archived_table in archived_tables.iter().filter(|_| alone) {
        if let Err(error) = run.archived_table(archived_table, &mut connection).await {
            METRICS.archive_failed();
            return Err(error);
        }
    }
    connection.close().await?;
    Ok(run.done)
}

/// How many months should have left online storage by now, of all these tables together.
pub async fn months_due(log: &EventLog, archived_tables: &[ArchivedTable]) -> sqlx::Result<usize> {
    let (mut connection, mut months) = (log.pool().acquire().await?, 0);
    for archived_table in archived_tables {
        months += due::months(&mut connection, archived_table).await?.len();
    }
    Ok(months)
}

impl<F: FnMut(&str, i64) + Send> ArchiveRun<'_, F> {
    async fn archived_table(
        &mut self,
        archived_table: &ArchivedTable,
        connection: &mut PgConnection,
    ) -> Result<(), ArchiveError> {
        for month in due::months(connection, archived_table).await? {
            if month.attached && due::last_position(connection, archived_table, &month).await? > self.settled {
                self.done.waiting.push(month.partition);
                return Ok(());
            }
            let mut parts = catalog::parts(connection, archived_table.table, &month.month).await?;
            let known = parts.len();
            self.keep(archived_table, &month, connection, &mut parts).await?;
            let dropped = due::nobody_walks(connection).await? && {
                for part in &parts[..known] {
                    expect_file(self.log, part).await?;
                }
                due::drop_month(connection, archived_table, &month, &parts).await?
            };
            if dropped {
                tracing::info!(partition = month.partition, "a month has left online storage");
                self.done.dropped.push(month.partition);
            } else {
                self.done.waiting.push(month.partition);
            }
        }
        Ok(())
    }

    /// Writes what is not in the archive yet. Nobody can add to a month that is detached.
    async fn keep(
        &mut self,
        archived_table: &ArchivedTable,
        month: &Month,
        connection: &mut PgConnection,
        parts: &mut Vec<Segment>,
    ) -> Result<(), ArchiveError> {
        // A month in which nothing happened has no segment.
        if !month.attached && parts.is_empty() && !due::is_empty(&mut *connection, month).await? {
            return Err(ArchiveError::Mismatch {
                what: format!("{} is detached, and no segment is known of it", month.partition),
            });
        }
        while month.attached
            && let Some(part) = keep::part(self, archived_table, (month, parts)).await?
        {
            METRICS.archived(archived_table.table, part.rows.cast_unsigned());
            tracing::info!(file = part.file, rows = part.rows, "a file was archived");
            self.done.written.push(part.clone());
            parts.push(part);
        }
        Ok(())
    }
}

/// What an earlier run wrote is still what it was.
async fn expect_file(log: &EventLog, part: &Segment) -> Result<(), ArchiveError> {
    let checked = rows::check_file(log, part).await;
    let what = |error: crate::ReadError| ArchiveError::Mismatch {
        what: error.to_string(),
    };
    checked.map(drop).map_err(what)
}

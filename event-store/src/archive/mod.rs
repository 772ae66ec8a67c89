//! Months that leave online storage: each becomes a Parquet file with a signed manifest, is read back and compared, and
//! only then dropped. Whoever walks the log walks on through these files where they are at hand.

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

use crate::{EventLog, LogTable, columnar::Failure, metrics::METRICS, vault::Signer};

/// A table that is partitioned by month and does not stay online for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    schema: &'static str,
    table: &'static str,
    source: LogTable,
    days: u32,
}

impl Shelf {
    /// A table of the log; a month of it leaves when its last day is so many days ago.
    pub fn log(table: LogTable, days: u32) -> Self {
        Self {
            schema: "public",
            table: table.as_str(),
            source: table,
            days,
        }
    }

    /// A table that a read model makes of a table of the log, with its `position` and `recorded_at`.
    pub fn read_model(table: &'static str, source: LogTable, days: u32) -> Self {
        Self {
            schema: "read_model",
            table,
            source,
            days,
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
        /// Why.
        cause: Failure,
    },
    /// What was read is not what was written, or not where it belongs.
    #[error("{what}; nothing was dropped")]
    Mismatch {
        /// What.
        what: String,
    },
    /// There is no folder for the files.
    #[error("there is no folder for the archive: set --archive-dir or ARCHIVE_DIR")]
    NoFolder,
}

/// What a turn did.
#[derive(Debug, Default)]
pub struct Archived {
    /// Files written.
    pub written: Vec<Segment>,
    /// Partitions dropped, the written ones' among them.
    pub dropped: Vec<String>,
    /// Partitions that wait for the next turn: someone reads the log from its beginning, or a projector is behind.
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

/// Archives every month that is due and drops it from online storage, the oldest first. `settled` is the position that
/// every read model has reached: what is beyond it stays. Appends go on all the while.
pub async fn run(log: &EventLog, shelves: &[Shelf], signer: &Signer, settled: i64) -> Result<Archived, ArchiveError> {
    let mut done = Archived::default();
    let mut connection = log.connect().await?;
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "alone!""#,
        ARCHIVER
    )
    .fetch_one(&mut connection)
    .await?;
    if alone {
        let log_id = log.log_id().await?;
        for shelf in shelves {
            let ran = turn(log, (shelf, log_id, signer, settled), &mut connection, &mut done).await;
            if let Err(error) = ran {
                METRICS.archive_failed();
                return Err(error);
            }
        }
    }
    connection.close().await?;
    Ok(done)
}

async fn turn(
    log: &EventLog,
    (shelf, log_id, signer, settled): (&Shelf, Uuid, &Signer, i64),
    connection: &mut PgConnection,
    done: &mut Archived,
) -> Result<(), ArchiveError> {
    for month in due::months(connection, shelf).await? {
        let segment = match catalog::find(connection, shelf.table, &month.month).await? {
            Some(segment) => {
                let checked = rows::check_file(log, &segment).await;
                checked.map_err(|error| ArchiveError::Mismatch {
                    what: error.to_string(),
                })?;
                Some(segment)
            }
            None if !month.attached => {
                return Err(ArchiveError::Mismatch {
                    what: format!("{} is detached, and no segment is known of it", month.partition),
                });
            }
            None if due::last_position(connection, shelf, &month).await? > settled => {
                done.waiting.push(month.partition);
                return Ok(());
            }
            None => {
                let written = keep::month(log, (shelf, log_id), &month, signer).await?;
                if let Some(segment) = &written {
                    METRICS.archived(shelf.table, segment.rows.cast_unsigned());
                    tracing::info!(file = segment.file, rows = segment.rows, "a month was archived");
                    done.written.push(segment.clone());
                }
                written
            }
        };
        if due::drop_month(connection, shelf, &month, segment.as_ref()).await? {
            tracing::info!(partition = month.partition, "a month has left online storage");
            done.dropped.push(month.partition);
        } else {
            done.waiting.push(month.partition);
        }
    }
    Ok(())
}

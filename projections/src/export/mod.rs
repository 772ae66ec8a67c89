//! A read model as of any moment, as files that other tools read.

mod columns;
mod csv;
mod parquet;

use std::path::{Path, PathBuf};

use licet_event_store::{AsOf, EventLog, read};
use serde::Serialize;

use crate::runtime::{Progress, ProjectionError, Projector, Scratch, fold};

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values (RFC 4180) with a head line; times as RFC 3339.
    Csv,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The read model.
    pub name: &'static str,
    /// The position up to which history counted.
    pub position: i64,
    /// How many events were folded.
    pub events: u64,
    /// How many rows came of it.
    pub rows: u64,
    /// The file.
    pub file: PathBuf,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The replay stopped.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The file could not be written.
    #[error("{path} could not be written: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Projection(error.into())
    }
}

/// Builds a read model as it stood and writes it to a file in `folder`. The living one is not touched.
pub async fn replay(
    projector: &dyn Projector,
    log: &EventLog,
    as_of: AsOf,
    (folder, format): (&Path, Format),
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let position = read::position_at(log.pool(), as_of).await?;
    let mut scratch = Scratch::make(log, projector, &format!("replay_{}", std::process::id())).await?;
    let written = write(projector, log, &mut scratch, position, (folder, format), progress).await;
    scratch.drop_schema().await?;
    written
}

async fn write(
    projector: &dyn Projector,
    log: &EventLog,
    scratch: &mut Scratch,
    position: i64,
    (folder, format): (&Path, Format),
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let events = fold(projector, log.pool(), &mut scratch.connection, (0, position), progress).await?;
    let extension = match format {
        Format::Parquet => "parquet",
        Format::Csv => "csv",
    };
    let file = folder.join(format!("{}-{position}.{extension}", projector.name()));
    // Written beside and renamed, so that a file of this name is always whole.
    let partial = file.with_extension(format!("{extension}.part"));
    let failed = |cause: String| ExportError::File {
        path: file.clone(),
        cause,
    };
    std::fs::create_dir_all(folder).map_err(|cause| failed(cause.to_string()))?;
    let rows = match format {
        Format::Csv => csv::write(&mut scratch.connection, projector.table(), &partial).await,
        Format::Parquet => parquet::write(&mut scratch.connection, projector.table(), &partial).await,
    };
    let rows = rows.map_err(|error| failed(error.to_string()))?;
    std::fs::rename(&partial, &file).map_err(|cause| failed(cause.to_string()))?;
    Ok(Replayed {
        name: projector.name(),
        position,
        events,
        rows,
        file,
    })
}

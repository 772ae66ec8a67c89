//! A read model as of any moment, as files that other tools read.

mod csv;

use std::path::{Path, PathBuf};

use licet_event_store::{AsOf, EventLog, ReadError, Tenant, columnar};
use serde::Serialize;

use crate::runtime::{Progress, ProjectionError, Projector, Purpose, Scratch, fold};

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values (RFC 4180) with a head line; times as RFC 3339.
    Csv,
}

impl Format {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
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
    /// How many rows came of it, over all tables.
    pub rows: u64,
    /// The file of the first table; most read models have one.
    pub file: PathBuf,
    /// Every table's file.
    pub files: Vec<TableFile>,
}

/// One table of a read model, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableFile {
    /// The table.
    pub table: &'static str,
    /// How many rows it has.
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
        /// What went wrong.
        cause: String,
    },
}

impl From<ReadError> for ExportError {
    fn from(error: ReadError) -> Self {
        Self::Projection(error.into())
    }
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Projection(error.into())
    }
}

/// Builds a read model as it stood and writes it to a file in `folder`: one tenant's rows, or everybody's. The living one
/// is not touched.
pub async fn replay(
    projector: &dyn Projector,
    log: &EventLog,
    (as_of, tenant): (AsOf, Option<&Tenant>),
    (folder, format): (&Path, Format),
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let position = log.position_at(as_of).await?;
    let mut scratch = Scratch::make(log, projector, Purpose::Replay).await?;
    let written = write(
        projector,
        log,
        &mut scratch,
        (position, tenant),
        (folder, format),
        progress,
    )
    .await;
    scratch.drop_schema().await?;
    written
}

async fn write(
    projector: &dyn Projector,
    log: &EventLog,
    scratch: &mut Scratch,
    (position, tenant): (i64, Option<&Tenant>),
    (folder, format): (&Path, Format),
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let events = fold(&[projector], log, &mut scratch.connection, (0, position), progress).await?;
    std::fs::create_dir_all(folder).map_err(|cause| failed(folder, &cause))?;
    let mut files = Vec::new();
    for table in projector.tables() {
        files.push(write_table(scratch, table, (position, tenant), (folder, format)).await?);
    }
    Ok(Replayed {
        name: projector.name(),
        position,
        events,
        rows: files.iter().map(|file| file.rows).sum(),
        file: files.first().map(|first| first.file.clone()).unwrap_or_default(),
        files,
    })
}

async fn write_table(
    scratch: &mut Scratch,
    table: &'static str,
    (position, tenant): (i64, Option<&Tenant>),
    (folder, format): (&Path, Format),
) -> Result<TableFile, ExportError> {
    let file = folder.join(format!("{table}-{position}.{}", format.extension()));
    // Written beside and renamed, so that a file of this name is always whole.
    let partial = file.with_extension(format!("{}.part", format.extension()));
    let rows = match format {
        Format::Csv => csv::write(&mut scratch.connection, (table, tenant), &partial).await,
        Format::Parquet => columnar::write(&mut scratch.connection, (table, tenant), &partial).await,
    };
    let rows = rows.map_err(|error| failed(&file, &error))?;
    std::fs::rename(&partial, &file).map_err(|cause| failed(&file, &cause))?;
    Ok(TableFile { table, rows, file })
}

fn failed(path: &Path, cause: &dyn std::fmt::Display) -> ExportError {
    ExportError::File {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

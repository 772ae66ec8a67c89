//! A read model as of any moment, as files that other tools read.

mod csv;

use std::path::{Path, PathBuf};

pub use csv::inert;

use licet_event_store::{AsOf, EventLog, ReadError, Tenant, columnar};
use serde::Serialize;

use sqlx::Executor as _;

use crate::runtime::{Export, Progress, ProjectionError, Projector, Purpose, Scratch, fold, projectors};

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values (RFC 4180) with a head line; times as RFC 3339 to the microsecond, as in Parquet.
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

/// One relation of a read model, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableFile {
    /// The relation: a table, or what was made of it.
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
    as_of: AsOf,
    tenant: Option<&Tenant>,
    folder: &Path,
    format: Format,
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let position = log.position_at(as_of).await?;
    let beside = projectors();
    let beside = beside
        .iter()
        .filter(|one| projector.exports_with().contains(&one.name()));
    let group: Vec<&dyn Projector> = std::iter::once(projector).chain(beside.copied()).collect();
    let mut scratch = Scratch::make(log, &group, Purpose::Replay).await?;
    let written = write(
        &group,
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
    group: &[&dyn Projector],
    log: &EventLog,
    scratch: &mut Scratch,
    (position, tenant): (i64, Option<&Tenant>),
    (folder, format): (&Path, Format),
    progress: Progress<'_>,
) -> Result<Replayed, ExportError> {
    let events = fold(group, log, &mut scratch.connection, (0, position), progress).await?;
    let projector = group[0];
    std::fs::create_dir_all(folder).map_err(|cause| failed(folder, &cause))?;
    let mut files = Vec::new();
    for export in projector.exports() {
        files.push(write_export(scratch, export, position, tenant, folder, format).await?);
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

async fn write_export(
    scratch: &mut Scratch,
    export: &Export,
    position: i64,
    tenant: Option<&Tenant>,
    folder: &Path,
    format: Format,
) -> Result<TableFile, ExportError> {
    let table = export.name;
    let relation = match export.select {
        Some(select) => {
            let view = format!("export_{table}");
            let made = format!("CREATE VIEW {}.{view} AS {select}", scratch.schema);
            scratch.connection.execute(made.as_str()).await?;
            view
        }
        None => table.to_owned(),
    };
    let file = folder.join(format!("{table}-{position}.{}", format.extension()));
    // Written beside and renamed, so that a file of this name is always whole.
    let partial = file.with_extension(format!("{}.part", format.extension()));
    let rows = match format {
        Format::Csv => csv::write(&mut scratch.connection, (&relation, tenant), &partial).await,
        Format::Parquet => columnar::write(&mut scratch.connection, (&relation, tenant), &partial).await,
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

//! Writes the files of a backup back: each once, whatever is cut off.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use licet_domain::values::Timestamp;
use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;

use super::super::{BackupError, BackupFile, BackupKeys, BackupManifest, BackupStore, FileKind, copy, tables};

/// Writes the rows of a file, in one transaction with the word that they are there.
pub(super) async fn file(
    connection: &mut PgConnection,
    (store, keys): (&BackupStore, &BackupKeys),
    file: &BackupFile,
) -> Result<(), BackupError> {
    let mut transaction = connection.begin().await?;
    let first = sqlx::query("INSERT INTO restore.files VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(&file.path)
        .execute(&mut *transaction)
        .await?;
    if first.rows_affected() == 0 {
        return Ok(());
    }
    let sealed = store.read(file).await?;
    if let Some((_, first_at, last_at)) = file.begins {
        make_months(&mut transaction, first_at, last_at).await?;
    }
    let columns = tables::columns(&mut transaction, &file.of).await?;
    let table = format!("public.{}", file.of);
    let rows = copy::copy_in(&mut transaction, (&table, &columns.list), sealed, keys).await?;
    if rows != file.rows {
        return Err(BackupError::Touched(file.path.clone()));
    }
    transaction.commit().await?;
    Ok(())
}

/// The partitions that rows of these months go to.
async fn make_months(connection: &mut PgConnection, from: Timestamp, to: Timestamp) -> Result<(), BackupError> {
    sqlx::query(
        "SELECT make_partitions(month::date) FROM generate_series(
             date_trunc('month', $1 AT TIME ZONE 'UTC'), $2 AT TIME ZONE 'UTC', interval '1 month') AS months (month)",
    )
    .bind(OffsetDateTime::from(from))
    .bind(OffsetDateTime::from(to))
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Files of the archive, as they were. One that is there already must be the same.
pub(super) async fn archive(
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    folder: Option<&Path>,
) -> Result<(), BackupError> {
    let Some(folder) = folder else { return Ok(()) };
    let parts: Vec<&BackupFile> = manifest
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Archive)
        .collect();
    for parts in parts.chunk_by(|one, next| one.of == next.of) {
        let path = folder.join(&parts[0].of);
        if path.exists() {
            expect_same(&path, parts, (store, keys)).await?;
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let partial = path.with_extension("restoring");
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)?;
        for part in parts {
            file.write_all(&open_part(part, (store, keys)).await?)?;
        }
        file.sync_all()?;
        fs::rename(&partial, &path)?;
    }
    Ok(())
}

async fn open_part(part: &BackupFile, (store, keys): (&BackupStore, &BackupKeys)) -> Result<Vec<u8>, BackupError> {
    let (sealed, keys) = (store.read(part).await?, keys.clone());
    let opened = tokio::task::spawn_blocking(move || keys.open(&sealed)).await;
    Ok(opened.map_err(std::io::Error::other)??)
}

/// A restore that was cut off has written it, or whoever kept the archive.
async fn expect_same(
    path: &PathBuf,
    parts: &[&BackupFile],
    (store, keys): (&BackupStore, &BackupKeys),
) -> Result<(), BackupError> {
    use std::io::Read as _;
    let other = || BackupError::InUse(format!("{} is there and is another file", path.display()));
    let mut there = fs::File::open(path)?;
    for part in parts {
        let wanted = open_part(part, (store, keys)).await?;
        let mut found = vec![0; wanted.len()];
        there.read_exact(&mut found).map_err(|_| other())?;
        if found != wanted {
            return Err(other());
        }
    }
    if there.read(&mut [0])? == 0 {
        Ok(())
    } else {
        Err(other())
    }
}

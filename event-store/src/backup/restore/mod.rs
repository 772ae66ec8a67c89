//! Puts a backup into an empty database, whole or as of an earlier moment; goes on where it was cut off.
//!
//! The schema `restore` stands in the database from the first moment to the last: who finds it knows that the database is
//! not to be used yet, and how far it is.

mod begin;
mod finish;
mod load;

use std::path::Path;

use licet_domain::values::Timestamp;
use sqlx::{Connection as _, Executor as _};
use uuid::Uuid;

use super::{BackupError, BackupFile, BackupKeys, BackupManifest, BackupStore, FileKind, ForgottenKey, forgotten};
use crate::{schema, session};

/// Up to where a backup is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestorePoint {
    /// All that it holds.
    Whole,
    /// As of the event at this position.
    Position(i64),
    /// As of the last event that was recorded at or before this moment.
    Time(Timestamp),
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The position that the log ends at.
    pub position: i64,
    /// The log's new id.
    pub log_id: Uuid,
    /// Keys that had been destroyed since the backup and are destroyed again.
    pub forgotten: Vec<ForgottenKey>,
}

/// Reads every file of a backup and opens it: nothing is missing, cut off, exchanged or changed.
pub async fn check_files(
    store: &BackupStore,
    keys: &BackupKeys,
    manifest: &BackupManifest,
    mut told: impl FnMut(i64, i64),
) -> Result<(), BackupError> {
    let (mut read, of) = (0, manifest.bytes());
    for file in &manifest.files {
        let (sealed, keys) = (store.read(file).await?, keys.clone());
        let opened =
            tokio::task::spawn_blocking(move || std::io::copy(&mut keys.reader(&sealed[..])?, &mut std::io::sink()));
        let opened = opened.await.map_err(std::io::Error::other)?;
        opened.map_err(|_| BackupError::Touched(file.path.clone()))?;
        read += file.bytes;
        told(read.cast_signed(), of.cast_signed());
    }
    Ok(())
}

/// Restores into an empty database; the same once more goes on with what was cut off. The archive's files go to
/// `archive`. The log gets a new id, because positions after its end are given out again. Nobody uses the database before
/// [`complete`].
pub async fn restore(
    url: &str,
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    point: RestorePoint,
    archive: Option<&Path>,
    mut told: impl FnMut(i64, i64),
) -> Result<Restored, BackupError> {
    if manifest.archived.is_some() && archive.is_none() {
        return Err(BackupError::OutOfReach(
            "this backup has months of an archive: say where they go, with --archive-dir".to_owned(),
        ));
    }
    expect_reachable(manifest, point)?;
    expect_whole(store, manifest).await?;
    let ledger = ledger(store, keys).await?;
    let options = session::connect_options(url)?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    let known = begin::take(&mut connection, &format!("{} {point:?}", manifest.id)).await?;
    let restored = if let Some(restored) = known {
        restored
    } else {
        load::archive((store, keys), manifest, archive).await?;
        schema::migrate_to(&mut connection, manifest.schema).await?;
        begin::set_indexes_aside(&mut connection).await?;
        let wanted: Vec<&BackupFile> = manifest.files.iter().filter(|file| reaches(file, point)).collect();
        let (of, mut rows) = (wanted.iter().map(|file| file.rows).sum(), 0);
        for file in wanted {
            load::file(&mut connection, (store, keys), file).await?;
            rows += file.rows;
            told(rows, of);
        }
        finish::make_indexes(&mut connection).await?;
        finish::finish(&mut connection, manifest, point, &ledger).await?
    };
    schema::bring_up_to_date(&mut connection).await?;
    connection.close().await?;
    Ok(restored)
}

/// Gives a log that was recovered from its write-ahead log a new id and an epoch: what was recorded after its end may have
/// been told, and positions are given out again. Who was forgotten since, by the ledger beside the backups, is forgotten
/// again.
pub async fn begin_anew(url: &str, store: Option<(&BackupStore, &BackupKeys)>) -> Result<Restored, BackupError> {
    let known = match store {
        Some((store, keys)) => ledger(store, keys).await?,
        None => Vec::new(),
    };
    let options = session::connect_options(url)?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    let begun = finish::begin_anew(&mut connection, &known).await?;
    connection.close().await?;
    Ok(begun)
}

/// Hands a restored database over to servers.
pub async fn complete(url: &str) -> Result<(), BackupError> {
    let options = session::connect_options(url)?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    connection.execute("DROP SCHEMA IF EXISTS restore CASCADE").await?;
    connection.close().await?;
    Ok(())
}

/// Makes sure that this program can restore a backup as of a moment.
pub fn expect_reachable(manifest: &BackupManifest, point: RestorePoint) -> Result<(), BackupError> {
    if manifest.schema > schema::newest() {
        return Err(BackupError::Newer {
            id: manifest.id.clone(),
            schema: manifest.schema,
            program: manifest.program.clone(),
        });
    }
    // The two clocks need not agree.
    let latest = manifest.taken_at.max(manifest.recorded_at);
    let (beyond, archived) = match (point, manifest.archived) {
        (RestorePoint::Whole, _) => return Ok(()),
        (RestorePoint::Position(position), archived) => (
            !(1..=manifest.position).contains(&position),
            archived.is_some_and(|(last, _)| position < last),
        ),
        (RestorePoint::Time(time), archived) => (time > latest, archived.is_some_and(|(_, last)| time < last)),
    };
    let asked = match point {
        RestorePoint::Position(position) => format!("position {position}"),
        RestorePoint::Time(time) => time.to_string(),
        RestorePoint::Whole => return Ok(()),
    };
    if beyond {
        return Err(BackupError::OutOfReach(format!(
            "backup {} holds positions 1 to {}, recorded until {}; {asked} is not among them",
            manifest.id, manifest.position, manifest.recorded_at
        )));
    }
    if archived {
        return Err(BackupError::OutOfReach(format!(
            "{asked} lies within months that have left for the archive: restore a backup that was made before they did"
        )));
    }
    Ok(())
}

/// Every file is there and as long as it was; what is in them is looked at when they are read.
async fn expect_whole(store: &BackupStore, manifest: &BackupManifest) -> Result<(), BackupError> {
    let sizes = store.sizes().await?;
    for file in &manifest.files {
        match sizes.get(&file.path) {
            None => return Err(BackupError::Missing(file.path.clone())),
            Some(bytes) if *bytes != file.bytes => return Err(BackupError::Touched(file.path.clone())),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Who was forgotten. A ledger that knows fewer than any backup says it did was exchanged for an older one, or is gone.
async fn ledger(store: &BackupStore, keys: &BackupKeys) -> Result<Vec<ForgottenKey>, BackupError> {
    let ledger = forgotten::read(store, keys).await?;
    let manifests = store.list(keys).await?.into_iter().flatten();
    let known = manifests.map(|manifest| manifest.forgotten).max().unwrap_or(0);
    if ledger.len() < known {
        return Err(BackupError::Touched(forgotten::LEDGER.to_owned()));
    }
    Ok(ledger)
}

fn reaches(file: &BackupFile, point: RestorePoint) -> bool {
    let Some((first, first_at, _)) = file.begins else {
        return file.kind != FileKind::Archive;
    };
    match point {
        RestorePoint::Whole => true,
        RestorePoint::Position(position) => first <= position,
        RestorePoint::Time(time) => first_at <= time,
    }
}

//! Writes the files of a backup, as far as no earlier one has.

use std::{
    collections::HashMap,
    io::{Read as _, Seek as _},
    path::PathBuf,
};

use licet_domain::values::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{BackupError, BackupFile, BackupKeys, BackupManifest, BackupStore, FileKind, copy::CopyOut, tables};
use crate::{EventLog, LogTable, archive};

/// Positions that one file of the log spans; the spans are the same in every backup.
const SPAN: i64 = 65_536;
/// Rows of a table beside the log that one file takes at most.
const ROWS: i64 = 131_072;
/// Bytes of a file of the archive that one file of a backup takes at most.
const PART: u64 = 64 << 20;
/// After so many files it is written down what is there, for whoever goes on with it.
const NOTED: usize = 16;
/// A backup in the making.
pub(super) struct Making<'a, T> {
    pub(super) store: &'a BackupStore,
    pub(super) keys: &'a BackupKeys,
    /// Files of earlier backups that are there still, by their content.
    pub(super) known: HashMap<String, BackupFile>,
    pub(super) manifest: BackupManifest,
    /// Hears how far the log has been read, and how far it goes.
    pub(super) told: T,
}

/// The rows of a span, at its ends.
#[derive(sqlx::FromRow)]
struct Ends {
    first: i64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
    chain: Vec<u8>,
}

impl<T: FnMut(i64, i64) + Send> Making<'_, T> {
    /// What stands beside the log.
    pub(super) async fn tables(&mut self, connection: &mut PgConnection) -> Result<(), BackupError> {
        for table in tables::KEPT {
            let columns = tables::columns(connection, table).await?;
            let query = format!("SELECT {} FROM public.{table}", columns.list);
            let keys = self.keys;
            let (mut copy, mut number) = (CopyOut::begin(connection, &query, ROWS, keys).await?, 0);
            while let Some(part) = copy.next_part().await? {
                let content = format!("tables/{}/{table}-{number:04}", self.manifest.id);
                self.keep(content, (table, FileKind::Table), (part.rows, None), part.sealed)
                    .await?;
                number += 1;
            }
        }
        Ok(())
    }

    /// The archive's files, each once for all backups.
    pub(super) async fn archive(&mut self, log: &EventLog) -> Result<(), BackupError> {
        for segment in archive::segments(log.pool()).await? {
            let parts = segment.bytes.cast_unsigned().div_ceil(PART);
            let content = |part| format!("archive/{}/{part:04}", hex::encode(&segment.sha256));
            if (0..parts).all(|part| self.known.contains_key(&content(part))) {
                (0..parts).for_each(|part| {
                    self.reuse(&content(part));
                });
                continue;
            }
            // Whole and as it was written, before a part of it is kept.
            let file = archive::check_file(log, &segment)
                .await
                .map_err(|error| BackupError::OutOfReach(format!("{error}: a backup without it would not be whole")))?;
            for part in 0..parts {
                let (file, keys) = (file.clone(), self.keys.clone());
                let sealed = tokio::task::spawn_blocking(move || seal_part(file, part, &keys));
                let sealed = sealed.await.map_err(std::io::Error::other)??;
                self.keep(content(part), (&segment.file, FileKind::Archive), (0, None), sealed)
                    .await?;
            }
        }
        Ok(())
    }

    /// A table of the log, span by span.
    pub(super) async fn log_table(
        &mut self,
        connection: &mut PgConnection,
        table: LogTable,
    ) -> Result<(), BackupError> {
        let (name, head) = (table.as_str(), self.manifest.position);
        let columns = tables::columns(connection, name).await?;
        let mut after: i64 = sqlx::query_scalar(&format!("SELECT coalesce(min(position) - 1, $1) FROM {name}"))
            .bind(head)
            .fetch_one(&mut *connection)
            .await?;
        while after < head {
            let until = ((after / SPAN + 1) * SPAN).min(head);
            let within = format!("FROM {name} WHERE position > {after} AND position <= {until} ORDER BY position");
            let ends: Option<Ends> = sqlx::query_as(&format!(
                "SELECT first.position AS first, first.recorded_at AS first_at, last.recorded_at AS last_at, last.chain
                 FROM (SELECT position, recorded_at {within} LIMIT 1) AS first,
                      (SELECT recorded_at, chain {within} DESC LIMIT 1) AS last"
            ))
            .fetch_optional(&mut *connection)
            .await?;
            if let Some(ends) = ends {
                // The first position and the last chain say what is there without reading it.
                let content = format!(
                    "log/{name}/{:012}-{}-{}",
                    ends.first,
                    hex::encode(&ends.chain),
                    columns.mark
                );
                if !self.reuse(&content) {
                    let begins = Some((ends.first, ends.first_at.into(), ends.last_at.into()));
                    let query = format!("SELECT {} {within}", columns.list);
                    let keys = self.keys;
                    let mut copy = CopyOut::begin(connection, &query, SPAN, keys).await?;
                    // A span is one part at most. It is read to its end: the connection is of use only then.
                    while let Some(part) = copy.next_part().await? {
                        self.keep(content.clone(), (name, FileKind::Log), (part.rows, begins), part.sealed)
                            .await?;
                    }
                }
            }
            after = until;
            (self.told)(after, head);
        }
        self.note().await
    }

    /// Writes down what is there, for whoever goes on with it.
    async fn note(&self) -> Result<(), BackupError> {
        self.store.note_unfinished(&self.manifest, self.keys).await
    }

    /// Names a file that an earlier backup has written.
    fn reuse(&mut self, content: &str) -> bool {
        let known = self.known.get(content).cloned();
        let is_known = known.is_some();
        self.manifest.files.extend(known);
        is_known
    }

    async fn keep(
        &mut self,
        content: String,
        (of, kind): (&str, FileKind),
        (rows, begins): (i64, Option<(i64, Timestamp, Timestamp)>),
        sealed: Vec<u8>,
    ) -> Result<(), BackupError> {
        let file = BackupFile {
            // Named after this backup too: nothing that an earlier one names is ever written again.
            path: format!("{content}.{}.age", self.manifest.id),
            content,
            of: of.to_owned(),
            kind,
            rows,
            begins,
            bytes: sealed.len() as u64,
            sha256: hex::encode(Sha256::digest(&sealed)),
        };
        self.store.put_new(&file.path, sealed).await?;
        self.manifest.files.push(file);
        if self.manifest.files.len().is_multiple_of(NOTED) {
            self.note().await?;
        }
        Ok(())
    }
}

fn seal_part(file: PathBuf, part: u64, keys: &BackupKeys) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(file)?;
    file.seek(std::io::SeekFrom::Start(part * PART))?;
    let mut bytes = Vec::new();
    file.take(PART).read_to_end(&mut bytes)?;
    keys.seal(&bytes)
}

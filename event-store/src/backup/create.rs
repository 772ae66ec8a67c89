//! Makes a backup beside a log that goes on.

use std::collections::HashMap;

use licet_domain::values::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{Executor as _, PgConnection};

use super::{
    BackupError, BackupFile, BackupKeys, BackupManifest, BackupRun, BackupStore, FileKind, copy, forgotten, runs,
    tables,
};
use crate::{Edge, EventLog, LogTable, archive, schema};

/// Positions that one file of the log spans; the spans are the same in every backup.
const SPAN: i64 = 65_536;
/// Rows of a table beside the log that one file takes at most.
const ROWS: i64 = 131_072;
/// Taken by whoever makes or deletes backups of this database.
const ALONE: &str = "licet backup";

struct Making<'a, T> {
    log: &'a EventLog,
    store: &'a BackupStore,
    keys: &'a BackupKeys,
    connection: PgConnection,
    /// Files of earlier backups that are there still, by their paths.
    known: HashMap<String, BackupFile>,
    files: Vec<BackupFile>,
    /// Hears how far the log has been read, and how far it goes.
    told: T,
}

/// Makes a backup of everything up to the head at this moment. `new_store` begins in a store that this database was not
/// backed up to before. Whether it succeeds or not is written down.
pub async fn create(
    log: &EventLog,
    (store, keys): (&BackupStore, &BackupKeys),
    edge: &Edge,
    new_store: bool,
    told: impl FnMut(i64, i64) + Send,
) -> Result<BackupManifest, BackupError> {
    let mut run = BackupRun {
        run_id: edge.id(),
        store_id: None,
        backup_id: None,
        started_at: edge.now().into(),
        error: None,
    };
    let made = attempt(log, (store, keys), edge, new_store, &mut run, told).await;
    match &made {
        Ok(manifest) => run.backup_id = Some(manifest.id.clone()),
        Err(error) => run.error = Some(error.to_string()),
    }
    runs::record(log.pool(), &run).await?;
    made
}

async fn attempt(
    log: &EventLog,
    (store, keys): (&BackupStore, &BackupKeys),
    edge: &Edge,
    new_store: bool,
    run: &mut BackupRun,
    told: impl FnMut(i64, i64) + Send,
) -> Result<BackupManifest, BackupError> {
    let mut connection = alone(log).await?;
    archive::hold_months(&mut connection).await?;
    let before = runs::last_success(log.pool()).await?.and_then(|(_, store)| store);
    let found = store.id().await?;
    if before.is_some() && found != before && !new_store {
        return Err(BackupError::OtherStore {
            location: store.location.clone(),
        });
    }
    run.store_id = Some(store.mark(edge).await?);
    forgotten::keep_forgotten(log.pool(), store, keys).await?;
    let sizes = store.sizes().await?;
    let mut known = HashMap::new();
    // A manifest that does not hold names nothing that is trusted; it is no reason to make no further backup.
    for manifest in store.list(keys).await?.into_iter().flatten() {
        for file in manifest.files {
            if sizes.get(&file.path) == Some(&file.bytes) {
                known.insert(file.path.clone(), file);
            }
        }
    }
    let mut making = Making {
        log,
        store,
        keys,
        connection,
        known,
        files: Vec::new(),
        told,
    };
    let mut manifest = making.snapshot(edge.now()).await?;
    making.archive().await?;
    for table in LogTable::ALL {
        making.log_table(table, manifest.position).await?;
    }
    manifest.files = making.files;
    // Whoever deletes files meanwhile has been kept out; what is gone all the same is noticed now and not in need.
    let sizes = store.sizes().await?;
    if let Some(gone) = manifest.files.iter().find(|file| !sizes.contains_key(&file.path)) {
        return Err(BackupError::Missing(gone.path.clone()));
    }
    store.keep_manifest(&manifest, keys).await?;
    Ok(manifest)
}

/// A connection that keeps others from making or deleting backups as long as it lives.
async fn alone(log: &EventLog) -> Result<PgConnection, BackupError> {
    let mut connection = log.connect().await?;
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "alone!""#,
        ALONE
    )
    .fetch_one(&mut connection)
    .await?;
    if alone { Ok(connection) } else { Err(BackupError::Busy) }
}

impl<T: FnMut(i64, i64) + Send> Making<'_, T> {
    /// The head and what stands beside the log, in one snapshot, which is over soon: the log itself never changes.
    async fn snapshot(&mut self, now: Timestamp) -> Result<BackupManifest, BackupError> {
        self.connection
            .execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let head = sqlx::query!(
            "SELECT log_id, position, recorded_at, events_chain, heartbeats_chain, decisions_chain FROM log_head"
        )
        .fetch_one(&mut self.connection)
        .await?;
        let checkpoint =
            sqlx::query_scalar!("SELECT checkpoint FROM checkpoints ORDER BY signed_at DESC, position DESC LIMIT 1")
                .fetch_optional(&mut self.connection)
                .await?;
        let moment = now.to_string();
        let moment: String = moment.chars().filter(|letter| !"-:.Z".contains(*letter)).collect();
        let manifest = BackupManifest {
            id: format!("{moment}Z-{:012}", head.position),
            taken_at: now,
            log_id: head.log_id,
            position: head.position,
            recorded_at: head.recorded_at.into(),
            chains: [head.events_chain, head.heartbeats_chain, head.decisions_chain].map(hex::encode),
            schema: schema::newest(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            checkpoint,
            files: Vec::new(),
        };
        for table in tables::KEPT {
            let columns = tables::columns(&mut self.connection, table).await?;
            let query = format!("SELECT {columns} FROM public.{table}");
            let parts = copy::copy_out(&mut self.connection, &query, ROWS, self.keys).await?;
            for (number, part) in parts.into_iter().enumerate() {
                let path = format!("tables/{}/{table}-{number:04}.age", manifest.id);
                self.keep(path, (table, FileKind::Table, 0), part.rows, part.sealed)
                    .await?;
            }
        }
        self.connection.execute("COMMIT").await?;
        Ok(manifest)
    }

    /// The archive's files, each once for all backups.
    async fn archive(&mut self) -> Result<(), BackupError> {
        for segment in archive::segments(self.log.pool()).await? {
            let path = format!("archive/{}.age", hex::encode(&segment.sha256));
            if self.reuse(&path) {
                continue;
            }
            let file = archive::file(self.log, &segment).ok_or_else(|| {
                BackupError::OutOfReach(format!(
                    "{} is not in the archive's folder: a backup without it would not be whole",
                    segment.file
                ))
            })?;
            let bytes = tokio::fs::read(&file).await?;
            if Sha256::digest(&bytes)[..] != segment.sha256[..] {
                return Err(BackupError::Touched(segment.file));
            }
            let sealed = self.keys.seal(&bytes)?;
            self.keep(path, (&segment.file, FileKind::Archive, 0), 0, sealed)
                .await?;
        }
        Ok(())
    }

    /// A table of the log up to a position, span by span.
    async fn log_table(&mut self, table: LogTable, head: i64) -> Result<(), BackupError> {
        let name = table.as_str();
        let columns = tables::columns(&mut self.connection, name).await?;
        let (mut after, mut told) = (self.first_after(table).await?, 0);
        while after < head {
            let until = ((after / SPAN + 1) * SPAN).min(head);
            // The last chain says what is there without reading it; rows that have left for the archive change the first.
            let ends: Option<(i64, Vec<u8>)> = sqlx::query_as(&format!(
                "SELECT (SELECT min(position) FROM {name} WHERE position > $1 AND position <= $2), chain
                 FROM {name} WHERE position > $1 AND position <= $2 ORDER BY position DESC LIMIT 1"
            ))
            .bind(after)
            .bind(until)
            .fetch_optional(&mut self.connection)
            .await?;
            if let Some((first, chain)) = ends {
                let path = format!(
                    "log/{name}/{first:012}-{until:012}-{}.age",
                    hex::encode(&chain[..chain.len().min(16)])
                );
                if !self.reuse(&path) {
                    let query = format!(
                        "SELECT {columns} FROM {name} WHERE position > {after} AND position <= {until} ORDER BY position"
                    );
                    for part in copy::copy_out(&mut self.connection, &query, SPAN, self.keys).await? {
                        self.keep(path.clone(), (name, FileKind::Log, first), part.rows, part.sealed)
                            .await?;
                    }
                }
            }
            after = until;
            told = told.max(after);
            (self.told)(told, head);
        }
        Ok(())
    }

    /// Where a table's rows that are online begin.
    async fn first_after(&mut self, table: LogTable) -> Result<i64, BackupError> {
        let statement = format!("SELECT coalesce(min(position), 1) - 1 FROM {}", table.as_str());
        Ok(sqlx::query_scalar(&statement).fetch_one(&mut self.connection).await?)
    }

    /// Names a file that an earlier backup has written.
    fn reuse(&mut self, path: &str) -> bool {
        let known = self.known.get(path).cloned();
        let is_known = known.is_some();
        self.files.extend(known);
        is_known
    }

    async fn keep(
        &mut self,
        path: String,
        (of, kind, after): (&str, FileKind, i64),
        rows: i64,
        sealed: Vec<u8>,
    ) -> Result<(), BackupError> {
        self.files.push(BackupFile {
            path: path.clone(),
            of: of.to_owned(),
            kind,
            rows,
            after,
            bytes: sealed.len() as u64,
            sha256: hex::encode(Sha256::digest(&sealed)),
        });
        self.store.put(&path, sealed).await
    }
}

/// Deletes backups and the files that none of the others names; answers how many files went.
pub async fn prune(
    log: &EventLog,
    (store, keys): (&BackupStore, &BackupKeys),
    ids: &[String],
) -> Result<usize, BackupError> {
    let holding = alone(log).await?;
    let deleted = store.delete(ids, keys).await;
    drop(holding);
    deleted
}

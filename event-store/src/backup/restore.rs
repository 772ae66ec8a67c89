//! Puts a backup into an empty database, whole or as of an earlier moment; goes on where it was cut off.

use std::path::{Path, PathBuf};

use licet_domain::values::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::{
    BackupError, BackupFile, BackupKeys, BackupManifest, BackupStore, FileKind, ForgottenKey, copy, forgotten, tables,
};
use crate::{LogTable, schema, session};

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
    mut told: impl FnMut(u64, u64),
) -> Result<(), BackupError> {
    let (mut read, of) = (0, manifest.bytes());
    for file in &manifest.files {
        let (sealed, keys) = (store.read(file).await?, keys.clone());
        let opened =
            tokio::task::spawn_blocking(move || std::io::copy(&mut keys.reader(&sealed[..])?, &mut std::io::sink()));
        let opened = opened.await.map_err(std::io::Error::other)?;
        opened.map_err(|_| BackupError::Touched(file.path.clone()))?;
        read += file.bytes;
        told(read, of);
    }
    Ok(())
}

/// Restores into an empty database; the same once more goes on with what was cut off. The archive's files go to
/// `archive`. The log gets a new id, because positions after its end are given out again.
pub async fn restore(
    url: &str,
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    point: RestorePoint,
    archive: Option<&Path>,
    mut told: impl FnMut(i64, i64),
) -> Result<Restored, BackupError> {
    expect_within(manifest, point)?;
    if manifest.schema > schema::newest() {
        return Err(BackupError::Newer {
            id: manifest.id.clone(),
            schema: manifest.schema,
            program: manifest.program.clone(),
        });
    }
    let sizes = store.sizes().await?;
    for file in &manifest.files {
        match sizes.get(&file.path) {
            None => return Err(BackupError::Missing(file.path.clone())),
            Some(bytes) if *bytes != file.bytes => return Err(BackupError::Touched(file.path.clone())),
            Some(_) => {}
        }
    }
    restore_archive((store, keys), manifest, archive).await?;
    let options = session::connect_options(url)?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    begin(&mut connection, manifest, point).await?;
    schema::migrate_to(&mut connection, manifest.schema).await?;
    set_indexes_aside(&mut connection).await?;
    let wanted: Vec<&BackupFile> = manifest.files.iter().filter(|file| reaches(file, point)).collect();
    let (of, mut rows) = (wanted.iter().map(|file| file.rows).sum(), 0);
    for file in wanted {
        load(&mut connection, (store, keys), file).await?;
        rows += file.rows;
        told(rows, of);
    }
    make_indexes(&mut connection).await?;
    let restored = finish(&mut connection, (store, keys), manifest, point).await?;
    connection.close().await?;
    schema::migrate(url).await?;
    Ok(restored)
}

fn expect_within(manifest: &BackupManifest, point: RestorePoint) -> Result<(), BackupError> {
    let beyond = match point {
        RestorePoint::Position(position) if !(1..=manifest.position).contains(&position) => {
            format!("position {position}")
        }
        RestorePoint::Time(time) if time > manifest.taken_at => time.to_string(),
        _ => return Ok(()),
    };
    Err(BackupError::OutOfReach(format!(
        "backup {} holds positions 1 to {}, recorded until {}; {beyond} is not among them",
        manifest.id, manifest.position, manifest.recorded_at
    )))
}

fn reaches(file: &BackupFile, point: RestorePoint) -> bool {
    match (file.kind, point) {
        (FileKind::Archive, _) => false,
        (FileKind::Log, RestorePoint::Position(position)) => file.after <= position,
        _ => true,
    }
}

/// Files of the archive, as they were. One that is there already must be the same.
async fn restore_archive(
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    archive: Option<&Path>,
) -> Result<(), BackupError> {
    for file in manifest.files.iter().filter(|file| file.kind == FileKind::Archive) {
        let folder = archive.ok_or_else(|| {
            BackupError::OutOfReach(
                "this backup has months of an archive: say where they go, with --archive-dir".to_owned(),
            )
        })?;
        let bytes = keys.open(&store.read(file).await?)?;
        let path: PathBuf = folder.join(&file.of);
        match tokio::fs::read(&path).await {
            Ok(there) if Sha256::digest(&there) == Sha256::digest(&bytes) => continue,
            Ok(_) => {
                return Err(BackupError::InUse(format!(
                    "{} is there and is another file",
                    path.display()
                )));
            }
            Err(_) => {}
        }
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let partial = path.with_extension("restoring");
        tokio::fs::write(&partial, &bytes).await?;
        tokio::fs::rename(&partial, &path).await?;
    }
    Ok(())
}

/// Takes an empty database, or goes on with the same restore.
async fn begin(
    connection: &mut PgConnection,
    manifest: &BackupManifest,
    point: RestorePoint,
) -> Result<(), BackupError> {
    let wanted = format!("{} {point:?}", manifest.id);
    let begun: bool = sqlx::query_scalar("SELECT to_regclass('restore.run') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if begun {
        let of: String = sqlx::query_scalar("SELECT wanted FROM restore.run")
            .fetch_one(&mut *connection)
            .await?;
        if of == wanted {
            return Ok(());
        }
        return Err(BackupError::InUse(format!(
            "a restore of {of} was begun in it and is not finished"
        )));
    }
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'read_model'))
         AND relkind IN ('r', 'p')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if tables > 0 {
        return Err(BackupError::InUse(format!("it has {tables} tables")));
    }
    let mut transaction = connection.begin().await?;
    transaction
        .execute(
            "CREATE SCHEMA restore; CREATE TABLE restore.run (wanted text NOT NULL);
             CREATE TABLE restore.files (path text PRIMARY KEY);
             CREATE TABLE restore.definitions (number serial PRIMARY KEY, statement text NOT NULL)",
        )
        .await?;
    sqlx::query("INSERT INTO restore.run VALUES ($1)")
        .bind(wanted)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

fn all_tables() -> Vec<String> {
    let log = LogTable::ALL.iter().map(|table| table.as_str());
    log.chain(tables::KEPT).map(str::to_owned).collect()
}

/// Indexes are made when the rows are there, which takes a fraction of the time.
async fn set_indexes_aside(connection: &mut PgConnection) -> Result<(), BackupError> {
    let aside: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM restore.definitions)")
        .fetch_one(&mut *connection)
        .await?;
    if aside {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX public.%I', i.relname)
                     ELSE format('ALTER TABLE public.%I DROP CONSTRAINT %I', t.relname, k.conname) END,
                CASE WHEN k.oid IS NULL THEN replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ')
                     ELSE format('ALTER TABLE public.%I ADD CONSTRAINT %I %s', t.relname, k.conname, pg_get_constraintdef(k.oid)) END
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
         LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u') AND k.conrelid = t.oid
         WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY($1)
         ORDER BY k.oid IS NULL, i.relname",
    )
    .bind(all_tables())
    .fetch_all(&mut *transaction)
    .await?;
    for (dropped, made) in found {
        transaction.execute(dropped.as_str()).await?;
        sqlx::query("INSERT INTO restore.definitions (statement) VALUES ($1)")
            .bind(made)
            .execute(&mut *transaction)
            .await?;
    }
    // What a fresh database comes with is in the backup too.
    transaction
        .execute("DELETE FROM log_epochs; DELETE FROM consumers")
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// One file, once.
async fn load(
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
    let columns = tables::columns(&mut transaction, &file.of).await?;
    let rows = if file.kind == FileKind::Log && file.of != LogTable::Events.as_str() {
        load_by_month(&mut transaction, (&file.of, &columns), sealed, keys).await?
    } else {
        copy::copy_in(
            &mut transaction,
            (&format!("public.{}", file.of), &columns),
            sealed,
            keys,
        )
        .await?
    };
    if rows != file.rows {
        return Err(BackupError::Touched(file.path.clone()));
    }
    transaction.commit().await?;
    Ok(())
}

/// Rows of a table that is partitioned: their months are made first.
async fn load_by_month(
    connection: &mut PgConnection,
    (table, columns): (&str, &str),
    sealed: Vec<u8>,
    keys: &BackupKeys,
) -> Result<i64, BackupError> {
    connection
        .execute(format!("CREATE TEMPORARY TABLE loading (LIKE public.{table}) ON COMMIT DROP").as_str())
        .await?;
    let rows = copy::copy_in(connection, ("loading", columns), sealed, keys).await?;
    connection
        .execute("SELECT make_partitions(month) FROM (SELECT DISTINCT date_trunc('month', recorded_at, 'UTC')::date AS month FROM loading) AS months")
        .await?;
    connection
        .execute(format!("INSERT INTO public.{table} ({columns}) SELECT {columns} FROM loading").as_str())
        .await?;
    Ok(rows)
}

async fn make_indexes(connection: &mut PgConnection) -> Result<(), BackupError> {
    loop {
        let mut transaction = connection.begin().await?;
        let next: Option<(i32, String)> = sqlx::query_as(
            "SELECT number, statement FROM restore.definitions WHERE statement <> '' ORDER BY number LIMIT 1",
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((number, statement)) = next else { break };
        transaction.execute("SET LOCAL maintenance_work_mem = '256MB'").await?;
        transaction.execute(statement.as_str()).await?;
        // The row stays: that indexes were set aside must not be forgotten.
        sqlx::query("UPDATE restore.definitions SET statement = '' WHERE number = $1")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    for table in all_tables() {
        connection.execute(format!("ANALYZE public.{table}").as_str()).await?;
    }
    Ok(())
}

/// Cuts off what is later than asked for, forgets again, gives the log its head and its new id: in one transaction, with
/// which the restore is over.
async fn finish(
    connection: &mut PgConnection,
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    point: RestorePoint,
) -> Result<Restored, BackupError> {
    let mut transaction = connection.begin().await?;
    let position = match point {
        RestorePoint::Whole => manifest.position,
        RestorePoint::Position(position) => position,
        RestorePoint::Time(time) => last_until(&mut transaction, time).await?,
    };
    cut_off(&mut transaction, position).await?;
    let chains = chains_at_end(&mut transaction).await?;
    if position == manifest.position && chains.clone().map(hex::encode) != manifest.chains {
        return Err(BackupError::Mismatch(
            "the last events do not carry the chains that the manifest names".to_owned(),
        ));
    }
    let forgotten = forget_again(&mut transaction, &forgotten::read(store, keys).await?).await?;
    let [events, heartbeats, decisions] = chains;
    let log_id: Uuid = sqlx::query_scalar(
        "UPDATE log_head SET log_id = gen_random_uuid(), position = $1, events_chain = $2, heartbeats_chain = $3, decisions_chain = $4,
             recorded_at = coalesce((SELECT max(recorded_at) FROM (SELECT recorded_at FROM events WHERE position = $1
                 UNION ALL SELECT recorded_at FROM heartbeat_events WHERE position = $1
                 UNION ALL SELECT recorded_at FROM decision_events WHERE position = $1) AS last), $5)
         RETURNING log_id",
    )
    .bind(position)
    .bind(events)
    .bind(heartbeats)
    .bind(decisions)
    .bind(time::OffsetDateTime::from(manifest.recorded_at))
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO log_lineage (log_id, until) VALUES ($1, $2)")
        .bind(manifest.log_id)
        .bind(position)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT INTO log_epochs (begun_after) VALUES ($1)")
        .bind(position)
        .execute(&mut *transaction)
        .await?;
    transaction.execute("DROP SCHEMA restore CASCADE").await?;
    transaction.commit().await?;
    Ok(Restored {
        position,
        log_id,
        forgotten,
    })
}

async fn last_until(connection: &mut PgConnection, time: Timestamp) -> Result<i64, BackupError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT max(position) FROM (SELECT max(position) AS position FROM events WHERE recorded_at <= $1
             UNION ALL SELECT max(position) FROM heartbeat_events WHERE recorded_at <= $1
             UNION ALL SELECT max(position) FROM decision_events WHERE recorded_at <= $1) AS last",
    )
    .bind(time::OffsetDateTime::from(time))
    .fetch_one(connection)
    .await?;
    found.ok_or_else(|| BackupError::OutOfReach(format!("nothing was recorded until {time}")))
}

/// Leaves what there was at a position.
async fn cut_off(connection: &mut PgConnection, position: i64) -> Result<(), BackupError> {
    let beyond: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM archive_segments WHERE last_position > $1)")
        .bind(position)
        .fetch_one(&mut *connection)
        .await?;
    if beyond {
        return Err(BackupError::OutOfReach(format!(
            "position {position} lies within months that have left for the archive: restore a backup that was made before they did"
        )));
    }
    for statement in [
        "DELETE FROM events WHERE position > $1",
        "DELETE FROM heartbeat_events WHERE position > $1",
        "DELETE FROM decision_events WHERE position > $1",
        "DELETE FROM claims WHERE position > $1",
        "INSERT INTO claims SELECT tenant_id, kind, value_hash, aggregate_id, position FROM released_claims
             WHERE position <= $1 AND released_at > $1",
        "DELETE FROM released_claims WHERE released_at > $1",
        "DELETE FROM idempotency_keys WHERE position > $1",
        "DELETE FROM checkpoints WHERE position > $1",
        "DELETE FROM log_epochs WHERE begun_after > $1",
        "DELETE FROM webhook_deliveries WHERE position > $1",
        "UPDATE consumers SET position = least(position, $1)",
        // What these fill is not in a backup; without a place they begin again.
        "DELETE FROM consumers WHERE $1 >= 0 AND (name LIKE 'search%' OR name = 'license_counts')",
        "DELETE FROM mails WHERE created_at > (SELECT max(recorded_at) FROM (SELECT recorded_at FROM events WHERE position <= $1
             ORDER BY position DESC LIMIT 1) AS last)",
    ] {
        sqlx::query(statement).bind(position).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The chain of the last event of each table, online or in the archive.
async fn chains_at_end(connection: &mut PgConnection) -> Result<[Vec<u8>; 3], BackupError> {
    let mut chains = [const { Vec::new() }; 3];
    for table in LogTable::ALL {
        let name = table.as_str();
        chains[table as usize] = sqlx::query_scalar(&format!(
            "SELECT coalesce((SELECT chain FROM {name} ORDER BY position DESC LIMIT 1),
                 (SELECT chain_out FROM archive_segments WHERE table_name = $1 ORDER BY last_position DESC LIMIT 1),
                 decode(repeat('00', 32), 'hex'))"
        ))
        .bind(name)
        .fetch_one(&mut *connection)
        .await?;
    }
    Ok(chains)
}

/// Destroys the keys again that were destroyed since the backup was made.
async fn forget_again(
    connection: &mut PgConnection,
    ledger: &[ForgottenKey],
) -> Result<Vec<ForgottenKey>, BackupError> {
    let mut again = Vec::new();
    for key in ledger {
        let destroyed = sqlx::query!(
            r#"UPDATE vault_keys SET wrapped = NULL, destroyed_at = now()
               WHERE tenant_id = $1 AND purpose = $2 AND key_id = $3 AND destroyed_at IS NULL"#,
            key.tenant_id,
            key.purpose,
            key.key_id,
        )
        .execute(&mut *connection)
        .await?;
        if destroyed.rows_affected() > 0 {
            again.push(key.clone());
        }
    }
    Ok(again)
}

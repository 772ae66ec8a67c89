//! Makes a backup beside a log that goes on.

use licet_domain::values::Timestamp;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::{
    BackupError, BackupKeys, BackupManifest, BackupStore, Run, RunKind, RunReport, forgotten, making::Making, runs,
};
use crate::{Edge, EventLog, LogTable, archive, epochs::Epochs, schema};

/// Taken by whoever makes or deletes backups of this database.
const ALONE: &str = "licet backup";

/// Makes a backup of everything up to the head at this moment. `new_store` begins in a store that this database was not
/// backed up to before. Whether it succeeds or not is written down.
pub async fn create(
    log: &EventLog,
    store: (&BackupStore, &BackupKeys),
    edge: &Edge,
    new_store: bool,
    told: impl FnMut(i64, i64) + Send,
) -> Result<BackupManifest, BackupError> {
    let creation = Creation::begin(log, edge).await?;
    creation.finish(store, edge, new_store, told).await
}

/// A backup that is about to be made, while nobody else makes or deletes one.
pub struct Creation {
    log: EventLog,
    connection: PgConnection,
    run: Run,
}

impl Creation {
    /// Keeps others away, and writes down that it begins.
    pub async fn begin(log: &EventLog, edge: &Edge) -> Result<Self, BackupError> {
        let connection = alone(log).await?;
        let run = Run::begin(log.pool(), RunKind::Create, None, edge).await?;
        Ok(Self {
            log: log.clone(),
            connection,
            run,
        })
    }

    /// The run's id.
    pub fn id(&self) -> Uuid {
        self.run.id
    }

    /// Makes the backup, as [`create`] does.
    pub async fn finish(
        mut self,
        store: (&BackupStore, &BackupKeys),
        edge: &Edge,
        new_store: bool,
        mut told: impl FnMut(i64, i64) + Send,
    ) -> Result<BackupManifest, BackupError> {
        let teller = self.run.teller();
        let told = |reached, goal| {
            teller.tell("Backing up", reached, goal);
            told(reached, goal);
        };
        let store_id = open_store(&self.log, store, edge, new_store).await;
        let (store_id, made) = match store_id {
            Ok(store_id) => {
                let made = attempt(&self.log, &mut self.connection, store, edge.now(), told).await;
                (Some(store_id), made)
            }
            Err(error) => (None, Err(error)),
        };
        let ended = made.as_ref().map(|manifest| {
            let report = RunReport {
                events: Some(manifest.events()),
                position: Some(manifest.position),
                lost: None,
            };
            (manifest.id.as_str(), report)
        });
        self.run.end(store_id, ended).await?;
        made
    }
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

/// Makes sure that the store is the one that this database's backups go to, and no other installation's.
async fn open_store(
    log: &EventLog,
    (store, keys): (&BackupStore, &BackupKeys),
    edge: &Edge,
    new_store: bool,
) -> Result<Uuid, BackupError> {
    let before = runs::last(log.pool(), RunKind::Create).await?.store_id;
    let found = store.id().await?;
    if new_store {
        return store.mark(edge).await;
    }
    if before.is_some() && found != before {
        return Err(BackupError::OtherStore(store.location.clone()));
    }
    let epochs = Epochs::read(log.pool()).await?;
    for manifest in store.list(keys).await? {
        let own = match &manifest {
            Ok(manifest) => epochs.is_called(manifest.log_id),
            // Damage is no reason to make no further backup; another installation's store is.
            Err(BackupError::Unsigned(_)) => before.is_some(),
            Err(_) => true,
        };
        if !own {
            return Err(BackupError::ForeignStore(store.location.clone()));
        }
    }
    store.mark(edge).await
}

async fn attempt(
    log: &EventLog,
    connection: &mut PgConnection,
    (store, keys): (&BackupStore, &BackupKeys),
    now: Timestamp,
    told: impl FnMut(i64, i64) + Send,
) -> Result<BackupManifest, BackupError> {
    archive::hold_months(connection).await?;
    let forgotten = forgotten::keep(log.pool(), store, keys).await?;
    let known = store.known(keys).await?;
    let manifest = begin_snapshot(connection, now, forgotten).await?;
    let mut making = Making {
        store,
        keys,
        known,
        manifest,
        told,
    };
    making.tables(connection).await?;
    connection.execute("COMMIT").await?;
    making.archive(log).await?;
    // The rows lie in the order of positions already: the index is the cheap way, whatever is known of the table.
    connection
        .execute("SET enable_sort = off; SET enable_seqscan = off")
        .await?;
    for table in LogTable::ALL {
        making.log_table(connection, table).await?;
    }
    let manifest = making.manifest;
    // Whoever deletes files by the program has been kept out; what is gone all the same is noticed now and not in need.
    let sizes = store.sizes().await?;
    if let Some(gone) = manifest.files.iter().find(|file| !sizes.contains_key(&file.path)) {
        return Err(BackupError::Missing(gone.path.clone()));
    }
    store.keep_manifest(&manifest, keys).await?;
    Ok(manifest)
}

/// Reads the head, in a snapshot that goes on until the tables beside the log are read too; that is soon, and the log
/// itself never changes.
async fn begin_snapshot(
    connection: &mut PgConnection,
    now: Timestamp,
    forgotten: usize,
) -> Result<BackupManifest, BackupError> {
    connection
        .execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let head = sqlx::query!(
        "SELECT log_id, position, recorded_at, events_chain, heartbeats_chain, decisions_chain FROM log_head"
    )
    .fetch_one(&mut *connection)
    .await?;
    let checkpoint =
        sqlx::query_scalar!("SELECT checkpoint FROM checkpoints ORDER BY signed_at DESC, position DESC LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
    let archived = sqlx::query!(
        r#"SELECT max(last_position) AS "position!", max(last_at) AS "at!" FROM archive_segments HAVING count(*) > 0"#
    )
    .fetch_optional(&mut *connection)
    .await?;
    let moment = now.to_string();
    let moment: String = moment.chars().filter(|letter| !"-:.Z".contains(*letter)).collect();
    Ok(BackupManifest {
        id: format!("{moment}Z-{:012}", head.position),
        taken_at: now,
        log_id: head.log_id,
        position: head.position,
        recorded_at: head.recorded_at.into(),
        chains: [head.events_chain, head.heartbeats_chain, head.decisions_chain].map(hex::encode),
        schema: schema::newest(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        checkpoint,
        archived: archived.map(|row| (row.position, row.at.into())),
        forgotten,
        files: Vec::new(),
    })
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

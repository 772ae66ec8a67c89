//! A copy of a private Postgres's write-ahead log in another folder, best on another disk: whatever was recorded is there a
//! moment later. With copies of the whole cluster beside it, [`super::recover`] makes the cluster again as of any moment.
//!
//! | in the folder | what it is |
//! | --- | --- |
//! | `licet-wal.json` | whose log it is |
//! | `wal/` | the log, as `pg_receivewal` writes it |
//! | `bases/TIME/` | the cluster as it was then (UTC), as `pg_basebackup` writes it |
//! | `postgres.password` | the password of the cluster, which copies have too |
//! | `before-TIME/` | all of that, of before a recovery |

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use licet_domain::values::Timestamp;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::watch;

use super::{Cluster, ClusterError, access::Access, cluster::write_secret};
use crate::{Edge, StoreError, session};

/// The slot by which Postgres knows what was copied.
const SLOT: &str = "licet_wal";
/// The cluster keeps so much for a copy that is behind; then it goes on without it, and the copy begins anew.
const KEPT: &str = "10GB";
/// How often the copy is looked after.
const LOOK: Duration = Duration::from_secs(1);
/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// So many copies of the whole cluster are kept, and the log from the first of them on.
const BASES: usize = 2;
/// Says whose log it is.
pub(super) const MARK: &str = "licet-wal.json";
pub(super) const PASSWORD: &str = "postgres.password";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// One of Postgres's programs failed, or does not start.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database refused.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// It is not the folder that it should be.
    #[error("{0}")]
    Folder(String),
}

/// Where the log of a cluster is copied to, and how the cluster is reached.
#[derive(Clone)]
pub struct WalCopy {
    access: Access,
    folder: PathBuf,
    /// How old the last copy of the whole cluster may be.
    base_every: Duration,
    edge: Edge,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalState {
    /// Whether one is being written.
    pub is_running: bool,
    /// Bytes of the log that are not in it.
    pub behind: i64,
}

impl WalCopy {
    /// Copies into a folder that is there.
    pub fn new(cluster: &Cluster, folder: &Path, base_every: Duration, edge: &Edge) -> Result<Self, WalError> {
        let access = cluster.access();
        access.expect_way(folder)?;
        Ok(Self {
            access,
            folder: folder.to_owned(),
            base_every,
            edge: edge.clone(),
        })
    }

    /// Copies until the server ends; what fails is said and tried again. Postgres, when it ends, waits for what is copied,
    /// and then `pg_receivewal` ends by itself.
    pub async fn run(self, mut ending: watch::Receiver<bool>) {
        let mut receiver: Option<Child> = None;
        loop {
            let looked_after = self.look(&mut receiver).await;
            if let Err(error) = &looked_after {
                tracing::error!(%error, "the write-ahead log is not copied; trying again");
            }
            let pause = if looked_after.is_ok() { LOOK } else { AGAIN };
            if tokio::time::timeout(pause, ending.wait_for(|ending| *ending))
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    async fn look(&self, receiver: &mut Option<Child>) -> Result<(), WalError> {
        let runs = receiver
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !runs {
            self.begin().await?;
            *receiver = Some(self.receive()?);
        }
        let age = i64::try_from(self.base_every.as_secs()).unwrap_or(i64::MAX);
        let oldest_good = base_name(self.edge.now().plus_seconds(-age));
        if bases(&self.folder)?.pop().is_none_or(|newest| newest < oldest_good) {
            let own = self.clone();
            let made = tokio::task::spawn_blocking(move || own.make_base().and_then(|()| own.prune()));
            made.await.map_err(std::io::Error::other).map_err(at(&self.folder))??;
        }
        Ok(())
    }

    /// Makes sure that the folder is this cluster's, and that nothing of the log is missing between the copy and now.
    async fn begin(&self) -> Result<(), WalError> {
        let mut connection = PgConnection::connect_with(&session::connect_options(&self.access.url())?).await?;
        let system: String = sqlx::query_scalar("SELECT system_identifier::text FROM pg_control_system()")
            .fetch_one(&mut connection)
            .await?;
        let mark = serde_json::json!({ "system": system }).to_string();
        let marked = fs::read_to_string(self.folder.join(MARK)).ok();
        if marked.as_ref().is_some_and(|marked| *marked != mark) {
            return Err(WalError::Folder(format!(
                "{} holds the log of another database",
                self.folder.display()
            )));
        }
        let slot: Option<(Option<String>, Option<i32>)> =
            sqlx::query_as("SELECT wal_status, active_pid FROM pg_replication_slots WHERE slot_name = $1")
                .bind(SLOT)
                .fetch_optional(&mut connection)
                .await?;
        match slot {
            Some(_) if marked.is_none() => {
                return Err(WalError::Folder(format!(
                    "{} is not the folder that the log was copied to before: is its volume mounted? To begin there anew: \
                     licet db -c \"SELECT pg_drop_replication_slot('{SLOT}')\"",
                    self.folder.display()
                )));
            }
            // What the copy lacks is gone: another one is begun.
            Some((Some(status), _)) if status == "lost" => {
                order(&mut connection, "SELECT pg_drop_replication_slot($1)").await?;
                self.begin_anew(&mut connection, &mark).await?;
            }
            // Whoever an earlier server left behind makes room.
            Some((_, Some(_))) => {
                let end =
                    "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1";
                order(&mut connection, end).await?;
            }
            Some(_) => {}
            None => self.begin_anew(&mut connection, &mark).await?,
        }
        connection.close().await?;
        Ok(())
    }

    /// What is there of before is set aside.
    async fn begin_anew(&self, connection: &mut PgConnection, mark: &str) -> Result<(), WalError> {
        let aside = self.folder.join(format!("before-{}", base_name(self.edge.now())));
        for part in [MARK, "wal", "bases", PASSWORD] {
            let path = self.folder.join(part);
            if path.exists() {
                fs::create_dir_all(&aside).map_err(at(&aside))?;
                fs::rename(&path, aside.join(part)).map_err(at(&path))?;
            }
        }
        for part in ["wal", "bases"] {
            let path = self.folder.join(part);
            fs::create_dir(&path).map_err(at(&path))?;
            self.access.give(&path).map_err(at(&path))?;
        }
        write_secret(&self.folder.join(PASSWORD), &self.access.password)?;
        let keep = format!("ALTER SYSTEM SET max_slot_wal_keep_size = '{KEPT}'");
        connection.execute(&*keep).await?;
        connection.execute("SELECT pg_reload_conf()").await?;
        order(connection, "SELECT pg_create_physical_replication_slot($1, true)").await?;
        // Last: a folder that is marked has all of it.
        let file = self.folder.join(MARK);
        fs::write(&file, mark).map_err(at(&file))
    }

    fn receive(&self) -> Result<Child, WalError> {
        let mut command = self.access.command("pg_receivewal");
        command.arg("-D").arg(self.folder.join("wal"));
        // Without a loop: it ends with Postgres, having received all of it.
        command.args(["--slot", SLOT, "--synchronous", "--no-loop", "--no-password"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn();
        started.map_err(at(Path::new("pg_receivewal")))
    }

    /// Copies the whole cluster beside its log; whatever was cut off before is thrown away.
    fn make_base(&self) -> Result<(), WalError> {
        let folder = self.folder.join("bases");
        let unfinished = folder.join("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
        }
        let mut command = self.access.command("pg_basebackup");
        command.arg("-D").arg(&unfinished);
        command.args(["--checkpoint=fast", "--wal-method=stream", "--no-password"]);
        let done = command
            .stdin(Stdio::null())
            .output()
            .map_err(at(Path::new("pg_basebackup")))?;
        if !done.status.success() {
            return Err(WalError::Folder(format!(
                "pg_basebackup: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            )));
        }
        let made = folder.join(base_name(self.edge.now()));
        fs::rename(&unfinished, &made).map_err(at(&made))
    }

    /// Deletes what no copy that is kept needs.
    fn prune(&self) -> Result<(), WalError> {
        let mut names = bases(&self.folder)?;
        let kept = names.split_off(names.len().saturating_sub(BASES));
        for name in names {
            let path = self.folder.join("bases").join(name);
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
        let Some(oldest) = kept.first() else { return Ok(()) };
        let label = self.folder.join("bases").join(oldest).join("backup_label");
        let text = fs::read_to_string(&label).map_err(at(&label))?;
        let Some(first) = text.split("(file ").nth(1).and_then(|rest| rest.split(')').next()) else {
            return Ok(());
        };
        let wal = self.folder.join("wal");
        for file in fs::read_dir(&wal).map_err(at(&wal))?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let is_segment = name.len() == first.len() && name.chars().all(|one| one.is_ascii_hexdigit());
            if is_segment && name.as_str() < first {
                fs::remove_file(file.path()).map_err(at(&file.path()))?;
            }
        }
        Ok(())
    }
}

/// How far the copy of a cluster's log is.
pub async fn wal_state(pool: &PgPool) -> Result<WalState, StoreError> {
    let found: Option<(bool, i64)> = sqlx::query_as(
        "SELECT receiver.pid IS NOT NULL,
             coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(receiver.flush_lsn, slot.restart_lsn)), 0)::bigint
         FROM pg_replication_slots slot LEFT JOIN pg_stat_replication receiver ON receiver.pid = slot.active_pid
         WHERE slot.slot_name = $1",
    )
    .bind(SLOT)
    .fetch_optional(pool)
    .await?;
    let (is_running, behind) = found.unwrap_or_default();
    Ok(WalState { is_running, behind })
}

/// Names of the copies of the whole cluster, oldest first.
pub(super) fn bases(folder: &Path) -> Result<Vec<String>, WalError> {
    let folder = folder.join("bases");
    let found = fs::read_dir(&folder).map_err(at(&folder))?.flatten();
    let names = found.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    names.sort();
    Ok(names)
}

/// What a copy is called that was whole at this moment; later ones sort behind.
pub(super) fn base_name(time: Timestamp) -> String {
    time.to_string().replace(':', "-")
}

pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> WalError + use<> {
    let path = path.to_owned();
    move |error| WalError::File(path, error)
}

async fn order(connection: &mut PgConnection, statement: &str) -> Result<(), StoreError> {
    sqlx::query(statement).bind(SLOT).execute(connection).await.map(drop)
}

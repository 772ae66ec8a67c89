//! A copy of a private Postgres's write-ahead log in another folder, best on another disk: whatever was recorded is there a
//! moment later. With copies of the whole cluster beside it, [`super::Recovery`] makes the cluster again as of any moment.

mod folder;

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{Cluster, ClusterError, access::Access};
use crate::{Edge, StoreError, session};

pub(super) use folder::{MARK, PASSWORD, at, base_name, bases, first_segment, segments};

/// The slot by which Postgres knows what was copied.
const SLOT: &str = "licet_wal";
/// The cluster keeps so much for a copy that is behind; then it goes on without it, and the copy begins anew.
const KEPT: &str = "10GB";
/// How often the copy is looked after.
const LOOK: Duration = Duration::from_secs(1);
/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// How soon a copy of the whole cluster is tried again that failed: it costs a checkpoint, and reads all of it.
const BASE_AGAIN: Duration = Duration::from_secs(600);

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
    /// Told whether there is one that is not much older than that.
    is_whole: Arc<AtomicBool>,
    edge: Edge,
}

/// What is under way.
#[derive(Default)]
struct Copying {
    lock: Option<File>,
    receiver: Option<Child>,
    base: Option<JoinHandle<Result<(), WalError>>>,
    /// When a copy of the whole cluster failed.
    base_failed: Option<Instant>,
    /// The newest of them.
    newest: Option<String>,
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
    /// Copies into this folder; a copy of the whole cluster is made whenever the last one is so old. `is_whole` tells
    /// whether there is one that is at most twice as old.
    pub fn new(
        cluster: &Cluster,
        folder: &Path,
        base_every: Duration,
        is_whole: &Arc<AtomicBool>,
        edge: &Edge,
    ) -> Self {
        Self {
            access: cluster.access(),
            folder: folder.to_owned(),
            base_every,
            is_whole: Arc::clone(is_whole),
            edge: edge.clone(),
        }
    }

    /// Copies until the server ends; what fails is said and tried again. Postgres, when it ends, waits for what is copied,
    /// and then `pg_receivewal` ends by itself.
    pub async fn run(self, mut ending: watch::Receiver<bool>) {
        let mut copying = Copying::default();
        loop {
            let looked_after = self.look(&mut copying).await;
            if let Err(error) = &looked_after {
                tracing::error!(%error, "the write-ahead log is not copied; trying again");
            }
            let pause = if looked_after.is_ok() { LOOK } else { AGAIN };
            let ended = tokio::time::timeout(pause, ending.wait_for(|ending| *ending)).await;
            if ended.is_ok() {
                return;
            }
        }
    }

    async fn look(&self, copying: &mut Copying) -> Result<(), WalError> {
        match copying.receiver.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => {}
            Some(_) => {
                let said = copying.receiver.take().and_then(|child| child.stderr);
                let said = said.map(std::io::read_to_string).transpose().ok().flatten();
                let said = said.unwrap_or_default();
                return Err(WalError::Folder(format!("pg_receivewal has ended: {}", said.trim())));
            }
            None => {
                self.begin(&mut copying.lock).await?;
                copying.receiver = Some(self.receive()?);
                copying.newest = bases(&self.folder)?.pop();
            }
        }
        self.look_after_base(copying).await
    }

    /// Copies the whole cluster where it is time to, beside what goes on.
    async fn look_after_base(&self, copying: &mut Copying) -> Result<(), WalError> {
        let mut made = Ok(());
        if copying.base.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(base) = copying.base.take()
        {
            made = base.await.map_err(std::io::Error::other).map_err(at(&self.folder))?;
            copying.base_failed = made.is_err().then(Instant::now);
            copying.newest = bases(&self.folder)?.pop();
        }
        let newest = copying.newest.as_ref();
        let is_old = |times: i64| newest.is_none_or(|newest| *newest < self.named_before(times));
        self.is_whole.store(!is_old(2), Ordering::Relaxed);
        let waits = copying.base_failed.is_some_and(|failed| failed.elapsed() < BASE_AGAIN);
        if is_old(1) && copying.base.is_none() && !waits {
            let own = self.clone();
            copying.base = Some(tokio::task::spawn_blocking(move || own.make_base()));
        }
        made
    }

    /// What a copy is called that is so many times as old as the newest one may be.
    fn named_before(&self, times: i64) -> String {
        let age = i64::try_from(self.base_every.as_secs()).unwrap_or(i64::MAX);
        base_name(self.edge.now().plus_seconds(age.saturating_mul(-times)))
    }

    /// Makes sure that the folder is this log's, and that nothing is missing between the copy and now.
    async fn begin(&self, lock: &mut Option<File>) -> Result<(), WalError> {
        self.access.expect_way(&self.folder)?;
        let mut connection = PgConnection::connect_with(&session::connect_options(&self.access.url())?).await?;
        let (system, log): (String, String) =
            sqlx::query_as("SELECT (pg_control_system()).system_identifier::text, log_id::text FROM log_head")
                .fetch_one(&mut connection)
                .await?;
        // A cluster that was recovered has another log, and goes on beside the one that it was made of.
        let mark = serde_json::json!({ "system": system, "log": log });
        let marked = fs::read_to_string(self.folder.join(MARK)).ok();
        let marked = marked.map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default());
        let slot: Option<(Option<String>, Option<i32>)> =
            sqlx::query_as("SELECT wal_status, active_pid FROM pg_replication_slots WHERE slot_name = $1")
                .bind(SLOT)
                .fetch_optional(&mut connection)
                .await?;
        let is_own = marked.as_ref().is_some_and(|marked| *marked == mark);
        let is_foreign = marked.is_some_and(|marked| marked["system"] != mark["system"]);
        if slot.is_none() && is_foreign {
            return Err(self.refuse("holds the log of another database: name another folder"));
        }
        if slot.is_some() && !is_own {
            return Err(self.refuse(&format!(
                "is not the folder that this log was copied to before: is its volume mounted? To begin there anew: \
                 licet db --embedded --data-dir DIR -c \"SELECT pg_drop_replication_slot('{SLOT}')\""
            )));
        }
        if lock.is_none() {
            *lock = Some(folder::lock(&self.folder)?);
        }
        match slot {
            None => self.begin_anew(&mut connection, &mark.to_string()).await?,
            // What the copy lacks is gone: another one is begun.
            Some((Some(status), _)) if status == "lost" => {
                order(&mut connection, "SELECT pg_drop_replication_slot($1)").await?;
                self.begin_anew(&mut connection, &mark.to_string()).await?;
            }
            // Whoever an earlier server left behind makes room.
            Some((_, Some(_))) => {
                let end =
                    "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1";
                order(&mut connection, end).await?;
            }
            Some(_) => {}
        }
        connection.close().await?;
        folder::drop_short_files(&self.folder)
    }

    fn refuse(&self, why: &str) -> WalError {
        WalError::Folder(format!("{} {why}", self.folder.display()))
    }

    async fn begin_anew(&self, connection: &mut PgConnection, mark: &str) -> Result<(), WalError> {
        // Before there is a slot: one without a mark would be taken for a volume that is not mounted.
        folder::prepare(&self.folder, &self.access, mark, self.edge.now())?;
        let keep = format!("ALTER SYSTEM SET max_slot_wal_keep_size = '{KEPT}'");
        connection.execute(&*keep).await?;
        connection.execute("SELECT pg_reload_conf()").await?;
        order(connection, "SELECT pg_create_physical_replication_slot($1, true)").await?;
        Ok(())
    }

    fn receive(&self) -> Result<Child, WalError> {
        let mut command = self.access.command("pg_receivewal");
        command.arg("-D").arg(self.folder.join("wal"));
        // Without a loop: it ends with Postgres, having received all of it, and not with whoever interrupts the server.
        command.args(["--slot", SLOT, "--synchronous", "--no-loop", "--no-password"]);
        command.process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().map_err(at(Path::new("pg_receivewal")))
    }

    /// Copies the whole cluster beside its log, and deletes what that makes superfluous.
    fn make_base(&self) -> Result<(), WalError> {
        folder::drop_unfinished(&self.folder)?;
        let bases = self.folder.join("bases");
        let unfinished = bases.join(format!("{}{}", folder::UNFINISHED, base_name(self.edge.now())));
        let mut command = self.access.command("pg_basebackup");
        command.arg("-D").arg(&unfinished);
        command.args(["--checkpoint=fast", "--wal-method=stream", "--no-password"]);
        let done = command.stdin(Stdio::null()).output();
        let done = done.map_err(at(Path::new("pg_basebackup")))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(WalError::Folder(format!(
                "the whole database is not copied: {}",
                said.trim()
            )));
        }
        let made = bases.join(base_name(self.edge.now()));
        fs::rename(&unfinished, &made).map_err(at(&made))?;
        folder::prune(&self.folder)
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

async fn order(connection: &mut PgConnection, statement: &str) -> Result<(), StoreError> {
    sqlx::query(statement).bind(SLOT).execute(connection).await.map(drop)
}

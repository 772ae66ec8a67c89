//! Making backups and trying them: how far that is and what became of it, kept in the database that they are of, by the
//! database's clock.

mod read;

use std::{fmt::Display, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::BackupError;
use crate::Edge;

pub use read::{LastRun, RunRow, count_runs, find_run, last, runs, verified_at};

/// How often a run says how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// A backup is made.
    Create,
    /// A backup is tried by restoring all of it.
    Verify,
    /// A backup's files are read and opened.
    Files,
    /// A backup is restored for practice, as of any moment in it.
    Drill,
}

impl RunKind {
    /// As it is called in the database, in the API and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Verify => "verify",
            Self::Files => "files",
            Self::Drill => "drill",
        }
    }
}

/// A run that goes on. One that is dropped without an end was cut off.
pub struct Run {
    /// Its id.
    pub id: Uuid,
    pool: PgPool,
    teller: Teller,
    _telling: JoinSet<()>,
}

/// Where a run hears how far it is; clones are the same.
#[derive(Clone)]
pub struct Teller(Arc<watch::Sender<Progress>>);

type Progress = (&'static str, i64, i64);

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunReport {
    /// How many events are in the backup, or were restored and hold.
    pub events: Option<i64>,
    /// The position that it ends at.
    pub position: Option<i64>,
    /// How many events the log had recorded beyond it.
    pub lost: Option<i64>,
}

impl Teller {
    /// Says what is being done, how far that is, and of how much.
    pub fn tell(&self, step: &'static str, reached: i64, goal: i64) {
        self.0.send_replace((step, reached, goal));
    }
}

impl Run {
    /// Writes down that something is begun; `about` is the backup that it is done to.
    pub async fn begin(pool: &PgPool, kind: RunKind, about: Option<&str>, edge: &Edge) -> Result<Self, BackupError> {
        // What was begun later than now was begun by a clock that has been set back since: it would hide all others. What
        // fails is tried again every minute.
        sqlx::query!(
            r#"DELETE FROM backup_runs
               WHERE started_at > now() OR started_at < now() - interval '400 days'
                  OR error IS NOT NULL AND started_at < now() - interval '7 days'"#
        )
        .execute(pool)
        .await?;
        let id = edge.id();
        sqlx::query!(
            "INSERT INTO backup_runs (run_id, kind, about) VALUES ($1, $2, $3)",
            id,
            kind.as_str(),
            about
        )
        .execute(pool)
        .await?;
        let (teller, told) = watch::channel(("", 0, 0));
        let mut telling = JoinSet::new();
        telling.spawn(tell(pool.clone(), id, told));
        Ok(Self {
            id,
            pool: pool.clone(),
            teller: Teller(Arc::new(teller)),
            _telling: telling,
        })
    }

    /// Where it hears how far it is.
    pub fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// Writes down how it ended: with which backup of which store and what came of it, or why not.
    pub async fn end(
        self,
        store_id: Option<Uuid>,
        ended: Result<(&str, RunReport), impl Display>,
    ) -> Result<(), BackupError> {
        let (backup_id, report, error) = match ended {
            Ok((id, report)) => (Some(id.to_owned()), report, None),
            Err(error) => (None, RunReport::default(), Some(error.to_string())),
        };
        sqlx::query!(
            r#"UPDATE backup_runs SET store_id = $2, backup_id = $3, error = $4, events = $5, position = $6, lost = $7,
                   finished_at = clock_timestamp() WHERE run_id = $1"#,
            self.id,
            store_id,
            backup_id,
            error,
            report.events,
            report.position,
            report.lost,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Writes down every second how far a run is, and that it is still there.
async fn tell(pool: PgPool, run_id: Uuid, told: watch::Receiver<Progress>) {
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        let (step, reached, goal) = *told.borrow();
        let written = sqlx::query!(
            r#"UPDATE backup_runs SET step = $2, reached = $3, goal = $4, touched_at = clock_timestamp() WHERE run_id = $1"#,
            run_id,
            step,
            reached,
            goal,
        )
        .execute(&pool)
        .await;
        if let Err(error) = written {
            tracing::debug!(%error, "how far a backup is could not be told");
        }
    }
}

//! The copy of an embedded server's write-ahead log: settings of `licet serve`.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context as _, bail};
use licet_event_store::{
    Edge,
    embedded::{Cluster, WalCopy},
};
use tokio::{sync::watch, task::JoinSet};

use super::Location;

#[derive(clap::Args, Clone)]
pub(super) struct WalOptions {
    /// With --embedded: a folder on another disk, to which whatever is recorded is copied at once. `licet backup recover`
    /// makes the server again from it, as of any moment.
    #[arg(long, value_name = "DIR")]
    wal_dir: Option<PathBuf>,
    /// Hours from one copy of the whole database to the next in that folder: what came after it is read again at a recovery.
    #[arg(long, default_value_t = 168, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=8_760))]
    wal_base_every_hours: u32,
    /// Whether there is a copy of the whole database, and not much older than that.
    #[arg(skip)]
    is_whole: Arc<AtomicBool>,
}

impl WalOptions {
    /// What tells whether there is a copy of the whole database, where one is asked for.
    pub(super) fn watched(&self) -> Option<Arc<AtomicBool>> {
        self.wal_dir.as_ref().map(|_| Arc::clone(&self.is_whole))
    }

    /// Looks at it before anything is changed.
    pub(super) fn check(&self, location: &Location) -> anyhow::Result<()> {
        match &self.wal_dir {
            Some(_) if !location.embedded => {
                bail!("--wal-dir goes with --embedded; for a database of your own see docs/BACKUP.md, \"Less loss\"")
            }
            // A server that has run before runs without it: its monitoring says that nothing is copied.
            Some(folder) if !folder.is_dir() && !Cluster::is_made(&location.data_dir) => bail!(
                "--wal-dir: {} is no folder; make it, best on another disk, and see that its volume is mounted",
                folder.display()
            ),
            _ => Ok(()),
        }
    }

    /// Begins to copy.
    pub(super) fn begin(
        &self,
        cluster: &Cluster,
        edge: &Edge,
        ending: watch::Receiver<bool>,
        background: &mut JoinSet<()>,
    ) -> anyhow::Result<()> {
        let Some(folder) = &self.wal_dir else { return Ok(()) };
        // Postgres's programs are run from elsewhere.
        let folder = std::path::absolute(folder).context("--wal-dir")?;
        let every = Duration::from_secs(u64::from(self.wal_base_every_hours) * 3_600);
        background.spawn(WalCopy::new(cluster, &folder, every, &self.is_whole, edge).run(ending));
        Ok(())
    }
}

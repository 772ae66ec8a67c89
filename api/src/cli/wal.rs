//! The copy of an embedded server's write-ahead log: settings of `licet serve`.

use std::{path::PathBuf, time::Duration};

use anyhow::bail;
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
}

impl WalOptions {
    pub(super) fn is_set(&self) -> bool {
        self.wal_dir.is_some()
    }

    /// Looks at it before anything is changed.
    pub(super) fn check(&self, location: &Location) -> anyhow::Result<()> {
        match &self.wal_dir {
            Some(_) if !location.embedded => {
                bail!("--wal-dir goes with --embedded; for a database of your own see docs/BACKUP.md, \"Less loss\"")
            }
            Some(folder) if !folder.is_dir() => bail!(
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
        let every = Duration::from_secs(u64::from(self.wal_base_every_hours) * 3_600);
        let copy = WalCopy::new(cluster, &folder.canonicalize()?, every, edge)?;
        background.spawn(copy.run(ending));
        Ok(())
    }
}

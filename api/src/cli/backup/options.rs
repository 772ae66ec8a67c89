//! Where backups go, how often, and which are kept: settings of the command and of the server.

use std::{path::PathBuf, time::Duration};

use anyhow::bail;
use licet_domain::backup::Keep;
use licet_event_store::backup::{BackupKeys, BackupStore};
use licet_workers::backup::BackupSchedule;

/// Where backups lie.
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct StoreOptions {
    /// The folder of backups, best a volume of its own.
    #[arg(long, env = "BACKUP_DIR", value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Further age recipients that may open new backups, such as age1…, with commas between them.
    #[arg(long, env = "BACKUP_RECIPIENTS", value_name = "RECIPIENTS", value_delimiter = ',')]
    backup_recipients: Vec<String>,
}

/// Which backups are kept.
#[derive(clap::Args, Clone, Copy)]
pub(in crate::cli) struct KeepOptions {
    /// The newest so many backups are kept.
    #[arg(long, env = "BACKUP_KEEP_LAST", default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    backup_keep_last: u32,
    /// And the newest of each of the last so many days that have one.
    #[arg(long, env = "BACKUP_KEEP_DAYS", default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    backup_keep_days: u32,
}

/// Backups that a server makes by itself.
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct ScheduleOptions {
    #[command(flatten)]
    store: StoreOptions,
    /// Hours from one backup to the next, where there is a folder for them.
    #[arg(long, env = "BACKUP_EVERY_HOURS", default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
    backup_every_hours: u32,
    #[command(flatten)]
    keep: KeepOptions,
}

impl From<KeepOptions> for Keep {
    fn from(options: KeepOptions) -> Self {
        Self {
            last: options.backup_keep_last as usize,
            days: options.backup_keep_days as usize,
        }
    }
}

impl StoreOptions {
    /// The store, and what its backups are sealed and signed with.
    pub(super) fn open(&self, secret_key: &str) -> anyhow::Result<(BackupStore, BackupKeys)> {
        match &self.backup_dir {
            Some(folder) => Ok((BackupStore::open(folder)?, self.keys(secret_key)?)),
            None => bail!("say where backups lie: --backup-dir or BACKUP_DIR"),
        }
    }

    fn keys(&self, secret_key: &str) -> anyhow::Result<BackupKeys> {
        let recipients = self.backup_recipients.iter().map(|one| one.trim().to_owned());
        let named: Vec<String> = recipients.filter(|one| !one.is_empty()).collect();
        Ok(BackupKeys::derive(secret_key, &named)?)
    }
}

impl ScheduleOptions {
    /// How often a backup is made; not at all where no folder is named.
    pub(in crate::cli) fn every(&self) -> Option<Duration> {
        let every = Duration::from_secs(u64::from(self.backup_every_hours) * 3600);
        self.store.backup_dir.as_ref().map(|_| every)
    }

    /// What a server does by itself.
    pub(in crate::cli) fn schedule(&self, secret_key: &str) -> anyhow::Result<Option<BackupSchedule>> {
        let Some((folder, every)) = self.store.backup_dir.clone().zip(self.every()) else {
            return Ok(None);
        };
        Ok(Some(BackupSchedule {
            folder,
            keys: self.store.keys(secret_key)?,
            every,
            keep: self.keep.into(),
        }))
    }
}

//! Where backups lie, how often they are made and tried, and which are kept: settings of the command and of the server.

use std::time::Duration;

use anyhow::{Context as _, bail};
use licet_domain::backup::Keep;
use licet_event_store::backup::{BackupKeys, BackupStore, BucketAccess, ScratchPlace, StoreLocation};
use licet_workers::backup::{BackupSchedule, BackupSettings};

use crate::cli::Location;

/// Where backups lie.
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct StoreOptions {
    /// Where backups lie: a folder, best a volume of its own, or a bucket, as `s3://BUCKET/PREFIX`. With --embedded, those
    /// that are made by hand go to `backups` in the data folder where nothing else is said.
    #[arg(long, env = "BACKUP_STORE", value_name = "DIR|URL")]
    backup_store: Option<StoreLocation>,
    /// Further age recipients that may open new backups, such as age1…, with commas between them.
    #[arg(long, env = "BACKUP_RECIPIENTS", value_name = "RECIPIENTS", value_delimiter = ',')]
    backup_recipients: Vec<String>,
    /// The server of the bucket, such as `https://s3.example.com`; by default Amazon's.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// The bucket's region.
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    s3_region: Option<String>,
    /// The id of the key that opens the bucket; without it, what AWS_… and the machine's own role say.
    #[arg(long, env = "AWS_ACCESS_KEY_ID", value_name = "ID")]
    s3_key_id: Option<String>,
    /// That key.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true, value_name = "KEY")]
    s3_key: Option<String>,
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

/// Where a backup is tried.
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct ScratchOptions {
    /// A PostgreSQL server on which databases may be made to restore backups into; by default a private one is started, by
    /// PostgreSQL's programs on this machine.
    #[arg(long, env = "BACKUP_VERIFY_DATABASE", hide_env_values = true, value_name = "URL")]
    backup_verify_database: Option<String>,
}

/// Backups that a server makes by itself.
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct ScheduleOptions {
    #[command(flatten)]
    store: StoreOptions,
    /// Hours from one backup to the next, where there is a store for them.
    #[arg(long, env = "BACKUP_EVERY_HOURS", default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
    backup_every_hours: u32,
    /// Hours from one time to the next that the newest backup is restored to see whether it holds; 0 for never.
    #[arg(long, env = "BACKUP_VERIFY_EVERY_HOURS", default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=720))]
    backup_verify_every_hours: u32,
    #[command(flatten)]
    scratch: ScratchOptions,
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

impl From<&ScratchOptions> for ScratchPlace {
    fn from(options: &ScratchOptions) -> Self {
        let server = options.backup_verify_database.clone();
        server.map_or(Self::Cluster, Self::Server)
    }
}

impl StoreOptions {
    /// Whether a store is named.
    pub(super) fn is_named(&self) -> bool {
        self.backup_store.is_some()
    }

    /// The store, and what its backups are sealed and signed with.
    pub(super) fn open(&self, location: &Location, secret_key: &str) -> anyhow::Result<(BackupStore, BackupKeys)> {
        match self.location(location)? {
            Some(place) => Ok((BackupStore::open(&place, &self.access())?, self.keys(secret_key)?)),
            None => bail!("say where backups lie: --backup-store or BACKUP_STORE"),
        }
    }

    /// Where backups lie; with a private Postgres, beside it where nothing is said.
    fn location(&self, location: &Location) -> anyhow::Result<Option<StoreLocation>> {
        if self.backup_store.is_some() || !location.embedded || !location.data_dir.exists() {
            return Ok(self.backup_store.clone());
        }
        let beside = location.data_dir.join("backups");
        std::fs::create_dir_all(&beside).with_context(|| format!("making {}", beside.display()))?;
        Ok(Some(StoreLocation::Folder(beside)))
    }

    fn access(&self) -> BucketAccess {
        BucketAccess {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            key_id: self.s3_key_id.clone(),
            key: self.s3_key.clone(),
        }
    }

    fn keys(&self, secret_key: &str) -> anyhow::Result<BackupKeys> {
        let recipients = self.backup_recipients.iter().map(|one| one.trim().to_owned());
        let named: Vec<String> = recipients.filter(|one| !one.is_empty()).collect();
        Ok(BackupKeys::derive(secret_key, &named)?)
    }
}

impl ScheduleOptions {
    /// Where a server's backups go, and what it does by itself: nothing where no store is named, because what lies beside
    /// the data goes with it.
    pub(in crate::cli) fn settings(
        &self,
        location: &Location,
        secret_key: &str,
    ) -> anyhow::Result<Option<BackupSettings>> {
        let Some(place) = self.store.location(location)? else {
            return Ok(None);
        };
        let schedule = self.store.backup_store.is_some().then(|| BackupSchedule {
            every: hours(self.backup_every_hours).unwrap_or_default(),
            verify_every: hours(self.backup_verify_every_hours),
            keep: self.keep.into(),
        });
        Ok(Some(BackupSettings {
            location: place,
            access: self.store.access(),
            keys: self.store.keys(secret_key)?,
            secret_key: secret_key.to_owned(),
            place: (&self.scratch).into(),
            schedule,
        }))
    }
}

fn hours(number: u32) -> Option<Duration> {
    (number > 0).then(|| Duration::from_secs(u64::from(number) * 3600))
}

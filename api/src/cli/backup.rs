//! `licet backup`

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context as _, bail};
use licet_commands::{CacheSizes, CommandError, Platform};
use licet_domain::{backup::Keep, values::Timestamp};
use licet_event_store::{
    Edge, EventLog, Keyring, LogOptions, LogTasks, Tenant,
    audit::{AuditReport, verify},
    backup::{self, BackupKeys, BackupManifest, BackupStore, RestorePoint, Restored},
    embedded::{Cluster, ClusterOptions},
    vault::Vault,
};
use licet_projections::{projectors, rebuild};
use licet_workers::backup::prune;
use serde_json::{Value, json};

use super::{Location, Output, database, operators, setting};
use crate::secrets;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a backup now, beside a running server or without one.
    Create {
        #[command(flatten)]
        store: StoreOptions,
        /// Begin in a store that this database was not backed up to before.
        #[arg(long)]
        new_store: bool,
    },
    /// Say which backups there are, and whether their manifests hold.
    List(StoreOptions),
    /// Restore a backup into a cluster made for it, walk the whole log, fold every read model, and throw it all away.
    Verify {
        #[command(flatten)]
        store: StoreOptions,
        /// Which backup; by default the newest.
        #[arg(value_name = "BACKUP")]
        id: Option<String>,
        /// Only read and open each file.
        #[arg(long)]
        files_only: bool,
    },
    /// Restore a backup into an empty database, or with --embedded into a new data folder. Give it again where it was cut
    /// off: it goes on.
    Restore {
        #[command(flatten)]
        store: StoreOptions,
        /// Which backup; by default the newest.
        #[arg(value_name = "BACKUP")]
        id: Option<String>,
        /// Only up to the event at this position.
        #[arg(long, value_name = "POSITION", conflicts_with = "to_time")]
        to_position: Option<i64>,
        /// Only what was recorded until this moment, such as 2026-11-29T14:00:00Z.
        #[arg(long, value_name = "TIME")]
        to_time: Option<String>,
    },
    /// Delete backups that need not be kept, and files that no other backup needs.
    Prune {
        #[command(flatten)]
        store: StoreOptions,
        #[command(flatten)]
        keep: KeepOptions,
        /// Only say which.
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the age identity that opens a backup's files without this program. Whoever has it reads them.
    Identity,
}

/// Where backups lie.
#[derive(clap::Args, Clone)]
pub(super) struct StoreOptions {
    /// The folder of backups, best a volume of its own.
    #[arg(long, env = "BACKUP_DIR", value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Further age recipients that may open new backups, such as age1…, with commas between them.
    #[arg(long, env = "BACKUP_RECIPIENTS", value_name = "RECIPIENTS", value_delimiter = ',')]
    backup_recipients: Vec<String>,
}

/// Which backups are kept.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct KeepOptions {
    /// The newest so many backups are kept.
    #[arg(long, env = "BACKUP_KEEP_LAST", default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    backup_keep_last: u32,
    /// And the newest of each of the last so many days that have one.
    #[arg(long, env = "BACKUP_KEEP_DAYS", default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    backup_keep_days: u32,
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
    /// The folder, where one is named.
    pub(super) fn folder(&self) -> Option<&PathBuf> {
        self.backup_dir.as_ref()
    }

    /// What backups are sealed and signed with.
    pub(super) fn keys(&self, secret_key: &str) -> anyhow::Result<BackupKeys> {
        let recipients: Vec<String> = self.backup_recipients.iter().map(|one| one.trim().to_owned()).collect();
        let named: Vec<String> = recipients.into_iter().filter(|one| !one.is_empty()).collect();
        Ok(BackupKeys::derive(secret_key, &named)?)
    }

    fn open(&self) -> anyhow::Result<BackupStore> {
        match &self.backup_dir {
            Some(folder) => Ok(BackupStore::open(folder)?),
            None => bail!("say where backups lie: --backup-dir or BACKUP_DIR"),
        }
    }
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let secret_key = secret_key(&location)?;
    match command {
        Command::Create { store, new_store } => create(&location, (&store, &secret_key), new_store, output).await,
        Command::List(store) => list(&store.open()?, &store.keys(&secret_key)?, output).await,
        Command::Verify { store, id, files_only } => {
            let (store, keys) = (store.open()?, store.keys(&secret_key)?);
            let manifest = choose(&store, &keys, id).await?;
            check((&store, &keys), &manifest, &secret_key, files_only, output).await
        }
        Command::Restore {
            store,
            id,
            to_position,
            to_time,
        } => {
            let point = match (to_position, to_time) {
                (Some(position), _) => RestorePoint::Position(position),
                (None, Some(time)) => RestorePoint::Time(Timestamp::parse(&time).context("--to-time")?),
                (None, None) => RestorePoint::Whole,
            };
            let (store, keys) = (store.open()?, store.keys(&secret_key)?);
            let manifest = choose(&store, &keys, id).await?;
            restore(&location, (&store, &keys), (&manifest, point), &secret_key, output).await
        }
        Command::Prune { store, keep, dry_run } => {
            delete(&location, (&store, &secret_key), keep.into(), dry_run, output).await
        }
        Command::Identity => {
            let identity = BackupKeys::derive(&secret_key, &[])?.identity();
            output.result(&json!({ "identity": identity }), |_| identity.clone());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The secret that is there. None is made: what a new one opens is nothing.
fn secret_key(location: &Location) -> anyhow::Result<String> {
    let edge = Edge::system();
    let kept = location.embedded && location.data_dir.join("secret_key").exists();
    if setting("SECRET_KEY")?.is_none() && !kept {
        bail!(
            "SECRET_KEY is not set: it is kept apart from backups, and without it none of them opens. An embedded server \
             keeps it in the file secret_key of its data folder"
        );
    }
    secrets::secret_key(database::kept_in(location, &edge).filter(|_| kept))
}

async fn choose(store: &BackupStore, keys: &BackupKeys, id: Option<String>) -> anyhow::Result<BackupManifest> {
    let newest = store.ids().await?.pop();
    let Some(id) = id.or(newest) else {
        bail!("there is no backup in {}", store.location);
    };
    Ok(store.manifest(&id, keys).await?)
}

async fn create(
    location: &Location,
    (store, secret_key): (&StoreOptions, &str),
    new_store: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let (folder, keys) = (store.open()?, store.keys(secret_key)?);
    let edge = Edge::system();
    let database = database::open_existing(location, &edge)?;
    let (log, tasks) = database::open_log(location, &database).await?;
    let begun = Instant::now();
    let bar = output.bar("Backing up");
    let made = backup::create(&log, (&folder, &keys), &edge, new_store, |at, of| {
        bar.set_length(of.cast_unsigned());
        bar.set_position(at.cast_unsigned());
    })
    .await;
    bar.finish_and_clear();
    drop(log);
    tasks.finish().await;
    let shown = show(&made?, begun.elapsed().as_secs_f64());
    output.result(&shown, |shown| {
        format!(
            "backup {} holds everything up to position {}, in {} bytes; keep SECRET_KEY apart from it",
            shown["id"].as_str().unwrap_or_default(),
            shown["position"],
            shown["bytes"]
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn show(manifest: &BackupManifest, seconds: f64) -> Value {
    json!({
        "id": manifest.id,
        "taken_at": manifest.taken_at,
        "log_id": manifest.log_id,
        "position": manifest.position,
        "recorded_at": manifest.recorded_at,
        "events": manifest.events(),
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
        "program": manifest.program,
        "seconds": seconds,
    })
}

async fn list(store: &BackupStore, keys: &BackupKeys, output: Output) -> anyhow::Result<ExitCode> {
    let (mut shown, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for manifest in store.list(keys).await? {
        shown.push(manifest.as_ref().map_or_else(
            |error| json!({ "error": error.to_string() }),
            |manifest| show(manifest, 0.0),
        ));
        if manifest.is_err() {
            code = ExitCode::FAILURE;
        }
    }
    output.result(&shown, |shown| match shown.as_slice() {
        [] => format!(
            "There is no backup in {} yet; `licet backup create` makes one.",
            store.location
        ),
        some => some.iter().map(line).collect::<Vec<_>>().join("\n"),
    });
    Ok(code)
}

fn line(one: &Value) -> String {
    match one["error"].as_str() {
        Some(error) => format!("DOES NOT HOLD: {error}"),
        None => format!(
            "{}  {}  position {}  {} bytes",
            one["id"].as_str().unwrap_or_default(),
            one["taken_at"].as_str().unwrap_or_default(),
            one["position"],
            one["bytes"]
        ),
    }
}

/// Files, then a restore of everything into a cluster of its own.
async fn check(
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    secret_key: &str,
    files_only: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let bar = output.bar("Reading");
    backup::check_files(store, keys, manifest, |at, of| {
        bar.set_length(of);
        bar.set_position(at);
    })
    .await?;
    bar.finish_and_clear();
    let mut report = AuditReport::default();
    if !files_only {
        // Where the user that Postgres runs as can get in, and nobody else.
        let folder = std::env::temp_dir().join(format!("licet-verify-{}", Edge::system().id().simple()));
        let checked = restore_for_a_moment(&folder, (store, keys), manifest, secret_key, output).await;
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        report = checked?;
    }
    let shown = json!({
        "id": manifest.id,
        "position": manifest.position,
        "restored": !files_only,
        "audit": report,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    output.result(&shown, |_| match (&report.fault, files_only) {
        (None, true) => format!("backup {}: every file is there and opens", manifest.id),
        (None, false) => format!(
            "backup {} was restored: {} events hold, up to position {}, and every read model was folded from them",
            manifest.id, report.events, report.position
        ),
        (Some(fault), _) => format!(
            "backup {} DOES NOT HOLD at position {}: {}",
            manifest.id, fault.position, fault.what
        ),
    });
    Ok(if report.fault.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn restore_for_a_moment(
    folder: &std::path::Path,
    (store, keys): (&BackupStore, &BackupKeys),
    manifest: &BackupManifest,
    secret_key: &str,
    output: Output,
) -> anyhow::Result<AuditReport> {
    let edge = Edge::system();
    let settings = ["fsync=off", "synchronous_commit=off", "max_wal_size=4GB"];
    let options = ClusterOptions {
        settings: settings.map(str::to_owned).into(),
    };
    let cluster = Cluster::start(folder, &options, &edge)?;
    let archive = folder.join("archive");
    std::fs::create_dir_all(&archive)?;
    let bar = output.bar("Restoring");
    let told = |at: i64, of: i64| {
        bar.set_length(of.cast_unsigned());
        bar.set_position(at.cast_unsigned());
    };
    let url = cluster.url();
    backup::restore(&url, (store, keys), manifest, RestorePoint::Whole, Some(&archive), told).await?;
    bar.finish_and_clear();
    let settings = LogOptions {
        archive: Some(archive),
        ..LogOptions::default()
    };
    let (log, tasks) = EventLog::open(&url, &settings).await?;
    let checked = walk(&log, manifest, (secret_key, &edge), output).await;
    fold_all(&log, output).await?;
    drop(log);
    tasks.finish().await;
    checked
}

async fn walk(
    log: &EventLog,
    manifest: &BackupManifest,
    (secret_key, edge): (&str, &Edge),
    output: Output,
) -> anyhow::Result<AuditReport> {
    let vault = Vault::new(log.pool().clone(), secret_key, edge.clone());
    let keyring = Keyring::open(vault, Tenant::default()).await?;
    let bar = output.bar("Verifying");
    let kept: Vec<String> = manifest.checkpoint.iter().cloned().collect();
    let report = verify(log, &keyring.verifying(), &kept, |at, of| {
        bar.set_length(of.cast_unsigned());
        bar.set_position(at.cast_unsigned());
    })
    .await?;
    bar.finish_and_clear();
    Ok(report)
}

/// Folds every read model from the first event.
async fn fold_all(log: &EventLog, output: Output) -> anyhow::Result<()> {
    for projector in projectors() {
        let bar = output.bar("Folding");
        rebuild(projector, log, &|at, of| {
            bar.set_length(of.cast_unsigned());
            bar.set_position(at.cast_unsigned());
        })
        .await?;
        bar.finish_and_clear();
    }
    Ok(())
}

async fn restore(
    location: &Location,
    (store, keys): (&BackupStore, &BackupKeys),
    (manifest, point): (&BackupManifest, RestorePoint),
    secret_key: &str,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let edge = Edge::system();
    let begun = Instant::now();
    let database = database::open(location, &edge)?;
    let archive = location.archive();
    let bar = output.bar("Restoring");
    let told = |at: i64, of: i64| {
        bar.set_length(of.cast_unsigned());
        bar.set_position(at.cast_unsigned());
    };
    let restored = backup::restore(&database.url, (store, keys), manifest, point, archive.as_deref(), told).await?;
    bar.finish_and_clear();
    if location.embedded {
        secrets::keep_secret_key(&location.data_dir, secret_key)?;
        // A server that finds none would make one among the customers.
        let demo = location.data_dir.join("demo-license");
        std::fs::write(demo, "restored from a backup, without a demo license\n")?;
    }
    let (log, tasks) = database::open_log(location, &database).await?;
    fold_all(&log, output).await?;
    forget_again(log, tasks, &restored, (secret_key, edge)).await?;
    let shown = json!({
        "id": manifest.id,
        "position": restored.position,
        "log_id": restored.log_id,
        "forgotten_again": restored.forgotten.len(),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    output.result(&shown, |_| {
        format!(
            "backup {} was restored up to position {}; the log is {} from now on. {} keys that were destroyed since were \
             destroyed again. `licet audit verify` walks all of it",
            manifest.id,
            restored.position,
            restored.log_id,
            restored.forgotten.len()
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// Who was forgotten since the backup is forgotten in the log's own words too.
async fn forget_again(
    log: EventLog,
    tasks: LogTasks,
    restored: &Restored,
    (secret_key, edge): (&str, Edge),
) -> anyhow::Result<()> {
    let vault = Vault::new(log.pool().clone(), secret_key, edge.clone());
    let platform = Platform::new(log, vault, edge, CacheSizes::default());
    for key in restored.forgotten.iter().filter(|key| key.purpose == "person") {
        let Ok(person) = key.key_id.parse() else { continue };
        let context = licet_commands::Context {
            tenant: Tenant::new(&key.tenant_id),
            ..operators::context(&platform)
        };
        match platform.forget_customer(&context, person, &|_| String::new()).await {
            // Another kind of person, or one of after the backup: the key alone was theirs.
            Ok(_) | Err(CommandError::Resource(_)) => {}
            Err(error) => return Err(error).context("forgetting who was forgotten since the backup"),
        }
    }
    drop(platform);
    tasks.finish().await;
    Ok(())
}

async fn delete(
    location: &Location,
    (store, secret_key): (&StoreOptions, &str),
    keep: Keep,
    dry_run: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let (folder, keys) = (store.open()?, store.keys(secret_key)?);
    let edge = Edge::system();
    let database = database::open_existing(location, &edge)?;
    let (log, tasks) = database::open_log(location, &database).await?;
    let deleted = prune(&log, (&folder, &keys), keep, dry_run).await;
    drop(log);
    tasks.finish().await;
    let ids: Vec<String> = deleted?.into_iter().map(|manifest| manifest.id).collect();
    let shown = json!({ "deleted": ids, "dry_run": dry_run });
    output.result(&shown, |_| match (ids.as_slice(), dry_run) {
        ([], _) => "Every backup is kept.".to_owned(),
        (some, true) => format!("These would be deleted: {}", some.join(", ")),
        (some, false) => format!("Deleted: {}", some.join(", ")),
    });
    Ok(ExitCode::SUCCESS)
}

//! `licet backup`

mod make;
mod options;
mod recover;
mod restore;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use licet_domain::values::Timestamp;
use licet_event_store::{
    Edge, EventLog,
    backup::{BackupKeys, BackupManifest, BackupStore, RestorePoint, ScratchPlace},
};
use licet_projections::{projectors, rebuild};
use serde_json::json;

use super::{Location, Output, database, setting};
use crate::secrets;
use options::{KeepOptions, ScratchOptions, StoreOptions};

pub(super) use options::ScheduleOptions;

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
    /// Restore a backup where it is in nobody's way, walk the whole log, fold every read model, compare it with its replay,
    /// and throw it all away.
    Verify {
        #[command(flatten)]
        store: StoreOptions,
        /// Which backup; by default the newest.
        #[arg(value_name = "BACKUP")]
        id: Option<String>,
        /// Only read and open each file.
        #[arg(long)]
        files_only: bool,
        #[command(flatten)]
        scratch: ScratchOptions,
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
    /// Make the data folder of an embedded server again from the copy that `licet serve --wal-dir` has written, to the last
    /// moment that it holds or to an earlier one.
    Recover {
        /// The folder of the copy.
        #[arg(long, value_name = "DIR")]
        wal_dir: PathBuf,
        /// Only what was recorded until this moment, such as 2026-11-29T14:00:00Z.
        #[arg(long, value_name = "TIME")]
        to_time: Option<String>,
        /// Its ledger says who was forgotten since.
        #[command(flatten)]
        store: StoreOptions,
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

/// A store and what its backups are sealed and signed with.
type Store = (BackupStore, BackupKeys);

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let secret_key = secret_key(&location)?;
    match command {
        Command::Create { store, new_store } => {
            make::create(
                &location,
                &store.open(&location, &secret_key)?,
                &secret_key,
                new_store,
                output,
            )
            .await
        }
        Command::List(store) => make::list(&store.open(&location, &secret_key)?, output).await,
        Command::Verify {
            store,
            id,
            files_only,
            scratch,
        } => {
            let store = store.open(&location, &secret_key)?;
            let manifest = choose(&store, id).await?;
            let place = (!files_only).then(|| ScratchPlace::from(&scratch));
            verify::run(&location, &store, &manifest, (&secret_key, place.as_ref()), output).await
        }
        Command::Restore {
            store,
            id,
            to_position,
            to_time,
        } => {
            let point = match (to_position, moment(to_time)?) {
                (Some(position), _) => RestorePoint::Position(position),
                (None, Some(time)) => RestorePoint::Time(time),
                (None, None) => RestorePoint::Whole,
            };
            let store = store.open(&location, &secret_key)?;
            let manifest = choose(&store, id).await?;
            restore::run(&location, &store, (&manifest, point), &secret_key, output).await
        }
        Command::Recover {
            wal_dir,
            to_time,
            store,
        } => {
            let store = store
                .is_named()
                .then(|| store.open(&location, &secret_key))
                .transpose()?;
            recover::run(&location, &wal_dir, moment(to_time)?, (store, &secret_key), output).await
        }
        Command::Prune { store, keep, dry_run } => {
            make::prune(
                &location,
                &store.open(&location, &secret_key)?,
                keep.into(),
                dry_run,
                output,
            )
            .await
        }
        Command::Identity => {
            let identity = BackupKeys::derive(&secret_key, &[])?.identity();
            output.result(&json!({ "identity": identity }), |_| identity.clone());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn moment(text: Option<String>) -> anyhow::Result<Option<Timestamp>> {
    let moment = text.map(|text| Timestamp::parse(&text));
    moment.transpose().context("--to-time")
}

/// Keeps the secrets in a new data folder: a server that starts there makes no others.
fn prepare_folder(location: &Location) -> anyhow::Result<()> {
    std::fs::create_dir_all(&location.data_dir)?;
    secrets::keep(&location.data_dir)?;
    // A server that finds none would make one among the customers.
    let demo = location.data_dir.join("demo-license");
    std::fs::write(demo, "restored, without a demo license\n")?;
    Ok(())
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

async fn choose((store, keys): &Store, id: Option<String>) -> anyhow::Result<BackupManifest> {
    let newest = store.ids().await?.pop();
    let Some(id) = id.or(newest) else {
        bail!("there is no backup in {}", store.location);
    };
    Ok(store.manifest(&id, keys).await?)
}

/// Folds every read model from the first event.
async fn fold_all(log: &EventLog, output: Output) -> anyhow::Result<()> {
    for projector in projectors() {
        let (bar, moves) = output.moving_bar("Folding");
        rebuild(projector, log, &moves).await?;
        bar.finish_and_clear();
    }
    Ok(())
}

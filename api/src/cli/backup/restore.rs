//! Puts a backup into an empty database, or into a new data folder.

use std::{process::ExitCode, time::Instant};

use anyhow::Context as _;
use licet_commands::{CacheSizes, CommandError, Context, Platform};
use licet_event_store::{
    Edge, EventLog, Tenant,
    backup::{self, BackupManifest, RestorePoint, Restored},
    embedded::Cluster,
    vault::Vault,
};
use serde_json::json;

use super::{Store, database, fold_all, prepare_folder};
use crate::cli::{Location, Output};

pub(super) async fn run(
    location: &Location,
    (store, keys): &Store,
    (manifest, point): (&BackupManifest, RestorePoint),
    secret_key: &str,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let (edge, begun) = (Edge::system(), Instant::now());
    if location.embedded && !Cluster::is_made(&location.data_dir) {
        // Before anything else, because it may be cut off.
        prepare_folder(location)?;
    }
    let database = database::open(location, &edge)?;
    let (bar, moves) = output.moving_bar("Restoring");
    let archive = location.archive();
    let (url, archive) = (&database.url, archive.as_deref());
    let restored = backup::restore(url, (store, keys), manifest, point, archive, moves).await?;
    bar.finish_and_clear();
    let (log, tasks) = database::open_log(location, &database).await?;
    fold_all(&log, output).await?;
    forget_again(log, &restored, (secret_key, edge)).await?;
    tasks.finish().await;
    backup::complete(url).await?;
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
pub(super) async fn forget_again(
    log: EventLog,
    restored: &Restored,
    (secret_key, edge): (&str, Edge),
) -> anyhow::Result<()> {
    let vault = Vault::new(log.pool().clone(), secret_key, edge.clone());
    let platform = Platform::new(log, vault, edge, CacheSizes::default());
    for key in restored.forgotten.iter().filter(|key| key.purpose == "person") {
        let Ok(person) = key.key_id.parse() else { continue };
        let edge = &platform.edge;
        let context = Context::system("licet backup", Tenant::new(&key.tenant_id), edge.now(), edge.id());
        match platform.forget_customer(&context, person, &|_| String::new()).await {
            // Another kind of person, or one of after the moment that was restored: the key alone was theirs.
            Ok(_) | Err(CommandError::Resource(_)) => {}
            Err(error) => return Err(error).context("forgetting who was forgotten since the backup"),
        }
    }
    Ok(())
}

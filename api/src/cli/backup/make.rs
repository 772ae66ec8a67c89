//! Makes, lists and deletes backups.

use std::{process::ExitCode, time::Instant};

use licet_domain::backup::Keep;
use licet_event_store::{
    Edge, EventLog, LogTasks, Tenant,
    backup::{self, BackupManifest},
    vault::Vault,
};
use serde_json::{Value, json};

use super::{Store, database};
use crate::cli::{Location, Output};

/// The log, and the cluster that it is in.
pub(super) async fn open(location: &Location, edge: &Edge) -> anyhow::Result<(EventLog, LogTasks, database::Database)> {
    let database = database::open_existing(location, edge)?;
    let (log, tasks) = database::open_log(location, &database).await?;
    Ok((log, tasks, database))
}

pub(super) async fn create(
    location: &Location,
    (store, keys): &Store,
    secret_key: &str,
    new_store: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let edge = Edge::system();
    let (log, tasks, _database) = open(location, &edge).await?;
    // A backup that is sealed with another secret than the vault in it would open, and be of no use.
    let vault = Vault::new(log.pool().clone(), secret_key, edge.clone());
    vault.look_up_key(&Tenant::default()).await?;
    let begun = Instant::now();
    let (bar, moves) = output.moving_bar("Backing up");
    let made = backup::create(&log, (store, keys), &edge, new_store, moves).await;
    bar.finish_and_clear();
    drop((log, vault));
    tasks.finish().await;
    let mut shown = show(&made?);
    shown["seconds"] = begun.elapsed().as_secs_f64().into();
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

fn show(manifest: &BackupManifest) -> Value {
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
    })
}

pub(super) async fn list((store, keys): &Store, output: Output) -> anyhow::Result<ExitCode> {
    let (mut shown, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for manifest in store.list(keys).await? {
        shown.push(
            manifest
                .as_ref()
                .map_or_else(|error| json!({ "error": error.to_string() }), show),
        );
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

pub(super) async fn prune(
    location: &Location,
    (store, keys): &Store,
    keep: Keep,
    dry_run: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let (log, tasks, _database) = open(location, &Edge::system()).await?;
    let deleted = licet_workers::backup::prune(&log, (store, keys), keep, dry_run).await;
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

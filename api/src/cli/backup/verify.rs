//! Tries a backup: reads its files, restores it into a cluster made for that, walks the log, folds every read model.

use std::{path::Path, process::ExitCode, time::Instant};

use anyhow::Context as _;
use licet_event_store::{
    Edge, EventLog, Keyring, LogOptions, Tenant,
    audit::{AuditReport, verify},
    backup::{self, BackupManifest, RestorePoint},
    embedded::{Cluster, ClusterOptions},
    vault::Vault,
};
use serde_json::json;

use super::{Store, fold_all};
use crate::cli::Output;

pub(super) async fn run(
    store: &Store,
    manifest: &BackupManifest,
    secret_key: &str,
    files_only: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let (bar, moves) = output.moving_bar("Reading");
    backup::check_files(&store.0, &store.1, manifest, moves).await?;
    bar.finish_and_clear();
    let mut report = None;
    if !files_only {
        // Where the user that Postgres runs as can get in.
        let folder = std::env::temp_dir().join(format!("licet-verify-{}", Edge::system().id().simple()));
        let restored = restore(&folder, store, manifest, secret_key, output).await;
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        report = Some(restored?);
    }
    let shown = json!({
        "id": manifest.id,
        "position": manifest.position,
        "audit": report,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    output.result(&shown, |_| tell(manifest, report.as_ref()));
    let holds = report.is_none_or(|report| report.fault.is_none());
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(manifest: &BackupManifest, report: Option<&AuditReport>) -> String {
    match report.map(|report| (report, &report.fault)) {
        None => format!("backup {}: every file is there and opens", manifest.id),
        Some((report, None)) => format!(
            "backup {} was restored: {} events hold, up to position {}, and every read model was folded from them",
            manifest.id, report.events, report.position
        ),
        Some((_, Some(fault))) => format!(
            "backup {} DOES NOT HOLD at position {}: {}",
            manifest.id, fault.position, fault.what
        ),
    }
}

async fn restore(
    folder: &Path,
    (store, keys): &Store,
    manifest: &BackupManifest,
    secret_key: &str,
    output: Output,
) -> anyhow::Result<AuditReport> {
    let edge = Edge::system();
    // Nothing of it has to survive.
    let settings = ["fsync=off", "synchronous_commit=off", "max_wal_size=4GB"];
    let options = ClusterOptions {
        settings: settings.map(str::to_owned).into(),
    };
    let cluster = Cluster::start(folder, &options, &edge)?;
    let (url, archive) = (cluster.url(), folder.join("archive"));
    let (bar, moves) = output.moving_bar("Restoring");
    backup::restore(
        &url,
        (store, keys),
        manifest,
        RestorePoint::Whole,
        Some(&archive),
        moves,
    )
    .await?;
    backup::complete(&url).await?;
    bar.finish_and_clear();
    let settings = LogOptions {
        archive: Some(archive),
        ..LogOptions::default()
    };
    let (log, tasks) = EventLog::open(&url, &settings).await?;
    let report = walk(&log, manifest, (secret_key, edge), output).await;
    let folded = fold_all(&log, output).await;
    drop(log);
    tasks.finish().await;
    folded.and(report)
}

async fn walk(
    log: &EventLog,
    manifest: &BackupManifest,
    (secret_key, edge): (&str, Edge),
    output: Output,
) -> anyhow::Result<AuditReport> {
    let vault = Vault::new(log.pool().clone(), secret_key, edge);
    let keyring = Keyring::open(vault, Tenant::default()).await?;
    let kept: Vec<String> = manifest.checkpoint.iter().cloned().collect();
    let (bar, moves) = output.moving_bar("Verifying");
    let report = verify(log, &keyring.verifying(), &kept, moves).await?;
    bar.finish_and_clear();
    Ok(report)
}

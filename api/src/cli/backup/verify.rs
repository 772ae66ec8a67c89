//! Tries a backup by hand.
#![expect(clippy::print_stderr, reason = "this is where the command prints")]

use std::{process::ExitCode, time::Instant};

use licet_event_store::{
    Edge,
    backup::{BackupManifest, RestorePoint, Run, RunKind, ScratchPlace},
};
use licet_workers::backup::{Trial, Verified, VerifyError, noted};
use serde_json::json;

use super::{Store, make};
use crate::cli::{Location, Output};

pub(super) async fn run(
    location: &Location,
    (store, keys): &Store,
    manifest: &BackupManifest,
    (secret_key, place): (&str, Option<&ScratchPlace>),
    output: Output,
) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let (bar, moves) = output.changing_bar();
    let trial = Trial {
        store,
        keys,
        secret_key,
        place: place.unwrap_or(&ScratchPlace::Cluster),
        point: RestorePoint::Whole,
        told: &moves,
    };
    trial.files(manifest).await?;
    let verified = match place {
        Some(_) => whole(location, &trial, manifest, output).await?,
        None => None,
    };
    bar.finish_and_clear();
    let fault = verified.as_ref().and_then(Verified::fault);
    let shown = json!({
        "id": manifest.id,
        "position": manifest.position,
        "audit": verified.as_ref().map(|verified| &verified.audit),
        "read_models": verified.as_ref().map(|verified| &verified.read_models),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    output.result(&shown, |_| tell(manifest, verified.as_ref(), fault.as_deref()));
    Ok(if fault.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(manifest: &BackupManifest, verified: Option<&Verified>, fault: Option<&str>) -> String {
    match (verified, fault) {
        (_, Some(fault)) => format!("backup {} DOES NOT HOLD: {fault}", manifest.id),
        (None, None) => format!("backup {}: every file is there and opens", manifest.id),
        (Some(verified), None) => format!(
            "backup {} was restored: {} events hold, up to position {}, and {} read models that were folded from them equal \
             their replay",
            manifest.id,
            verified.audit.events,
            verified.audit.position,
            verified.read_models.len()
        ),
    }
}

/// Restores it, and writes down what came of it in the database that it is of, where that is there: monitoring tells how
/// long ago a backup was seen to hold.
async fn whole(
    location: &Location,
    trial: &Trial<'_>,
    manifest: &BackupManifest,
    output: Output,
) -> Result<Option<Verified>, VerifyError> {
    let edge = Edge::system();
    let trying = async { trial.restore(manifest).await.map(Some) };
    match make::open(location, &edge).await {
        Ok((log, tasks, _database)) => {
            let run = Run::begin(log.pool(), RunKind::Verify, Some(&manifest.id), &edge).await?;
            let verified = noted((&log, run), (trial.store, &manifest.id), trying).await;
            drop(log);
            tasks.finish().await;
            verified
        }
        Err(why) => {
            if !output.json {
                eprintln!("licet: what comes of it is not noted for monitoring: {why:#}");
            }
            trying.await
        }
    }
}

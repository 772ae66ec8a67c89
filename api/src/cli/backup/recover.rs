//! Makes an embedded server's data folder again from the copy of its write-ahead log.

use std::{path::Path, process::ExitCode, time::Instant};

use anyhow::bail;
use licet_domain::values::Timestamp;
use licet_event_store::{Edge, EventLog, LogOptions, Tenant, backup, embedded::Recovery, schema, vault::Vault};
use serde_json::json;

use super::{Store, prepare_folder, restore::forget_again};
use crate::cli::{Location, Output};

pub(super) async fn run(
    location: &Location,
    copy: &Path,
    until: Option<Timestamp>,
    (store, secret_key): (Option<Store>, &str),
    output: Output,
) -> anyhow::Result<ExitCode> {
    if !location.embedded {
        bail!("this makes the data folder of an embedded server: say which, with --embedded --data-dir DIR");
    }
    let (edge, begun) = (Edge::system(), Instant::now());
    let (copy, data_dir, clock) = (copy.to_owned(), location.data_dir.clone(), edge.clone());
    let making = tokio::task::spawn_blocking(move || Recovery::begin(&copy, &data_dir, until, &clock));
    let recovery = making.await??;
    let url = recovery.url();
    let store = store.as_ref().map(|(store, keys)| (store, keys));
    let has_ledger = store.is_some();
    let recovered = backup::begin_anew(&url, store).await?;
    // A server of a later release may be what goes on.
    schema::migrate(&url).await?;
    let settings = LogOptions {
        connections: 4,
        archive: location.archive(),
        ..LogOptions::default()
    };
    let (log, tasks) = EventLog::open(&url, &settings).await?;
    // With another secret nothing that is sealed would open.
    let vault = Vault::new(log.pool().clone(), secret_key, edge.clone());
    vault.look_up_key(&Tenant::default()).await?;
    drop(vault);
    forget_again(log, &recovered, (secret_key, edge)).await?;
    tasks.finish().await;
    prepare_folder(location)?;
    tokio::task::spawn_blocking(move || recovery.complete()).await??;
    let shown = json!({
        "position": recovered.position,
        "log_id": recovered.log_id,
        "forgotten_again": recovered.forgotten.len(),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    output.result(&shown, |_| {
        let forgotten = if has_ledger {
            format!(
                "{} keys that were destroyed since were destroyed again",
                recovered.forgotten.len()
            )
        } else {
            "who was forgotten since is there again, because no --backup-store names the ledger: forget them anew"
                .to_owned()
        };
        format!(
            "recovered up to position {}; the log is {} from now on; {forgotten}. `licet audit verify` walks all of it",
            recovered.position, recovered.log_id
        )
    });
    Ok(ExitCode::SUCCESS)
}

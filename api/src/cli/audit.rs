//! `licet audit`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use licet_event_store::{Edge, Keyring, Tenant, audit::verify, vault::Vault};

use super::{Location, Output, database};
use crate::secrets;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Walk the whole log: density, every link of the chains, every signed checkpoint.
    Verify {
        /// A checkpoint that was kept elsewhere, as /.well-known/licet/checkpoint answered it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let Command::Verify { checkpoint } = command;
    let edge = Edge::system();
    let kept = checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let kept: Vec<String> = kept.into_iter().collect();
    let database = database::open_existing(&location, &edge)?;
    let secret_key = secrets::secret_key(database::kept_in(&location, &edge))?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    let vault = Vault::new(log.pool().clone(), &secret_key, edge);
    let keyring = Keyring::open(vault, Tenant::default()).await?;
    let (bar, moves) = output.moving_bar("Verifying");
    let report = verify(&log, &keyring.verifying(), &kept, moves).await?;
    bar.finish_and_clear();
    output.result(&report, |report| match &report.fault {
        None => format!(
            "{} events hold, up to position {}; {} signed checkpoints agree.",
            report.events, report.position, report.checkpoints
        ),
        Some(fault) => format!(
            "DOES NOT HOLD at position {}: {}. {} events before it hold.",
            fault.position, fault.what, report.events
        ),
    });
    drop(log);
    tasks.finish().await;
    Ok(if report.fault.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A file that is no checkpoint says nothing about history.
fn read_checkpoint(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    if text.trim().split('.').count() != 3 {
        bail!(
            "{} is no checkpoint: keep what GET /.well-known/licet/checkpoint answers",
            path.display()
        );
    }
    Ok(text)
}

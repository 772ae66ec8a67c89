//! `licet archive`

use std::process::ExitCode;

use licet_commands::{CacheSizes, Platform};
use licet_event_store::{
    Edge, Keyring, Tenant,
    archive::{self, Segment},
    vault::Vault,
};
use licet_workers::archive::{Retention, turn};
use serde_json::{Value, json};

use super::{Location, Output, database};
use crate::secrets;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Say which files are in the archive, of which months, and whether they are at hand.
    List,
    /// Archive now what is due; a running server does it by itself.
    Run(RetentionOptions),
}

/// How long months stay online.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct RetentionOptions {
    /// Days for which a month of heartbeats stays online after its end.
    #[arg(long, env = "HEARTBEAT_RETENTION_DAYS", default_value_t = 90, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(31..=36_500))]
    heartbeat_retention_days: u32,
    /// Days for which a month of refusals stays online after its end.
    #[arg(long, env = "DECISION_RETENTION_DAYS", default_value_t = 400, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(31..=36_500))]
    decision_retention_days: u32,
}

impl From<RetentionOptions> for Retention {
    fn from(options: RetentionOptions) -> Self {
        Self {
            heartbeat_days: options.heartbeat_retention_days,
            decision_days: options.decision_retention_days,
        }
    }
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let edge = Edge::system();
    let database = database::open_existing(&location, &edge)?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    match command {
        Command::List => {
            let segments = archive::segments(log.pool()).await?;
            let shown: Vec<Value> = segments
                .iter()
                .map(|segment| show(segment, archive::file(&log, segment).is_some()))
                .collect();
            output.result(&shown, |shown| match shown.as_slice() {
                [] => "Nothing is in the archive yet.".to_owned(),
                some => some.iter().map(line).collect::<Vec<_>>().join("\n"),
            });
        }
        Command::Run(retention) => {
            let secret_key = secrets::secret_key(database::kept_in(&location, &edge))?;
            let vault = Vault::new(log.pool().clone(), &secret_key, edge.clone());
            let keyring = Keyring::open(vault.clone(), Tenant::default()).await?;
            let platform = Platform::new(log.clone(), vault, edge, CacheSizes::default());
            let spinner = output.spinner();
            let told = |file: &str, rows: i64| spinner.set_message(format!("{file}: {rows} rows"));
            let done = turn(&platform, &keyring, retention.into(), told).await?;
            spinner.finish_and_clear();
            let shown = json!({
                "archived": done.written.iter().map(|segment| show(segment, true)).collect::<Vec<_>>(),
                "dropped": done.dropped,
                "waiting": done.waiting,
            });
            output.result(&shown, |_| {
                let (archived, dropped) = (done.written.len(), done.dropped.len());
                let waiting = match done.waiting.as_slice() {
                    [] => String::new(),
                    some => format!(
                        " {} wait: a projector is behind, or someone walks the log.",
                        some.join(", ")
                    ),
                };
                format!("{archived} files were archived, {dropped} partitions dropped.{waiting}")
            });
        }
    }
    drop(log);
    tasks.finish().await;
    Ok(ExitCode::SUCCESS)
}

fn show(segment: &Segment, at_hand: bool) -> Value {
    json!({
        "table": segment.table_name,
        "month": segment.month,
        "first_position": segment.first_position,
        "last_position": segment.last_position,
        "rows": segment.rows,
        "bytes": segment.bytes,
        "file": segment.file,
        "at_hand": at_hand,
    })
}

fn line(segment: &Value) -> String {
    format!(
        "{:<18} {}  {} rows, {} bytes, positions {} to {}  {}{}",
        segment["table"].as_str().unwrap_or_default(),
        segment["month"].as_str().unwrap_or_default(),
        segment["rows"],
        segment["bytes"],
        segment["first_position"],
        segment["last_position"],
        segment["file"].as_str().unwrap_or_default(),
        if segment["at_hand"] == true {
            ""
        } else {
            "  NOT AT HAND"
        },
    )
}

//! `licet events`

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use futures::StreamExt as _;
use licet_domain::{event_types, values::Timestamp};
use licet_event_store::{Edge, LogTable, RecordedEvent};
use serde_json::{Value, json};

use super::{Location, Output, database, output};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print events as they are recorded, until interrupted.
    Tail {
        /// Begin after this position; by default only what comes from now on.
        #[arg(long, value_name = "POSITION")]
        from: Option<i64>,
        /// Only events of this type, such as license.activated or license.*; may be repeated.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// End when everything that is there was printed.
        #[arg(long)]
        once: bool,
    },
    /// After a restore, or a failover that lost events: tell what follows under new ids.
    ///
    /// The relay to NATS stops where its stream knows events that this log does not have; /readyz then says so. Once it is
    /// decided that this log is the one that counts, this lets it go on. Subscribers keep what they heard of the lost
    /// events, and tell the new ones from them by the header Licet-Epoch.
    BeginEpoch,
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let Command::Tail { from, types, once } = command else {
        return begin_epoch(location, output).await;
    };
    for wanted in &types {
        if !event_types().any(|known| is_of(known, wanted)) {
            let known: Vec<&str> = event_types().collect();
            bail!("no event is named {wanted}; there are {}", known.join(", "));
        }
    }
    let database = database::open_existing(&location, &Edge::system())?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    let mut after = match from {
        Some(position) => position,
        None => log.position().await?,
    };
    let mut head = log.head();
    loop {
        let mut events = Box::pin(log.tail_from(LogTable::Events, after, i64::MAX));
        while let Some(event) = events.next().await {
            let event = event?;
            after = event.position;
            if types.is_empty() || types.iter().any(|wanted| is_of(&event.event_type, wanted)) {
                print(output, &event);
            }
            if output::is_read_enough() {
                break;
            }
        }
        drop(events);
        if once || output::is_read_enough() {
            break;
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            _ = tokio::time::timeout(Duration::from_secs(1), head.changed()) => {}
        }
    }
    drop((log, head));
    tasks.finish().await;
    Ok(ExitCode::SUCCESS)
}

async fn begin_epoch(location: Location, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open_existing(&location, &Edge::system())?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    let begun = licet_workers::begin_epoch(&log).await;
    drop(log);
    tasks.finish().await;
    let begun = begun?;
    output.result(&json!({ "epoch": begun.id, "begun_after": begun.begun_after }), |_| {
        format!("epoch {} begins after position {}", begun.id, begun.begun_after)
    });
    Ok(ExitCode::SUCCESS)
}

fn is_of(event_type: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => event_type.starts_with(start),
        None => event_type == wanted,
    }
}

fn print(output: Output, event: &RecordedEvent) {
    let data: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let shown = json!({
        "position": event.position,
        "recorded_at": Timestamp::from(event.recorded_at),
        "type": event.event_type,
        "version": event.event_version,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "sequence": event.sequence,
        "data": data,
    });
    output.result(&shown, |_| {
        let time = Timestamp::from(event.recorded_at);
        format!(
            "{:>8}  {time}  {:<24} {}  {}",
            event.position, event.event_type, event.aggregate_id, event.payload
        )
    });
}

//! `licet projections` and `licet replay`

use std::{path::PathBuf, process::ExitCode};

use licet_event_store::{AsOf, Edge, EventLog};
use licet_projections::{
    Format, ProjectionError, Projector, projectors, rebuild, replay as write_replay, status, verify,
};
use serde_json::json;

use super::{Location, Output, database};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Say how far each read model has come.
    List,
    /// Build a read model anew beside the living one and swap them.
    Rebuild {
        /// The read model.
        name: String,
    },
    /// Replay read models and compare them with the living ones.
    Verify {
        /// The read model; all of them by default.
        name: Option<String>,
    },
}

#[derive(clap::Args)]
pub(super) struct ReplayOptions {
    /// The read model.
    name: String,
    /// The moment: a time such as 2027-01-31T12:00:00Z, a date, whose end is meant, or a position; by default now.
    #[arg(long, value_name = "TIME|DATE|POSITION")]
    as_of: Option<String>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The kind of file.
    #[arg(long, default_value = "parquet")]
    format: FormatName,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatName {
    Parquet,
    Csv,
}

fn find(name: &str) -> Result<&'static dyn Projector, ProjectionError> {
    let mut all = projectors().into_iter();
    all.find(|projector| projector.name() == name)
        .ok_or_else(|| ProjectionError::Unknown(name.to_owned()))
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open_existing(&location, &Edge::system())?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    let code = match command {
        Command::List => list(&log, output).await?,
        Command::Rebuild { name } => {
            let projector = find(&name)?;
            let (bar, moves) = output.moving_bar("Rebuilding");
            let events = rebuild(projector, &log, &moves).await?;
            bar.finish_and_clear();
            let done = json!({ "name": name, "events": events });
            output.result(&done, |_| format!("{name} was rebuilt from {events} events."));
            ExitCode::SUCCESS
        }
        Command::Verify { name } => compare(&log, name, output).await?,
    };
    drop(log);
    tasks.finish().await;
    Ok(code)
}

async fn list(log: &EventLog, output: Output) -> anyhow::Result<ExitCode> {
    let all = status(log).await?;
    output.result(&all, |all| {
        let lines = all.iter().map(|one| {
            let stopped = one
                .stopped_by
                .as_ref()
                .map(|cause| format!("  stopped: {cause}"))
                .unwrap_or_default();
            format!(
                "{:<18} version {}  position {} of {}{stopped}",
                one.name, one.version, one.position, one.head
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(if all.iter().all(|one| one.stopped_by.is_none()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn compare(log: &EventLog, name: Option<String>, output: Output) -> anyhow::Result<ExitCode> {
    let wanted = match name {
        Some(name) => vec![find(&name)?],
        None => projectors().to_vec(),
    };
    let mut found = Vec::new();
    for projector in wanted {
        let (bar, moves) = output.moving_bar("Replaying");
        let verified = verify(projector, log, &moves).await?;
        bar.finish_and_clear();
        found.push(verified);
    }
    output.result(&found, |found| {
        let lines = found.iter().flat_map(|one| {
            let verdict = if one.differences.is_empty() {
                "equals its replay"
            } else {
                "DIFFERS from its replay"
            };
            let head = format!(
                "{:<18} {verdict}: {} rows at position {}",
                one.name, one.rows, one.position
            );
            std::iter::once(head).chain(
                one.differences
                    .iter()
                    .map(|row| format!("  only {}: {}", row.only_in, row.row)),
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(if found.iter().all(|one| one.differences.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

pub(super) async fn replay(location: Location, options: ReplayOptions, output: Output) -> anyhow::Result<ExitCode> {
    let as_of = options.as_of.as_deref().map(str::parse::<AsOf>).transpose()?;
    let projector = find(&options.name)?;
    let edge = Edge::system();
    let database = database::open_existing(&location, &edge)?;
    let (log, tasks) = database::open_log(&location, &database).await?;
    let head = log.position().await?;
    let as_of = as_of.unwrap_or(AsOf::Position(head)).expect_past(head, edge.now())?;
    let (bar, moves) = output.moving_bar("Replaying");
    let format = match options.format {
        FormatName::Parquet => Format::Parquet,
        FormatName::Csv => Format::Csv,
    };
    let written = write_replay(projector, &log, as_of, None, &options.out, format, &moves).await?;
    bar.finish_and_clear();
    output.result(&written, |written| {
        let file = written.file.display();
        format!(
            "{} rows as of position {} from {} events: {file}",
            written.rows, written.position, written.events
        )
    });
    drop(log);
    tasks.finish().await;
    Ok(ExitCode::SUCCESS)
}

//! `licet db`

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use licet_event_store::Edge;

use super::{Location, database, output};

#[derive(clap::Args)]
pub(super) struct Options {
    /// Run these statements and end.
    #[arg(short, value_name = "SQL")]
    command: Option<String>,
    /// Only print the address that a further node on this machine needs as `DATABASE_URL`.
    #[arg(long)]
    url: bool,
}

pub(super) async fn run(location: Location, options: Options) -> anyhow::Result<ExitCode> {
    let database = database::open(&location, &Edge::system())?;
    if options.url {
        output::line(&database.url);
        return Ok(ExitCode::SUCCESS);
    }
    let psql = database
        .cluster
        .as_ref()
        .map_or_else(|| "psql".into(), |cluster| cluster.bin().join("psql"));
    let mut command = Command::new(psql);
    // The read models are found without naming their schema, as the server finds them.
    command
        .env("PGOPTIONS", "-c search_path=public,read_model")
        .arg(&database.url);
    if let Some(statements) = options.command {
        command.args(["-v", "ON_ERROR_STOP=1", "-c", &statements]);
    }
    let status = tokio::task::spawn_blocking(move || command.status())
        .await?
        .context("running psql")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

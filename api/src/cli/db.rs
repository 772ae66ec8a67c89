//! `licet db`

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use licet_event_store::Edge;
use serde_json::{Value, json};

use super::{Location, Output, database};

#[derive(clap::Args)]
pub(super) struct Options {
    /// Run these statements and end; with --json, one that answers rows, which are printed as an array of objects.
    #[arg(short, value_name = "SQL")]
    command: Option<String>,
    /// Only print the address that a further node on this machine needs as `DATABASE_URL`.
    #[arg(long)]
    url: bool,
}

pub(super) async fn run(location: Location, options: Options, output: Output) -> anyhow::Result<ExitCode> {
    let database = database::open_existing(&location, &Edge::system())?;
    if options.url {
        output.result(&json!({ "url": database.url }), |_| database.url.clone());
        return Ok(ExitCode::SUCCESS);
    }
    if output.json && options.command.is_none() {
        bail!("say what to print as JSON: -c SQL, or --url");
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
    if output.json {
        command.args(["--no-psqlrc", "--quiet", "--csv", "--pset", &format!("null={NULL}")]);
        return rows(command, output).await;
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

/// How psql writes that there is no value; nobody writes a unit separator.
const NULL: &str = "\u{1f}";

/// Prints what psql answers as an array of objects; every value is text, as psql shows it, or null.
async fn rows(mut command: Command, output: Output) -> anyhow::Result<ExitCode> {
    command.stderr(Stdio::inherit());
    let done = tokio::task::spawn_blocking(move || command.output()).await?;
    let done = done.context("running psql")?;
    if !done.status.success() {
        bail!("psql refused the statements");
    }
    let mut reader = csv::Reader::from_reader(&done.stdout[..]);
    let names = reader.headers().context("reading what psql answers")?.clone();
    let value = |text: &str| if text == NULL { Value::Null } else { text.into() };
    let mut read = Vec::new();
    for row in reader.records() {
        let row = row.context("reading what psql answers: with --json, run one statement")?;
        let fields = names
            .iter()
            .zip(&row)
            .map(|(name, text)| (name.to_owned(), value(text)));
        read.push(Value::Object(fields.collect()));
    }
    output.result(&read, |_| String::new());
    Ok(ExitCode::SUCCESS)
}

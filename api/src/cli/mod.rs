//! The `licet` command: what it can do, and how it is asked.

mod archive;
mod audit;
mod backup;
mod database;
mod db;
mod demo;
mod doctor;
mod events;
mod healthcheck;
mod mail;
mod migrate;
mod nats;
mod operators;
mod output;
mod projections;
mod serve;
mod setting_files;
mod sign_in;
mod systemd;
mod wal;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use output::Output;
pub(crate) use setting_files::setting;

/// An event-sourced licensing platform.
#[derive(Parser)]
#[command(name = "licet", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    location: Location,
    /// Print JSON for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Where the log is.
#[derive(Args, Clone)]
pub(crate) struct Location {
    /// Use a private Postgres under --data-dir, and make it where there is none.
    #[arg(long, global = true)]
    embedded: bool,
    /// The folder of the private Postgres and of the secrets that were made for it.
    #[arg(long, global = true, default_value = ".data", value_name = "DIR")]
    data_dir: PathBuf,
    /// A Postgres to use in place of the private one.
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// The folder of months that have left the database, the same for every node; with --embedded, `archive` in the
    /// data folder. Without one, every month stays online.
    #[arg(long, global = true, env = "ARCHIVE_DIR", value_name = "DIR")]
    archive_dir: Option<PathBuf>,
}

impl Location {
    /// The archive's folder, where there is one.
    pub(crate) fn archive(&self) -> Option<PathBuf> {
        let beside = || self.embedded.then(|| self.data_dir.join("archive"));
        self.archive_dir.clone().or_else(beside)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Options),
    /// Bring the database up to date.
    Migrate,
    /// Look after the read models.
    #[command(subcommand)]
    Projections(projections::Command),
    /// Write a read model as of any moment to a file.
    Replay(projections::ReplayOptions),
    /// Check that history is the one that was written.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after the months that have left online storage.
    #[command(subcommand)]
    Archive(archive::Command),
    /// Make backups, check them, and restore from them.
    #[command(subcommand)]
    Backup(backup::Command),
    /// Let operators in again: the way back for whoever has the database.
    #[command(subcommand)]
    Operators(operators::Command),
    /// Look at events.
    #[command(subcommand)]
    Events(events::Command),
    /// Look over all that a server needs (settings, secrets, database, clocks, room, backups, certificate), and say what to
    /// do; it takes what `serve` takes, and changes nothing.
    Doctor(Box<serve::Options>),
    /// Ask a server whether it is well: exits with 0 where it is.
    Healthcheck(healthcheck::Options),
    /// Open psql on the database, or tell its address.
    Db(db::Options),
}

/// Runs the command that the arguments name; exits with 0 only when all is well.
pub fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return Output { json: false }.fail(&error),
    };
    let output = Output { json: cli.json };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(&error.into()),
    };
    let done = runtime.block_on(run(cli, output));
    match done {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}

/// Reads the arguments, the settings of the environment and those out of files.
fn parse() -> anyhow::Result<Cli> {
    let arguments = setting_files::with_settings(Cli::command())?.get_matches();
    Ok(Cli::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit()))
}

async fn run(cli: Cli, output: Output) -> anyhow::Result<ExitCode> {
    let location = cli.location;
    match cli.command {
        Command::Serve(options) => serve::run(location, options).await,
        Command::Migrate => migrate::run(location, output).await,
        Command::Projections(command) => projections::run(location, command, output).await,
        Command::Replay(options) => projections::replay(location, options, output).await,
        Command::Audit(command) => audit::run(location, command, output).await,
        Command::Archive(command) => archive::run(location, command, output).await,
        Command::Backup(command) => backup::run(location, command, output).await,
        Command::Operators(command) => operators::run(location, command, output).await,
        Command::Events(command) => events::run(location, command, output).await,
        Command::Doctor(options) => doctor::run(location, *options, output).await,
        Command::Healthcheck(options) => healthcheck::run(&options, output),
        Command::Db(options) => db::run(location, options, output).await,
    }
}

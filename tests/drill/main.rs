//! What takes long and is no part of the tests, on real parts: `./dev drill NAME` and `./dev stack`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is a command, and it fails by panicking"
)]

mod causes;
mod checks;
mod failover;
mod fleet;
mod outage;
mod restore;
mod scene;
mod stack;
mod upgrade;

use std::path::PathBuf;

use clap::Parser;

/// Tries what takes long, on real parts.
#[derive(Parser)]
enum Command {
    /// Lets each alert's cause happen, and sees the alert fire, arrive and end.
    Outage {
        /// Causes; all of them by default.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(causes::CAUSES.map(|(name, _)| name)))]
        names: Vec<String>,
    },
    /// Kills, freezes and cuts off hosts of the database under load, and counts what was lost.
    Failover {
        /// Ways; all of them by default.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(failover::WAYS.map(|way| way.name)))]
        names: Vec<String>,
    },
    /// Loses a host with everything on it, and makes another one of nothing but the backup, or the copied log, and the secrets.
    Restore {
        /// How many events the log has before.
        #[arg(long, default_value_t = 100_000)]
        events: u32,
        /// Of the copy of its write-ahead log, instead of a backup.
        #[arg(long)]
        wal: bool,
    },
    /// Replaces the nodes of the release before by this one's, one after the other, under load.
    Upgrade {
        /// Its `licet`.
        before: PathBuf,
    },
    /// Starts all of it and says where each part is, until Ctrl-C.
    Stack,
}

fn main() {
    match Command::parse() {
        Command::Outage { names } => outage::run(&names),
        Command::Failover { names } => failover::run(&names),
        Command::Restore { events, wal } => restore::run(events, wal),
        Command::Upgrade { before } => upgrade::run(&before),
        Command::Stack => stack::run(),
    }
}

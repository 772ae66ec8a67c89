//! A licensed program's view: `licet-client`.
#![expect(clippy::print_stderr, reason = "this is a command")]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use licet_client::{Client, Error, Fingerprint, Store, Usage, read_lease, request_file};
use serde_json::{Value, json};

/// A licensed program's view of a license server, on the real hardware of this machine.
#[derive(Parser)]
#[command(name = "licet-client", version, about, max_term_width = 100)]
struct Cli {
    /// The license server.
    #[arg(
        long,
        env = "LIZENZSERVER_BASE_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,
    /// A key with the scope client.
    #[arg(
        long,
        env = "LICET_API_KEY",
        hide_env_values = true,
        default_value = "",
        value_name = "KEY"
    )]
    api_key: String,
    /// A file with a company's own certificate authorities in PEM, trusted besides the system's.
    #[arg(long, env = "LICET_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where the lease and the trusted keys are kept.
    #[arg(long, default_value = "licet-client.json", value_name = "FILE")]
    state: PathBuf,
    /// The version that the program reports.
    #[arg(long, global = true, value_name = "VERSION")]
    app_version: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take a seat for this machine and keep its lease.
    Activate {
        /// The license key.
        license_key: String,
    },
    /// Ask the server whether this machine may run.
    Verify {
        /// The license key; by default the one that was activated.
        license_key: Option<String>,
        /// A feature that must be on; may be repeated.
        #[arg(long = "feature", value_name = "NAME")]
        features: Vec<String>,
    },
    /// Report that this machine runs, and what it uses.
    Heartbeat {
        /// How many people use the program.
        #[arg(long, value_name = "NUMBER")]
        active_users: Option<u64>,
        /// A feature that was used; may be repeated.
        #[arg(long = "feature", value_name = "NAME")]
        features: Vec<String>,
        /// How much of a meter was used; may be repeated.
        #[arg(long = "usage", value_name = "METER=AMOUNT", value_parser = meter)]
        usage: Vec<(String, u64)>,
    },
    /// Take over the seat of another activation of the license.
    Transfer {
        /// The activation that gives its seat.
        #[arg(long, value_name = "ACTIVATION")]
        from: String,
        /// The license key; by default the one that was activated.
        license_key: Option<String>,
        /// The reason, in the words of whoever asked; at most 500 characters.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Write a request file for a machine without a network, for an operator to hand in.
    Request {
        /// The file to write.
        #[arg(long, default_value = "licet-request.json", value_name = "FILE")]
        out: PathBuf,
    },
    /// Fetch the list of leases that were called back.
    Revocations,
    /// Give this machine's seat back.
    Deactivate {
        /// The license key; by default the one that was activated.
        license_key: Option<String>,
    },
    /// Look at a lease, without any network.
    #[command(subcommand)]
    Lease(Lease),
    /// Show what this machine is known by.
    Fingerprint,
}

#[derive(Subcommand)]
enum Lease {
    /// Check that a lease holds for this machine now.
    Verify {
        /// The lease; by default the one that was kept.
        file: Option<PathBuf>,
        /// A feature that must be on; may be repeated.
        #[arg(long = "feature", value_name = "NAME")]
        features: Vec<String>,
    },
    /// Take in the answer file that an operator carried over.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Print the kept lease, as it came.
    Show,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok((shown, valid)) => {
            // Whoever reads may have read enough.
            let _ = writeln!(std::io::stdout(), "{shown:#}");
            if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("licet-client: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is printed, and whether all is well.
type Shown = (Value, bool);

fn run(cli: Cli) -> Result<Shown, Error> {
    let store = match Store::open(&cli.state) {
        // The server is asked anew; nothing of such a file is believed.
        Err(damaged @ Error::Tampered { .. }) if matches!(cli.command, Command::Activate { .. }) => {
            eprintln!("licet-client: {damaged}: beginning anew");
            Store::reset(&cli.state)?
        }
        opened => opened?,
    };
    let version = cli.app_version.as_deref();
    match cli.command {
        Command::Fingerprint => {
            let machine = Fingerprint::of_this_machine()?;
            let shown = json!({ "fingerprint": machine.to_wire(), "missing": machine.missing });
            Ok((shown, true))
        }
        Command::Request { out } => {
            let machine = Fingerprint::of_this_machine()?;
            let text = format!("{:#}\n", json!(request_file(&machine, version)));
            std::fs::write(&out, text).map_err(|error| unreadable(&out, &error))?;
            Ok((json!({ "written": out }), true))
        }
        Command::Lease(command) => lease(store, command, version),
        command => {
            let roots = match &cli.ca {
                Some(path) => std::fs::read(path).map_err(|error| unreadable(path, &error))?,
                None => Vec::new(),
            };
            let client = Client::with_roots(&cli.server, &cli.api_key, store, &roots)?;
            ask(client, command, version)
        }
    }
}

/// What needs the server.
fn ask(mut client: Client, command: Command, version: Option<&str>) -> Result<Shown, Error> {
    let kept = client.store().state().license_key.clone();
    let known = |given: Option<String>| given.or(kept).ok_or(Error::NoLease);
    let machine = Fingerprint::of_this_machine;
    Ok(match command {
        Command::Activate { license_key } => (json!(client.activate(&license_key, &machine()?, version)?), true),
        Command::Verify { license_key, features } => {
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            let answer = client.verify(&known(license_key)?, &machine()?, version, &features)?;
            (json!(answer), answer.valid)
        }
        Command::Heartbeat {
            active_users,
            features,
            usage,
        } => {
            let named = Usage::default();
            let mut report = features.iter().fold(named, |report, name| report.feature(name));
            let counted = usage.iter();
            report = counted.fold(report, |report, (name, amount)| report.meter(name, *amount));
            report.active_users = active_users;
            let answer = client.heartbeat(&report, version)?;
            (json!(answer), answer.valid)
        }
        Command::Transfer {
            from,
            license_key,
            reason,
        } => {
            let key = known(license_key)?;
            (
                json!(client.transfer(&key, &from, &machine()?, reason.as_deref())?),
                true,
            )
        }
        Command::Revocations => {
            client.fetch_revocations()?;
            (json!({ "kept": true }), true)
        }
        Command::Deactivate { license_key } => (json!(client.deactivate(&known(license_key)?, &machine()?)?), true),
        Command::Fingerprint | Command::Request { .. } | Command::Lease(_) => unreachable!("these need no server"),
    })
}

/// What needs no server.
fn lease(mut store: Store, command: Lease, version: Option<&str>) -> Result<Shown, Error> {
    match command {
        Lease::Show => Ok((json!(store.state().lease), store.state().lease.is_some())),
        Lease::Import { file } => {
            let answer = store.import_file(&file)?;
            let shown = json!({ "activation_id": answer.activation_id, "lease_expires_at": answer.lease_expires_at });
            Ok((shown, true))
        }
        Lease::Verify { file, features } => {
            let (machine, features) = (Fingerprint::of_this_machine()?, features.iter());
            let features: Vec<&str> = features.map(String::as_str).collect();
            let licensed = match file {
                Some(path) => store.check_lease(&read_lease(&path)?, &machine, version, &features)?,
                None => store.check_offline(&machine, version, &features)?,
            };
            let shown = json!({
                "valid": true,
                "offline": true,
                "product": licensed.product,
                "license_id": licensed.license_id,
                "activation_id": licensed.activation_id,
                "lease_expires_at": licensed.expires_at,
                "in_grace": licensed.in_grace,
                "features": licensed.features,
            });
            Ok((shown, true))
        }
    }
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}

fn meter(text: &str) -> Result<(String, u64), String> {
    let told = || format!("{text:?} is not METER=AMOUNT, such as pages=12");
    let (name, amount) = text.split_once('=').ok_or_else(told)?;
    Ok((name.to_owned(), amount.parse().map_err(|_| told())?))
}

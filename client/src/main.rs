//! A licensed program's view: `licet-client`.
#![expect(clippy::print_stderr, reason = "this is a command")]

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use licet_client::{Client, Error, Fingerprint, Store, Usage, request_file};
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
        /// Why.
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

fn run(cli: Cli) -> Result<(Value, bool), Error> {
    let mut store = match Store::open(&cli.state) {
        // The server is asked anew; nothing of such a file is believed.
        Err(damaged @ Error::Tampered { .. }) if matches!(cli.command, Command::Activate { .. }) => {
            eprintln!("licet-client: {damaged}: beginning anew");
            Store::reset(&cli.state)?
        }
        opened => opened?,
    };
    let version = cli.app_version.as_deref();
    let kept = store.state().license_key.clone();
    let known = |given: Option<String>| given.or(kept).ok_or(Error::NoLease);
    let client = |store| Client::new(&cli.server, &cli.api_key, store);
    let machine = Fingerprint::of_this_machine;
    match cli.command {
        Command::Fingerprint => {
            let machine = machine()?;
            Ok((
                json!({ "fingerprint": machine.to_wire(), "missing": machine.missing }),
                true,
            ))
        }
        Command::Activate { license_key } => {
            let answer = client(store)?.activate(&license_key, &machine()?, version)?;
            Ok((json!(answer), true))
        }
        Command::Verify { license_key, features } => {
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            let answer = client(store)?.verify(&known(license_key)?, &machine()?, version, &features)?;
            let valid = answer.valid;
            Ok((json!(answer), valid))
        }
        Command::Heartbeat {
            active_users,
            features,
            usage,
        } => {
            let mut report = features
                .iter()
                .fold(Usage::default(), |report, name| report.feature(name));
            report = usage
                .iter()
                .fold(report, |report, (name, amount)| report.meter(name, *amount));
            report.active_users = active_users;
            let answer = client(store)?.heartbeat(&report, version)?;
            let valid = answer.valid;
            Ok((json!(answer), valid))
        }
        Command::Transfer {
            from,
            license_key,
            reason,
        } => {
            let key = known(license_key)?;
            let answer = client(store)?.transfer(&key, &from, &machine()?, reason.as_deref())?;
            Ok((json!(answer), true))
        }
        Command::Request { out } => {
            let text = format!("{:#}\n", json!(request_file(&machine()?, version)));
            std::fs::write(&out, text).map_err(|error| unreadable(&out, &error))?;
            Ok((json!({ "written": out }), true))
        }
        Command::Revocations => {
            client(store)?.fetch_revocations()?;
            Ok((json!({ "kept": true }), true))
        }
        Command::Deactivate { license_key } => {
            let answer = client(store)?.deactivate(&known(license_key)?, &machine()?)?;
            Ok((json!(answer), true))
        }
        Command::Lease(Lease::Show) => Ok((json!(store.state().lease), store.state().lease.is_some())),
        Command::Lease(Lease::Import { file }) => {
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            let answer = serde_json::from_str(&text).map_err(|error| unreadable(&file, &error))?;
            store.import(&answer)?;
            Ok((
                json!({ "activation_id": answer.activation_id, "lease_expires_at": answer.lease_expires_at }),
                true,
            ))
        }
        Command::Lease(Lease::Verify { file, features }) => {
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            let licensed = match file {
                Some(path) => {
                    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
                    store.check_lease(text.trim().trim_matches('"'), &machine()?, version, &features)?
                }
                None => store.check_offline(&machine()?, version, &features)?,
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

fn unreadable(path: &std::path::Path, error: &dyn std::error::Error) -> Error {
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

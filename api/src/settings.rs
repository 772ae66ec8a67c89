//! How the server is set up.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use ipnet::IpNet;
use licet_commands::operator::SignInRules;
use licet_event_store::backup::RunKind;
use licet_workers::{archive::Retention, backup::BackupSettings};

use crate::limits::Rate;

/// What a process does; all of it by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// The license routes.
    Client,
    /// The admin routes.
    Admin,
    /// Projectors and timers.
    Worker,
}

/// Settings of one process.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Wraps the vault's keys.
    pub(crate) secret_key: String,
    /// Signs activation tokens.
    pub(crate) jwt_secret: String,
    /// The bootstrap key, with every scope.
    pub(crate) api_key: String,
    /// What this process does.
    pub(crate) roles: Vec<Role>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Whether `/metrics` answers.
    pub(crate) monitoring: bool,
    /// How often one license or activation may ask from one address.
    pub(crate) api_rate_limit: Rate,
    /// How operators get in.
    pub(crate) sign_in: SignInSettings,
    /// How many bytes of licenses with their machines are kept in memory.
    pub(crate) license_cache: u64,
    /// Whether webhooks may go to targets inside private networks.
    pub(crate) webhook_allow_private: bool,
    /// Whose work monitoring is told of.
    pub(crate) watched: Watched,
    /// Where backups go and how they are tried, if there is a place for them.
    pub(crate) backups: Option<BackupSettings>,
}

/// Whose work monitoring is told of.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Consumers of the log that this node is one of the workers of.
    pub(crate) consumers: Vec<&'static str>,
    /// When months leave for the archive.
    pub(crate) retention: Retention,
    /// How often a backup is made and tried, as far as this node does it.
    pub(crate) backups: Vec<(RunKind, Duration)>,
    /// Where the write-ahead log is copied: whether there is a copy of the whole database beside it.
    pub(crate) wal: Option<Arc<AtomicBool>>,
}

/// How operators get in.
#[derive(Debug, Clone)]
pub(crate) struct SignInSettings {
    /// How often anybody may try to get in from one address, and as one operator.
    pub(crate) rate_limit: Rate,
    /// When whoever fails to get in is shut out, and how long sessions last at most.
    pub(crate) rules: SignInRules,
    /// After failures over so many accounts within the time of a lock-out, an address is blocked for as long.
    pub(crate) max_accounts: i64,
    /// When a session ends that nobody uses, in seconds.
    pub(crate) idle_seconds: i64,
    /// For how long a password counts before what cannot be taken back, in seconds.
    pub(crate) reauthentication_seconds: i64,
    /// Where browsers find this server, such as `https://licenses.example.com`; by default where they asked.
    pub(crate) public_url: Option<String>,
}

/// A secret that is no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WeakSecret {
    /// Too short to resist guessing.
    #[error("{0} must have at least {1} characters; `openssl rand -hex 32` makes a good one")]
    TooShort(&'static str, usize),
    /// A value out of a manual.
    #[error("{0} is a sample value; `openssl rand -hex 32` makes a good one")]
    Sample(&'static str),
}

const SAMPLES: [&str; 8] = [
    "changeme",
    "change-me",
    "secret",
    "password",
    "example",
    "default",
    "your-",
    "12345678",
];

/// Refuses secrets that are too short or stand in manuals.
pub(crate) fn check_secret(name: &'static str, value: &str, at_least: usize) -> Result<(), WeakSecret> {
    let folded = value.to_lowercase();
    let mut characters: Vec<char> = folded.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if SAMPLES.iter().any(|sample| folded.starts_with(sample)) || characters.len() < 4 {
        return Err(WeakSecret::Sample(name));
    }
    if value.len() < at_least {
        return Err(WeakSecret::TooShort(name, at_least));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_secrets_are_refused() {
        for value in [
            "short",
            "changeme-changeme-changeme-changeme",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(check_secret("SECRET_KEY", value, 32).is_err(), "{value}");
        }
        assert!(check_secret("SECRET_KEY", "0b5e3c0f7f9d4e0aa8c1d2e3f4a5b6c7", 32).is_ok());
    }
}

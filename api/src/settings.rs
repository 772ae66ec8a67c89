//! How the server is set up.

use ipnet::IpNet;

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
    /// How many bytes of licenses with their machines are kept in memory.
    pub(crate) license_cache: u64,
    /// Whether webhooks may go to targets inside private networks.
    pub(crate) webhook_allow_private: bool,
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

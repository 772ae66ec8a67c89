//! How a server is told how operators get in, and what lets the first one in.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};

use anyhow::Context as _;
use licet_commands::operator::{SetupLink, SignInRules};
use licet_domain::operator::LockOut;

use super::{Location, operators};
use crate::{App, limits::Rate, settings::SignInSettings};

/// How operators get in.
#[derive(clap::Args)]
pub(super) struct SignInOptions {
    /// How often anybody may try to get in from one address, and as one operator.
    #[arg(long, env = "LOGIN_RATE_LIMIT", default_value = "5 per minute", value_name = "RATE")]
    login_rate_limit: Rate,
    /// After so many failures in a row a browser is shut out.
    #[arg(long, env = "MAX_LOGIN_ATTEMPTS", default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_login_attempts: u32,
    /// For so many seconds.
    #[arg(long, env = "LOGIN_LOCKOUT_DURATION", default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    login_lockout_duration: i64,
    /// After failures over so many accounts within that time, an address is blocked for as long.
    #[arg(long, env = "MAX_LOGIN_ACCOUNTS", default_value_t = 10, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(2..=100_000))]
    max_login_accounts: i64,
    /// A session ends when nobody has used it for so many minutes.
    #[arg(long, env = "SESSION_LIFETIME_MINUTES", default_value_t = 30, value_name = "MINUTES", value_parser = clap::value_parser!(i64).range(1..=10_080))]
    session_lifetime_minutes: i64,
    /// A session ends after so many days in any case.
    #[arg(long, env = "PERMANENT_SESSION_LIFETIME_DAYS", default_value_t = 7, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=365))]
    permanent_session_lifetime_days: i64,
    /// For so many seconds a password counts; then it is asked for again before what cannot be taken back.
    #[arg(long, env = "REAUTHENTICATION_SECONDS", default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    reauthentication_seconds: i64,
    /// Where browsers find this server, such as `https://licenses.example.com`; by default where they asked.
    #[arg(long, env = "LIZENZSERVER_BASE_URL", value_name = "URL", value_parser = base_url)]
    public_url: Option<String>,
}

impl SignInOptions {
    /// Where browsers find this server.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }
}

impl From<SignInOptions> for SignInSettings {
    fn from(options: SignInOptions) -> Self {
        Self {
            rate_limit: options.login_rate_limit,
            rules: SignInRules {
                lock_out: LockOut {
                    after: options.max_login_attempts,
                    seconds: options.login_lockout_duration,
                },
                lifetime_seconds: options.permanent_session_lifetime_days * 86_400,
            },
            max_accounts: options.max_login_accounts,
            idle_seconds: options.session_lifetime_minutes * 60,
            reauthentication_seconds: options.reauthentication_seconds,
            public_url: options.public_url,
        }
    }
}

/// An address that paths are put after.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let told = || format!("{text:?} is no address such as https://licenses.example.com");
    Ok(url.ok_or_else(told)?.as_str().trim_end_matches('/').to_owned())
}

/// While there is no operator, a link that lets the first one in lies beside the private Postgres's secrets; whoever else
/// starts a server asks `licet operators setup-link` for one.
pub(super) async fn offer_setup(app: &App, location: &Location) -> anyhow::Result<()> {
    let file = location.data_dir.join("setup-link");
    if app.platform.has_operators(&app.tenant).await? {
        if location.embedded && file.exists() {
            std::fs::remove_file(&file).context("dropping a setup link that is good no more")?;
        }
        return Ok(());
    }
    if !location.embedded {
        tracing::info!("there is no operator yet: `licet operators setup-link` prints a link for the first one");
        return Ok(());
    }
    let context = operators::context(&app.platform);
    let token = app.platform.setup_token(&context, SetupLink::First).await?;
    let mut kept = std::fs::OpenOptions::new();
    kept.write(true).create(true).truncate(true).mode(0o600);
    let path = format!("/setup?token={token}");
    let mut file = kept.open(&file).context("keeping the setup link")?;
    file.write_all(path.as_bytes()).context("keeping the setup link")
}

//! `Licet-Min-Position`: a read waits until it can tell what the caller knows already.

use std::time::Duration;

use axum::http::HeaderMap;
use licet_event_store::StoreError;
use licet_projections::{Projector, WaitError, projectors, queues::consumers};
use licet_workers::{license_counts, search};

use crate::{
    App,
    problem::{Problem, Result, unavailable},
};

const MAX_WAIT: Duration = Duration::from_secs(5);

fn wanted(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(sent) = headers
        .get("licet-min-position")
        .filter(|sent| !sent.as_bytes().trim_ascii().is_empty())
    else {
        return Ok(None);
    };
    let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let wanted = sent.to_str().ok().map(str::trim).filter(digits);
    let invalid = || Problem::bad_request("POSITION_INVALID", "Licet-Min-Position is a position: digits alone.");
    wanted.and_then(|text| text.parse().ok()).map(Some).ok_or_else(invalid)
}

/// Before a list is read: waits for the read model behind it.
/// Answers the position that was waited for; 0 where none was named.
pub(crate) async fn of_read_model(app: &App, headers: &HeaderMap, name: &str) -> Result<i64> {
    let Some(wanted) = wanted(headers)? else { return Ok(0) };
    wait(app, name, wanted).await?;
    Ok(wanted)
}

/// Waits until a read model has folded a position.
pub(crate) async fn wait(app: &App, name: &str, wanted: i64) -> Result<()> {
    let all: Vec<&'static dyn Projector> = projectors().into();
    if let Some(projector) = all.into_iter().find(|projector| projector.name() == name) {
        app.reader.wait_for(projector, wanted, MAX_WAIT).await?;
    }
    Ok(())
}

/// What is waited for besides read models.
#[derive(Debug, Clone, Copy)]
enum Follower {
    /// The log as this node sees it.
    Log,
    /// The worker that keeps the index of search.
    Search,
    /// The worker that counts the licenses of customers.
    LicenseCounts,
}

impl Follower {
    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Search => search::CONSUMER,
            Self::LicenseCounts => license_counts::CONSUMER,
        }
    }

    async fn position(self, app: &App) -> std::result::Result<i64, StoreError> {
        let log = &app.platform.log;
        match self {
            Self::Log => log.position().await,
            Self::Search | Self::LicenseCounts => Ok(consumers::find(log.pool(), self.name()).await?.unwrap_or(0)),
        }
    }

    /// Looks again and again how far it is, until it is as far as the caller knows.
    async fn wait(self, app: &App, headers: &HeaderMap) -> Result<()> {
        let Some(wanted) = wanted(headers)? else { return Ok(()) };
        let (name, deadline) = (self.name(), tokio::time::Instant::now() + MAX_WAIT);
        loop {
            let reached = self.position(app).await.map_err(unavailable)?;
            if reached >= wanted {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(WaitError::Behind { name, reached, wanted }.into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Before something is searched: waits until the index knows a position.
pub(crate) async fn of_search(app: &App, headers: &HeaderMap) -> Result<()> {
    Follower::Search.wait(app, headers).await
}

/// Before customers are listed by their licenses: waits until these were counted up to a position.
pub(crate) async fn of_license_counts(app: &App, headers: &HeaderMap) -> Result<()> {
    Follower::LicenseCounts.wait(app, headers).await
}

/// Before one thing is read, which is always as new as the log: waits for the log itself.
pub(crate) async fn of_log(app: &App, headers: &HeaderMap) -> Result<()> {
    Follower::Log.wait(app, headers).await
}

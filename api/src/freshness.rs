//! `Licet-Min-Position`: a read waits until it can tell what the caller knows already.

use std::time::Duration;

use axum::http::HeaderMap;
use licet_projections::{Projector, projectors, queues::consumers};
use licet_workers::search::CONSUMER as SEARCH;

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

/// Before something is searched: waits until the worker that keeps the index knows a position.
pub(crate) async fn of_search(app: &App, headers: &HeaderMap) -> Result<i64> {
    let Some(wanted) = wanted(headers)? else { return Ok(0) };
    let deadline = tokio::time::Instant::now() + MAX_WAIT;
    loop {
        let reached = consumers::find(app.platform.log.pool(), SEARCH)
            .await
            .map_err(unavailable)?;
        let reached = reached.unwrap_or(0);
        if reached >= wanted {
            return Ok(wanted);
        }
        if tokio::time::Instant::now() >= deadline {
            let name = SEARCH;
            return Err(licet_projections::WaitError::Behind { name, reached, wanted }.into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Before one thing is read, which is always as new as the log: waits for the log itself.
pub(crate) async fn of_log(app: &App, headers: &HeaderMap) -> Result<()> {
    let Some(wanted) = wanted(headers)? else { return Ok(()) };
    let deadline = tokio::time::Instant::now() + MAX_WAIT;
    loop {
        let reached = app.platform.log.position().await.map_err(unavailable)?;
        if reached >= wanted {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(licet_projections::WaitError::Behind {
                name: "log",
                reached,
                wanted,
            }
            .into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! What probes and scrapers ask.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use licet_event_store::schema;
use licet_projections::{queues::consumers, status};
use prometheus::{Encoder as _, TextEncoder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    extract::header,
    problem::{Problem, Result},
    render,
};

/// How far a read model may be behind before the server counts as not ready.
const LAG_BOUND: i64 = 50_000;

/// Whether the process is alive.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the server can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// What stands in the way, in sentences.
    problems: Vec<String>,
}

/// Say that the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "probes", operation_id = "healthz",
    responses((status = 200, description = "Alive.", body = Health)))]
pub(crate) async fn healthz() -> Response {
    render::answer(StatusCode::OK, render::json(&Health { status: "ok" }), &[])
}

/// Say whether the server can do its work: database, migrations, projectors.
#[utoipa::path(get, path = "/readyz", tag = "probes", operation_id = "readyz",
    responses((status = 200, description = "Ready.", body = Readiness), (status = 503, description = "Not ready; says why.", body = Readiness)))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let mut wrong: Vec<String> = Vec::new();
    match schema::check(app.platform.log.pool()).await {
        Ok(Ok(())) => {}
        Ok(Err(mismatch)) => wrong.push(mismatch),
        Err(error) => {
            tracing::warn!(%error, "the database did not answer a probe");
            wrong.push("the database does not answer".to_owned());
        }
    }
    if wrong.is_empty() {
        match schema::unguarded(app.platform.log.pool()).await {
            Ok(tables) if tables.is_empty() => {}
            Ok(tables) => wrong.push(format!(
                "the role licet_reader cannot read {}; `licet migrate` puts that right",
                tables.join(", ")
            )),
            Err(_) => wrong.push("the role licet_reader cannot be looked at; run `licet migrate`".to_owned()),
        }
    }
    if wrong.is_empty() {
        match status(&app.platform.log).await {
            Err(_) => wrong.push("the projectors' state cannot be read".to_owned()),
            Ok(projectors) => wrong.extend(projectors.into_iter().filter_map(|projector| {
                let behind = projector.head - projector.position;
                let slow = (behind > LAG_BOUND).then(|| format!("{} is {behind} events behind", projector.name));
                projector
                    .stopped_by
                    .map(|cause| format!("{} has stopped: {cause}", projector.name))
                    .or(slow)
            })),
        }
    }
    if wrong.is_empty() {
        match consumers::stops(app.platform.log.pool()).await {
            Ok(stops) => wrong.extend(stops),
            Err(_) => wrong.push("the consumers' state cannot be read".to_owned()),
        }
    }
    if !app.platform.log.hears_others() {
        wrong.push("what other nodes record is not heard of".to_owned());
    }
    if *app.ending.borrow() {
        wrong.push("the server is shutting down".to_owned());
    }
    let status = if wrong.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        status: if wrong.is_empty() { "ready" } else { "not ready" },
        problems: wrong,
    };
    render::answer(status, render::json(&readiness), &[])
}

/// How long may be looked: Prometheus says after how many seconds it goes away, and gets less late than nothing.
fn patience(headers: &HeaderMap) -> Duration {
    let said = header(headers, "x-prometheus-scrape-timeout-seconds").and_then(|text| text.parse().ok());
    let seconds: f64 = said.filter(|seconds| (0.1..=60.0).contains(seconds)).unwrap_or(5.0);
    Duration::from_secs_f64(seconds * 0.7)
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "probes", operation_id = "metrics",
    responses((status = 200, description = "Metrics.", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if !app.settings.monitoring {
        return Err(Problem::no_route());
    }
    app.metrics.look(&app, patience(&headers)).await;
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&app.registry.gather(), &mut text)
        .map_err(|error| Problem::internal(&error))?;
    let mut response = text.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    Ok(response)
}

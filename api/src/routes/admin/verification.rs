//! `GET /api/admin/audit/verification`: the log is walked, and whoever asked watches.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::StreamExt as _;
use licet_contracts::{Problem as Refusal, admin};
use licet_domain::permission::needed::ReadAudit;
use licet_event_store::audit::{self, AuditReport};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Caller, guarded},
    problem::{Problem, Result},
    render,
};

/// A comment, so that proxies do not take the connection for dead.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(verify_log))
}

/// Walk the whole log and check density, every link of the chains, and every signed checkpoint: server-sent events
/// `progress`, and at the end one `report`, or one `problem` where the walk broke off. One walk at a time on each node; it
/// ends when nobody watches it any more. `licet audit verify` does the same, also against a checkpoint that was kept
/// elsewhere, which alone shows that the newest events were cut off.
#[utoipa::path(get, path = "/api/admin/audit/verification", tag = "audit",
    responses((status = 200, description = "Events, until the walk is over.", body = String, content_type = "text/event-stream"),
        (status = 409, description = "`VERIFICATION_RUNNING`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn verify_log(State(app): State<App>, caller: Caller<ReadAudit>) -> Result<Response> {
    let Ok(place) = app.verifying.clone().try_acquire_owned() else {
        let detail = "The log is being verified on this node already. Wait until that is over.";
        return Err(Problem::new(StatusCode::CONFLICT, "VERIFICATION_RUNNING", detail));
    };
    let (tell, told) = watch::channel(None);
    let (watched, mut ending) = (app.clone(), app.ending.clone());
    let walk = async move {
        let _place = place;
        let (log, keys) = (&app.platform.log, app.keyring.verifying());
        let progress = |position, head| {
            let step = admin::VerificationProgress { position, head };
            tell.send_replace(Some(event("progress", &step)));
        };
        let last = match audit::verify(log, &keys, &[], progress).await {
            Ok(report) => event("report", &shape(report)),
            Err(error) => {
                tracing::error!(%error, "the log could not be verified");
                let detail = "The log could not be read to its end. Try again; the server's log says why.";
                let broken = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail);
                event("problem", &serde_json::json!({ "code": broken.code, "detail": detail }))
            }
        };
        tell.send_replace(Some(last));
    };
    // Whoever goes away takes the walk along.
    let mut walking = tokio::task::JoinSet::new();
    walking.spawn(walk);
    let events = futures::stream::unfold((told, walking), move |(mut told, walking)| {
        let (app, caller) = (watched.clone(), caller.clone());
        async move {
            told.changed().await.ok()?;
            let next = told.borrow_and_update().clone()?;
            // Whoever is out sees no more of it.
            let is_in = caller.is_still_in(&app).await;
            is_in.then_some((Ok::<_, Infallible>(next), (told, walking)))
        }
    });
    let ended = async move {
        let _ = ending.wait_for(|ending| *ending).await;
    };
    let mut response = Sse::new(events.take_until(Box::pin(ended)))
        .keep_alive(KeepAlive::new().interval(COMMENT_EVERY).text("still here"))
        .into_response();
    // nginx gathers what it passes on otherwise.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn event<T: serde::Serialize>(name: &str, data: &T) -> Event {
    Event::default().event(name).data(render::json(data))
}

fn shape(report: AuditReport) -> admin::VerificationReport {
    admin::VerificationReport {
        events: report.events,
        position: report.position,
        checkpoints: report.checkpoints,
        segments: report.segments,
        not_at_hand: report.not_at_hand,
        fault: report.fault.map(|fault| admin::VerificationFault {
            position: fault.position,
            what: fault.what,
        }),
    }
}

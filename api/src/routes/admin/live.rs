//! `GET /api/admin/live`: what happens, as it happens, on one connection.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt as _};
use licet_contracts::{Problem as Refusal, admin};
use licet_domain::{
    permission::{Permission, needed::ReadLicenses},
    values::Timestamp,
};
use licet_projections::{
    Figures, ProjectorStatus,
    audit_log::{self, AuditRow},
};
use serde::Serialize;
use tokio::{sync::watch, time::Instant};
use utoipa_axum::router::OpenApiRouter;

use super::{actors::Actors, audit};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::header,
    problem::{Problem, Result, unavailable},
};

/// How soon after one look the next may follow, while much happens.
const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// How much longer it waits while nothing happens: whoever's session ended is out within a second.
const PATIENCE: Duration = Duration::from_millis(600);
/// How often the projectors are told of while they run.
const PROJECTORS_EVERY: Duration = Duration::from_secs(5);
/// A comment, so that proxies do not take the connection for dead.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// For how many milliseconds an entry is held back for a read model that has not come to it: who hears of it looks at once.
const HELD_BACK: i64 = 2_000;
/// Entries told at one look; what happens faster is told later, and nothing is left out.
const ENTRIES: i64 = 500;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(follow_live))
}

/// Follow what happens: server-sent events `counters`, `activity`, `anomaly`, `projectors` and `sessions`, each with its
/// position in the log as `id`. An entry is told once every read model has it, or after two seconds. What the caller may not
/// read is left out.
#[utoipa::path(get, path = "/api/admin/live", tag = "live",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Go on after this position.", minimum = 0)),
    responses((status = 200, description = "Events, as long as both stay; a comment every 15 s.", body = String, content_type = "text/event-stream"),
        (status = 503, description = "`OVERLOADED`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn follow_live(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
) -> Result<Response> {
    let Ok(place) = app.live_streams.clone().try_acquire_owned() else {
        let detail = "Too many follow at once; one stream suffices for any number of tabs. Try again later.";
        return Err(Problem::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "OVERLOADED",
            detail,
        ));
    };
    let head = audit_log::newest(&app.reader, &caller.tenant)
        .await
        .map_err(unavailable)?;
    let told_before = header(&headers, "last-event-id").and_then(|id| id.parse().ok());
    // A position of another log, from before a restore, is none of this one.
    let after = match told_before.filter(|id| (0..=head).contains(id)) {
        Some(id) => id,
        // What a list may not show yet is told, unless it is all that there is, as while a read model is built anew.
        None => Some(folded(&status(&app).await?).min(head))
            .filter(|after| head - after < ENTRIES)
            .unwrap_or(head),
    };
    let follower = Follower {
        told: Told::default(),
        after,
        caller,
        head: app.platform.log.head(),
        app,
    };
    let events = follower.events().map(move |event| {
        let _ = &place;
        Ok::<_, Infallible>(event)
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(COMMENT_EVERY).text("still here"))
        .into_response();
    // nginx gathers what it passes on otherwise.
    response
        .headers_mut()
        .insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// Someone who follows.
struct Follower {
    app: App,
    caller: Caller<ReadLicenses>,
    /// Up to where this one was told what happened.
    after: i64,
    told: Told,
    /// The log's head, as far as this node heard of it since the last look.
    head: watch::Receiver<i64>,
}

/// What this one was told last.
#[derive(Clone, Default)]
struct Told {
    figures: Option<Figures>,
    projectors: Option<(Instant, Vec<admin::ProjectorState>)>,
}

impl Follower {
    /// Ends when the caller's credential does, or the server.
    fn events(self) -> impl Stream<Item = Event> + use<> {
        let rounds = futures::stream::unfold((self, true), |(mut follower, first)| async move {
            if !first && !follower.wait().await {
                return None;
            }
            let (after, told) = (follower.after, follower.told.clone());
            let events = match follower.look().await {
                Ok(events) => events,
                // The stream goes on: what could not be read now is told after the next look.
                Err(problem) => {
                    (follower.after, follower.told) = (after, told);
                    vec![Event::default().comment(problem.code)]
                }
            };
            Some((futures::stream::iter(events), (follower, false)))
        });
        rounds.flatten()
    }

    /// Waits for news; `false` once there is nobody to tell.
    async fn wait(&mut self) -> bool {
        let mut ending = self.app.ending.clone();
        let news = async {
            tokio::time::sleep(MIN_INTERVAL).await;
            let _ = tokio::time::timeout(PATIENCE, self.head.changed()).await;
        };
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => return false,
            () = news => {}
        }
        self.caller.is_still_in(&self.app).await
    }

    async fn look(&mut self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let tenant = self.caller.tenant.clone();
        let rows = audit_log::since(&self.app.reader, &tenant, self.after, ENTRIES).await;
        let mut rows = rows.map_err(unavailable)?;
        let now = self.app.platform.edge.now();
        let told = self.told.projectors.as_ref();
        let is_due = told.is_none_or(|(at, _)| at.elapsed() >= PROJECTORS_EVERY);
        // Where nothing happens, the database is not asked for it.
        let status = if is_due || !rows.is_empty() {
            status(&self.app).await?
        } else {
            Vec::new()
        };
        let folded = folded(&status);
        let held_back = |row: &AuditRow| {
            row.position > folded && now.millis() - Timestamp::from(row.recorded_at).millis() < HELD_BACK
        };
        rows.truncate(rows.iter().position(held_back).unwrap_or(rows.len()));
        self.tell_entries(rows, &mut events).await?;
        let figures = self.app.reader.figures(&tenant, now).await.map_err(unavailable)?;
        if self.told.figures != Some(figures) {
            events.push(event("counters", self.after, &counters(figures)));
            self.told.figures = Some(figures);
        }
        if is_due {
            self.tell_projectors(status, &mut events);
        }
        Ok(events)
    }

    async fn tell_entries(&mut self, rows: Vec<AuditRow>, events: &mut Vec<Event>) -> Result<()> {
        let may = |permission| self.caller.may(permission, &self.app);
        let (audit, sessions, anomalies) = (
            may(Permission::ReadAudit),
            may(Permission::ReadSessions),
            may(Permission::ReadAnomalies),
        );
        let mut actors = Actors::new(&self.app, &self.caller.tenant);
        for row in rows {
            let position = row.position;
            let thing = admin::LiveChange {
                id: row.aggregate_id.clone(),
                action: row.action.clone(),
            };
            match &row.aggregate_type[..] {
                "anomaly" if anomalies => events.push(event("anomaly", position, &thing)),
                "session" if sessions => events.push(event("sessions", position, &thing)),
                _ => {}
            }
            if audit {
                let actor = actors.named(&row.actor_kind, &row.actor_id).await?;
                events.push(event("activity", position, &audit::entry(&self.app, actor, row)));
            } else if matches!(
                &row.aggregate_type[..],
                "license" | "customer" | "product" | "policy" | "release"
            ) {
                events.push(event("activity", position, &thing));
            }
            self.after = position;
        }
        Ok(())
    }

    /// Where one of them has moved, every few seconds.
    fn tell_projectors(&mut self, status: Vec<ProjectorStatus>, events: &mut Vec<Event>) {
        let states: Vec<_> = status.into_iter().map(state).collect();
        if self.told.projectors.as_ref().is_none_or(|(_, told)| *told != states) {
            events.push(event("projectors", self.after, &states));
        }
        self.told.projectors = Some((Instant::now(), states));
    }
}

async fn status(app: &App) -> Result<Vec<ProjectorStatus>> {
    licet_projections::status(&app.platform.log).await.map_err(unavailable)
}

/// Up to where every read model is that does not stand still.
fn folded(status: &[ProjectorStatus]) -> i64 {
    let running = status.iter().filter(|one| one.stopped_by.is_none());
    running.map(|one| one.position).min().unwrap_or(0)
}

fn event<T: Serialize>(name: &str, position: i64, data: &T) -> Event {
    Event::default()
        .event(name)
        .id(position.to_string())
        .data(crate::render::json(data))
}

fn counters(figures: Figures) -> admin::Counters {
    admin::Counters {
        licenses: figures.licenses,
        active: figures.active,
        suspended: figures.suspended,
        customers: figures.customers,
        devices: figures.devices,
    }
}

fn state(status: ProjectorStatus) -> admin::ProjectorState {
    admin::ProjectorState {
        name: status.name.to_owned(),
        behind: (status.head - status.position).max(0),
        stopped_by: status.stopped_by,
    }
}

//! `/api/admin/sessions`

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::Context;
use licet_contracts::{Page, admin};
use licet_domain::{
    Resource as _,
    permission::needed::{ReadSessions, WriteSessions},
    session::{BegunSession, EndReason, Level, Session},
    values::{OperatorId, Timestamp},
};
use licet_event_store::Versioned;
use licet_projections::{PageRequest, nodes::session_use, resources, resources::ResourceRow};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    actors::operator_name,
    reading::{self, HistoryQuery, ListQuery},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Path, Query},
    freshness,
    problem::{Problem, Result, unavailable},
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(list_sessions))
        .routes(guarded!(end_session))
        .routes(guarded!(session_events))
}

/// Which sessions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Which {
    /// Those that were not ended.
    Live,
    /// Ended ones too.
    All,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsQuery {
    /// Of one operator.
    #[param(value_type = Option<String>, format = Uuid)]
    operator_id: Option<Uuid>,
    /// `all`, unless those alone are asked for that were not ended.
    #[param(inline)]
    status: Option<Which>,
}

/// List sessions, live and ended.
#[utoipa::path(get, path = "/api/admin/sessions", tag = "sessions", params(ListQuery, SessionsQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Session>)), security(("api_key" = [])))]
pub(crate) async fn list_sessions(
    State(app): State<App>,
    caller: Caller<ReadSessions>,
    headers: HeaderMap,
    Query(query, filter): Query<ListQuery, SessionsQuery>,
) -> Result<Response> {
    let request = PageRequest {
        retired: (filter.status == Some(Which::Live)).then_some(false),
        min_position: freshness::of_read_model(&app, &headers, "resources").await?,
        ..query.request()?
    };
    let rows = resources::list::<Session>(&app.reader, &caller.tenant, filter.operator_id, &request).await;
    page(&app, rows.map_err(unavailable)?, caller.session()).await
}

/// End a session.
#[utoipa::path(delete, path = "/api/admin/sessions/{id}", tag = "sessions", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Ended, here at once and on other nodes within a second.")), security(("api_key" = [])))]
pub(crate) async fn end_session(
    State(app): State<App>,
    caller: Caller<WriteSessions>,
    Path(id): Path,
) -> Result<Response> {
    let (id, _) = find(&app, &id).await?;
    let context = caller.context(&app, None);
    app.platform
        .end_session(&context, id, EndReason::Revoked, caller.operator())
        .await?;
    let position = app.platform.log.position().await.map_err(unavailable)?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(position)],
    ))
}

/// Read a session's history.
#[utoipa::path(get, path = "/api/admin/sessions/{id}/events", tag = "sessions", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn session_events(
    State(app): State<App>,
    caller: Caller<ReadSessions>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history(&app, &caller, &query, &id, Session::KIND).await
}

/// The session of an id.
pub(crate) async fn find(app: &App, id: &str) -> Result<(Uuid, Arc<Versioned<Session>>)> {
    let id = reading::id(id, Session::KIND)?;
    let known = app.platform.of::<Session>().fresh(&app.tenant, id).await;
    let known = known.map_err(licet_commands::CommandError::from)?;
    if !known.state.exists() {
        return Err(Problem::not_found(Session::KIND));
    }
    Ok((id, known))
}

/// Ends every live session of an operator but one.
pub(crate) async fn end_all_of(
    app: &App,
    context: &Context,
    operator: Uuid,
    but: Option<Uuid>,
    reason: EndReason,
) -> Result<()> {
    let position = app.platform.log.position().await.map_err(unavailable)?;
    freshness::wait(app, "resources", position).await?;
    let request = PageRequest {
        descending: true,
        min_position: position,
        ..PageRequest::first(1_000)
    };
    let page = resources::list::<Session>(&app.reader, &context.tenant, Some(operator), &request).await;
    let by = context.actor.id.parse().ok();
    for row in page.map_err(unavailable)?.items {
        if Some(row.id) != but {
            app.platform.end_session(context, row.id, reason, by).await?;
        }
    }
    Ok(())
}

/// A page of sessions as it is answered; `current` is the one that asks.
pub(crate) async fn page(
    app: &App,
    page: licet_projections::Page<ResourceRow<Session>>,
    current: Option<Uuid>,
) -> Result<Response> {
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
    let used = session_use::of(app.platform.log.report_pool(), &app.tenant, &ids).await;
    let used = used.map_err(unavailable)?;
    let mut names = HashMap::new();
    for session in page.items.iter().filter_map(|row| row.state.facts()) {
        let by = session.ended.as_ref().and_then(|ended| ended.by);
        for operator in [Some(session.begun.operator_id), by].into_iter().flatten() {
            if let Entry::Vacant(entry) = names.entry(operator) {
                entry.insert(operator_name(app, &app.tenant, operator.0).await?);
            }
        }
    }
    let now = app.platform.edge.now();
    let shown = |row: ResourceRow<Session>| {
        let session = row.state.facts()?;
        let seen = used.get(&row.id).copied();
        let mut shape = shape(app, session, seen, &names, now);
        shape.current = current == Some(row.id);
        Some(shape)
    };
    Ok(reading::page(page, shown))
}

fn shape(
    app: &App,
    session: &BegunSession,
    used: Option<Timestamp>,
    names: &HashMap<OperatorId, Option<String>>,
    now: Timestamp,
) -> admin::Session {
    let begun = &session.begun;
    let opened = begun.client.as_ref().and_then(|sealed| app.sealer.open(sealed).ok());
    let client: Value = opened
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let client = |name: &str| client[name].as_str().map(str::to_owned);
    let named = |id: OperatorId| admin::NamedOperator {
        id: id.to_string(),
        name: names.get(&id).cloned().flatten(),
    };
    let last_seen_at = used.map_or(begun.at, |used| used.max(begun.at));
    // Nobody writes down that time has passed, until someone comes with it.
    let (ended_at, end_reason) = match &session.ended {
        Some(ended) => (Some(ended.at), Some(ended.reason)),
        None if now >= begun.ends_at => (Some(begun.ends_at), Some(EndReason::Expired)),
        None => {
            let idle = last_seen_at.plus_seconds(app.settings.sign_in.idle_seconds);
            if idle <= now {
                (Some(idle), Some(EndReason::Idle))
            } else {
                (None, None)
            }
        }
    };
    let status = match (ended_at, session.level) {
        (Some(_), _) => "ended",
        (None, Level::Full) => "live",
        (None, _) => "signing_in",
    };
    let reason = end_reason.map(|reason| json!(reason));
    admin::Session {
        id: begun.session_id.to_string(),
        operator: named(begun.operator_id),
        status: status.to_owned(),
        address: client("address"),
        user_agent: client("user_agent"),
        started_at: begun.at.to_string(),
        last_seen_at: last_seen_at.to_string(),
        expires_at: begun.ends_at.to_string(),
        ended_at: ended_at.map(|at| at.to_string()),
        end_reason: reason.and_then(|reason| reason.as_str().map(str::to_owned)),
        ended_by: session.ended.as_ref().and_then(|ended| ended.by).map(named),
        current: false,
    }
}

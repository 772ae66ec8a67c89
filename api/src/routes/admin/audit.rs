//! `/api/admin/audit`

use axum::{extract::State, http::HeaderMap, response::Response};
use licet_contracts::{Page, admin};
use licet_domain::{
    event_types,
    permission::needed::ReadAudit,
    values::{Sealed, Timestamp},
};
use licet_projections::audit_log::{self, AuditFilter, AuditRow};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::{
    actors::Actors,
    reading::{self, PageQuery},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Query, refused},
    freshness,
    problem::{Result, unavailable},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(list_audit))
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// About one thing.
    aggregate_id: Option<String>,
    /// Of one kind, such as `license.suspended`.
    action: Option<String>,
}

/// Read who did what to what, newest first.
#[utoipa::path(get, path = "/api/admin/audit", tag = "audit", operation_id = "list_audit",
    params(PageQuery, AuditQuery),
    responses((status = 200, description = "A page.", body = Page<admin::AuditEntry>)), security(("api_key" = [])))]
pub(crate) async fn list_audit(
    State(app): State<App>,
    caller: Caller<ReadAudit>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, AuditQuery>,
) -> Result<Response> {
    freshness::of_read_model(&app, &headers, "audit_log").await?;
    if let Some(action) = query
        .action
        .as_deref()
        .filter(|action| !event_types().any(|name| name == *action))
    {
        return Err(refused(
            "action",
            format!("There is no action {action:?}; actions are events, such as license.issued."),
        ));
    }
    let (limit, most) = (page.limit(), page.most());
    let filter = AuditFilter {
        aggregate_id: query.aggregate_id,
        action: query.action,
        before: page.after(|text| text.parse().ok())?,
    };
    let (rows, counted) = audit_log::list(&app.reader, &caller.tenant, &filter, limit + 1, most)
        .await
        .map_err(unavailable)?;
    let total = reading::total(counted, most);
    let mut actors = Actors::new(&app, &caller.tenant);
    let mut named = Vec::with_capacity(rows.len());
    for row in rows {
        named.push((actors.named(&row.actor_kind, &row.actor_id).await?, row));
    }
    let place = |(_, row): &(_, AuditRow)| row.position.to_string();
    let shape = |(actor, row)| entry(&app, actor, row);
    Ok(reading::slice(named, limit, total, place, shape))
}

pub(super) fn entry(app: &App, actor: admin::Actor, row: AuditRow) -> admin::AuditEntry {
    let opened = row
        .client_sealed
        .and_then(|sealed| app.sealer.open(&Sealed(sealed)).ok());
    let client: Value = opened
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let text = |name: &str| client[name].as_str().map(str::to_owned);
    admin::AuditEntry {
        position: row.position,
        recorded_at: Timestamp::from(row.recorded_at).to_string(),
        actor,
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        action: row.action,
        aggregate_type: row.aggregate_type,
        aggregate_id: row.aggregate_id,
        request_id: row.request_id,
        correlation_id: row.correlation_id.to_string(),
        client_address: text("address"),
        user_agent: text("user_agent"),
    }
}

//! `/api/admin/anomalies`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{
    Page, Problem, admin,
    anomaly::{Anomaly as Shape, RerunAnomalies, RerunResult},
};
use licet_domain::{
    Resource as _,
    anomaly::{Anomaly, Judgment},
    license::License,
    permission::needed::{ReadAnomalies, WriteAnomalies},
    values::{LicenseId, Timestamp},
};
use licet_projections::heartbeats::Range;
use licet_workers::anomalies::{self, Rerun};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, OptionalJson, Path, Query, invalid_field},
    freshness, idempotency, problem,
    problem::{Result, unavailable},
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(list_anomalies))
        .routes(guarded!(rerun_anomalies))
        .routes(guarded!(read_anomaly))
        .routes(guarded!(anomaly_events))
        .routes(guarded!(acknowledge_anomaly))
        .routes(guarded!(dismiss_anomaly))
        .routes(guarded!(reopen_anomaly))
}

impl Shown for Anomaly {
    type Shape = Shape;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<Shape> {
        let anomaly = self.facts()?;
        let found = &anomaly.found;
        Some(Shape {
            id: found.anomaly_id.to_string(),
            rule: found.rule.clone(),
            severity: json!(found.severity),
            state: json!(anomaly.judgment),
            reason: anomaly.reason.clone(),
            license_id: found.license_id.map(|id| id.to_string()),
            facts: found.facts.clone(),
            evidence: found.evidence.clone(),
            from: found.from.to_string(),
            to: found.to.to_string(),
            found_at: found.at.to_string(),
        })
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AnomalyQuery {
    /// Of one license.
    license_id: Option<Uuid>,
    /// `true` lists dismissed ones too.
    dismissed: Option<bool>,
}

/// List anomalies, by time of finding; dismissed ones only where they are asked for.
#[utoipa::path(get, path = "/api/admin/anomalies", tag = "anomalies",
    params(ListQuery, AnomalyQuery),
    responses((status = 200, description = "A page.", body = Page<Shape>)), security(("api_key" = [])))]
pub(crate) async fn list_anomalies(
    State(app): State<App>,
    caller: Caller<ReadAnomalies>,
    headers: HeaderMap,
    Query(query, filter): Query<ListQuery, AnomalyQuery>,
) -> Result<Response> {
    let mut request = query.request()?;
    if filter.dismissed.unwrap_or(false) {
        request.retired = None;
    }
    resource::list::<Anomaly>(&app, &caller, &headers, request, filter.license_id).await
}

/// Read an anomaly, now or as it was.
#[utoipa::path(get, path = "/api/admin/anomalies/{id}", tag = "anomalies",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The anomaly.", body = Shape), (status = 404, description = "`ANOMALY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_anomaly(
    State(app): State<App>,
    caller: Caller<ReadAnomalies>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Anomaly>(&app, &caller, &query, &id).await
}

/// Read an anomaly's history: who made what of it.
#[utoipa::path(get, path = "/api/admin/anomalies/{id}/events", tag = "anomalies", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn anomaly_events(
    State(app): State<App>,
    caller: Caller<ReadAnomalies>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Anomaly>(&app, &caller, &query, &id).await
}

async fn judge(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    id: String,
    judgment: Judgment,
    OptionalJson { value, bytes }: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    let id = reading::id(&id, Anomaly::KIND)?;
    let route = format!("Judge/{judgment:?}/{id}");
    let about = (route.as_str(), &bytes[..], StatusCode::OK);
    idempotency::once(app, caller, headers, about, async |context| {
        let done = app
            .platform
            .judge_anomaly(&context, id, judgment, value.reason, &resource::kept)
            .await?;
        resource::answer(&done, StatusCode::OK)
    })
    .await
}

/// Say that someone looks into an anomaly.
#[utoipa::path(post, path = "/api/admin/anomalies/{id}/acknowledge", tag = "anomalies", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Acknowledged.", body = Shape), (status = 404, description = "`ANOMALY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn acknowledge_anomaly(
    State(app): State<App>,
    caller: Caller<WriteAnomalies>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    judge(&app, &caller, &headers, id, Judgment::Acknowledged, body).await
}

/// Say that an anomaly is nothing.
#[utoipa::path(post, path = "/api/admin/anomalies/{id}/dismiss", tag = "anomalies", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Dismissed.", body = Shape), (status = 404, description = "`ANOMALY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn dismiss_anomaly(
    State(app): State<App>,
    caller: Caller<WriteAnomalies>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    judge(&app, &caller, &headers, id, Judgment::Dismissed, body).await
}

/// Look at an anomaly again.
#[utoipa::path(post, path = "/api/admin/anomalies/{id}/reopen", tag = "anomalies", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Open.", body = Shape), (status = 404, description = "`ANOMALY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn reopen_anomaly(
    State(app): State<App>,
    caller: Caller<WriteAnomalies>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    judge(&app, &caller, &headers, id, Judgment::Open, body).await
}

/// Run the rules over old history, day by day. What was found before is not found again. An answer is about as many
/// licenses as come to 4,000 days of history together, and names where the next one begins.
#[utoipa::path(post, path = "/api/admin/anomalies/rerun", tag = "anomalies", request_body = RerunAnomalies,
    responses((status = 200, description = "How much was looked at and found.", body = RerunResult), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn rerun_anomalies(
    State(app): State<App>,
    caller: Caller<WriteAnomalies>,
    headers: HeaderMap,
    Json { value, bytes }: Json<RerunAnomalies>,
) -> Result<Response> {
    let now = app.platform.edge.now();
    let time = |pointer: &str, text: &str| {
        Timestamp::parse(text).map_err(|_| invalid_field(pointer, "This is no RFC 3339 time."))
    };
    let from = time("/from", &value.from)?;
    let to = value.to.as_deref().map(|text| time("/to", text)).transpose()?;
    let to = to.unwrap_or(now.plus_seconds(1));
    if from > to || to.seconds() - from.seconds() > 400 * 86_400 {
        return Err(invalid_field(
            "/from",
            "The range begins before it ends, at most 400 days.",
        ));
    }
    let cursor = value.cursor.as_deref().map(|text| {
        let invalid = |_| invalid_field("/cursor", "This is no cursor; begin without one.");
        text.parse::<Uuid>().map_err(invalid)
    });
    let which = match (&value.license_id, cursor.transpose()?) {
        (Some(_), Some(_)) => {
            return Err(invalid_field(
                "/cursor",
                "One license is looked at in one answer; leave this out.",
            ));
        }
        (Some(id), None) => Rerun::License(LicenseId(reading::id(id, License::KIND)?)),
        (None, after) => Rerun::After(after.unwrap_or_default()),
    };
    let about = ("RerunAnomalies", &bytes[..], StatusCode::OK);
    let (mut answer, _) = idempotency::once_outside_log(&app, &caller, &headers, about, || async {
        if let Rerun::License(id) = which {
            let known = app.platform.licenses.fresh(&caller.tenant, id.0).await;
            let known = known.map_err(licet_commands::CommandError::from)?;
            known
                .state
                .facts()
                .ok_or_else(|| problem::Problem::not_found(License::KIND))?;
        }
        // What has just been recorded counts too.
        let head = app.platform.log.position().await.map_err(unavailable)?;
        freshness::wait(&app, "license_heartbeats", head).await?;
        let examined = anomalies::rerun(&app.platform, &caller.tenant, which, Range { from, to }).await;
        let examined = examined.map_err(|error| problem::Problem::internal(&error))?;
        Ok(render::json(&RerunResult {
            licenses: examined.licenses,
            found: examined.found,
            next_cursor: examined.next_after.map(|id| id.to_string()),
        }))
    })
    .await?;
    // A list that waits for this position knows what was found.
    let head = app.platform.log.position().await.map_err(unavailable)?;
    answer.headers_mut().insert("licet-position", head.into());
    Ok(answer)
}

//! `/api/admin/policies`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::policy::{NewPolicy, PolicyView, TermsChanges};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{api_key::Scope, policy::Policy};
use licet_projections::resources;

use super::reading::{self, AsOfQuery, HistoryQuery, ListQuery};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, Path, Query},
    freshness, idempotency,
    problem::{Result, unavailable},
    render,
    reply::{self, Reply},
};

pub(super) fn terms(sent: admin::PolicyTerms) -> TermsChanges {
    TermsChanges {
        seats: sent.seats,
        duration_days: sent.duration_days,
        duration_from: sent.duration_from,
        grace_days: sent.grace_days,
        fingerprint_match: sent.fingerprint_match,
        fingerprint_extra: sent.fingerprint_extra,
        fingerprint_veto: sent.fingerprint_veto,
        heartbeat_interval_seconds: sent.heartbeat_interval_seconds,
        heartbeat_grace: sent.heartbeat_grace,
        lease_days: sent.lease_days,
        floating: sent.floating,
        max_transfers: sent.max_transfers,
        transfer_period_days: sent.transfer_period_days,
        features: sent.features,
        limits: sent.limits,
    }
}

fn reply(view: &PolicyView) -> Reply {
    let shown = render::policy(view);
    Reply::of(("policies", &shown.id), &shown, &render::policy_editable(view))
}

/// Take up a policy of a product.
#[utoipa::path(post, path = "/api/admin/policies", tag = "policies", request_body = admin::CreatePolicy,
    responses((status = 201, description = "Taken up.", body = admin::Policy),
        (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem),
        (status = 409, description = "`POLICY_CODE_TAKEN`, `PRODUCT_RETIRED`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_policy(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreatePolicy>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_policy", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let new = NewPolicy {
                code: value.code,
                product: value.product,
                terms: terms(value.terms),
            };
            let done = app
                .platform
                .create_policy(&context, new, &|view| reply(view).kept())
                .await?;
            Ok(reply::answer(&done, StatusCode::CREATED, reply))
        },
    )
    .await
}

/// List policies, by time of creation.
#[utoipa::path(get, path = "/api/admin/policies", tag = "policies",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Policy>)), security(("api_key" = [])))]
pub(crate) async fn list_policies(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let request = query.request()?;
    let page = resources::list::<Policy>(&app.reader, &app.tenant, None, &request)
        .await
        .map_err(unavailable)?;
    Ok(reading::page(page, |row| {
        PolicyView::try_from(&row.state).ok().map(|view| render::policy(&view))
    }))
}

/// Read a policy, now or as it was.
#[utoipa::path(get, path = "/api/admin/policies/{id}", tag = "policies",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The policy.", body = admin::Policy), (status = 404, description = "`POLICY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_policy(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, "policy")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.policies, id).await?;
    let view = PolicyView::try_from(&state.state)?;
    Ok(reply(&view).answer(StatusCode::OK, state.position))
}

/// Change a policy.
#[utoipa::path(patch, path = "/api/admin/policies/{id}", tag = "policies", request_body = admin::PolicyTerms,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Policy), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem),
        (status = 409, description = "`POLICY_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_policy(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::PolicyTerms>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "policy")?, if_match(&headers)?);
    let unchanged = |view: &PolicyView| render::matches(&tag, &render::policy_editable(view));
    let done = app
        .platform
        .edit_policy(&caller.context(&app, None), id, terms(value), &unchanged, &|view| {
            reply(view).kept()
        })
        .await?;
    Ok(reply::answer(&done, StatusCode::OK, reply))
}

/// Take a policy out of use.
#[utoipa::path(delete, path = "/api/admin/policies/{id}", tag = "policies", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_policy(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "policy")?, if_match(&headers)?);
    let unchanged = |view: &PolicyView| render::matches(&tag, &render::policy_editable(view));
    let done = app
        .platform
        .retire_policy(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

/// Read a policy's history.
#[utoipa::path(get, path = "/api/admin/policies/{id}/events", tag = "policies", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn policy_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history::<Policy>(&app, &caller, &query, (&id, "policy")).await
}

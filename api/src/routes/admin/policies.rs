//! `/api/admin/policies`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::policy::{NewPolicy, TermsChanges};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    permission::needed::{ReadPolicies, WritePolicies},
    policy::Policy,
};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use super::{
    reading::{AsOfQuery, HistoryQuery, ListQuery, NamedQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Json, Path, Query},
    problem::Result,
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_policy, list_policies))
        .routes(guarded!(read_policy, edit_policy, retire_policy))
        .routes(guarded!(policy_events))
}

impl Shown for Policy {
    type Shape = admin::Policy;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<admin::Policy> {
        let policy = self.facts()?;
        let terms = &policy.terms;
        Some(admin::Policy {
            id: policy.id.to_string(),
            code: policy.code.to_string(),
            product_id: policy.product_id.to_string(),
            version: policy.version,
            seats: terms.seats,
            duration_days: terms.duration_days,
            duration_from: json!(terms.duration_from).as_str().unwrap_or_default().to_owned(),
            grace_days: terms.grace_days,
            fingerprint_match: terms.fingerprint_match,
            fingerprint_extra: terms.fingerprint_extra.clone(),
            fingerprint_veto: terms.fingerprint_veto.clone(),
            heartbeat_interval_seconds: terms.heartbeat_interval_seconds,
            heartbeat_grace: terms.heartbeat_grace,
            lease_days: terms.lease_days,
            floating: terms.floating,
            max_transfers: terms.max_transfers,
            transfer_period_days: terms.transfer_period_days,
            features: render::features(&terms.features),
            limits: render::limits(&terms.limits),
            status: render::status(self.is_retired()),
            created_at: policy.created_at.to_string(),
        })
    }
}

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

/// Take up a policy of a product.
#[utoipa::path(post, path = "/api/admin/policies", tag = "policies", request_body = admin::CreatePolicy,
    responses((status = 201, description = "Taken up.", body = admin::Policy),
        (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem),
        (status = 409, description = "`POLICY_CODE_TAKEN`, `PRODUCT_RETIRED`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_policy(
    State(app): State<App>,
    caller: Caller<WritePolicies>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreatePolicy>,
) -> Result<Response> {
    resource::create(&app, &caller, (&headers, &bytes), async |context| {
        let new = NewPolicy {
            code: value.code,
            product: value.product,
            terms: terms(value.terms),
        };
        app.platform.create_policy(&context, new, &resource::kept).await
    })
    .await
}

/// List policies, by time of creation.
#[utoipa::path(get, path = "/api/admin/policies", tag = "policies",
    params(ListQuery, NamedQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Policy>)), security(("api_key" = [])))]
pub(crate) async fn list_policies(
    State(app): State<App>,
    caller: Caller<ReadPolicies>,
    headers: HeaderMap,
    Query(query, named): Query<ListQuery, NamedQuery>,
) -> Result<Response> {
    resource::list_named::<Policy>(&app, &caller, &headers, query.request()?, &named).await
}

/// Read a policy, now or as it was.
#[utoipa::path(get, path = "/api/admin/policies/{id}", tag = "policies",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The policy.", body = admin::Policy), (status = 404, description = "`POLICY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_policy(
    State(app): State<App>,
    caller: Caller<ReadPolicies>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Policy>(&app, &caller, &query, &id).await
}

/// Change a policy.
#[utoipa::path(patch, path = "/api/admin/policies/{id}", tag = "policies", request_body = admin::PolicyTerms,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Policy), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem),
        (status = 409, description = "`POLICY_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_policy(
    State(app): State<App>,
    caller: Caller<WritePolicies>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::PolicyTerms>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Policy>(&id, &headers)?;
    let context = caller.context(&app, None);
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .edit_policy(&context, id, terms(value), &unchanged, &resource::kept)
        .await?;
    resource::answer(&done, StatusCode::OK)
}

/// Take a policy out of use.
#[utoipa::path(delete, path = "/api/admin/policies/{id}", tag = "policies", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_policy(
    State(app): State<App>,
    caller: Caller<WritePolicies>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<Policy>(&app, &caller, &headers, &id).await
}

/// Read a policy's history.
#[utoipa::path(get, path = "/api/admin/policies/{id}/events", tag = "policies", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn policy_events(
    State(app): State<App>,
    caller: Caller<ReadPolicies>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Policy>(&app, &caller, &query, &id).await
}

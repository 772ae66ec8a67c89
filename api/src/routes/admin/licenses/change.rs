//! `POST /api/admin/licenses/{id}/suspend`, `resume`, `revoke`, `renew` and `reveal-key`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{EffectiveLicense, Renewal, RevealedKey, StandingChange};
use licet_contracts::{Problem, admin};

use super::{holder, license_id, reply};
use crate::{
    App,
    auth::{Caller, Principal},
    extract::{OptionalJson, Path},
    idempotency,
    problem::Result,
    render, reply as replies,
};
use licet_domain::permission::needed::{RevealLicenseKeys, RevokeLicenses, WriteLicenses};

async fn change(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    id: String,
    change: StandingChange,
    OptionalJson { value, bytes }: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let route = format!("{change:?}/{id}");
    idempotency::once(
        app,
        caller,
        headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let holder = holder(app, caller, id).await?;
            let changed = |effective: &EffectiveLicense| reply(effective, holder.as_ref(), context.now);
            let done = app
                .platform
                .change_license(&context, id, change, value.reason, &|value| changed(value).kept())
                .await?;
            Ok(replies::answer(&done, StatusCode::OK, changed))
        },
    )
    .await
}

/// Stop a license until it is resumed.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/suspend", tag = "licenses", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Suspended.", body = admin::License), (status = 422, description = "`LICENSE_REVOKED`, `LICENSE_RETIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn suspend_license(
    State(app): State<App>,
    caller: Caller<WriteLicenses>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    change(&app, &caller, &headers, id, StandingChange::Suspend, body).await
}

/// Let a suspended license work again.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/resume", tag = "licenses", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Active.", body = admin::License), (status = 422, description = "`LICENSE_REVOKED`, `LICENSE_RETIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn resume_license(
    State(app): State<App>,
    caller: Caller<WriteLicenses>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    change(&app, &caller, &headers, id, StandingChange::Resume, body).await
}

/// End a license for good.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/revoke", tag = "licenses", request_body = admin::WithReason, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Revoked.", body = admin::License), (status = 422, description = "`LICENSE_RETIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn revoke_license(
    State(app): State<App>,
    caller: Caller<RevokeLicenses>,
    headers: HeaderMap,
    Path(id): Path,
    body: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    change(&app, &caller, &headers, id, StandingChange::Revoke, body).await
}

/// Move a license's end.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/renew", tag = "licenses", request_body = admin::RenewLicense, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Renewed.", body = admin::License), (status = 422, description = "`LICENSE_REVOKED`, `LICENSE_RETIRED`, `LICENSE_NOT_RENEWABLE`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn renew_license(
    State(app): State<App>,
    caller: Caller<WriteLicenses>,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { value, bytes }: OptionalJson<admin::RenewLicense>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let route = format!("Renew/{id}");
    idempotency::once(
        &app,
        &caller,
        &headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let holder = holder(&app, &caller, id).await?;
            let changed = |effective: &EffectiveLicense| reply(effective, holder.as_ref(), context.now);
            let renewal = Renewal {
                expires_at: value.expires_at,
                reason: value.reason,
            };
            let done = app
                .platform
                .renew_license(&context, id, renewal, &|value| changed(value).kept())
                .await?;
            Ok(replies::answer(&done, StatusCode::OK, changed))
        },
    )
    .await
}

/// Show a license's key in full. Each time stands in the audit trail.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/reveal-key", tag = "licenses", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The key.", body = admin::RevealedKey), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn reveal_license_key(
    State(app): State<App>,
    caller: Caller<RevealLicenseKeys>,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { bytes, .. }: OptionalJson<serde_json::Value>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let route = format!("RevealKey/{id}");
    idempotency::once(
        &app,
        &caller,
        &headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let body = |key: &RevealedKey| {
                render::json(&admin::RevealedKey {
                    id: id.to_string(),
                    key: key.0.clone(),
                })
            };
            let done = app.platform.reveal_license_key(&context, id, &body).await?;
            Ok(render::answer(
                StatusCode::OK,
                body(&done.value),
                &[render::position(done.position)],
            ))
        },
    )
    .await
}

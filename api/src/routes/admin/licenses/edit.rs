//! `PATCH` and `DELETE /api/admin/licenses/{id}`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{EffectiveLicense, LicenseChanges};
use licet_contracts::{Problem, admin};

use super::{holder, license_id, reply};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, Path},
    problem::Result,
    render, reply as replies,
};
use licet_domain::permission::needed::WriteLicenses;

/// Change what a license overrides of its policy, its dates and its note.
#[utoipa::path(patch, path = "/api/admin/licenses/{id}", tag = "licenses", request_body = admin::EditLicense,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::License), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem),
        (status = 422, description = "`LICENSE_REVOKED`, `LICENSE_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_license(
    State(app): State<App>,
    caller: Caller<WriteLicenses>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditLicense>,
) -> Result<Response> {
    let (id, tag) = (license_id(&id)?, if_match(&headers)?);
    let (holder, context) = (holder(&app, &caller, id).await?, caller.context(&app, None));
    let unchanged = |present: &EffectiveLicense| render::matches(&tag, &render::license_editable(present));
    let changes = LicenseChanges {
        seats: value.seats,
        features: value.features,
        limits: value.limits,
        valid_from: value.valid_from,
        expires_at: value.expires_at,
        note: value.note,
    };
    let changed = |effective: &EffectiveLicense| reply(effective, holder.as_ref(), context.now);
    let done = app
        .platform
        .edit_license(&context, id, changes, &unchanged, &|value| changed(value).kept())
        .await?;
    Ok(replies::answer(&done, StatusCode::OK, changed))
}

/// Take a license out of the books.
#[utoipa::path(delete, path = "/api/admin/licenses/{id}", tag = "licenses", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "No longer found by machines."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_license(
    State(app): State<App>,
    caller: Caller<WriteLicenses>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let (id, tag) = (license_id(&id)?, if_match(&headers)?);
    let unchanged = |present: &EffectiveLicense| render::matches(&tag, &render::license_editable(present));
    let done = app
        .platform
        .retire_license(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

//! `POST /api/version/check`

use axum::{extract::State, http::StatusCode, response::Response};
use licet_contracts::version::{CheckVersionRequest, CheckVersionResponse};
use licet_domain::{permission::needed::UseLicenses, release::offer, values::LicenseKey};

use crate::{
    App,
    auth::Caller,
    catalog,
    extract::{Json, NonceSlot},
    problem::{Problem, Result},
    render,
};

/// Ask whether there is a newer version, and whether the one that runs may go on.
#[utoipa::path(post, path = "/api/version/check", tag = "version", operation_id = "check_version",
    request_body = CheckVersionRequest,
    responses(
        (status = 200, description = "What this machine is offered.", body = CheckVersionResponse),
        (status = 404, description = "`PRODUCT_NOT_FOUND`", body = licet_contracts::Problem),
        (status = 422, description = "`VERSION_INVALID`", body = licet_contracts::Problem),
    ), security(("api_key" = []), ("bearer" = [])))]
pub(crate) async fn check_version(
    State(app): State<App>,
    caller: Caller<UseLicenses>,
    nonce: NonceSlot,
    Json { value: request, .. }: Json<CheckVersionRequest>,
) -> Result<Response> {
    let seat = caller.seat(&app).await?;
    nonce.keep(request.nonce.as_ref())?;
    if let Some(key) = &request.license_key {
        caller.limit_key(&app, key)?;
    }
    let product = super::product(&app, &caller, &request.product).await?;
    let version = product.version_scheme.read(&request.version);
    let version = version.map_err(|error| Problem::unprocessable("VERSION_INVALID", format!("version: {error}.")))?;
    let channel = request.channel.as_deref().unwrap_or("stable").trim().to_lowercase();
    let machine = seat.map(|activation| activation.machine()).or(request.machine);
    let machine = machine.or_else(|| {
        let key = LicenseKey::parse(request.license_key.as_deref()?)?;
        Some(key.to_string())
    });
    let releases = catalog::releases(&app, &caller.tenant, product.id).await?;
    let offer = offer(
        releases.iter(),
        &channel,
        machine.as_deref(),
        &version,
        product.min_version.as_ref(),
    );
    let latest = offer.latest.map(|latest| &latest.published);
    let answer = CheckVersionResponse {
        current: version.to_string(),
        latest: latest.map(|latest| latest.version.to_string()),
        update_available: offer.update_available,
        update_required: offer.update_required,
        min_version: product.min_version.as_ref().map(ToString::to_string),
        download_url: latest.and_then(|latest| Some(latest.download_url.as_ref()?.as_str().to_owned())),
        sha256: latest.and_then(|latest| Some(latest.sha256.as_ref()?.as_str().to_owned())),
        notes: latest.and_then(|latest| Some(latest.notes.as_ref()?.as_str().to_owned())),
        nonce: request.nonce,
    };
    Ok(render::answer(StatusCode::OK, render::json(&answer), &[]))
}

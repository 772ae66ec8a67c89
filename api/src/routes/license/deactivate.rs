//! `POST /api/license/deactivate`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{DeactivationRequest, DeactivationTargetRequest};
use licet_contracts::license::{DeactivateRequest, DeactivateResponse};
use licet_domain::{permission::needed::ActivateLicenses, values::ActivationId};

use super::raw;
use crate::{
    App,
    auth::Caller,
    extract::{Json, NonceSlot},
    idempotency,
    problem::{ACTIVATION, Problem, Result},
    render,
};

/// Take a machine's seat back.
#[utoipa::path(post, path = "/api/license/deactivate", tag = "license", operation_id = "deactivate_license",
    request_body = DeactivateRequest,
    responses(
        (status = 200, description = "The machine has no seat now, or had none any more.", body = DeactivateResponse),
        (status = 404, description = "`LICENSE_NOT_FOUND`, `ACTIVATION_NOT_FOUND`", body = licet_contracts::Problem),
        (status = 409, description = "`ACTIVATION_CHECKED_OUT` for a seat that was taken along offline", body = licet_contracts::Problem),
        (status = 422, description = "`ACTIVATION_REQUIRED`", body = licet_contracts::Problem),
    ), security(("api_key" = [])))]
pub(crate) async fn deactivate_license(
    State(app): State<App>,
    caller: Caller<ActivateLicenses>,
    headers: HeaderMap,
    nonce: NonceSlot,
    Json {
        value: mut request,
        bytes,
    }: Json<DeactivateRequest>,
) -> Result<Response> {
    request.nonce = request.nonce.filter(|nonce| !nonce.is_empty());
    nonce.keep(request.nonce.as_ref())?;
    let id = request.activation_id.as_deref().filter(|id| !id.trim().is_empty());
    let target = match (id, request.fingerprint.filter(|fingerprint| !fingerprint.is_empty())) {
        (Some(id), _) => {
            let id = id.trim().parse().map_err(|_| Problem::not_found(ACTIVATION))?;
            DeactivationTargetRequest::Id(id)
        }
        (None, Some(fingerprint)) => DeactivationTargetRequest::Machine(raw(Some(fingerprint))),
        (None, None) => {
            let detail = "Say which machine: by activation_id or by fingerprint.";
            return Err(Problem::unprocessable("ACTIVATION_REQUIRED", detail));
        }
    };
    caller.limit_key(&app, &request.license_key)?;
    let about = ("deactivate_license", &bytes[..], StatusCode::OK);
    idempotency::once(&app, &caller, &headers, about, |context| async {
        let context = context;
        let order = DeactivationRequest {
            license_key: request.license_key,
            target,
            reason: request.reason,
        };
        let shape = |id: &ActivationId, position| {
            render::json(&DeactivateResponse {
                activation_id: id.to_string(),
                status: "deactivated".to_owned(),
                position,
                nonce: request.nonce.clone(),
            })
        };
        let done = app.platform.deactivate(&context, order, &|id| shape(id, 0)).await;
        let done = super::found(&app, &context, done).await?;
        Ok(render::answer(
            StatusCode::OK,
            shape(&done.value, done.position),
            &[render::position(done.position)],
        ))
    })
    .await
}

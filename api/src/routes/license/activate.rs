//! `POST /api/license/activate`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{Activated, ActivationRequest, MachineRequest};
use licet_contracts::license::{ActivateRequest, ActivateResponse};
use licet_domain::{permission::needed::ActivateLicenses, values::Timestamp};

use super::raw;
use crate::{
    App,
    auth::{Caller, token},
    extract::{Json, NonceSlot},
    idempotency,
    problem::Result,
    render,
    signing::{self, Hold},
};

/// Give a machine a seat, or find the one that it has.
#[utoipa::path(post, path = "/api/license/activate", tag = "license", operation_id = "activate_license",
    request_body = ActivateRequest,
    responses(
        (status = 201, description = "The machine took a seat.", body = ActivateResponse),
        (status = 200, description = "The machine had a seat already; nothing was counted twice, and a floating seat is held from now on.", body = ActivateResponse),
        (status = 404, description = "`LICENSE_NOT_FOUND`", body = licet_contracts::Problem),
        (status = 422, description = "`LICENSE_REVOKED`, `LICENSE_SUSPENDED`, `LICENSE_NOT_YET_VALID`, `LICENSE_EXPIRED`, \
            `FINGERPRINT_REQUIRED`, `FINGERPRINT_PLACEHOLDER`, `FINGERPRINT_INSUFFICIENT`, `VERSION_INVALID`, `VERSION_UNSUPPORTED`, \
            `ACTIVATION_LIMIT_REACHED` (with `limit` and `active`)", body = licet_contracts::Problem),
    ), security(("api_key" = [])))]
pub(crate) async fn activate_license(
    State(app): State<App>,
    caller: Caller<ActivateLicenses>,
    headers: HeaderMap,
    nonce: NonceSlot,
    Json { value: request, bytes }: Json<ActivateRequest>,
) -> Result<Response> {
    nonce.keep(request.nonce.as_ref())?;
    caller.limit_key(&app, &request.license_key)?;
    let about = ("activate_license", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, |context| async {
        let context = context;
        let order = ActivationRequest {
            license_key: request.license_key,
            machine: MachineRequest {
                fingerprint: raw(request.fingerprint),
                hostname: request.hostname,
                os: request.os,
                app_version: request.app_version,
            },
        };
        let shape =
            |activated: &Activated, position| shape(&app, activated, context.now, request.nonce.clone(), position);
        let taken = |activated: &Activated| render::json(&shape(activated, 0));
        let done = app.platform.activate(&context, order, &taken).await;
        let done = super::found(&app, &context, done).await?;
        let status = if done.changed {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let body = render::json(&shape(&done.value, done.position));
        Ok(render::answer(status, body, &[render::position(done.position)]))
    })
    .await
}

/// The answer that a machine gets whose seat is held from now on.
pub(super) fn shape(
    app: &App,
    activated: &Activated,
    now: Timestamp,
    nonce: Option<String>,
    position: i64,
) -> ActivateResponse {
    let Activated {
        activation,
        effective,
        fingerprint_key,
    } = activated;
    let id = activation.activated.activation_id;
    let interval = effective.terms().heartbeat_interval_seconds;
    let (token, token_expires_at) = token::issue(&app.settings.jwt_secret, effective.id(), id, interval, now);
    let lease = signing::issue(app, effective, activation, fingerprint_key, Hold::Moved, now);
    ActivateResponse {
        activation_id: id.to_string(),
        token,
        token_expires_at: token_expires_at.to_string(),
        license: render::summary(effective, now),
        lease: lease.token.to_string(),
        lease_expires_at: lease.expires_at.to_string(),
        heartbeat_interval_seconds: interval,
        position,
        ts: now.to_string(),
        nonce,
    }
}

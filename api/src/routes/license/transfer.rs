//! `POST /api/license/transfer`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{Activated, MachineRequest, TransferRequest as Order};
use licet_contracts::license::{ActivateResponse, TransferRequest};

use super::{activate::shape, raw};
use crate::{
    App,
    auth::Caller,
    extract::{Json, NonceSlot},
    idempotency,
    problem::{ACTIVATION, Problem, Result},
    render,
};
use licet_domain::permission::needed::ActivateLicenses;

/// Give one machine's seat to another: the old one goes and the new one comes, or neither.
#[utoipa::path(post, path = "/api/license/transfer", tag = "license", operation_id = "transfer_license",
    request_body = TransferRequest,
    responses(
        (status = 200, description = "The new machine has the seat.", body = ActivateResponse),
        (status = 404, description = "`LICENSE_NOT_FOUND`, `ACTIVATION_NOT_FOUND`", body = licet_contracts::Problem),
        (status = 409, description = "`ACTIVATION_NOT_ACTIVE` for whoever comes too late, `ALREADY_ACTIVE` for a machine that has a seat, `ACTIVATION_CHECKED_OUT` for a seat that was taken along offline", body = licet_contracts::Problem),
        (status = 422, description = "`TRANSFER_LIMIT_REACHED`", body = licet_contracts::Problem),
    ), security(("api_key" = [])))]
pub(crate) async fn transfer_license(
    State(app): State<App>,
    caller: Caller<ActivateLicenses>,
    headers: HeaderMap,
    nonce: NonceSlot,
    Json { value: request, bytes }: Json<TransferRequest>,
) -> Result<Response> {
    nonce.keep(request.nonce.as_ref())?;
    caller.limit_key(&app, &request.license_key)?;
    let from = request.from_activation_id.trim().parse();
    let from = from.map_err(|_| Problem::not_found(ACTIVATION))?;
    let about = ("transfer_license", &bytes[..], StatusCode::OK);
    idempotency::once(&app, &caller, &headers, about, |context| async {
        let context = context;
        let order = Order {
            from,
            to: MachineRequest {
                fingerprint: raw(request.fingerprint),
                hostname: request.hostname,
                os: request.os,
                app_version: request.app_version,
            },
            reason: request.reason,
        };
        let shape =
            |activated: &Activated, position| shape(&app, activated, context.now, request.nonce.clone(), position);
        let done = app
            .platform
            .transfer_by_key(&context, &request.license_key, order, &|activated| {
                render::json(&shape(activated, 0))
            })
            .await;
        let done = super::found(&app, &context, done).await?;
        let body = render::json(&shape(&done.value, done.position));
        Ok(render::answer(StatusCode::OK, body, &[render::position(done.position)]))
    })
    .await
}

//! `POST /api/admin/licenses/{id}/transfer` and `POST /api/admin/licenses/{id}/activations/{activation_id}/deactivate`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{Activated, MachineRequest, TransferRequest};
use licet_contracts::{Problem, admin, license::ActivationSummary};

use super::{holder, license_id};
use crate::{
    App,
    auth::Caller,
    extract::{Json, OptionalJson, Path, Path2},
    idempotency,
    problem::{self, ACTIVATION, Result},
    render,
    routes::license::raw,
};
use licet_domain::permission::needed::WriteActivations;

/// Move a seat from one machine to another.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/transfer", tag = "licenses", request_body = admin::TransferSeat, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The machine that has the seat now.", body = ActivationSummary), (status = 404, description = "`LICENSE_NOT_FOUND`, `ACTIVATION_NOT_FOUND`", body = Problem),
        (status = 409, description = "`ACTIVATION_NOT_ACTIVE`, `ALREADY_ACTIVE`, `ACTIVATION_CHECKED_OUT`", body = Problem),
        (status = 422, description = "`TRANSFER_LIMIT_REACHED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn transfer_seat(
    State(app): State<App>,
    caller: Caller<WriteActivations>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, bytes }: Json<admin::TransferSeat>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let from = value.from_activation_id.trim().parse();
    let from = from.map_err(|_| problem::Problem::not_found(ACTIVATION))?;
    let route = format!("Transfer/{id}");
    idempotency::once(
        &app,
        &caller,
        &headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let holder = holder(&app, &caller, id).await?;
            let order = TransferRequest {
                from,
                to: MachineRequest {
                    fingerprint: raw(value.fingerprint),
                    hostname: value.hostname,
                    os: value.os,
                    app_version: None,
                },
                reason: value.reason,
            };
            let body = |done: &Activated| {
                render::json(&render::activation(
                    &done.activation,
                    None,
                    holder.as_ref().map(|holder| &holder.sealer),
                ))
            };
            let done = app.platform.transfer_by_operator(&context, id, order, &body).await?;
            let position = render::position(done.position);
            Ok(render::answer(StatusCode::OK, body(&done.value), &[position]))
        },
    )
    .await
}

/// Take a machine's seat back.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/activations/{activation_id}/deactivate", tag = "licenses", request_body = admin::WithReason,
    params(("id" = uuid::Uuid, Path), ("activation_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The machine has no seat now, or had none any more.", body = ActivationSummary),
        (status = 404, description = "`LICENSE_NOT_FOUND`, `ACTIVATION_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn deactivate_seat(
    State(app): State<App>,
    caller: Caller<WriteActivations>,
    headers: HeaderMap,
    Path2(id, activation): Path2,
    OptionalJson { value, bytes }: OptionalJson<admin::WithReason>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let activation = activation.parse();
    let activation = activation.map_err(|_| problem::Problem::not_found(ACTIVATION))?;
    let route = format!("Deactivate/{id}/{activation}");
    idempotency::once(
        &app,
        &caller,
        &headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let holder = holder(&app, &caller, id).await?;
            let body = |seat: &std::sync::Arc<licet_domain::license::Activation>| {
                render::json(&render::activation(
                    seat,
                    None,
                    holder.as_ref().map(|holder| &holder.sealer),
                ))
            };
            let done = app
                .platform
                .deactivate_by_operator(&context, id, activation, value.reason, &body)
                .await?;
            let position = render::position(done.position);
            Ok(render::answer(StatusCode::OK, body(&done.value), &[position]))
        },
    )
    .await
}

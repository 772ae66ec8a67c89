//! `POST /api/admin/licenses/{id}/check-out`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{Activated, CheckOutRequest, MachineRequest};
use licet_contracts::{
    Problem, admin,
    lease::{AnswerFile, RequestFile},
};

use super::license_id;
use crate::{
    App,
    auth::Caller,
    extract::{Json, Path},
    idempotency, problem,
    problem::Result,
    render,
    routes::{license::raw, well_known::key_set},
    signing::{self, Hold},
};
use licet_domain::permission::needed::WriteActivations;

/// Give a machine that never goes online a seat and a longer lease: its request file in, the answer file out.
#[utoipa::path(post, path = "/api/admin/licenses/{id}/check-out", tag = "licenses", request_body = admin::CheckOut, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The answer file, to be carried to the machine.", body = AnswerFile),
        (status = 422, description = "`REQUEST_FILE_INVALID`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn check_out_license(
    State(app): State<App>,
    caller: Caller<WriteActivations>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, bytes }: Json<admin::CheckOut>,
) -> Result<Response> {
    let id = license_id(&id)?;
    let file = serde_json::from_str::<RequestFile>(&value.request).ok();
    let file = file.filter(|file| file.licet_request == 1).ok_or_else(|| {
        let detail = "request is not the text of a request file, as `licet-client request` writes it.";
        problem::Problem::unprocessable("REQUEST_FILE_INVALID", detail)
    })?;
    let route = format!("CheckOut/{id}");
    idempotency::once(
        &app,
        &caller,
        &headers,
        (&route, &bytes, StatusCode::OK),
        |context| async {
            let context = context;
            let order = CheckOutRequest {
                machine: MachineRequest {
                    fingerprint: raw(Some(file.fingerprint)),
                    hostname: file.hostname,
                    os: file.os,
                    app_version: file.app_version,
                },
                days: value.days,
            };
            let body = |done: &Activated| {
                let lease = signing::issue(
                    &app,
                    &done.effective,
                    &done.activation,
                    &done.fingerprint_key,
                    Hold::Moved,
                    context.now,
                );
                render::json(&AnswerFile {
                    activation_id: done.activation.id().to_string(),
                    lease: lease.token.to_string(),
                    lease_expires_at: lease.expires_at.to_string(),
                    keys: key_set(&app),
                })
            };
            let done = app.platform.check_out(&context, id, order, &body).await?;
            let position = render::position(done.position);
            Ok(render::answer(StatusCode::OK, body(&done.value), &[position]))
        },
    )
    .await
}

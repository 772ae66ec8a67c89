//! `POST /api/admin/licenses`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::license::{IssuedKey, NewLicenses};
use licet_contracts::{Problem, admin};

use super::holder_of;
use crate::{App, auth::Caller, extract::Json, idempotency, problem::Result, render};
use licet_domain::permission::needed::IssueLicenses;

/// Issue licenses to a customer. Their keys are answered in full here.
#[utoipa::path(post, path = "/api/admin/licenses", tag = "licenses", request_body = admin::CreateLicenses,
    responses((status = 201, description = "Issued: all of them.", body = admin::IssuedLicenses),
        (status = 404, description = "`CUSTOMER_NOT_FOUND`, `POLICY_NOT_FOUND`", body = Problem),
        (status = 409, description = "`CUSTOMER_RETIRED`, `POLICY_RETIRED`, `PRODUCT_RETIRED`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_licenses(
    State(app): State<App>,
    caller: Caller<IssueLicenses>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateLicenses>,
) -> Result<Response> {
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_licenses", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let customer = value.customer_id.parse::<uuid::Uuid>().ok();
            // The customer's key opens the note that was just given; an unknown customer is refused by the command.
            let holder = match customer {
                Some(id)
                    if app
                        .platform
                        .resources
                        .customers
                        .get(&caller.tenant, id)
                        .await
                        .is_ok_and(|known| known.version > 0) =>
                {
                    holder_of(&app, &caller, id).await?
                }
                _ => None,
            };
            let new = NewLicenses {
                customer_id: value.customer_id,
                policy: value.policy,
                count: value.count,
                seats: value.seats,
                valid_from: value.valid_from,
                expires_at: value.expires_at,
                features: value.features,
                limits: value.limits,
                note: value.note,
            };
            let json = |issued: &Vec<IssuedKey>| {
                let show = |one: &IssuedKey| {
                    render::license(&one.effective, Some(&one.key.to_string()), holder.as_ref(), context.now)
                };
                render::json(&admin::IssuedLicenses {
                    items: issued.iter().map(show).collect(),
                })
            };
            let done = app.platform.issue_licenses(&context, new, &json).await?;
            let first = done
                .value
                .first()
                .map(|one| one.effective.id().to_string())
                .unwrap_or_default();
            let headers = [render::position(done.position), render::location("licenses", &first)];
            Ok(render::answer(StatusCode::CREATED, json(&done.value), &headers))
        },
    )
    .await
}

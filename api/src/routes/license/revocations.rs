//! `GET /api/license/revocations`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use licet_contracts::lease::{ISSUER, REVOCATIONS_TYPE, RevocationClaims};
use licet_projections::revocations;

use crate::{
    App,
    auth::Caller,
    freshness,
    problem::{Result, unavailable},
    signing,
};

/// Fetch the signed list of leases that were called back and could still be alive.
#[utoipa::path(get, path = "/api/license/revocations", tag = "license", operation_id = "list_revocations",
    responses((status = 200, description = "A compact JWS, `typ` `licet-revocations+jwt`.", body = String, content_type = "application/jose")),
    security(("api_key" = []), ("bearer" = [])))]
pub(crate) async fn list_revocations(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response> {
    caller.require_client(&app).await?;
    // The list says how things stood at a moment: a lease that was issued since is not on it, so nothing may be older.
    let now = app.platform.edge.now();
    let head = app.platform.log.position().await.map_err(unavailable)?;
    for model in ["activations", "license_state"] {
        freshness::of_read_model(&app, &headers, model).await?;
        freshness::wait(&app, model, head).await?;
    }
    let list = revocations::list(&app.reader, &app.tenant, now)
        .await
        .map_err(unavailable)?;
    let claims = RevocationClaims {
        iss: ISSUER.to_owned(),
        iat: now.seconds(),
        issued_ms: now.millis(),
        lic: list.licenses.iter().map(ToString::to_string).collect(),
        act: list.activations.iter().map(ToString::to_string).collect(),
        ver: 1,
    };
    let mut response = signing::jws(&app, REVOCATIONS_TYPE, &claims).into_response();
    let kind = HeaderValue::from_static("application/jose");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

//! `GET /api/license/revocations`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use licet_contracts::lease::{ISSUER, REVOCATIONS_TYPE, RevocationClaims};
use licet_domain::{permission::needed::UseLicenses, values::Timestamp};
use licet_event_store::{AsOf, Tenant};
use licet_projections::revocations::{self, AliveSince};

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
pub(crate) async fn list_revocations(
    State(app): State<App>,
    caller: Caller<UseLicenses>,
    headers: HeaderMap,
) -> Result<Response> {
    caller.seat(&app).await?;
    // The list says how things stood at a moment: a lease that was issued since is not on it, so nothing may be older.
    let now = app.platform.edge.now();
    let head = app.platform.log.position().await.map_err(unavailable)?;
    for model in ["activations", "license_state"] {
        freshness::of_read_model(&app, &headers, model).await?;
        freshness::wait(&app, model, head).await?;
    }
    let since = alive_since(&app, &caller.tenant, now).await?;
    let list = revocations::list(&app.reader, &caller.tenant, now, since)
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

/// From when on leases could be alive; where the log stood then is looked up once a day.
async fn alive_since(app: &App, tenant: &Tenant, now: Timestamp) -> Result<AliveSince> {
    let at = revocations::alive_since(&app.reader, tenant, now).await;
    let at = at.map_err(unavailable)?;
    if let Some(known) = app.alive_since.get(tenant).filter(|known| known.at == at) {
        return Ok(known);
    }
    let position = app.platform.log.position_at(AsOf::Time(at)).await;
    let position = position.map_err(unavailable)?;
    let since = AliveSince { at, position };
    app.alive_since.insert(tenant.clone(), since);
    Ok(since)
}

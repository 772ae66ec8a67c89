//! `GET /api/license/info/{license_key}`

use std::cmp::Reverse;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::license::InfoResponse;
use licet_projections::heartbeats;

use crate::{
    App,
    auth::Caller,
    freshness,
    problem::{Problem, Result, unavailable},
    render,
};
use licet_domain::{license::License, permission::needed::ActivateLicenses};

/// Machines listed at most.
const MACHINES: usize = 200;

/// Read a license by its key, with its machines.
#[utoipa::path(get, path = "/api/license/info/{license_key}", tag = "license", operation_id = "license_info",
    params(("license_key" = String, Path, description = "The license key, however it is typed")),
    responses(
        (status = 200, description = "The license.", body = InfoResponse),
        (status = 404, description = "`LICENSE_NOT_FOUND`", body = licet_contracts::Problem),
    ), security(("api_key" = [])))]
pub(crate) async fn license_info(
    State(app): State<App>,
    caller: Caller<ActivateLicenses>,
    headers: HeaderMap,
    key: std::result::Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response> {
    // A key that is no UTF-8 is malformed, and a malformed key is simply not found.
    let Path(key) = key.map_err(|_| Problem::not_found(License::KIND))?;
    caller.limit_key(&app, &key)?;
    // When a machine was last seen is told by a read model, all else by the log.
    freshness::of_read_model(&app, &headers, "license_heartbeats").await?;
    let found = app.platform.license_by_key(&caller.tenant, &key).await?;
    let found = found.filter(|(_, license)| license.state.in_books().is_some());
    let Some((id, _)) = found else {
        super::slow_down(&app, &caller.reading(&app)).await;
        return Err(Problem::not_found(License::KIND));
    };
    let license = app
        .platform
        .licenses
        .fresh(&caller.tenant, id.0)
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    let effective = app.platform.effective(&caller.tenant, &license).await?;
    let person = app
        .platform
        .person_sealer(&caller.tenant, effective.license().issued.customer_id)
        .await?;
    let mut machines: Vec<_> = effective.license().activations().collect();
    machines.sort_unstable_by_key(|machine| Reverse(machine.sequence));
    machines.truncate(MACHINES);
    let ids: Vec<_> = machines.iter().map(|machine| machine.id().0).collect();
    let seen = heartbeats::last_seen(&app.reader, &caller.tenant, &ids)
        .await
        .map_err(unavailable)?;
    let answer = InfoResponse {
        license: render::summary(&effective, app.platform.edge.now()),
        activations: machines
            .iter()
            .map(|machine| render::activation(machine, seen.get(&machine.id().0).copied(), person.as_ref()))
            .collect(),
        position: license.position,
    };
    Ok(render::answer(
        StatusCode::OK,
        render::json(&answer),
        &[render::position(license.position)],
    ))
}

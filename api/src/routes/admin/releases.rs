//! `/api/admin/releases`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::release::NewRelease;
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    api_key::Scope,
    release::{PublishedRelease, Release},
};
use licet_projections::resources;
use serde::Deserialize;
use utoipa::IntoParams;

use super::reading::{self, AsOfQuery, HistoryQuery, ListQuery};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, Path, Query},
    freshness, idempotency, problem,
    problem::{Result, unavailable},
    render,
    reply::{self, Reply},
};

fn reply(release: &PublishedRelease) -> Reply {
    let shown = render::release(release);
    Reply::of(("releases", &shown.id), &shown, &render::release_editable(release))
}

/// Publish a version of a product.
#[utoipa::path(post, path = "/api/admin/releases", tag = "releases", request_body = admin::CreateRelease,
    responses((status = 201, description = "Published.", body = admin::Release),
        (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem),
        (status = 409, description = "`RELEASE_EXISTS`, `PRODUCT_RETIRED`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`, `VERSION_INVALID`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_release(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateRelease>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_release", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let new = NewRelease {
                product: value.product,
                version: value.version,
                channel: value.channel.unwrap_or_else(|| "stable".to_owned()),
                mandatory: value.mandatory.unwrap_or(false),
                min_version: value.min_version,
                download_url: value.download_url,
                sha256: value.sha256,
                notes: value.notes,
                rollout_percent: value.rollout_percent,
            };
            let done = app
                .platform
                .publish_release(&context, new, &|release| reply(release).kept())
                .await?;
            Ok(reply::answer(&done, StatusCode::CREATED, reply))
        },
    )
    .await
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// Of one product, by code or id.
    product: Option<String>,
}

/// List the releases on offer, by time of publication.
#[utoipa::path(get, path = "/api/admin/releases", tag = "releases",
    params(ListQuery, ReleaseQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Release>), (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_releases(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, filter): Query<ListQuery, ReleaseQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let request = query.request()?;
    let product = match &filter.product {
        Some(named) => Some(app.platform.find_product(&app.tenant, named).await?),
        None => None,
    };
    let page = resources::list::<Release>(&app.reader, &app.tenant, product, &request)
        .await
        .map_err(unavailable)?;
    Ok(reading::page(page, |row| row.state.facts().map(render::release)))
}

/// Read a release, now or as it was.
#[utoipa::path(get, path = "/api/admin/releases/{id}", tag = "releases",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The release.", body = admin::Release), (status = 404, description = "`RELEASE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_release(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, "release")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.releases, id).await?;
    let release = state
        .state
        .facts()
        .ok_or_else(|| problem::Problem::not_found("release"))?;
    Ok(reply(release).answer(StatusCode::OK, state.position))
}

/// Offer a release to more machines, or to fewer.
#[utoipa::path(patch, path = "/api/admin/releases/{id}", tag = "releases", request_body = admin::EditRelease, params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Release), (status = 409, description = "`RELEASE_YANKED`", body = Problem), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn roll_out_release(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditRelease>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "release")?, if_match(&headers)?);
    let unchanged = |release: &PublishedRelease| render::matches(&tag, &render::release_editable(release));
    let context = caller.context(&app, None);
    let done = app
        .platform
        .roll_out_release(&context, id, value.rollout_percent, &unchanged, &|release| {
            reply(release).kept()
        })
        .await?;
    Ok(reply::answer(&done, StatusCode::OK, reply))
}

/// Take a release back.
#[utoipa::path(delete, path = "/api/admin/releases/{id}", tag = "releases", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "No longer offered."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn yank_release(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "release")?, if_match(&headers)?);
    let unchanged = |release: &PublishedRelease| render::matches(&tag, &render::release_editable(release));
    let done = app
        .platform
        .yank_release(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

/// Read a release's history.
#[utoipa::path(get, path = "/api/admin/releases/{id}/events", tag = "releases", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn release_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history::<Release>(&app, &caller, &query, (&id, "release")).await
}

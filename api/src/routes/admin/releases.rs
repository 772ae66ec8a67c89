//! `/api/admin/releases`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::release::NewRelease;
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    permission::needed::{ReadReleases, WriteReleases},
    release::Release,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{
    reading::{AsOfQuery, HistoryQuery, ListQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Json, Path, Query},
    problem::Result,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_release, list_releases))
        .routes(guarded!(read_release, roll_out_release, yank_release))
        .routes(guarded!(release_events))
}

impl Shown for Release {
    type Shape = admin::Release;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<admin::Release> {
        let release = self.facts()?;
        let published = &release.published;
        Some(admin::Release {
            id: published.release_id.to_string(),
            product_id: published.product_id.to_string(),
            version: published.version.to_string(),
            channel: published.channel.to_string(),
            mandatory: published.mandatory,
            min_version: published.min_version.as_ref().map(ToString::to_string),
            download_url: published.download_url.as_ref().map(|url| url.as_str().to_owned()),
            sha256: published.sha256.as_ref().map(|digest| digest.as_str().to_owned()),
            notes: published.notes.as_ref().map(|notes| notes.as_str().to_owned()),
            rollout_percent: release.rollout_percent,
            status: if release.yanked { "yanked" } else { "published" }.to_owned(),
            created_at: published.at.to_string(),
        })
    }
}

/// Publish a version of a product.
#[utoipa::path(post, path = "/api/admin/releases", tag = "releases", request_body = admin::CreateRelease,
    responses((status = 201, description = "Published.", body = admin::Release),
        (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem),
        (status = 409, description = "`RELEASE_EXISTS`, `PRODUCT_RETIRED`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`, `VERSION_INVALID`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_release(
    State(app): State<App>,
    caller: Caller<WriteReleases>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateRelease>,
) -> Result<Response> {
    resource::create(&app, &caller, (&headers, &bytes), async |context| {
        let new = NewRelease {
            product: value.product,
            version: value.version,
            channel: value
                .channel
                .filter(|text| !text.trim().is_empty())
                .unwrap_or_else(|| "stable".to_owned()),
            mandatory: value.mandatory.unwrap_or(false),
            min_version: value.min_version,
            download_url: value.download_url,
            sha256: value.sha256,
            notes: value.notes,
            rollout_percent: value.rollout_percent,
        };
        app.platform.publish_release(&context, new, &resource::kept).await
    })
    .await
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// Of one product, by code or id.
    product: Option<String>,
    /// On offer, unless those are asked for that were taken back.
    #[param(inline)]
    status: Option<ListedRelease>,
}

/// Whether a release is on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ListedRelease {
    Published,
    Yanked,
}

/// List releases, by time of publication.
#[utoipa::path(get, path = "/api/admin/releases", tag = "releases",
    params(ListQuery, ReleaseQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Release>), (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_releases(
    State(app): State<App>,
    caller: Caller<ReadReleases>,
    headers: HeaderMap,
    Query(query, filter): Query<ListQuery, ReleaseQuery>,
) -> Result<Response> {
    let product = match &filter.product {
        Some(named) => Some(app.platform.find_product(&caller.tenant, named).await?),
        None => None,
    };
    let mut request = query.request()?;
    request.retired = Some(filter.status == Some(ListedRelease::Yanked));
    resource::list::<Release>(&app, &caller, &headers, request, product).await
}

/// Read a release, now or as it was.
#[utoipa::path(get, path = "/api/admin/releases/{id}", tag = "releases",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The release.", body = admin::Release), (status = 404, description = "`RELEASE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_release(
    State(app): State<App>,
    caller: Caller<ReadReleases>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Release>(&app, &caller, &query, &id).await
}

/// Offer a release to more machines, or to fewer.
#[utoipa::path(patch, path = "/api/admin/releases/{id}", tag = "releases", request_body = admin::EditRelease, params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Release), (status = 409, description = "`RELEASE_YANKED`", body = Problem), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn roll_out_release(
    State(app): State<App>,
    caller: Caller<WriteReleases>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditRelease>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Release>(&id, &headers)?;
    let context = caller.context(&app, None);
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .roll_out_release(&context, id, value.rollout_percent, &unchanged, &resource::kept)
        .await?;
    resource::answer(&done, StatusCode::OK)
}

/// Take a release back.
#[utoipa::path(delete, path = "/api/admin/releases/{id}", tag = "releases", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "No longer offered."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn yank_release(
    State(app): State<App>,
    caller: Caller<WriteReleases>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<Release>(&app, &caller, &headers, &id).await
}

/// Read a release's history.
#[utoipa::path(get, path = "/api/admin/releases/{id}/events", tag = "releases", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn release_events(
    State(app): State<App>,
    caller: Caller<ReadReleases>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Release>(&app, &caller, &query, &id).await
}

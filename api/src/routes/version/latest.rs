//! `GET /api/version/latest`

use axum::{extract::State, http::StatusCode, response::Response};
use licet_contracts::version::LatestVersionResponse;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    App,
    auth::Caller,
    catalog,
    extract::Query,
    problem::{Problem, Result},
    render,
};
use licet_domain::{Resource as _, permission::needed::UseLicenses, release::Release};

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LatestQuery {
    /// By code or id.
    product: String,
    /// `stable`, unless another is named.
    channel: Option<String>,
}

/// Read the newest version of a channel that is on offer, roll-outs to a part of the machines left out.
#[utoipa::path(get, path = "/api/version/latest", tag = "version", operation_id = "latest_version",
    params(LatestQuery),
    responses(
        (status = 200, description = "The newest.", body = LatestVersionResponse),
        (status = 404, description = "`PRODUCT_NOT_FOUND`, `RELEASE_NOT_FOUND`", body = licet_contracts::Problem),
    ), security(("api_key" = []), ("bearer" = [])))]
pub(crate) async fn latest_version(
    State(app): State<App>,
    caller: Caller<UseLicenses>,
    Query(query, _): Query<LatestQuery>,
) -> Result<Response> {
    caller.seat(&app).await?;
    let channel = query.channel.as_deref().unwrap_or("stable").trim().to_lowercase();
    let product = super::product(&app, &caller, &query.product).await?;
    let releases = catalog::releases(&app, &caller.tenant, product.id).await?;
    let newest = releases
        .iter()
        .filter(|release| !release.yanked && release.rollout_percent == 100)
        .map(|release| &release.published)
        .filter(|published| published.channel.as_str() == channel)
        .max_by(|one, other| one.version.cmp_precedence(&other.version))
        .ok_or_else(|| Problem::not_found(Release::KIND))?;
    let answer = LatestVersionResponse {
        product: product.code.to_string(),
        channel,
        version: newest.version.to_string(),
        mandatory: newest.mandatory,
        min_version: product.min_version.as_ref().map(ToString::to_string),
        download_url: newest.download_url.as_ref().map(|url| url.as_str().to_owned()),
        sha256: newest.sha256.as_ref().map(|digest| digest.as_str().to_owned()),
        notes: newest.notes.as_ref().map(|notes| notes.as_str().to_owned()),
        published_at: newest.at.to_string(),
    };
    Ok(render::answer(StatusCode::OK, render::json(&answer), &[]))
}

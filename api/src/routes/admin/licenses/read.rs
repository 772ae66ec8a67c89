//! `GET /api/admin/licenses` and what is below it.

use std::num::NonZeroU16;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{license::License, permission::needed::ReadLicenses, values::Timestamp};
use licet_projections::{
    ListedBy,
    license_state::{self, KeySearch, LicenseFilter},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::reading::{self, AsOfQuery, HistoryQuery, PageQuery},
    holder, license_id, reply, shown,
};
use crate::{
    App,
    auth::Caller,
    extract::{Path, Query},
    freshness,
    problem::{Result, unavailable},
};

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LicenseQuery {
    /// Of one customer.
    customer_id: Option<Uuid>,
    /// Of one policy, by code or id.
    policy: Option<String>,
    /// Of one product, by code or id.
    product: Option<String>,
    /// How they stand.
    #[param(inline)]
    status: Option<ListedStatus>,
    /// With this key: all of it, or its last group.
    q: Option<String>,
    /// That end before this moment, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    expires_before: Option<Timestamp>,
    /// That end at this moment or later, or never, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    expires_after: Option<Timestamp>,
    /// With at least so many free seats.
    #[param(value_type = Option<u16>, minimum = 1)]
    seats_free: Option<NonZeroU16>,
    /// By when they were issued (which is when they were created), when they end, how many machines hold a seat, or when one of
    /// their machines reported last (those of which none has come first); a minus for the other way round.
    #[param(inline)]
    sort: Option<LicenseSort>,
}

/// The order of licenses.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
pub(crate) enum LicenseSort {
    #[default]
    #[serde(rename = "issued_at", alias = "created_at")]
    IssuedFirst,
    #[serde(rename = "-issued_at", alias = "-created_at")]
    IssuedLast,
    #[serde(rename = "expires_at")]
    EndsFirst,
    #[serde(rename = "-expires_at")]
    EndsLast,
    #[serde(rename = "active")]
    FewestFirst,
    #[serde(rename = "-active")]
    MostFirst,
    #[serde(rename = "last_seen_at")]
    SilentFirst,
    #[serde(rename = "-last_seen_at")]
    SeenFirst,
}

impl LicenseSort {
    fn order(self) -> (ListedBy, bool) {
        match self {
            Self::IssuedFirst => (ListedBy::Creation, false),
            Self::IssuedLast => (ListedBy::Creation, true),
            Self::EndsFirst => (ListedBy::End, false),
            Self::EndsLast => (ListedBy::End, true),
            Self::FewestFirst => (ListedBy::Active, false),
            Self::MostFirst => (ListedBy::Active, true),
            Self::SilentFirst => (ListedBy::LastSeen, false),
            Self::SeenFirst => (ListedBy::LastSeen, true),
        }
    }
}

/// How licenses stand that are listed.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListedStatus {
    Active,
    Suspended,
    Revoked,
    Expired,
    NotYetValid,
}

impl ListedStatus {
    /// Whether its end was recorded, and whether it has begun, tell how one stands that nobody stopped.
    fn write(self, filter: &mut LicenseFilter) {
        let (standing, over, begun) = match self {
            Self::Active => ("active", Some(false), Some(true)),
            Self::Expired => ("active", Some(true), None),
            Self::NotYetValid => ("active", Some(false), Some(false)),
            Self::Suspended => ("suspended", None, None),
            Self::Revoked => ("revoked", None, None),
        };
        (filter.standing, filter.over, filter.begun) = (Some(standing), over, begun);
    }
}

/// List licenses, by time of issue, by their end, by how many machines they have, or by when these reported last.
#[utoipa::path(get, path = "/api/admin/licenses", tag = "licenses",
    params(PageQuery, LicenseQuery),
    responses((status = 200, description = "A page.", body = Page<admin::License>), (status = 404, description = "`POLICY_NOT_FOUND`, `PRODUCT_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_licenses(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, filters): Query<PageQuery, LicenseQuery>,
) -> Result<Response> {
    let min_position = freshness::of_read_model(&app, &headers, "license_state").await?;
    let (by, descending) = filters.sort.unwrap_or_default().order();
    if by == ListedBy::LastSeen {
        freshness::of_read_model(&app, &headers, "license_heartbeats").await?;
    }
    let mut request = page.request_by(by, descending)?;
    request.min_position = min_position;
    let mut filter = LicenseFilter {
        customer_id: filters.customer_id,
        expires_before: filters.expires_before,
        expires_after: filters.expires_after,
        seats_free: filters.seats_free.map(|seats| i32::from(seats.get())),
        ..LicenseFilter::default()
    };
    if let Some(named) = &filters.policy {
        filter.policy_id = Some(app.platform.find_policy(&caller.tenant, named).await?);
    }
    if let Some(named) = &filters.product {
        filter.product_id = Some(app.platform.find_product(&caller.tenant, named).await?);
    }
    filter.now = app.platform.edge.now();
    if let Some(status) = filters.status {
        status.write(&mut filter);
    }
    if let Some(typed) = filters.q.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) {
        filter.key = Some(match app.platform.license_by_key(&caller.tenant, typed).await? {
            Some((id, _)) => KeySearch::License(id.0),
            None => KeySearch::Ending(typed.to_uppercase()),
        });
    }
    let page = license_state::list(&app.reader, &caller.tenant, &filter, &request)
        .await
        .map_err(unavailable)?;
    let shown = shown(&app, &caller, &page.items).await?;
    let mut shown = shown.into_iter();
    Ok(reading::page(page, |_| shown.next()))
}

/// Read a license, now or as it was.
#[utoipa::path(get, path = "/api/admin/licenses/{id}", tag = "licenses",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The license.", body = admin::License), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_license(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = license_id(&id)?;
    let moment = reading::as_of(&app, &query).await?;
    let effective = match moment {
        Some(moment) => {
            let position = moment.position;
            app.platform.effective_as_of(&caller.tenant, id, position).await?
        }
        None => {
            let license = app
                .platform
                .licenses
                .fresh(&caller.tenant, id.0)
                .await
                .map_err(licet_commands::CommandError::from)?;
            app.platform.effective(&caller.tenant, &license).await?
        }
    };
    let holder = holder(&app, &caller, id).await?;
    let at = moment.map_or_else(|| app.platform.edge.now(), |moment| moment.at);
    Ok(reply(&effective, holder.as_ref(), at).answer(StatusCode::OK, effective.position))
}

/// Read a license's history.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/events", tag = "licenses", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn license_events(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history(&app, &caller, &query, &id, License::KIND).await
}

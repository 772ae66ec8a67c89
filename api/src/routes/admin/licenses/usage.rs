//! `/api/admin/licenses/{id}/heartbeats`, `/activity`, `/feature-usage`, `/meters`, `/usage-stats` and `/decisions`

use axum::{extract::State, http::HeaderMap, http::StatusCode, response::Response};
use licet_contracts::{
    Page, Problem,
    usage::{ActivityBucket, Decision, FeatureCount, HeartbeatEntry, MeterAmount, Series, UsageStats},
};
use licet_domain::{
    decision,
    license::License,
    permission::needed::ReadLicenses,
    values::{LicenseId, Timestamp},
};
use licet_projections::{
    decisions::{self, DecisionFilter, DecisionPlace, DecisionRow},
    heartbeats::{self, BeatRow, Range},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    super::reading::{self, PageQuery, RangeQuery},
    license_id,
};
use crate::{
    App,
    auth::{Caller, Principal},
    extract::{Path, Query, refused},
    freshness,
    problem::{self, Result, unavailable},
    render,
};

/// The license, and the range that `from` and `to` name; by default the days before now.
async fn asked(
    app: &App,
    caller: &Principal,
    (headers, range, model): (&HeaderMap, &RangeQuery, &str),
    (id, days): (&str, i64),
) -> Result<(LicenseId, Range)> {
    let id = license_id(id)?;
    freshness::of_read_model(app, headers, model).await?;
    let license = app.platform.licenses.get(&caller.tenant, id.0).await;
    let license = license.map_err(licet_commands::CommandError::from)?;
    if license.state.facts().is_none() {
        return Err(problem::Problem::not_found(License::KIND));
    }
    // Nothing is recorded later than now.
    let now = app.platform.edge.now().plus_seconds(1);
    let to = range.to.unwrap_or(now).min(now);
    let from = range.from.unwrap_or_else(|| to.plus_seconds(-days * 86_400));
    if from > to {
        return Err(refused(
            "from",
            "The range begins after its end, or is still to come.".to_owned(),
        ));
    }
    Ok((id, Range { from, to }))
}

fn time(moment: OffsetDateTime) -> String {
    Timestamp::from(moment).to_string()
}

fn series<T: Serialize>(range: Range, items: Vec<T>) -> Response {
    let series = Series {
        from: range.from.to_string(),
        to: range.to.to_string(),
        items,
    };
    render::answer(StatusCode::OK, render::json(&series), &[])
}

/// Into what a range is divided. The bucket in which a range begins counts whole.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActivityBucketSize {
    #[default]
    Hour,
    Day,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityQuery {
    /// Hours or days, in UTC.
    #[param(inline)]
    bucket: Option<ActivityBucketSize>,
}

/// Into what the use of features is divided.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeatureBucketSize {
    #[default]
    Day,
    Month,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeatureQuery {
    /// Days or months, in UTC.
    #[param(inline)]
    bucket: Option<FeatureBucketSize>,
}

/// Into what the use of meters is divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MeterBucketSize {
    #[default]
    Period,
    Day,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MeterQuery {
    /// Billing periods or days, in UTC.
    #[param(inline)]
    bucket: Option<MeterBucketSize>,
}

/// List a license's beats in a range, oldest first.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/heartbeats", tag = "usage",
    params(("id" = uuid::Uuid, Path), PageQuery, RangeQuery),
    responses((status = 200, description = "A page.", body = Page<HeartbeatEntry>), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_heartbeats(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, range): Query<PageQuery, RangeQuery>,
    Path(id): Path,
) -> Result<Response> {
    let model = (&headers, &range, "license_heartbeats");
    let (id, range) = asked(&app, &caller, model, (&id, 1)).await?;
    let limit = page.limit();
    let after = page.after(read_cursor)?.unwrap_or((OffsetDateTime::UNIX_EPOCH, 0));
    let rows = heartbeats::beats(&app.reader, &caller.tenant, id.0, range, after, limit + 1)
        .await
        .map_err(unavailable)?;
    let most = page.most();
    let counted = heartbeats::count_beats(&app.reader, &caller.tenant, id.0, range, most).await;
    let total = reading::total(counted.map_err(unavailable)?, most);
    Ok(reading::slice(rows, limit, total, write_cursor, entry))
}

/// A place in time: where a page goes on without looking at what came before it.
fn write_cursor(row: &BeatRow) -> String {
    format!("{}-{}", reading::moment_in_cursor(row.recorded_at), row.position)
}

fn read_cursor(text: &str) -> Option<(OffsetDateTime, i64)> {
    let (micros, position) = text.split_once('-')?;
    Some((reading::cursor_moment(micros)?, position.parse().ok()?))
}

fn entry(row: BeatRow) -> HeartbeatEntry {
    HeartbeatEntry {
        position: row.position,
        activation_id: row.activation_id.to_string(),
        recorded_at: time(row.recorded_at),
        code: row.code,
        active_users: row.active_users,
        app_version: row.app_version,
        features: serde_json::from_str(&row.features).unwrap_or_default(),
        usage: serde_json::from_str(&row.usage).unwrap_or_default(),
    }
}

/// Read beats, machines and users of a license by hour or by day.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/activity", tag = "usage",
    params(("id" = uuid::Uuid, Path), RangeQuery, ActivityQuery),
    responses((status = 200, description = "Buckets with at least one beat, at most 10,000.", body = Series<ActivityBucket>)), security(("api_key" = [])))]
pub(crate) async fn license_activity(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(range, query): Query<RangeQuery, ActivityQuery>,
    Path(id): Path,
) -> Result<Response> {
    let bucket = match query.bucket.unwrap_or_default() {
        ActivityBucketSize::Hour => "hour",
        ActivityBucketSize::Day => "day",
    };
    let model = (&headers, &range, "license_heartbeats");
    let (id, range) = asked(&app, &caller, model, (&id, 30)).await?;
    let rows = heartbeats::activity(&app.reader, &caller.tenant, id.0, bucket, range)
        .await
        .map_err(unavailable)?;
    let items = rows.into_iter().map(|row| ActivityBucket {
        since: time(row.since),
        beats: row.beats,
        machines: row.machines,
        active_users: row.active_users,
    });
    Ok(series(range, items.collect()))
}

/// Read how often a license's features were used, by day or by month.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/feature-usage", tag = "usage",
    params(("id" = uuid::Uuid, Path), RangeQuery, FeatureQuery),
    responses((status = 200, description = "Features and days with use, at most 10,000.", body = Series<FeatureCount>)), security(("api_key" = [])))]
pub(crate) async fn license_feature_usage(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(range, query): Query<RangeQuery, FeatureQuery>,
    Path(id): Path,
) -> Result<Response> {
    let model = (&headers, &range, "license_heartbeats");
    let (id, range) = asked(&app, &caller, model, (&id, 30)).await?;
    let bucket = match query.bucket.unwrap_or_default() {
        FeatureBucketSize::Day => "day",
        FeatureBucketSize::Month => "month",
    };
    let rows = heartbeats::features(&app.reader, &caller.tenant, id.0, bucket, range)
        .await
        .map_err(unavailable)?;
    let items = rows.into_iter().map(|row| FeatureCount {
        feature: row.feature,
        day: time(row.day),
        count: row.count,
    });
    Ok(series(range, items.collect()))
}

/// Read how much of each meter a license used, by billing period (a calendar month in UTC) or by day.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/meters", tag = "usage",
    params(("id" = uuid::Uuid, Path), RangeQuery, MeterQuery),
    responses((status = 200, description = "Meters and periods with use.", body = Series<MeterAmount>)), security(("api_key" = [])))]
pub(crate) async fn license_meters(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(range, query): Query<RangeQuery, MeterQuery>,
    Path(id): Path,
) -> Result<Response> {
    let model = (&headers, &range, "license_heartbeats");
    let (id, range) = asked(&app, &caller, model, (&id, 366)).await?;
    let by_day = query.bucket == Some(MeterBucketSize::Day);
    let rows = if by_day {
        heartbeats::meters_by_day(&app.reader, &caller.tenant, id.0, range).await
    } else {
        heartbeats::meters(&app.reader, &caller.tenant, id.0, range).await
    };
    let rows = rows.map_err(unavailable)?;
    let license = app.platform.licenses.get(&caller.tenant, id.0).await;
    let license = license.map_err(licet_commands::CommandError::from)?;
    let effective = app.platform.effective(&caller.tenant, &license).await?;
    let limits = effective.limits();
    let items = rows.into_iter().map(|row| MeterAmount {
        // A limit is one of a period.
        limit: limits.get(&row.meter).map(|limit| limit.amount).filter(|_| !by_day),
        meter: row.meter,
        period: time(row.period),
        amount: row.amount,
    });
    Ok(series(range, items.collect()))
}

/// Read a license's figures over its whole life.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/usage-stats", tag = "usage", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The figures; zeros when no machine has reported yet.", body = UsageStats)), security(("api_key" = [])))]
pub(crate) async fn license_usage_stats(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let always = RangeQuery { from: None, to: None };
    let model = (&headers, &always, "license_heartbeats");
    let (id, _) = asked(&app, &caller, model, (&id, 1)).await?;
    let stats = heartbeats::stats(&app.reader, &caller.tenant, id.0)
        .await
        .map_err(unavailable)?;
    let shown = stats.map_or_else(UsageStats::default, |stats| UsageStats {
        beats: stats.beats,
        machines: stats.machines,
        first_beat_at: Some(time(stats.first_beat_at)),
        last_beat_at: Some(time(stats.last_beat_at)),
        peak_machines: stats.peak_machines,
        peak_users: stats.peak_users,
    });
    Ok(render::answer(StatusCode::OK, render::json(&shown), &[]))
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DecisionQuery {
    /// When the range begins, RFC 3339; 30 days before its end.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// When it ends, RFC 3339; now.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Of one machine, by its digest.
    machine: Option<String>,
    /// Of one activation.
    activation_id: Option<Uuid>,
    /// With one code.
    code: Option<String>,
}

/// List what a license's machines were refused in a range, and why, those that began last first.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/decisions", tag = "usage",
    params(("id" = uuid::Uuid, Path), PageQuery, DecisionQuery),
    responses((status = 200, description = "A page.", body = Page<Decision>), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_decisions(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, DecisionQuery>,
    Path(id): Path,
) -> Result<Response> {
    let range = RangeQuery {
        from: query.from,
        to: query.to,
    };
    let (id, range) = asked(&app, &caller, (&headers, &range, "decisions"), (&id, 30)).await?;
    if let Some(code) = query.code.as_deref().filter(|code| !decision::CODES.contains(code)) {
        return Err(refused(
            "code",
            format!("No machine is refused with {code:?}; codes are in capitals, such as NOT_ACTIVATED."),
        ));
    }
    let limit = page.limit();
    let filter = DecisionFilter {
        machine: query.machine,
        activation_id: query.activation_id,
        code: query.code,
        after: page.after(read_place)?,
    };
    let rows = decisions::list(&app.reader, &caller.tenant, id.0, range, &filter, limit + 1)
        .await
        .map_err(unavailable)?;
    let most = page.most();
    let counted = decisions::count(&app.reader, &caller.tenant, id.0, range, &filter, most).await;
    let total = reading::total(counted.map_err(unavailable)?, most);
    Ok(reading::slice(rows, limit, total, write_place, decision))
}

fn write_place(row: &DecisionRow) -> String {
    let micros = reading::moment_in_cursor(row.decided_at);
    format!("{micros}.{}.{}", row.code, row.machine)
}

fn read_place(text: &str) -> Option<DecisionPlace> {
    let mut parts = text.splitn(3, '.');
    let decided_at = reading::cursor_moment(parts.next()?)?;
    let (code, machine) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    // Postgres takes no such character.
    let place = DecisionPlace {
        decided_at,
        code,
        machine,
    };
    (!text.contains('\0')).then_some(place)
}

fn decision(row: DecisionRow) -> Decision {
    Decision {
        position: row.position,
        license_id: row.license_id.to_string(),
        machine: Some(row.machine).filter(|machine| !machine.is_empty()),
        activation_id: row.activation_id.map(|id| id.to_string()),
        asked: row.asked,
        code: row.code,
        policy_version: row.policy_version,
        facts: serde_json::from_str(&row.facts).unwrap_or_default(),
        count: row.count,
        decided_at: time(row.decided_at),
        last_at: time(row.last_at),
    }
}

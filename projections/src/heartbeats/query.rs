//! What operators ask about a license's use.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Reader;

/// A stretch of time: from, inclusive, to, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Range {
    fn bounds(&self) -> (OffsetDateTime, OffsetDateTime) {
        (self.from.into(), self.to.into())
    }
}

/// A beat.
#[derive(Debug, Clone)]
pub struct BeatRow {
    /// Its position.
    pub position: i64,
    /// The machine.
    pub activation_id: Uuid,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// What was answered.
    pub code: String,
    /// Users on the machine.
    pub active_users: Option<i64>,
    /// The program's version.
    pub app_version: Option<String>,
    /// Counts by feature, as JSON.
    pub features: String,
    /// Amounts by meter, as JSON.
    pub usage: String,
}

/// Beats of a license in order, after one that was recorded at a moment and has a position.
pub async fn beats(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
    after: (OffsetDateTime, i64),
    limit: i64,
) -> sqlx::Result<Vec<BeatRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        BeatRow,
        r#"SELECT position, activation_id, recorded_at, code, active_users, app_version, features, usage FROM license_heartbeats
           WHERE tenant_id = $1 AND license_id = $2 AND recorded_at >= $3 AND recorded_at < $4
             AND (recorded_at, position) > ($5, $6)
           ORDER BY recorded_at, position LIMIT $7"#,
        tenant.as_str(),
        license_id,
        from.max(after.0),
        to,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// How many beats of a license there are in a range, counted up to `most`.
pub async fn count_beats(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
    most: Option<i64>,
) -> sqlx::Result<i64> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM license_heartbeats
               WHERE tenant_id = $1 AND license_id = $2 AND recorded_at >= $3 AND recorded_at < $4 LIMIT $5) AS found"#,
        tenant.as_str(),
        license_id,
        from,
        to,
        most,
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(count)
}

/// Beats, machines and users of an hour or a day.
#[derive(Debug, Clone)]
pub struct ActivityRow {
    /// When it begins.
    pub since: OffsetDateTime,
    /// How many beats.
    pub beats: i64,
    /// From how many machines.
    pub machines: i64,
    /// The sum of each machine's most users.
    pub active_users: i64,
}

/// A license's hours or days in a range, in order; those without a beat are left out.
pub async fn activity(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    bucket: &str,
    range: Range,
) -> sqlx::Result<Vec<ActivityRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        ActivityRow,
        r#"SELECT since, beats, machines, active_users FROM activity
           WHERE tenant_id = $1 AND license_id = $2 AND bucket = $3
             AND since >= date_trunc($3, $4::timestamptz, 'UTC') AND since < $5 ORDER BY since LIMIT 10000"#,
        tenant.as_str(),
        license_id,
        bucket,
        from,
        to,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// How often a feature was used on a day.
#[derive(Debug, Clone)]
pub struct FeatureRow {
    /// The feature.
    pub feature: String,
    /// The day's beginning in UTC, or the month's.
    pub day: OffsetDateTime,
    /// How often.
    pub count: i64,
}

/// A license's use of features by day.
pub async fn features(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    bucket: &str,
    range: Range,
) -> sqlx::Result<Vec<FeatureRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        FeatureRow,
        r#"SELECT feature, date_trunc($5, day, 'UTC') AS "day!", least(sum(count), 9223372036854775807)::bigint AS "count!"
           FROM feature_usage
           WHERE tenant_id = $1 AND license_id = $2 AND day >= date_trunc($5, $3::timestamptz, 'UTC') AND day < $4
           GROUP BY 1, 2 ORDER BY 2, 1 LIMIT 10000"#,
        tenant.as_str(),
        license_id,
        from,
        to,
        bucket,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// How much of a meter was used in a billing period.
#[derive(Debug, Clone)]
pub struct MeterRow {
    /// The meter.
    pub meter: String,
    /// The period's beginning in UTC.
    pub period: OffsetDateTime,
    /// How much.
    pub amount: i64,
}

/// A license's meters by billing period.
pub async fn meters(reader: &Reader, tenant: &Tenant, license_id: Uuid, range: Range) -> sqlx::Result<Vec<MeterRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        MeterRow,
        r#"SELECT meter, period, amount FROM meter_usage
           WHERE tenant_id = $1 AND license_id = $2 AND period >= date_trunc('month', $3::timestamptz, 'UTC') AND period < $4
           ORDER BY period, meter LIMIT 10000"#,
        tenant.as_str(),
        license_id,
        from,
        to,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// The same by day.
pub async fn meters_by_day(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
) -> sqlx::Result<Vec<MeterRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        MeterRow,
        r#"SELECT meter, day AS period, amount FROM meter_days
           WHERE tenant_id = $1 AND license_id = $2 AND day >= date_trunc('day', $3::timestamptz, 'UTC') AND day < $4
           ORDER BY day, meter LIMIT 10000"#,
        tenant.as_str(),
        license_id,
        from,
        to,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// A license's figures over its whole life.
#[derive(Debug, Clone)]
pub struct UsageStats {
    /// How many beats.
    pub beats: i64,
    /// How many machines have ever reported.
    pub machines: i64,
    /// The first beat.
    pub first_beat_at: OffsetDateTime,
    /// The newest beat.
    pub last_beat_at: OffsetDateTime,
    /// The most machines in one hour.
    pub peak_machines: i64,
    /// The most users in one hour.
    pub peak_users: i64,
}

/// A license's figures; `None` when no machine has reported yet.
pub async fn stats(reader: &Reader, tenant: &Tenant, license_id: Uuid) -> sqlx::Result<Option<UsageStats>> {
    let mut transaction = reader.begin(tenant).await?;
    let row = sqlx::query_as!(
        UsageStats,
        r#"SELECT beats, machines, first_beat_at AS "first_beat_at!", last_beat_at AS "last_beat_at!", peak_machines, peak_users
           FROM license_usage_stats WHERE tenant_id = $1 AND license_id = $2 AND beats > 0"#,
        tenant.as_str(),
        license_id,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row)
}

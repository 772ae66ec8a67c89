//! What operators ask about a license's use.

use std::collections::BTreeMap;

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
    (after, limit): ((OffsetDateTime, i64), i64),
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
           WHERE tenant_id = $1 AND license_id = $2 AND bucket = $3 AND since >= $4 AND since < $5 ORDER BY since LIMIT 10000"#,
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
    /// The day's beginning in UTC.
    pub day: OffsetDateTime,
    /// How often.
    pub count: i64,
}

/// A license's use of features by day.
pub async fn features(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
) -> sqlx::Result<Vec<FeatureRow>> {
    let (from, to) = range.bounds();
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        FeatureRow,
        r#"SELECT feature, day, count FROM feature_usage
           WHERE tenant_id = $1 AND license_id = $2 AND day >= $3 AND day < $4 ORDER BY day, feature LIMIT 10000"#,
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
           WHERE tenant_id = $1 AND license_id = $2 AND period >= $3 AND period < $4 ORDER BY period, meter LIMIT 10000"#,
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

/// What a license has used in one billing period, by meter, and up to which position.
pub async fn used(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    period: Timestamp,
) -> sqlx::Result<(i64, BTreeMap<String, u64>)> {
    let mut transaction = reader.begin(tenant).await?;
    // One statement, so that amounts and position belong together.
    let rows = sqlx::query!(
        r#"SELECT c.position, m.meter AS "meter?", m.amount AS "amount?" FROM projector_checkpoints c
           LEFT JOIN meter_usage m ON m.tenant_id = $1 AND m.license_id = $2 AND m.period = $3
           WHERE c.name = 'license_heartbeats'"#,
        tenant.as_str(),
        license_id,
        OffsetDateTime::from(period),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let position = rows.first().map_or(0, |row| row.position);
    let amounts = rows
        .into_iter()
        .filter_map(|row| Some((row.meter?, row.amount?.max(0).cast_unsigned())));
    Ok((position, amounts.collect()))
}

/// Whether a machine's beat with this nonce, by its digest, is among the last that were counted.
pub async fn has_counted(reader: &Reader, tenant: &Tenant, activation_id: Uuid, nonce: &str) -> sqlx::Result<bool> {
    let mut transaction = reader.begin(tenant).await?;
    let known = sqlx::query_scalar!(
        r#"SELECT $3::text = ANY(string_to_array(nonces, ' ')) AS "known!" FROM last_seen
           WHERE tenant_id = $1 AND activation_id = $2"#,
        tenant.as_str(),
        activation_id,
        nonce,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(known.unwrap_or(false))
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
        r#"SELECT beats, machines, first_beat_at, last_beat_at, peak_machines, peak_users FROM license_usage_stats
           WHERE tenant_id = $1 AND license_id = $2"#,
        tenant.as_str(),
        license_id,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row)
}

/// When machines last reported, by activation.
pub async fn last_seen(
    reader: &Reader,
    tenant: &Tenant,
    activations: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Timestamp>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query!(
        "SELECT activation_id, last_seen_at FROM last_seen WHERE tenant_id = $1 AND activation_id = ANY($2)",
        tenant.as_str(),
        activations,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.activation_id, row.last_seen_at.into()))
        .collect())
}

/// A machine that was silent for longer than a hold.
#[derive(Debug, Clone)]
pub struct SilentMachine {
    /// Which.
    pub activation_id: Uuid,
    /// The longest time between two of its beats, in seconds.
    pub longest_seconds: i64,
    /// How often it was silent for so long.
    pub times: i64,
}

/// Machines of a license that were silent for longer than so many seconds since a moment, the longest first: between two
/// beats, before the first, and since the last where they have not left.
pub async fn silences(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    (since, now, hold_seconds): (Timestamp, Timestamp, u32),
) -> sqlx::Result<Vec<SilentMachine>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        SilentMachine,
        r#"SELECT activation_id AS "activation_id!", max(extract(epoch FROM gap))::bigint AS "longest_seconds!", count(*) AS "times!" FROM (
               SELECT b.activation_id, b.recorded_at - lag(b.recorded_at, 1, greatest(a.activated_at, $3))
                   OVER (PARTITION BY b.activation_id ORDER BY b.recorded_at, b.position) AS gap
               FROM license_heartbeats b JOIN activations a USING (activation_id)
               WHERE b.tenant_id = $1 AND b.license_id = $2 AND b.recorded_at >= $3
               UNION ALL
               SELECT a.activation_id, $5 - greatest(coalesce(l.last_seen_at, a.activated_at), $3)
               FROM activations a LEFT JOIN last_seen l USING (activation_id)
               WHERE a.tenant_id = $1 AND a.license_id = $2 AND a.deactivated_at IS NULL
           ) AS gaps WHERE gap > make_interval(secs => $4) GROUP BY activation_id ORDER BY 2 DESC LIMIT 1000"#,
        tenant.as_str(),
        license_id,
        OffsetDateTime::from(since),
        f64::from(hold_seconds),
        OffsetDateTime::from(now),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

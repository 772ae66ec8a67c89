//! How things stand with machines and meters, for whoever decides.

use std::collections::BTreeMap;

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Range;
use crate::Reader;

/// What a license has used in one billing period, by meter, and up to which position.
pub async fn used(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    period: Timestamp,
) -> sqlx::Result<(i64, BTreeMap<String, u64>)> {
    let mut transaction = reader.begin_for_machines(tenant).await?;
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
    let mut transaction = reader.begin_for_machines(tenant).await?;
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

/// When machines last reported, by activation.
pub async fn last_seen(
    reader: &Reader,
    tenant: &Tenant,
    activations: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Timestamp>> {
    let mut transaction = reader.begin_for_machines(tenant).await?;
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

/// The first beat of a machine within a range that was told that it may run.
#[derive(Debug, Clone)]
pub struct FirstBeat {
    /// The machine's activation.
    pub activation_id: Uuid,
    /// The event's position.
    pub position: i64,
}

/// The first valid beat of each machine of a license within a range, at most a thousand.
pub async fn first_valid(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
) -> sqlx::Result<Vec<FirstBeat>> {
    let mut transaction = reader.begin_for_machines(tenant).await?;
    let rows = sqlx::query_as!(
        FirstBeat,
        r#"SELECT activation_id AS "activation_id!", min(position) AS "position!" FROM license_heartbeats
           WHERE tenant_id = $1 AND license_id = $2 AND recorded_at >= $3 AND recorded_at < $4 AND code IN ('VALID', 'EXPIRED_IN_GRACE')
           GROUP BY activation_id ORDER BY 2 LIMIT 1000"#,
        tenant.as_str(),
        license_id,
        OffsetDateTime::from(range.from),
        OffsetDateTime::from(range.to),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// Machines of a license that were silent for longer than so many seconds since a moment, the longest first: between two
/// beats, before the first, and since the last where they have not left.
pub async fn silences(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    since: Timestamp,
    now: Timestamp,
    hold_seconds: u32,
) -> sqlx::Result<Vec<SilentMachine>> {
    let mut transaction = reader.begin_for_machines(tenant).await?;
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

//! How a customer stands, or stood: figures over all of its licenses.

use std::collections::{BTreeMap, HashMap};

use licet_domain::{heartbeat::billing_period, values::Timestamp};
use licet_event_store::{ReadError, Tenant};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Reader, audit_log::AuditRow, license_state};

/// Licenses whose history is looked at for what happened last.
const RECENT_LICENSES: i64 = 200;

/// A customer's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerFigures {
    /// Licenses that can be used.
    pub active: i64,
    /// Those that were suspended.
    pub suspended: i64,
    /// Those that were revoked.
    pub revoked: i64,
    /// Those whose end has come.
    pub expired: i64,
    /// Those that have not begun.
    pub not_yet_valid: i64,
    /// How many machines may be active on all of them.
    pub seats: i64,
    /// How many are.
    pub seats_in_use: i64,
    /// When one of its machines reported last.
    pub last_seen_at: Option<OffsetDateTime>,
    /// Anomalies of its licenses that nobody has judged.
    pub open_anomalies: i64,
}

/// A customer's figures now.
pub async fn figures(
    reader: &Reader,
    tenant: &Tenant,
    customer_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<CustomerFigures> {
    let mut transaction = reader.begin(tenant).await?;
    let figures = sqlx::query_as!(
        CustomerFigures,
        r#"WITH own AS (
               SELECT license_id, policy_id, seats, active, CASE WHEN standing <> 'active' THEN standing
                      WHEN expiry_noted THEN 'expired' WHEN valid_from > $3 THEN 'not_yet_valid' ELSE 'active' END AS status
               FROM license_state WHERE tenant_id = $1 AND customer_id = $2 AND standing <> 'retired'),
           policies AS (
               SELECT p.resource_id, (facts #>> '{terms,seats}')::bigint AS seats
               FROM resources p CROSS JOIN LATERAL jsonb_each(p.state::jsonb) AS life (stage, facts)
               WHERE p.kind = 'policy' AND p.resource_id IN (SELECT policy_id FROM own))
           SELECT count(*) FILTER (WHERE status = 'active') AS "active!", count(*) FILTER (WHERE status = 'suspended') AS "suspended!",
               count(*) FILTER (WHERE status = 'revoked') AS "revoked!", count(*) FILTER (WHERE status = 'expired') AS "expired!",
               count(*) FILTER (WHERE status = 'not_yet_valid') AS "not_yet_valid!",
               coalesce(sum(coalesce(own.seats, policies.seats)), 0)::bigint AS "seats!",
               coalesce(sum(active), 0)::bigint AS "seats_in_use!",
               (SELECT max(last_beat_at) FROM license_usage_stats s JOIN own o USING (license_id)) AS last_seen_at,
               (SELECT count(*) FROM resources a CROSS JOIN LATERAL jsonb_each(a.state::jsonb) AS life (stage, facts)
                WHERE a.tenant_id = $1 AND a.kind = 'anomaly' AND a.parent_id IN (SELECT license_id FROM own)
                  AND facts ->> 'judgment' = 'open') AS "open_anomalies!"
           FROM own LEFT JOIN policies ON policies.resource_id = own.policy_id"#,
        tenant.as_str(),
        customer_id,
        OffsetDateTime::from(now),
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(figures)
}

/// A license as it was: what figures are made of.
#[derive(Debug, Clone)]
pub struct PastLicense {
    /// Its id.
    pub license_id: Uuid,
    /// The policy that it followed.
    pub policy_id: Uuid,
    /// How it stood: `active`, `suspended`, `revoked`, `expired` or `not_yet_valid`.
    pub status: &'static str,
    /// How many seats it had, where that was not what the policy said.
    pub seats: Option<i32>,
    /// How many machines held one.
    pub active: i32,
}

/// The licenses that a customer had in the books at a position of the log, the newest first, as they stood at its time.
pub async fn licenses_as_of(
    reader: &Reader,
    tenant: &Tenant,
    customer_id: Uuid,
    (position, at): (i64, Timestamp),
) -> Result<Vec<PastLicense>, ReadError> {
    let past = |row: license_state::Row| PastLicense {
        license_id: row.license_id,
        policy_id: row.policy_id,
        status: match &row.standing[..] {
            "suspended" => "suspended",
            "revoked" => "revoked",
            _ if row.expiry_noted => "expired",
            _ if Timestamp::from(row.valid_from) > at => "not_yet_valid",
            _ => "active",
        },
        seats: row.seats,
        active: row.active,
    };
    license_state::of_customer(reader, tenant, customer_id, position, past).await
}

impl CustomerFigures {
    /// Those of licenses as they were; `policy_seats` says what policies gave then. When machines were seen and what was
    /// found is not among them.
    pub fn of_past(licenses: &[PastLicense], policy_seats: &HashMap<Uuid, i64>) -> Self {
        let mut figures = Self::default();
        for license in licenses {
            match license.status {
                "suspended" => figures.suspended += 1,
                "revoked" => figures.revoked += 1,
                "expired" => figures.expired += 1,
                "not_yet_valid" => figures.not_yet_valid += 1,
                _ => figures.active += 1,
            }
            let of_policy = || policy_seats.get(&license.policy_id).copied();
            figures.seats += license.seats.map(i64::from).or_else(of_policy).unwrap_or_default();
            figures.seats_in_use += i64::from(license.active);
        }
        figures
    }
}

/// The first moment behind one that was cut to its millisecond.
fn behind(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from(at) + time::Duration::MILLISECOND
}

/// When a machine of some licenses had reported last by a position, as far as beats are online.
pub async fn last_seen_as_of(
    reader: &Reader,
    tenant: &Tenant,
    licenses: &[Uuid],
    (position, at): (i64, Timestamp),
) -> sqlx::Result<Option<OffsetDateTime>> {
    let mut transaction = reader.begin(tenant).await?;
    let seen = sqlx::query_scalar!(
        r#"SELECT max(seen.recorded_at) FROM unnest($2::uuid[]) AS own (id)
           CROSS JOIN LATERAL (SELECT recorded_at FROM license_heartbeats
                               WHERE tenant_id = $1 AND license_id = own.id AND position <= $3 AND recorded_at < $4
                               ORDER BY recorded_at DESC LIMIT 1) AS seen"#,
        tenant.as_str(),
        licenses,
        position,
        behind(at),
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(seen)
}

/// Anomalies that were found on some licenses, whenever and whatever was made of them.
pub async fn anomalies_of(reader: &Reader, tenant: &Tenant, licenses: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let mut transaction = reader.begin(tenant).await?;
    let found = sqlx::query_scalar!(
        "SELECT resource_id FROM resources WHERE tenant_id = $1 AND kind = 'anomaly' AND parent_id = ANY($2)",
        tenant.as_str(),
        licenses,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(found)
}

/// What some licenses had used in a moment's billing period by the end of its day (UTC), by meter.
pub async fn usage_as_of(
    reader: &Reader,
    tenant: &Tenant,
    licenses: &[Uuid],
    at: Timestamp,
) -> sqlx::Result<BTreeMap<String, i64>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query!(
        r#"SELECT meter, sum(amount)::bigint AS "amount!" FROM meter_days
           WHERE tenant_id = $1 AND license_id = ANY($2) AND day >= $3 AND day <= $4 GROUP BY meter"#,
        tenant.as_str(),
        licenses,
        OffsetDateTime::from(billing_period(at)),
        OffsetDateTime::from(at),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| (row.meter, row.amount)).collect())
}

/// What its licenses have used in the present billing period, by meter.
pub async fn usage(
    reader: &Reader,
    tenant: &Tenant,
    customer_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<BTreeMap<String, i64>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query!(
        r#"SELECT meter, sum(amount)::bigint AS "amount!" FROM meter_usage m JOIN license_state l USING (license_id)
           WHERE l.tenant_id = $1 AND l.customer_id = $2 AND l.standing <> 'retired' AND m.period = $3 GROUP BY meter"#,
        tenant.as_str(),
        customer_id,
        OffsetDateTime::from(billing_period(now)),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| (row.meter, row.amount)).collect())
}

/// What happened last to the customer and to its newest licenses, now or up to a position and its time, the newest first.
pub async fn activity(
    reader: &Reader,
    tenant: &Tenant,
    customer_id: Uuid,
    until: Option<(i64, Timestamp)>,
    limit: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let end = (i64::MAX, time::macros::datetime!(9999-12-31 00:00 UTC));
    let (position, behind) = until.map_or(end, |(position, at)| (position, behind(at)));
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT a.position, a.recorded_at, a.actor_kind, a.actor_id, a.action, a.aggregate_type, a.aggregate_id, a.request_id,
               a.correlation_id, a.client_sealed
           FROM (SELECT $2::uuid AS id
                 UNION ALL (SELECT license_id FROM license_state WHERE tenant_id = $1 AND customer_id = $2 AND issued_at < $6
                            ORDER BY issued_at DESC, license_id DESC LIMIT $4)) AS things
           CROSS JOIN LATERAL (SELECT * FROM audit_log l WHERE l.tenant_id = $1 AND l.aggregate_id = things.id::text AND l.position <= $5
                               ORDER BY l.position DESC LIMIT $3) AS a
           ORDER BY a.position DESC LIMIT $3"#,
        tenant.as_str(),
        customer_id,
        limit,
        RECENT_LICENSES,
        position,
        behind,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

//! Whose leases were called back while they could still be alive. A query over two read models, no read model itself.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Reader;

/// What was called back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Licenses that were revoked, suspended or retired.
    pub licenses: Vec<Uuid>,
    /// Activations that were ended.
    pub activations: Vec<Uuid>,
}

/// The moment before which no lease was issued that is alive now, unless it was checked out for longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AliveSince {
    /// The moment: the beginning of a day in UTC.
    pub at: Timestamp,
    /// Where the log stood then.
    pub position: i64,
}

/// The moment of [`AliveSince`]: as long ago as the longest lease that a policy has ever said.
pub async fn alive_since(reader: &Reader, tenant: &Tenant, now: Timestamp) -> sqlx::Result<Timestamp> {
    let mut transaction = reader.begin_for_machines(tenant).await?;
    let longest = sqlx::query_scalar!(
        r#"SELECT greatest(max((payload -> 'terms' ->> 'lease_days')::integer), 7) AS "days!" FROM events
           WHERE tenant_id = $1 AND aggregate_type = 'policy'"#,
        tenant.as_str(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let seconds = now.plus_seconds(-i64::from(longest + 1) * 86_400).seconds();
    Ok(Timestamp::from_millis((seconds - seconds.rem_euclid(86_400)) * 1_000))
}

/// Everything of which a lease could be alive: no lease outlives the longest that any policy allows, unless it was checked
/// out for longer. A license that has not changed since was stopped before.
pub async fn list(reader: &Reader, tenant: &Tenant, now: Timestamp, since: AliveSince) -> sqlx::Result<Revocations> {
    let (now, alive_since) = (OffsetDateTime::from(now), OffsetDateTime::from(since.at));
    let mut transaction = reader.begin_for_machines(tenant).await?;
    let activations = sqlx::query_scalar!(
        r#"SELECT activation_id FROM activations
           WHERE tenant_id = $1 AND deactivated_at IS NOT NULL AND (deactivated_at > $2 OR checked_out_until > $3)
           ORDER BY activation_id"#,
        tenant.as_str(),
        alive_since,
        now,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let licenses = sqlx::query_scalar!(
        r#"SELECT license_id FROM license_state l
           WHERE tenant_id = $1 AND standing <> 'active' AND EXISTS (
               SELECT FROM activations a WHERE a.license_id = l.license_id
                 AND (l.position > $4 AND (a.deactivated_at IS NULL OR a.deactivated_at > $2) OR a.checked_out_until > $3))
           ORDER BY license_id"#,
        tenant.as_str(),
        alive_since,
        now,
        since.position,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Revocations { licenses, activations })
}

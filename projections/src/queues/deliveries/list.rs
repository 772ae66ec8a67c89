//! What operators see of a webhook's deliveries, and what they order sent again.

use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::send::unpause;

/// A delivery as operators see it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Which event.
    pub position: i64,
    /// Its type.
    pub event_type: String,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// When it is tried next, or was.
    pub next_attempt_at: OffsetDateTime,
    /// When it was delivered or given up.
    pub settled_at: Option<OffsetDateTime>,
    /// The target's last HTTP status.
    pub last_status: Option<i32>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// A webhook's deliveries, newest first, of one status where it is given, before a position.
pub async fn list(
    pool: &PgPool,
    tenant: &Tenant,
    webhook_id: Uuid,
    status: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as!(
        DeliveryRow,
        r#"SELECT position, event_type, status, attempts, created_at, next_attempt_at, settled_at, last_status, last_error
           FROM webhook_deliveries
           WHERE tenant_id = $1 AND webhook_id = $2 AND ($3::text IS NULL OR status = $3)
             AND position < coalesce($4, 9223372036854775807) ORDER BY position DESC LIMIT $5"#,
        tenant.as_str(),
        webhook_id,
        status,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How many of them there are over all pages, counted up to `most`.
pub async fn count(
    pool: &PgPool,
    tenant: &Tenant,
    webhook_id: Uuid,
    status: Option<&str>,
    most: Option<i64>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND ($3::text IS NULL OR status = $3)
               LIMIT $4) AS found"#,
        tenant.as_str(),
        webhook_id,
        status,
        most,
    )
    .fetch_one(pool)
    .await
}

/// Tries a delivery again from the beginning and at once, whatever became of it; `false` when there is none.
pub async fn resend(pool: &PgPool, tenant: &Tenant, webhook_id: Uuid, position: i64) -> sqlx::Result<bool> {
    unpause(pool, webhook_id).await?;
    let found = sqlx::query!(
        r#"UPDATE webhook_deliveries SET status = 'pending', attempts = 0, settled_at = NULL, created_at = clock_timestamp(),
               next_attempt_at = clock_timestamp()
           WHERE tenant_id = $1 AND webhook_id = $2 AND position = $3"#,
        tenant.as_str(),
        webhook_id,
        position,
    )
    .execute(pool)
    .await?;
    Ok(found.rows_affected() == 1)
}

/// Sends everything since a position again, and what was not queued then. A webhook that nobody has looked after yet begins
/// where it was made, at the latest.
pub async fn replay(
    pool: &PgPool,
    tenant: &Tenant,
    consumer: &str,
    webhook_id: Uuid,
    from_position: i64,
    after: i64,
) -> sqlx::Result<()> {
    unpause(pool, webhook_id).await?;
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND position > $3",
        tenant.as_str(),
        webhook_id,
        after,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO consumers (name, position) VALUES ($1, least($2::bigint, $3)) ON CONFLICT (name) DO UPDATE SET position = least(consumers.position, $2)",
        consumer,
        after,
        from_position,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

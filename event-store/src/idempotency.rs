//! The answers that repeated requests get again.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Tenant, append::IDEMPOTENCY_HOURS};

/// A kept answer.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// Hash of the body that it answered.
    pub request_hash: Vec<u8>,
    /// The HTTP status.
    pub status: u16,
    /// The sealed body.
    pub response: String,
    /// The position of the change that it answered.
    pub position: i64,
}

/// The answer that was kept for a scope within the last 24 hours.
pub async fn find(pool: &PgPool, tenant: &Tenant, scope_hash: &[u8; 32]) -> sqlx::Result<Option<StoredAnswer>> {
    let row = sqlx::query!(
        r#"SELECT request_hash, status, response, position FROM idempotency_keys
           WHERE tenant_id = $1 AND scope_hash = $2 AND recorded_at > clock_timestamp() - make_interval(hours => $3)"#,
        tenant.as_str(),
        &scope_hash[..],
        IDEMPOTENCY_HOURS as i32,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| StoredAnswer {
        request_hash: row.request_hash,
        status: row.status as u16,
        response: row.response,
        position: row.position,
    }))
}

/// Keeps the answer to a request that changed something beside the log, after the change: a crash in between lets the
/// request be carried out again.
pub async fn keep(
    pool: &PgPool,
    tenant: &Tenant,
    scope_hash: &[u8; 32],
    request_hash: &[u8; 32],
    status: u16,
    response: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO idempotency_keys (tenant_id, scope_hash, request_hash, status, response, position, recorded_at)
           VALUES ($1, $2, $3, $4, $5, 0, clock_timestamp())
           ON CONFLICT (tenant_id, scope_hash) DO UPDATE SET request_hash = excluded.request_hash,
               status = excluded.status, response = excluded.response, position = 0, recorded_at = excluded.recorded_at"#,
        tenant.as_str(),
        &scope_hash[..],
        &request_hash[..],
        status.cast_signed(),
        response,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Drops answers that have run out; says how many.
pub async fn sweep(pool: &PgPool, now: OffsetDateTime) -> sqlx::Result<u64> {
    let before = now - time::Duration::hours(IDEMPOTENCY_HOURS);
    let swept = sqlx::query!("DELETE FROM idempotency_keys WHERE recorded_at < $1", before)
        .execute(pool)
        .await?;
    Ok(swept.rows_affected())
}

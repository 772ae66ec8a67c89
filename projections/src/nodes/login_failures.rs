//! From where signing in failed, and for how many accounts; told between nodes.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;

/// A failure: from which range of addresses, and for whom, both as keyed hashes.
#[derive(Debug, Clone, Copy)]
pub struct LoginFailure {
    /// The range.
    pub range: [u8; 32],
    /// The account, whether there is one or not.
    pub account: [u8; 32],
}

/// Notes a failure; answers for how many accounts signing in has failed from this range since a moment.
pub async fn note(
    pool: &PgPool,
    tenant: &Tenant,
    failure: LoginFailure,
    at: Timestamp,
    since: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query!(
        r#"INSERT INTO login_failures (tenant_id, range, account, failed_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, range, account) DO UPDATE SET failed_at = excluded.failed_at"#,
        tenant.as_str(),
        &failure.range,
        &failure.account,
        OffsetDateTime::from(at),
    )
    .execute(pool)
    .await?;
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM login_failures WHERE tenant_id = $1 AND range = $2 AND failed_at > $3"#,
        tenant.as_str(),
        &failure.range,
        OffsetDateTime::from(since),
    )
    .fetch_one(pool)
    .await
}

/// Forgets failures before a moment.
pub async fn sweep(pool: &PgPool, before: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM login_failures WHERE failed_at < $1",
        OffsetDateTime::from(before)
    )
    .execute(pool)
    .await?;
    Ok(())
}

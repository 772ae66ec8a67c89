//! When sessions were last used, on whichever node.

use std::collections::HashMap;

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// Notes that a session was used; an older moment never replaces a newer one.
pub async fn note(pool: &PgPool, tenant: &Tenant, session: Uuid, at: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO session_use (session_id, tenant_id, last_seen_at) VALUES ($1, $2, $3)
           ON CONFLICT (session_id) DO UPDATE SET last_seen_at = greatest(session_use.last_seen_at, excluded.last_seen_at)"#,
        session,
        tenant.as_str(),
        OffsetDateTime::from(at),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// When a session was last used.
pub async fn last_seen(pool: &PgPool, session: Uuid) -> sqlx::Result<Option<Timestamp>> {
    let found = sqlx::query_scalar!("SELECT last_seen_at FROM session_use WHERE session_id = $1", session)
        .fetch_optional(pool)
        .await?;
    Ok(found.map(Timestamp::from))
}

/// When each of these sessions of a tenant was last used.
pub async fn of(pool: &PgPool, tenant: &Tenant, sessions: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Timestamp>> {
    let rows = sqlx::query!(
        "SELECT session_id, last_seen_at FROM session_use WHERE session_id = ANY($1) AND tenant_id = $2",
        sessions,
        tenant.as_str(),
    )
    .fetch_all(pool)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.session_id, Timestamp::from(row.last_seen_at)))
        .collect())
}

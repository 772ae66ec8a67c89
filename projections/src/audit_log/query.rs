//! The audit trail, newest first.

use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Reader;

/// An entry; where it came from is still sealed.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// The event's position.
    pub position: i64,
    /// When it was recorded, by the log's clock, in UTC.
    pub recorded_at: OffsetDateTime,
    /// What kind of someone.
    pub actor_kind: String,
    /// The actor's id: an API key's, an activation's, or the name of what the server does by itself.
    pub actor_id: String,
    /// What: the event's stored name.
    pub action: String,
    /// To what kind of thing.
    pub aggregate_type: String,
    /// To which.
    pub aggregate_id: String,
    /// Under which request.
    pub request_id: String,
    /// Joins everything that one cause set off.
    pub correlation_id: Uuid,
    /// Client address and user agent, sealed with the tenant's key.
    pub client_sealed: Option<String>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// About one thing.
    pub aggregate_id: Option<String>,
    /// Of one kind.
    pub action: Option<String>,
    /// Only before this position.
    pub before: Option<i64>,
}

/// The position of the newest entry; 0 where there is none.
pub async fn newest(reader: &Reader, tenant: &Tenant) -> sqlx::Result<i64> {
    let mut transaction = reader.begin(tenant).await?;
    let newest = sqlx::query_scalar!(
        "SELECT max(position) FROM audit_log WHERE tenant_id = $1",
        tenant.as_str()
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(newest.unwrap_or(0))
}

/// The next entries after a position, oldest first.
pub async fn since(reader: &Reader, tenant: &Tenant, after: i64, limit: i64) -> sqlx::Result<Vec<AuditRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT position, recorded_at, actor_kind, actor_id, action, aggregate_type, aggregate_id, request_id,
               correlation_id, client_sealed
           FROM audit_log WHERE tenant_id = $1 AND position > $2 ORDER BY position LIMIT $3"#,
        tenant.as_str(),
        after,
        limit,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// Some entries, newest first, and how many match, counted up to `most`.
pub async fn list(
    reader: &Reader,
    tenant: &Tenant,
    filter: &AuditFilter,
    limit: i64,
    most: Option<i64>,
) -> sqlx::Result<(Vec<AuditRow>, i64)> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT position, recorded_at, actor_kind, actor_id, action, aggregate_type, aggregate_id, request_id,
               correlation_id, client_sealed
           FROM audit_log
           WHERE tenant_id = $1 AND ($2::text IS NULL OR aggregate_id = $2) AND ($3::text IS NULL OR action = $3)
             AND position < coalesce($4, 9223372036854775807)
           ORDER BY position DESC LIMIT $5"#,
        tenant.as_str(),
        filter.aggregate_id,
        filter.action,
        filter.before,
        limit,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let counted = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM audit_log WHERE tenant_id = $1 AND ($2::text IS NULL OR aggregate_id = $2)
                 AND ($3::text IS NULL OR action = $3) LIMIT $4) AS matching"#,
        tenant.as_str(),
        filter.aggregate_id,
        filter.action,
        most,
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok((rows, counted))
}

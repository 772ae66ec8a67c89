//! The machines of a license.

use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Page, PageRequest, Reader, page::Total};

/// A machine as lists show it; the hostname is still sealed.
#[derive(Debug, Clone)]
pub struct ActivationRow {
    /// Its id.
    pub activation_id: Uuid,
    /// The machine's name, sealed with the customer's key.
    pub hostname_sealed: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The program's version.
    pub app_version: Option<String>,
    /// When it took its seat.
    pub activated_at: OffsetDateTime,
    /// When it lost its seat.
    pub deactivated_at: Option<OffsetDateTime>,
    /// Since when its floating seat is free.
    pub silent_since: Option<OffsetDateTime>,
    /// When it last reported.
    pub last_seen_at: Option<OffsetDateTime>,
}

/// A page of a license's machines, past and present.
pub async fn list(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    request: &PageRequest,
) -> sqlx::Result<Page<ActivationRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let (time, id) = request.bounds();
    let items = sqlx::query_as!(
        ActivationRow,
        r#"SELECT a.activation_id, a.hostname_sealed, a.os, coalesce(s.app_version, a.app_version) AS app_version, a.activated_at,
               a.deactivated_at, a.silent_since, s.last_seen_at AS "last_seen_at?"
           FROM activations a LEFT JOIN last_seen s ON s.activation_id = a.activation_id
           WHERE a.tenant_id = $1 AND a.license_id = $2
             AND (NOT $6::boolean AND (a.activated_at, a.activation_id) > ($3, $4) OR $6 AND (a.activated_at, a.activation_id) < ($3, $4))
           ORDER BY CASE WHEN $6 THEN NULL ELSE a.activated_at END, CASE WHEN $6 THEN a.activated_at END DESC,
                    CASE WHEN $6 THEN NULL ELSE a.activation_id END, CASE WHEN $6 THEN a.activation_id END DESC
           LIMIT $5"#,
        tenant.as_str(),
        license_id,
        time,
        id,
        request.limit + 1,
        request.descending,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let counted = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT FROM activations WHERE tenant_id = $1 AND license_id = $2 LIMIT $3) AS matching"#,
        tenant.as_str(),
        license_id,
        request.count_limit(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Page::of(items, request, Total::of(counted, request), |row| {
        (row.activated_at, row.activation_id)
    }))
}

/// A machine with a floating seat that nothing holds.
#[derive(Debug, Clone)]
pub struct UnheldSeat {
    /// Whose it is.
    pub tenant_id: String,
    /// Of which license.
    pub license_id: Uuid,
    /// Whose seat.
    pub activation_id: Uuid,
}

/// Seats of all tenants whose policy floats and that have no hold: they were taken before it did.
pub async fn seats_without_hold(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<UnheldSeat>> {
    sqlx::query_as!(
        UnheldSeat,
        r#"SELECT a.tenant_id, a.license_id, a.activation_id FROM resources p
           JOIN license_state l ON l.tenant_id = p.tenant_id AND l.policy_id = p.resource_id
           JOIN activations a ON a.license_id = l.license_id
           CROSS JOIN LATERAL jsonb_each(p.state::jsonb) AS life (stage, facts)
           WHERE p.kind = 'policy' AND life.facts #>> '{terms,floating}' = 'true'
             AND a.deactivated_at IS NULL AND a.silent_since IS NULL
             AND NOT EXISTS (SELECT FROM seat_holds h WHERE h.activation_id = a.activation_id) LIMIT $1"#,
        limit,
    )
    .fetch_all(pool)
    .await
}

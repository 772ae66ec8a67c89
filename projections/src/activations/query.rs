//! Lists of machines.

use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Page, PageRequest, Reader, page::micros};

/// A machine as lists show it; the hostname is still sealed.
#[derive(Debug, Clone)]
pub struct ActivationRow {
    /// Its id.
    pub activation_id: Uuid,
    /// The license whose seat it took.
    pub license_id: Uuid,
    /// Whom that was issued to; what is absent about the license is not folded yet.
    pub customer_id: Option<Uuid>,
    /// What it licenses.
    pub product_id: Option<Uuid>,
    /// Its key as it may be shown.
    pub key_masked: Option<String>,
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

/// Which machines are asked for; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct ActivationFilter {
    /// Of one license.
    pub license_id: Option<Uuid>,
    /// Of one customer's licenses.
    pub customer_id: Option<Uuid>,
    /// Whose seat stands so, as `licet_domain::license::seat_status` says.
    pub status: Option<&'static str>,
    /// With this operating system.
    pub os: Option<String>,
    /// That run this version of the program, by what they last said.
    pub app_version: Option<String>,
    /// That were last heard of before this moment.
    pub last_seen_before: Option<OffsetDateTime>,
}

/// A page of machines, past and present. Versions and silence are looked up machine by machine, in the order of the list:
/// an index over what each beat changes would cost every beat more than it saves here.
pub async fn list(
    reader: &Reader,
    tenant: &Tenant,
    filter: &ActivationFilter,
    request: &PageRequest,
) -> sqlx::Result<Page<ActivationRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let (time, id) = request.bounds();
    let items = sqlx::query_as!(
        ActivationRow,
        r#"SELECT a.activation_id, a.license_id, l.customer_id AS "customer_id?", l.product_id AS "product_id?",
               l.key_masked AS "key_masked?", a.hostname_sealed, a.os, coalesce(s.app_version, a.app_version) AS app_version,
               a.activated_at, a.deactivated_at, a.silent_since, s.last_seen_at AS "last_seen_at?"
           FROM activations a
           LEFT JOIN last_seen s ON s.activation_id = a.activation_id
           LEFT JOIN license_state l ON l.license_id = a.license_id
           WHERE a.tenant_id = $1 AND ($2::uuid IS NULL OR a.license_id = $2) AND ($3::uuid IS NULL OR l.customer_id = $3)
             AND ($4::text IS NULL OR CASE WHEN a.deactivated_at IS NOT NULL THEN 'deactivated' WHEN a.silent_since IS NOT NULL THEN 'silent' ELSE 'active' END = $4)
             AND ($5::text IS NULL OR a.os = $5) AND ($6::text IS NULL OR coalesce(s.app_version, a.app_version) = $6)
             AND ($7::timestamptz IS NULL OR coalesce(s.last_seen_at, a.activated_at) < $7)
             AND (NOT $11::boolean AND (a.activated_at, a.activation_id) > ($8, $9) OR $11 AND (a.activated_at, a.activation_id) < ($8, $9))
           ORDER BY CASE WHEN $11 THEN NULL ELSE a.activated_at END, CASE WHEN $11 THEN a.activated_at END DESC,
                    CASE WHEN $11 THEN NULL ELSE a.activation_id END, CASE WHEN $11 THEN a.activation_id END DESC
           LIMIT $10"#,
        tenant.as_str(),
        filter.license_id,
        filter.customer_id,
        filter.status,
        filter.os,
        filter.app_version,
        filter.last_seen_before,
        time,
        id,
        request.limit + 1,
        request.descending,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let counting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM activations a
               LEFT JOIN last_seen s ON s.activation_id = a.activation_id
               LEFT JOIN license_state l ON l.license_id = a.license_id
               WHERE a.tenant_id = $1 AND ($2::uuid IS NULL OR a.license_id = $2) AND ($3::uuid IS NULL OR l.customer_id = $3)
                 AND ($4::text IS NULL OR CASE WHEN a.deactivated_at IS NOT NULL THEN 'deactivated' WHEN a.silent_since IS NOT NULL THEN 'silent' ELSE 'active' END = $4)
                 AND ($5::text IS NULL OR a.os = $5) AND ($6::text IS NULL OR coalesce(s.app_version, a.app_version) = $6)
                 AND ($7::timestamptz IS NULL OR coalesce(s.last_seen_at, a.activated_at) < $7)
               LIMIT $8) AS matching"#,
        tenant.as_str(),
        filter.license_id,
        filter.customer_id,
        filter.status,
        filter.os,
        filter.app_version,
        filter.last_seen_before,
        request.count_limit(),
    )
    .fetch_one(&mut *transaction);
    let total = reader
        .total(
            tenant,
            "activations",
            format!("{filter:?}"),
            request,
            items.len(),
            counting,
        )
        .await?;
    transaction.commit().await?;
    Ok(Page::of(items, request, total, |row| {
        (micros(row.activated_at), row.activation_id)
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

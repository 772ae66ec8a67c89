//! When credentials were last used: operational, not history.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// Notes the last use of some API keys; an older moment never replaces a newer one.
pub async fn note(pool: &PgPool, used: &[(Tenant, Uuid, Timestamp)]) -> sqlx::Result<()> {
    let tenants: Vec<String> = used.iter().map(|(tenant, ..)| tenant.as_str().to_owned()).collect();
    let ids: Vec<Uuid> = used.iter().map(|(_, id, _)| *id).collect();
    let moments: Vec<OffsetDateTime> = used.iter().map(|(.., at)| (*at).into()).collect();
    sqlx::query!(
        r#"INSERT INTO api_key_usage (tenant_id, api_key_id, last_used_at)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[])
           ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = greatest(api_key_usage.last_used_at, excluded.last_used_at)"#,
        &tenants,
        &ids,
        &moments,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// When each of these keys was last used, in their order.
pub async fn last_used(pool: &PgPool, tenant: &Tenant, ids: &[Uuid]) -> sqlx::Result<Vec<Option<Timestamp>>> {
    let rows = sqlx::query!(
        r#"SELECT u.last_used_at AS "last_used_at?" FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (id, place)
           LEFT JOIN api_key_usage u ON u.api_key_id = wanted.id AND u.tenant_id = $1 ORDER BY wanted.place"#,
        tenant.as_str(),
        ids,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| row.last_used_at.map(Timestamp::from))
        .collect())
}

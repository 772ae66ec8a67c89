//! Lists of one kind of resource.

use std::collections::HashMap;

use licet_domain::Decider;
use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Page, PageRequest, Reader, page::micros};

/// A resource with its state.
#[derive(Debug, Clone)]
pub struct ResourceRow<S> {
    /// Its id.
    pub id: Uuid,
    /// When it was taken up.
    pub created_at: OffsetDateTime,
    /// Its state.
    pub state: S,
}

/// A page of the resources of one kind, of one product where `parent_id` names it.
pub async fn list<D: Decider>(
    reader: &Reader,
    tenant: &Tenant,
    parent_id: Option<Uuid>,
    request: &PageRequest,
) -> sqlx::Result<Page<ResourceRow<D::State>>> {
    list_some::<D>(reader, tenant, (parent_id, None), request).await
}

/// The same of those alone that a search found, where there was one.
pub async fn list_some<D: Decider>(
    reader: &Reader,
    tenant: &Tenant,
    (parent_id, found): (Option<Uuid>, Option<&[Uuid]>),
    request: &PageRequest,
) -> sqlx::Result<Page<ResourceRow<D::State>>> {
    let mut transaction = reader.begin(tenant).await?;
    let (time, id) = request.bounds();
    let rows = sqlx::query!(
        r#"SELECT resource_id, created_at, state FROM resources
           WHERE tenant_id = $1 AND kind = $2 AND ($8::boolean IS NULL OR retired = $8) AND ($3::uuid IS NULL OR parent_id = $3)
             AND ($9::uuid[] IS NULL OR resource_id = ANY($9))
             AND (NOT $7::boolean AND (created_at, resource_id) > ($4, $5) OR $7 AND (created_at, resource_id) < ($4, $5))
           ORDER BY CASE WHEN $7 THEN NULL ELSE created_at END, CASE WHEN $7 THEN created_at END DESC,
                    CASE WHEN $7 THEN NULL ELSE resource_id END, CASE WHEN $7 THEN resource_id END DESC
           LIMIT $6"#,
        tenant.as_str(),
        D::TYPE,
        parent_id,
        time,
        id,
        request.limit + 1,
        request.descending,
        request.retired,
        found,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let counting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM resources WHERE tenant_id = $1 AND kind = $2 AND ($5::boolean IS NULL OR retired = $5) AND ($3::uuid IS NULL OR parent_id = $3)
                 AND ($6::uuid[] IS NULL OR resource_id = ANY($6))
               LIMIT $4) AS matching"#,
        tenant.as_str(),
        D::TYPE,
        parent_id,
        request.count_limit(),
        request.retired,
        found,
    )
    .fetch_one(&mut *transaction);
    let filter = format!("{parent_id:?}/{found:?}/{:?}", request.retired);
    let total = reader
        .total(tenant, D::TYPE, filter, request, rows.len(), counting)
        .await?;
    transaction.commit().await?;
    let items: sqlx::Result<Vec<_>> = rows
        .into_iter()
        .map(|row| {
            let state = serde_json::from_str(&row.state).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(ResourceRow {
                id: row.resource_id,
                created_at: row.created_at,
                state,
            })
        })
        .collect();
    Ok(Page::of(items?, request, total, |row| (micros(row.created_at), row.id)))
}

/// The states of some resources of one kind, by their ids; what is not known yet is missing.
pub async fn of_ids<D: Decider>(
    reader: &Reader,
    tenant: &Tenant,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, D::State>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query!(
        "SELECT resource_id, state FROM resources WHERE tenant_id = $1 AND kind = $2 AND resource_id = ANY($3)",
        tenant.as_str(),
        D::TYPE,
        ids,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let decode = |text: &str| serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()));
    let rows = rows.into_iter();
    rows.map(|row| Ok((row.resource_id, decode(&row.state)?))).collect()
}

//! Lists of one kind of resource.

use std::collections::HashMap;

use licet_domain::Decider;
use licet_event_store::Tenant;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{ListedBy, Page, PageRequest, Reader, page::micros};

/// A resource with its state.
#[derive(Debug, Clone)]
pub struct ResourceRow<S> {
    /// Its id.
    pub id: Uuid,
    /// When it was taken up.
    pub created_at: OffsetDateTime,
    /// Its state.
    pub state: S,
    /// What it is listed by.
    at: i64,
}

/// A row before its state is read, with what it is listed by.
struct Listed {
    resource_id: Uuid,
    created_at: OffsetDateTime,
    state: String,
    licenses: Option<i32>,
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
    let rows = match request.by {
        ListedBy::Name => by_name(&mut transaction, tenant, found, request).await?,
        ListedBy::Licenses => by_licenses(&mut transaction, tenant, found, request).await?,
        _ => by_creation(&mut transaction, (tenant, D::TYPE), (parent_id, found), request).await?,
    };
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
                at: row.licenses.map_or_else(|| micros(row.created_at), i64::from),
            })
        })
        .collect();
    Ok(Page::of(items?, request, total, |row| (row.at, row.id)))
}

async fn by_creation(
    connection: &mut PgConnection,
    (tenant, kind): (&Tenant, &str),
    (parent_id, found): (Option<Uuid>, Option<&[Uuid]>),
    request: &PageRequest,
) -> sqlx::Result<Vec<Listed>> {
    let (time, id) = request.bounds();
    sqlx::query_as!(
        Listed,
        r#"SELECT resource_id, created_at, state, NULL::integer AS licenses FROM resources
           WHERE tenant_id = $1 AND kind = $2 AND ($8::boolean IS NULL OR retired = $8) AND ($3::uuid IS NULL OR parent_id = $3)
             AND ($9::uuid[] IS NULL OR resource_id = ANY($9))
             AND (NOT $7::boolean AND (created_at, resource_id) > ($4, $5) OR $7 AND (created_at, resource_id) < ($4, $5))
           ORDER BY CASE WHEN $7 THEN NULL ELSE created_at END, CASE WHEN $7 THEN created_at END DESC,
                    CASE WHEN $7 THEN NULL ELSE resource_id END, CASE WHEN $7 THEN resource_id END DESC
           LIMIT $6"#,
        tenant.as_str(),
        kind,
        parent_id,
        time,
        id,
        request.limit + 1,
        request.descending,
        request.retired,
        found,
    )
    .fetch_all(connection)
    .await
}

/// Customers in the order of a column of their directory, after the row that the last page ended with: what that has there
/// follows from its id, or was said.
macro_rules! by_directory {
    ($connection:ident, $tenant:ident, $found:ident, $request:ident, $column:literal, $after:literal) => {{
        let (number, id) = $request.directory_bounds();
        sqlx::query_as!(
            Listed,
            r#"SELECT resource_id, created_at, state, d.licenses AS "licenses?"
               FROM customer_directory d
               JOIN resources r ON r.kind = 'customer' AND r.resource_id = d.customer_id AND r.tenant_id = d.tenant_id
               WHERE d.tenant_id = $1 AND ($2::boolean IS NULL OR d.retired = $2) AND ($3::uuid[] IS NULL OR d.customer_id = ANY($3))
                 AND ($4::integer IS NULL OR NOT $7::boolean AND ("# + $column + r#", d.customer_id) > ("# + $after + r#", $5)
                      OR $7 AND ("# + $column + r#", d.customer_id) < ("# + $after + r#", $5))
               ORDER BY CASE WHEN $7 THEN NULL ELSE "# + $column + r#" END, CASE WHEN $7 THEN "# + $column + r#" END DESC,
                        CASE WHEN $7 THEN NULL ELSE d.customer_id END, CASE WHEN $7 THEN d.customer_id END DESC
               LIMIT $6"#,
            $tenant.as_str(),
            $request.retired,
            $found,
            number,
            id,
            $request.limit + 1,
            $request.descending,
        )
        .fetch_all($connection)
        .await
    }};
}

async fn by_name(
    connection: &mut PgConnection,
    tenant: &Tenant,
    found: Option<&[Uuid]>,
    request: &PageRequest,
) -> sqlx::Result<Vec<Listed>> {
    by_directory!(
        connection,
        tenant,
        found,
        request,
        "d.name",
        "(SELECT name FROM customer_directory last WHERE last.tenant_id = $1 AND last.customer_id = $5)"
    )
}

async fn by_licenses(
    connection: &mut PgConnection,
    tenant: &Tenant,
    found: Option<&[Uuid]>,
    request: &PageRequest,
) -> sqlx::Result<Vec<Listed>> {
    by_directory!(connection, tenant, found, request, "d.licenses", "$4")
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

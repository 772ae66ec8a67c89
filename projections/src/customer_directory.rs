//! Customers by name and by how many licenses they have, for lists: no fold, because names are sealed. The worker that opens
//! names for search keeps it (`search::keep`), another one counts; a trigger of the vault's blanks the name of whoever is
//! forgotten.

use std::collections::{HashMap, HashSet};

use licet_event_store::Tenant;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{Reader, queues::consumers};

/// A customer's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose customer it is.
    pub tenant_id: String,
    /// Which.
    pub customer_id: Uuid,
    /// Its name as names are compared; empty where it was forgotten.
    pub name: String,
    /// Whether it is out of use.
    pub retired: bool,
}

/// Writes entries as they are now; licenses are counted apart.
pub(crate) async fn keep(connection: &mut PgConnection, entries: &[Entry]) -> sqlx::Result<()> {
    macro_rules! column {
        ($field:ident) => {
            entries
                .iter()
                .map(|entry| entry.$field.clone())
                .collect::<Vec<_>>()
        };
    }
    let names: Vec<String> = column!(customer_id).iter().map(Uuid::to_string).collect();
    // Who is forgotten now waits, and then blanks what is written here; who was forgotten already gets no name.
    let living = sqlx::query_scalar!(
        r#"SELECT key_id FROM unnest($1::text[], $2::text[]) AS wanted (tenant, id)
           JOIN vault_keys ON tenant_id = wanted.tenant AND purpose = 'person' AND key_id = wanted.id
           WHERE destroyed_at IS NULL ORDER BY key_id FOR SHARE OF vault_keys"#,
        &column!(tenant_id),
        &names,
    )
    .fetch_all(&mut *connection)
    .await?;
    let living: HashSet<String> = living.into_iter().collect();
    let name = |(entry, id): (&Entry, &String)| {
        if living.contains(id) {
            entry.name.clone()
        } else {
            String::new()
        }
    };
    let shown: Vec<String> = entries.iter().zip(&names).map(name).collect();
    sqlx::query!(
        r#"INSERT INTO customer_directory (tenant_id, customer_id, name, retired)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::boolean[])
           ON CONFLICT (customer_id) DO UPDATE SET name = excluded.name, retired = excluded.retired"#,
        &column!(tenant_id),
        &column!(customer_id),
        &shown,
        &column!(retired),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the licenses of customers whose licenses came or went between two positions, and moves the consumer on; neither
/// where someone else has moved it meanwhile. What the licenses' read model knows beyond that is counted again later.
pub async fn count(pool: &PgPool, consumer: &str, (from, to): (i64, i64)) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    if !consumers::advance(&mut *transaction, consumer, (from, to)).await? {
        return Ok(());
    }
    sqlx::query!(
        r#"UPDATE customer_directory d SET licenses = now.licenses
           FROM (SELECT touched.tenant_id, touched.customer_id, (
                     SELECT count(*) FROM license_state l
                     WHERE l.tenant_id = touched.tenant_id AND l.customer_id = touched.customer_id AND l.standing <> 'retired')::integer AS licenses
                 FROM (SELECT DISTINCT l.tenant_id, l.customer_id
                       FROM events e JOIN license_state l ON l.tenant_id = e.tenant_id AND l.license_id = e.aggregate_id::uuid
                       WHERE e.position > $1 AND e.position <= $2 AND e.event_type IN ('license.issued', 'license.retired')) AS touched) AS now
           WHERE d.tenant_id = now.tenant_id AND d.customer_id = now.customer_id AND d.licenses <> now.licenses"#,
        from,
        to,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Counts the licenses of all customers, and begins the consumer; neither where someone else has begun it.
pub async fn count_all(pool: &PgPool, (consumer, position): (&str, i64)) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    if !consumers::begin(&mut *transaction, consumer, position).await? {
        return Ok(());
    }
    sqlx::query!(
        r#"UPDATE customer_directory d SET licenses = now.licenses
           FROM (SELECT known.customer_id, count(l.license_id)::integer AS licenses FROM customer_directory known
                 LEFT JOIN license_state l ON l.tenant_id = known.tenant_id AND l.customer_id = known.customer_id AND l.standing <> 'retired'
                 GROUP BY known.customer_id) AS now
           WHERE d.customer_id = now.customer_id AND d.licenses <> now.licenses"#,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// How many licenses customers have; those of whom nothing is known yet are missing.
pub async fn licenses(reader: &Reader, tenant: &Tenant, customers: &[Uuid]) -> sqlx::Result<HashMap<Uuid, i32>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query!(
        "SELECT customer_id, licenses FROM customer_directory WHERE tenant_id = $1 AND customer_id = ANY($2)",
        tenant.as_str(),
        customers,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| (row.customer_id, row.licenses)).collect())
}

//! The index behind search: for each thing that is found by name, hashes of what finds it.
//!
//! The hashes are keyed by tenant, so that no tenant's search meets another's things. Row-level security, which would say
//! so a second time, keeps Postgres from using an index over arrays: what is found here is read under it afterwards.

use licet_event_store::Tenant;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Reader,
    customer_directory::{self, Entry},
    queues::consumers,
};

/// How many candidates a search of one common word looks at: of more, Postgres picks some.
const CANDIDATES: &str = "2000";

/// Below so many that are asked for.
const FUZZY_BELOW: i64 = 1_000;

/// A thing that can be found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thing {
    /// Whose it is.
    pub tenant_id: String,
    /// What kind of thing: an aggregate's type.
    pub kind: String,
    /// Which.
    pub id: Uuid,
}

/// Things whose names may have changed between two positions.
pub async fn touched(pool: &PgPool, (after, until): (i64, i64)) -> sqlx::Result<Vec<Thing>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT tenant_id, aggregate_type, aggregate_id FROM events
           WHERE position > $1 AND position <= $2
             AND (aggregate_type IN ('customer', 'operator', 'product', 'policy')
                  OR event_type IN ('license.issued', 'license.edited', 'license.retired'))"#,
        after,
        until,
    )
    .fetch_all(pool)
    .await?;
    let things = rows.into_iter().filter_map(|row| {
        Some(Thing {
            tenant_id: row.tenant_id,
            kind: row.aggregate_type,
            id: row.aggregate_id.parse().ok()?,
        })
    });
    Ok(things.collect())
}

/// Whether someone was forgotten between two positions.
pub async fn forgets(pool: &PgPool, (after, until): (i64, i64)) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM events WHERE position > $1 AND position <= $2 AND event_type = 'customer.forgotten') AS "forgets!""#,
        after,
        until,
    )
    .fetch_one(pool)
    .await
}

/// The licenses of customers that were forgotten between two positions, as far as their read model knows them.
pub async fn licenses_of_forgotten(pool: &PgPool, (after, until): (i64, i64)) -> sqlx::Result<Vec<Thing>> {
    sqlx::query_as!(
        Thing,
        r#"SELECT l.tenant_id, 'license' AS "kind!", l.license_id AS id
           FROM events e JOIN license_state l ON l.tenant_id = e.tenant_id AND l.customer_id = e.aggregate_id::uuid
           WHERE e.position > $1 AND e.position <= $2 AND e.event_type = 'customer.forgotten'"#,
        after,
        until,
    )
    .fetch_all(pool)
    .await
}

/// Some of all things that have names, in the order of kinds and ids, after one of them: for whoever begins. Months of the
/// log may have left for the archive; the read models are whole.
pub async fn all(pool: &PgPool, (kind, id): (&str, Uuid), limit: i64) -> sqlx::Result<Vec<Thing>> {
    sqlx::query_as!(
        Thing,
        r#"SELECT tenant_id AS "tenant_id!", kind AS "kind!", id AS "id!" FROM (
               (SELECT tenant_id, kind, resource_id AS id FROM resources
                WHERE kind IN ('customer', 'operator', 'policy', 'product') AND (kind, resource_id) > ($1, $2)
                ORDER BY kind, resource_id LIMIT $3)
               UNION ALL
               (SELECT tenant_id, 'license', license_id FROM license_state
                WHERE note_sealed IS NOT NULL AND ('license', license_id) > ($1, $2) ORDER BY license_id LIMIT $3)
           ) AS found ORDER BY kind, id LIMIT $3"#,
        kind,
        id,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// What finds some things, which of them are gone, and where customers stand in lists.
#[derive(Debug, Default)]
pub struct Told {
    /// Things with the hashes of what finds them.
    pub found_by: Vec<(Thing, Vec<i64>)>,
    /// Things that nothing finds any more.
    pub gone: Vec<Thing>,
    /// Customers as they are listed.
    pub listed: Vec<Entry>,
}

/// Keeps what finds things, and forgets what finds those that are gone. Where a consumer's place is given, it moves with
/// them, or nothing happens: whoever was overtaken meanwhile writes nothing old; `false` then.
pub async fn keep(pool: &PgPool, told: &Told, consumer: Option<(&str, (i64, i64))>) -> sqlx::Result<bool> {
    let mut transaction = pool.begin().await?;
    if let Some((name, places)) = consumer
        && !consumers::advance(&mut *transaction, name, places).await?
    {
        return Ok(false);
    }
    for (thing, terms) in &told.found_by {
        sqlx::query!(
            r#"INSERT INTO search_terms (tenant_id, kind, thing_id, terms) VALUES ($1, $2, $3, $4)
               ON CONFLICT (kind, thing_id) DO UPDATE SET terms = excluded.terms WHERE search_terms.terms <> excluded.terms"#,
            thing.tenant_id,
            thing.kind,
            thing.id,
            terms,
        )
        .execute(&mut *transaction)
        .await?;
    }
    let kinds: Vec<String> = told.gone.iter().map(|thing| thing.kind.clone()).collect();
    let ids: Vec<Uuid> = told.gone.iter().map(|thing| thing.id).collect();
    sqlx::query!(
        r#"DELETE FROM search_terms s USING unnest($1::text[], $2::uuid[]) AS gone (kind, id)
           WHERE s.kind = gone.kind AND s.thing_id = gone.id"#,
        &kinds,
        &ids,
    )
    .execute(&mut *transaction)
    .await?;
    // Who is cut off in here must not keep anybody from being forgotten for long.
    sqlx::query!(r#"SELECT set_config('idle_in_transaction_session_timeout', '5s', true) AS set"#)
        .fetch_one(&mut *transaction)
        .await?;
    customer_directory::keep(&mut transaction, &told.listed).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Things of these kinds that have one of the hashes of each of the first four words.
pub async fn find(
    reader: &Reader,
    tenant: &Tenant,
    kinds: &[String],
    words: &[Vec<i64>],
    limit: i64,
) -> sqlx::Result<Vec<Thing>> {
    let mut transaction = reader.begin_for_search().await?;
    // A list asks for more, and for all of it.
    if words.len() == 1 && limit < FUZZY_BELOW {
        sqlx::query!(
            r#"SELECT set_config('gin_fuzzy_search_limit', $1, true) AS set"#,
            CANDIDATES
        )
        .fetch_one(&mut *transaction)
        .await?;
    }
    let word = |place: usize| words.get(place).map(Vec::as_slice);
    let found = sqlx::query_as!(
        Thing,
        r#"SELECT tenant_id, kind, thing_id AS id FROM search_terms
           WHERE tenant_id = $1 AND kind = ANY($2) AND terms && $3
             AND ($4::bigint[] IS NULL OR terms && $4) AND ($5::bigint[] IS NULL OR terms && $5)
             AND ($6::bigint[] IS NULL OR terms && $6)
           LIMIT $7"#,
        tenant.as_str(),
        kinds,
        word(0),
        word(1),
        word(2),
        word(3),
        limit,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(found)
}

//! What was answered to a machine at some moment, and why.

use licet_event_store::Tenant;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Reader, heartbeats::Range};

/// A refusal with its repetitions.
#[derive(Debug, Clone)]
pub struct DecisionRow {
    /// The position of its newest event.
    pub position: i64,
    /// The license.
    pub license_id: Uuid,
    /// The machine's digest; empty where it did not say or was counted with others.
    pub machine: String,
    /// The machine's activation, where it has one.
    pub activation_id: Option<Uuid>,
    /// What it wanted.
    pub asked: String,
    /// What was answered.
    pub code: String,
    /// The policy's version.
    pub policy_version: i32,
    /// What decided, as JSON.
    pub facts: String,
    /// How often within the hour.
    pub count: i64,
    /// The first time.
    pub decided_at: OffsetDateTime,
    /// The last time that is known.
    pub last_at: OffsetDateTime,
}

/// Which refusals are asked for.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Of one machine, by digest.
    pub machine: Option<String>,
    /// Of one activation.
    pub activation_id: Option<Uuid>,
    /// With one code.
    pub code: Option<String>,
    /// Only what comes after this in the list.
    pub after: Option<DecisionPlace>,
}

/// A refusal's place in the list, which no repetition moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionPlace {
    /// The first time.
    pub decided_at: OffsetDateTime,
    /// What was answered.
    pub code: String,
    /// The machine's digest.
    pub machine: String,
}

/// Refusals of a license that were repeated or first seen in a range, those that began last first.
pub async fn list(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
    filter: &DecisionFilter,
    limit: i64,
) -> sqlx::Result<Vec<DecisionRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let rows = sqlx::query_as!(
        DecisionRow,
        r#"SELECT position, license_id, machine, activation_id, asked, code, policy_version, facts, count, decided_at, last_at
           FROM decisions
           WHERE tenant_id = $1 AND license_id = $2 AND decided_at < $4
             -- One of this hour may be going on: how often it was repeated is written every few minutes.
             AND (last_at >= $3 OR (decided_at > $3 - interval '1 hour' AND decided_at > clock_timestamp() - interval '2 hours'))
             AND ($5::text IS NULL OR machine = $5) AND ($6::uuid IS NULL OR activation_id = $6)
             AND ($7::text IS NULL OR code = $7)
             AND ($8::timestamptz IS NULL OR (decided_at, code, machine) < ($8, $9, $10))
           ORDER BY decided_at DESC, code DESC, machine DESC LIMIT $11"#,
        tenant.as_str(),
        license_id,
        OffsetDateTime::from(range.from),
        OffsetDateTime::from(range.to),
        filter.machine,
        filter.activation_id,
        filter.code,
        filter.after.as_ref().map(|place| place.decided_at),
        filter.after.as_ref().map(|place| &place.code),
        filter.after.as_ref().map(|place| &place.machine),
        limit,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows)
}

/// How many of them there are over all pages, counted up to `most`.
pub async fn count(
    reader: &Reader,
    tenant: &Tenant,
    license_id: Uuid,
    range: Range,
    filter: &DecisionFilter,
    most: Option<i64>,
) -> sqlx::Result<i64> {
    let mut transaction = reader.begin(tenant).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM decisions WHERE tenant_id = $1 AND license_id = $2 AND decided_at < $4
               AND (last_at >= $3 OR (decided_at > $3 - interval '1 hour' AND decided_at > clock_timestamp() - interval '2 hours'))
               AND ($5::text IS NULL OR machine = $5) AND ($6::uuid IS NULL OR activation_id = $6)
               AND ($7::text IS NULL OR code = $7) LIMIT $8) AS found"#,
        tenant.as_str(),
        license_id,
        OffsetDateTime::from(range.from),
        OffsetDateTime::from(range.to),
        filter.machine,
        filter.activation_id,
        filter.code,
        most,
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(count)
}

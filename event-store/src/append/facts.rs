//! What the checks need to know, looked up in fresh statements after the lock was taken.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::IDEMPOTENCY_HOURS;
use crate::{
    holds,
    submission::{Claim, IdempotentAnswer, Submission},
};

/// What the checks need to know, read after the lock was taken.
#[derive(Default)]
pub(crate) struct Facts {
    pub(super) versions: HashMap<(String, String), u64>,
    pub(super) claims: HashMap<(String, String, Vec<u8>), String>,
    pub(super) answered: HashSet<(String, Vec<u8>)>,
    pub(super) holds: holds::Known,
}

/// Reads the versions of the streams, who holds the claimed values, which requests were answered already, and which
/// seats are held; only what these submissions rest on.
pub(crate) async fn look_up(
    connection: &mut PgConnection,
    submissions: &[&Submission],
    now: OffsetDateTime,
) -> sqlx::Result<Facts> {
    let mut facts = Facts::default();
    look_up_versions(connection, submissions, &mut facts).await?;
    let claims: Vec<(&Submission, &Claim)> = submissions
        .iter()
        .flat_map(|s| s.claims.iter().map(move |claim| (*s, claim)))
        .collect();
    if !claims.is_empty() {
        let tenants: Vec<String> = claims.iter().map(|(s, _)| s.tenant.as_str().to_owned()).collect();
        let kinds: Vec<String> = claims.iter().map(|(_, claim)| claim.kind.to_owned()).collect();
        let hashes: Vec<Vec<u8>> = claims.iter().map(|(_, claim)| claim.value_hash.to_vec()).collect();
        let rows = sqlx::query!(
            r#"SELECT c.tenant_id, c.kind, c.value_hash, c.aggregate_id
               FROM unnest($1::text[], $2::text[], $3::bytea[]) AS wanted (tenant_id, kind, value_hash)
               JOIN claims c USING (tenant_id, kind, value_hash)"#,
            &tenants,
            &kinds,
            &hashes,
        )
        .fetch_all(&mut *connection)
        .await?;
        facts.claims.extend(
            rows.into_iter()
                .map(|row| ((row.tenant_id, row.kind, row.value_hash), row.aggregate_id)),
        );
    }
    let answers: Vec<(&Submission, &IdempotentAnswer)> = submissions
        .iter()
        .filter_map(|s| s.idempotency.as_ref().map(|answer| (*s, answer)))
        .collect();
    if !answers.is_empty() {
        let tenants: Vec<String> = answers.iter().map(|(s, _)| s.tenant.as_str().to_owned()).collect();
        let scopes: Vec<Vec<u8>> = answers.iter().map(|(_, answer)| answer.scope_hash.to_vec()).collect();
        let rows = sqlx::query!(
            r#"SELECT k.tenant_id, k.scope_hash
               FROM unnest($1::text[], $2::bytea[]) AS wanted (tenant_id, scope_hash)
               JOIN idempotency_keys k USING (tenant_id, scope_hash)
               WHERE k.recorded_at > $3"#,
            &tenants,
            &scopes,
            now - time::Duration::hours(IDEMPOTENCY_HOURS),
        )
        .fetch_all(&mut *connection)
        .await?;
        facts
            .answered
            .extend(rows.into_iter().map(|row| (row.tenant_id, row.scope_hash)));
    }
    facts.holds = holds::look_up(connection, submissions, now).await?;
    Ok(facts)
}

async fn look_up_versions(
    connection: &mut PgConnection,
    submissions: &[&Submission],
    facts: &mut Facts,
) -> sqlx::Result<()> {
    let mut wanted: HashSet<(&str, &str)> = HashSet::new();
    for submission in submissions {
        let written = submission.streams.iter().filter(|stream| stream.has_version());
        wanted.extend(written.map(|stream| (stream.aggregate_type, stream.aggregate_id.as_str())));
        wanted.extend(submission.preconditions.iter().filter_map(|condition| match condition {
            crate::Precondition::StreamUnchanged {
                aggregate_type,
                aggregate_id,
                ..
            } => Some((*aggregate_type, aggregate_id.as_str())),
            crate::Precondition::HoldExpired { .. } => None,
        }));
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let (types, ids): (Vec<String>, Vec<String>) = wanted
        .iter()
        .map(|(kind, id)| (kind.to_string(), id.to_string()))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT s.aggregate_type AS "aggregate_type!", s.aggregate_id AS "aggregate_id!",
                  coalesce((SELECT max(e.sequence) FROM events e
                            WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id), 0) AS "version!"
           FROM unnest($1::text[], $2::text[]) AS s (aggregate_type, aggregate_id)"#,
        &types,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    facts.versions.extend(
        rows.into_iter()
            .map(|row| ((row.aggregate_type, row.aggregate_id), row.version as u64)),
    );
    Ok(())
}

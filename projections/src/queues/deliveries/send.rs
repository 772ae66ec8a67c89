//! Queueing, taking and settling deliveries.

use licet_domain::values::Timestamp;
use licet_event_store::{RecordedEvent, Tenant};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::queues::consumers;

/// For how long a delivery is tried.
pub const GIVE_UP_SECONDS: i64 = 3 * 86_400;

/// For how long a delivery or a mail that was taken is hidden from other nodes.
pub const TAKEN_SECONDS: f64 = 300.0;

/// How long to wait after so many failures, in seconds: 5 s, 30 s, then twice as long each time, up to four hours.
pub fn back_off(attempts: u32) -> i64 {
    match attempts {
        0 | 1 => 5,
        more => (30_i64 << (more - 2).min(10)).min(4 * 3_600),
    }
}

/// The longest that a target is left alone: then one delivery tries whether it is back.
const LONGEST_PAUSE_SECONDS: i64 = 900;

/// A delivery that is due.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// Whose it is.
    pub tenant: Tenant,
    /// Which webhook.
    pub webhook_id: Uuid,
    /// Which event.
    pub position: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
}

/// How a try went.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The target took it.
    Delivered {
        /// The target's HTTP status.
        status: u16,
    },
    /// It did not.
    Failed {
        /// The target's HTTP status, if it answered.
        status: Option<u16>,
        /// What went wrong, for people.
        error: String,
        /// After how many seconds the target wants to be asked again, where it said so.
        retry_after_seconds: Option<i64>,
    },
}

/// Queues events for a webhook and moves its place on, together; nothing where its place was moved meanwhile.
pub async fn enqueue(
    pool: &PgPool,
    consumer: &str,
    webhook_id: Uuid,
    events: &[&RecordedEvent],
    place: (i64, i64),
) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    if !events.is_empty() {
        sqlx::query!(
            r#"INSERT INTO webhook_deliveries (tenant_id, webhook_id, position, event_type)
               SELECT tenant_id, $2, position, event_type FROM unnest($1::text[], $3::bigint[], $4::text[])
                   AS event (tenant_id, position, event_type)
               ON CONFLICT (webhook_id, position) DO NOTHING"#,
            &events.iter().map(|event| event.tenant_id.clone()).collect::<Vec<_>>(),
            webhook_id,
            &events.iter().map(|event| event.position).collect::<Vec<_>>(),
            &events.iter().map(|event| event.event_type.clone()).collect::<Vec<_>>(),
        )
        .execute(&mut *transaction)
        .await?;
    }
    if consumers::advance(&mut *transaction, consumer, place).await? {
        transaction.commit().await
    } else {
        transaction.rollback().await
    }
}

/// Those of these webhooks that have deliveries due and are not left alone, the longest waiting first.
pub async fn waiting(pool: &PgPool, webhooks: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM unnest($1::uuid[]) AS live (id) LEFT JOIN webhook_pauses ON webhook_id = id,
               LATERAL (SELECT min(next_attempt_at) AS since FROM webhook_deliveries
                        WHERE webhook_id = id AND status = 'pending' AND next_attempt_at <= clock_timestamp()) AS due
           WHERE since IS NOT NULL AND (until IS NULL OR until <= clock_timestamp()) ORDER BY since"#,
        webhooks,
    )
    .fetch_all(pool)
    .await
}

/// Takes a webhook's deliveries whose time has come, in the order of the log; what was refused before comes last, so that
/// one event that a target never takes does not stand before all others. They are hidden from every other node for
/// as long as sending may take, so that none is sent by two at once; what a dead node took comes back after that.
pub async fn take_due(pool: &PgPool, webhook_id: Uuid, limit: i64) -> sqlx::Result<Vec<DueDelivery>> {
    let mut rows = sqlx::query!(
        r#"UPDATE webhook_deliveries AS taken SET next_attempt_at = clock_timestamp() + make_interval(secs => $3)
           FROM (SELECT position FROM webhook_deliveries
                 WHERE webhook_id = $1 AND status = 'pending' AND next_attempt_at <= clock_timestamp()
                 ORDER BY attempts > 0, position LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
           WHERE taken.webhook_id = $1 AND taken.position = due.position
           RETURNING taken.tenant_id, taken.webhook_id, taken.position, taken.attempts, taken.created_at"#,
        webhook_id,
        limit,
        TAKEN_SECONDS,
    )
    .fetch_all(pool)
    .await?;
    rows.sort_unstable_by_key(|row| (row.attempts > 0, row.position));
    Ok(rows
        .into_iter()
        .map(|row| DueDelivery {
            tenant: Tenant::new(&row.tenant_id),
            webhook_id: row.webhook_id,
            position: row.position,
            attempts: row.attempts.unsigned_abs(),
            created_at: row.created_at.into(),
        })
        .collect())
}

/// Leaves a target alone for longer with each failure in a row, and for as long as it asks for.
pub async fn pause(pool: &PgPool, webhook_id: Uuid, retry_after_seconds: Option<i64>) -> sqlx::Result<()> {
    let failures = sqlx::query_scalar!(
        r#"INSERT INTO webhook_pauses (webhook_id, failures, until) VALUES ($1, 1, clock_timestamp())
           ON CONFLICT (webhook_id) DO UPDATE SET failures = webhook_pauses.failures + 1 RETURNING failures"#,
        webhook_id,
    )
    .fetch_one(pool)
    .await?;
    let seconds = back_off(failures.unsigned_abs()).min(LONGEST_PAUSE_SECONDS);
    let seconds = seconds.max(retry_after_seconds.unwrap_or_default());
    sqlx::query!(
        "UPDATE webhook_pauses SET until = clock_timestamp() + make_interval(secs => $2) WHERE webhook_id = $1",
        webhook_id,
        seconds as f64,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A target that has taken something is in order again.
pub async fn unpause(pool: &PgPool, webhook_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM webhook_pauses WHERE webhook_id = $1", webhook_id)
        .execute(pool)
        .await?;
    Ok(())
}

/// The webhooks to which something is due or will be.
pub async fn pending(pool: &PgPool) -> sqlx::Result<Vec<(Tenant, Uuid)>> {
    let rows = sqlx::query!("SELECT DISTINCT tenant_id, webhook_id FROM webhook_deliveries WHERE status = 'pending'")
        .fetch_all(pool)
        .await?;
    let webhooks = rows
        .into_iter()
        .map(|row| (Tenant::new(&row.tenant_id), row.webhook_id));
    Ok(webhooks.collect())
}

/// Gives up what is due to a webhook that was retired.
pub async fn fail_pending(pool: &PgPool, webhook_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE webhook_deliveries SET status = 'dead', settled_at = clock_timestamp(), last_error = 'the webhook was retired'
           WHERE status = 'pending' AND webhook_id = $1"#,
        webhook_id,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives up what has waited for three days for a target that has taken nothing for as long.
pub async fn dead_letter_stale(pool: &PgPool) -> sqlx::Result<u64> {
    let given_up = sqlx::query!(
        r#"UPDATE webhook_deliveries d SET status = 'dead', settled_at = clock_timestamp(),
               last_error = coalesce(last_error, 'the target took nothing for three days')
           FROM webhook_pauses p
           WHERE p.webhook_id = d.webhook_id AND p.failing_since < clock_timestamp() - make_interval(secs => $1)
             AND d.status = 'pending' AND d.created_at < clock_timestamp() - make_interval(secs => $1)"#,
        GIVE_UP_SECONDS as f64,
    )
    .execute(pool)
    .await?;
    Ok(given_up.rows_affected())
}

/// Gives back what was taken and not tried.
pub async fn put_back(pool: &PgPool, webhook_id: Uuid, positions: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE webhook_deliveries SET next_attempt_at = clock_timestamp()
           WHERE webhook_id = $1 AND position = ANY($2) AND status = 'pending'"#,
        webhook_id,
        positions,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Writes down how a try went; answers whether the delivery is given up. A failure that is told late, by a node that was
/// held up, undoes nothing that another one has noted since; and neither a failure nor a success takes back that an
/// operator has ordered it sent again meanwhile, which makes it a new one.
pub async fn settle(pool: &PgPool, delivery: &DueDelivery, outcome: &Outcome) -> sqlx::Result<bool> {
    match outcome {
        Outcome::Delivered { status } => {
            sqlx::query!(
                r#"UPDATE webhook_deliveries SET status = 'delivered', attempts = attempts + 1, settled_at = clock_timestamp(),
                       last_status = $3, last_error = NULL
                   WHERE webhook_id = $1 AND position = $2 AND date_trunc('milliseconds', created_at) = $4"#,
                delivery.webhook_id,
                delivery.position,
                i32::from(*status),
                OffsetDateTime::from(delivery.created_at),
            )
            .execute(pool)
            .await?;
            Ok(false)
        }
        Outcome::Failed {
            status,
            error,
            retry_after_seconds,
        } => {
            let wait = back_off(delivery.attempts + 1).max(retry_after_seconds.unwrap_or_default());
            let dead = sqlx::query_scalar!(
                r#"UPDATE webhook_deliveries SET attempts = attempts + 1, last_status = $3, last_error = left($4, 500),
                       next_attempt_at = clock_timestamp() + make_interval(secs => $5),
                       status = CASE WHEN created_at + make_interval(secs => $6) < clock_timestamp() + make_interval(secs => $5)
                                     THEN 'dead' ELSE 'pending' END,
                       settled_at = CASE WHEN created_at + make_interval(secs => $6) < clock_timestamp() + make_interval(secs => $5)
                                         THEN clock_timestamp() END
                   WHERE webhook_id = $1 AND position = $2 AND status = 'pending' AND attempts = $7
                     AND date_trunc('milliseconds', created_at) = $8
                   RETURNING status = 'dead' AS "dead!""#,
                delivery.webhook_id,
                delivery.position,
                status.map(i32::from),
                error.replace('\0', ""),
                wait as f64,
                GIVE_UP_SECONDS as f64,
                delivery.attempts.cast_signed(),
                OffsetDateTime::from(delivery.created_at),
            )
            .fetch_optional(pool)
            .await?;
            Ok(dead.unwrap_or(false))
        }
    }
}

/// Forgets what was delivered long ago.
pub async fn sweep(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE status = 'delivered' AND settled_at < clock_timestamp() - interval '30 days'"
    )
    .execute(pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_all_tries_fit_into_three_days() {
        let waits: Vec<i64> = (1..=12).map(back_off).collect();
        assert_eq!(waits[..5], [5, 30, 60, 120, 240]);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(*waits.last().unwrap(), 14_400);
    }
}

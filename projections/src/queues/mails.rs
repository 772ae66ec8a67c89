//! The queue of mails.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    consumers,
    deliveries::{TAKEN_SECONDS, back_off},
};

/// A mail that is to be sent.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Says what it is about; the same is queued once.
    pub mail_id: String,
    /// Whose it is.
    pub tenant: Tenant,
    /// Which template.
    pub kind: String,
    /// The license or anomaly that it is about.
    pub subject_id: Uuid,
    /// What the template tells, as JSON; no names and no addresses.
    pub facts: String,
}

/// A mail whose time has come.
#[derive(Debug, Clone)]
pub struct DueMail {
    /// The mail.
    pub mail: NewMail,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
}

/// Queues mails that were not queued before; with a consumer's place, together with it or not at all.
pub async fn enqueue(pool: &PgPool, mails: &[NewMail], place: Option<(&str, (i64, i64))>) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    if !mails.is_empty() {
        let each = |of: fn(&NewMail) -> &str| mails.iter().map(|mail| of(mail).to_owned()).collect::<Vec<_>>();
        sqlx::query!(
            r#"INSERT INTO mails (mail_id, tenant_id, kind, subject_id, facts)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[]) ON CONFLICT DO NOTHING"#,
            &each(|mail| &mail.mail_id),
            &each(|mail| mail.tenant.as_str()),
            &each(|mail| &mail.kind),
            &mails.iter().map(|mail| mail.subject_id).collect::<Vec<_>>(),
            &each(|mail| &mail.facts),
        )
        .execute(&mut *transaction)
        .await?;
    }
    let moved = match place {
        Some((consumer, place)) => consumers::advance(&mut *transaction, consumer, place).await?,
        None => true,
    };
    if moved {
        transaction.commit().await
    } else {
        transaction.rollback().await
    }
}

/// Takes mails whose time has come, and hides them from other nodes while they are sent.
pub async fn take_due(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<DueMail>> {
    let mut rows = sqlx::query!(
        r#"UPDATE mails SET next_attempt_at = clock_timestamp() + make_interval(secs => $2)
           WHERE mail_id IN (SELECT mail_id FROM mails WHERE status = 'pending' AND next_attempt_at <= clock_timestamp()
                             ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING mail_id, tenant_id, kind, subject_id, facts, attempts, created_at"#,
        limit,
        TAKEN_SECONDS,
    )
    .fetch_all(pool)
    .await?;
    rows.sort_unstable_by_key(|row| row.created_at);
    Ok(rows
        .into_iter()
        .map(|row| DueMail {
            mail: NewMail {
                mail_id: row.mail_id,
                tenant: Tenant::new(&row.tenant_id),
                kind: row.kind,
                subject_id: row.subject_id,
                facts: row.facts,
            },
            attempts: row.attempts.unsigned_abs(),
            created_at: row.created_at.into(),
        })
        .collect())
}

/// Writes down that a mail was sent; not where an operator has ordered it sent again meanwhile, which makes it a new one.
pub async fn sent(pool: &PgPool, mail: &DueMail) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE mails SET status = 'sent', attempts = attempts + 1, settled_at = clock_timestamp(), last_error = NULL
           WHERE mail_id = $1 AND date_trunc('milliseconds', created_at) = $2"#,
        mail.mail.mail_id,
        OffsetDateTime::from(mail.created_at),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Writes down that a mail was not sent; it is tried again for three days, unless trying is of no use. A failure that is
/// told late undoes nothing that another node has noted since.
pub async fn failed(pool: &PgPool, mail: &DueMail, error: &str, hopeless: bool) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE mails SET attempts = attempts + 1, last_error = left($2, 500),
               next_attempt_at = clock_timestamp() + make_interval(secs => $3),
               status = CASE WHEN $4 OR created_at + interval '3 days' < clock_timestamp() THEN 'dead' ELSE 'pending' END
           WHERE mail_id = $1 AND status = 'pending' AND attempts = $5 AND date_trunc('milliseconds', created_at) = $6"#,
        mail.mail.mail_id,
        error.replace('\0', ""),
        back_off(mail.attempts + 1) as f64,
        hopeless,
        mail.attempts.cast_signed(),
        OffsetDateTime::from(mail.created_at),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A mail as operators see it.
#[derive(Debug, Clone)]
pub struct MailRow {
    /// Says what it is about.
    pub mail_id: String,
    /// Which template.
    pub kind: String,
    /// The license or anomaly that it is about.
    pub subject_id: Uuid,
    /// `pending`, `sent` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// When it is tried next, or was.
    pub next_attempt_at: OffsetDateTime,
    /// When it was sent.
    pub settled_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// A tenant's mails, newest first, of one status where it is given, before a place.
pub async fn list(
    pool: &PgPool,
    tenant: &Tenant,
    status: Option<&str>,
    before: Option<(OffsetDateTime, &str)>,
    limit: i64,
) -> sqlx::Result<Vec<MailRow>> {
    sqlx::query_as!(
        MailRow,
        r#"SELECT mail_id, kind, subject_id, status, attempts, created_at, next_attempt_at, settled_at, last_error FROM mails
           WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2)
             AND ($3::timestamptz IS NULL OR (created_at, mail_id) < ($3, $4::text))
           ORDER BY created_at DESC, mail_id DESC LIMIT $5"#,
        tenant.as_str(),
        status,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How many of them there are over all pages, counted up to `most`.
pub async fn count(pool: &PgPool, tenant: &Tenant, status: Option<&str>, most: Option<i64>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM mails WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2) LIMIT $3) AS found"#,
        tenant.as_str(),
        status,
        most,
    )
    .fetch_one(pool)
    .await
}

/// Whether there is such a mail.
pub async fn exists(pool: &PgPool, tenant: &Tenant, mail_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mails WHERE tenant_id = $1 AND mail_id = $2) AS "exists!""#,
        tenant.as_str(),
        mail_id,
    )
    .fetch_one(pool)
    .await
}

/// Tries a mail again from the beginning and at once, whatever became of it; `false` when there is none.
pub async fn resend(pool: &PgPool, tenant: &Tenant, mail_id: &str) -> sqlx::Result<bool> {
    let found = sqlx::query!(
        r#"UPDATE mails SET status = 'pending', attempts = 0, settled_at = NULL, created_at = clock_timestamp(),
               next_attempt_at = clock_timestamp()
           WHERE tenant_id = $1 AND mail_id = $2"#,
        tenant.as_str(),
        mail_id,
    )
    .execute(pool)
    .await?;
    Ok(found.rows_affected() == 1)
}

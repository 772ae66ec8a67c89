//! Floating seats: until when each is held by its last beat, by the database's clock.
//!
//! Holds are read and written under the log's lock, so that a beat and a reclaim at the same moment cannot both win, on
//! any number of nodes.

use std::collections::HashMap;

use licet_domain::{
    SeatHold,
    values::{ActivationId, LicenseId},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Precondition, Submission, Tenant};

/// Whether each hold that a batch asks about is there (`Some`) and has run out (`Some(true)`).
pub(crate) type Known = HashMap<ActivationId, bool>;

/// Reads the holds that these submissions rest on.
pub(crate) async fn look_up(
    connection: &mut PgConnection,
    submissions: &[&Submission],
    now: OffsetDateTime,
) -> sqlx::Result<Known> {
    let mut wanted: Vec<Uuid> = Vec::new();
    for submission in submissions {
        wanted.extend(submission.holds.iter().filter_map(|hold| match hold {
            SeatHold::Extend { activation_id, .. } => Some(activation_id.0),
            SeatHold::Take { .. } | SeatHold::Free { .. } => None,
        }));
        wanted.extend(submission.preconditions.iter().filter_map(|condition| match condition {
            Precondition::HoldExpired { activation_id } => Some(activation_id.0),
            Precondition::StreamUnchanged { .. } => None,
        }));
    }
    if wanted.is_empty() {
        return Ok(Known::new());
    }
    let rows = sqlx::query!(
        r#"SELECT activation_id, held_until <= $2 AS "expired!" FROM seat_holds WHERE activation_id = ANY($1)"#,
        &wanted,
        now,
    )
    .fetch_all(connection)
    .await?;
    let known = rows
        .into_iter()
        .map(|row| (ActivationId(row.activation_id), row.expired));
    Ok(known.collect())
}

/// What becomes of a change that another one follows: what was taken is not only extended, and never shortened.
fn after(known: Option<SeatHold>, next: SeatHold) -> SeatHold {
    use SeatHold::{Extend, Take};
    match (known, next) {
        (
            Some(Take {
                license_id, seconds, ..
            }),
            Extend {
                activation_id,
                seconds: more,
            }
            | Take {
                activation_id,
                seconds: more,
                ..
            },
        ) => Take {
            activation_id,
            license_id,
            seconds: seconds.max(more),
        },
        (
            Some(Extend { seconds, .. }),
            Extend {
                activation_id,
                seconds: more,
            },
        ) => Extend {
            activation_id,
            seconds: seconds.max(more),
        },
        (_, next) => next,
    }
}

/// What a batch does to holds; the last change of each counts.
#[derive(Default)]
pub(crate) struct Changes(HashMap<ActivationId, (Tenant, SeatHold)>);

impl Changes {
    pub(crate) fn add(&mut self, submission: &Submission) {
        for hold in &submission.holds {
            let (SeatHold::Take { activation_id, .. }
            | SeatHold::Extend { activation_id, .. }
            | SeatHold::Free { activation_id }) = hold;
            let known = self.0.get(activation_id).map(|(_, known)| *known);
            self.0
                .insert(*activation_id, (submission.tenant.clone(), after(known, *hold)));
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
        let until = |seconds: u32| now + time::Duration::seconds(i64::from(seconds));
        let mut freed: Vec<Uuid> = Vec::new();
        let (mut extended, mut extended_until) = (Vec::new(), Vec::new());
        let (mut tenants, mut taken, mut licenses, mut taken_until) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (tenant, hold) in self.0.values() {
            match *hold {
                SeatHold::Free { activation_id } => freed.push(activation_id.0),
                SeatHold::Extend { activation_id, seconds } => {
                    extended.push(activation_id.0);
                    extended_until.push(until(seconds));
                }
                SeatHold::Take {
                    activation_id,
                    license_id,
                    seconds,
                } => {
                    tenants.push(tenant.as_str().to_owned());
                    taken.push(activation_id.0);
                    licenses.push(license_id.0);
                    taken_until.push(until(seconds));
                }
            }
        }
        if !freed.is_empty() {
            sqlx::query!("DELETE FROM seat_holds WHERE activation_id = ANY($1)", &freed)
                .execute(&mut *connection)
                .await?;
        }
        if !extended.is_empty() {
            // A hold is never shortened: a seat that was taken along offline outlasts the next beat.
            sqlx::query!(
                r#"UPDATE seat_holds SET held_until = greatest(seat_holds.held_until, beat.held_until)
                   FROM unnest($1::uuid[], $2::timestamptz[]) AS beat (activation_id, held_until)
                   WHERE seat_holds.activation_id = beat.activation_id"#,
                &extended,
                &extended_until,
            )
            .execute(&mut *connection)
            .await?;
        }
        if !taken.is_empty() {
            sqlx::query!(
                r#"INSERT INTO seat_holds (tenant_id, activation_id, license_id, held_until)
                   SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[])
                   ON CONFLICT (activation_id) DO UPDATE SET held_until = greatest(seat_holds.held_until, excluded.held_until)"#,
                &tenants,
                &taken,
                &licenses,
                &taken_until,
            )
            .execute(connection)
            .await?;
        }
        Ok(())
    }
}

/// Until when a seat is held; `None` when nothing holds it.
pub async fn until(pool: &PgPool, activation_id: ActivationId) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        "SELECT held_until FROM seat_holds WHERE activation_id = $1",
        activation_id.0
    )
    .fetch_optional(pool)
    .await
}

/// Gives a seat the hold that it lacks, from now on; one that it has meanwhile stays. A hold of a seat that is given up at
/// this moment means nothing and is dropped when it runs out.
pub async fn give(
    pool: &PgPool,
    tenant: &Tenant,
    license_id: LicenseId,
    activation_id: ActivationId,
    seconds: u32,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO seat_holds (tenant_id, activation_id, license_id, held_until)
           VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4)) ON CONFLICT DO NOTHING"#,
        tenant.as_str(),
        activation_id.0,
        license_id.0,
        f64::from(seconds),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A hold that has run out.
#[derive(Debug, Clone)]
pub struct ExpiredHold {
    /// Whose it is.
    pub tenant: Tenant,
    /// Of which license.
    pub license_id: LicenseId,
    /// Whose seat.
    pub activation_id: ActivationId,
}

/// Holds that have run out, of one license or of all, the longest first.
pub async fn expired(pool: &PgPool, license: Option<LicenseId>, limit: i64) -> sqlx::Result<Vec<ExpiredHold>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id, license_id, activation_id FROM seat_holds
           WHERE held_until <= clock_timestamp() AND ($1::uuid IS NULL OR license_id = $1)
           ORDER BY held_until LIMIT $2"#,
        license.map(|license| license.0),
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExpiredHold {
            tenant: Tenant::new(&row.tenant_id),
            license_id: LicenseId(row.license_id),
            activation_id: ActivationId(row.activation_id),
        })
        .collect())
}

/// Forgets a hold that means nothing any more: its policy does not float now, or its seat is gone. One that was taken
/// anew meanwhile stays, or its seat would never fall free.
pub async fn drop_expired(pool: &PgPool, activation_id: ActivationId) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM seat_holds WHERE activation_id = $1 AND held_until <= clock_timestamp()",
        activation_id.0,
    )
    .execute(pool)
    .await?;
    Ok(())
}

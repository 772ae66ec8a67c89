//! Lists of licenses.

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{ListedBy, Page, PageRequest, Reader, page::micros};

/// A license as lists show it; names come from what the ids point to.
#[derive(Debug, Clone)]
pub struct LicenseRow {
    /// Its id.
    pub license_id: Uuid,
    /// Who it was issued to.
    pub customer_id: Uuid,
    /// The policy that it follows.
    pub policy_id: Uuid,
    /// What it licenses.
    pub product_id: Uuid,
    /// The key as it may be shown.
    pub key_masked: String,
    /// How it stands, apart from time: `active`, `suspended` or `revoked`.
    pub standing: String,
    /// How many seats it has, where that is not what the policy says.
    pub seats: Option<i32>,
    /// How many machines hold one.
    pub active: i32,
    /// When it begins.
    pub valid_from: OffsetDateTime,
    /// When it ends.
    pub expires_at: Option<OffsetDateTime>,
    /// Its features on top of the policy's, as JSON.
    pub features: String,
    /// Its limits on top of the policy's, as JSON.
    pub limits: String,
    /// Free text about it, sealed with the customer's key.
    pub note_sealed: Option<String>,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When one of its machines reported last.
    pub last_seen_at: Option<OffsetDateTime>,
    /// Position of its newest event.
    pub position: i64,
}

/// When licenses end that do not, in the order of their ends. Statements say it by CASE: by COALESCE, no index is read under
/// row-level security.
const NEVER: OffsetDateTime = time::macros::datetime!(9999-12-31 00:00 UTC);

/// When licenses were seen last of which no machine has reported, in the order of that.
const UNSEEN: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// Which licenses are asked for; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct LicenseFilter {
    /// Of one customer.
    pub customer_id: Option<Uuid>,
    /// Under one policy.
    pub policy_id: Option<Uuid>,
    /// Of one product.
    pub product_id: Option<Uuid>,
    /// That stand so, apart from time: `active`, `suspended` or `revoked`.
    pub standing: Option<&'static str>,
    /// Whose end was recorded, or not.
    pub over: Option<bool>,
    /// That have begun by `now`, or not.
    pub begun: Option<bool>,
    /// What time it is.
    pub now: Timestamp,
    /// With one key.
    pub key: Option<KeySearch>,
    /// That end before this moment.
    pub expires_before: Option<Timestamp>,
    /// That end at this moment or later, or never.
    pub expires_after: Option<Timestamp>,
    /// With at least so many seats that no machine holds.
    pub seats_free: Option<i32>,
}

impl LicenseFilter {
    /// From where a page is read: in the order of ends no sooner than the range of ends begins, because Postgres begins at
    /// the place and reads all that lies before the range.
    fn begin(&self, request: &PageRequest) -> (OffsetDateTime, Uuid) {
        let place = request.bounds();
        if request.by != ListedBy::End {
            return place;
        }
        // No license has the nil id: what ends at that moment lies behind it, in either direction.
        let edge = |moment: Timestamp| (OffsetDateTime::from(moment), Uuid::nil());
        if request.descending {
            self.expires_before.map_or(place, |before| place.min(edge(before)))
        } else {
            self.expires_after.map_or(place, |after| place.max(edge(after)))
        }
    }

    /// Whether those are asked for that cannot be used.
    fn stands_still(&self) -> bool {
        self.standing.is_some_and(|standing| standing != "active")
            || self.over == Some(true)
            || self.begun == Some(false)
    }

    fn key_parts(&self) -> (Option<Uuid>, Option<&str>) {
        match &self.key {
            Some(KeySearch::License(id)) => (Some(*id), None),
            Some(KeySearch::Ending(ending)) => (None, Some(ending)),
            None => (None, None),
        }
    }
}

/// A key that is looked for.
#[derive(Debug, Clone)]
pub enum KeySearch {
    /// All of it was typed: it is this license's.
    License(Uuid),
    /// Its last group was typed.
    Ending(String),
}

/// A page of the licenses in the books.
pub async fn list(
    reader: &Reader,
    tenant: &Tenant,
    filter: &LicenseFilter,
    request: &PageRequest,
) -> sqlx::Result<Page<LicenseRow>> {
    let mut transaction = reader.begin(tenant).await?;
    let policies = match filter.seats_free {
        Some(_) => policy_seats(&mut transaction, tenant).await?,
        None => PolicySeats::default(),
    };
    let rows = rows(&mut transaction, tenant, (filter, &policies), request).await?;
    let counting = count(&mut transaction, tenant, (filter, &policies), request);
    // What was counted a moment ago is counted for this moment too.
    let counted = LicenseFilter {
        now: Timestamp::default(),
        ..filter.clone()
    };
    let filter = format!("{counted:?}");
    let total = reader
        .total(tenant, "licenses", filter, request, rows.len(), counting)
        .await?;
    transaction.commit().await?;
    Ok(Page::of(rows, request, total, |row| {
        let at = match request.by {
            ListedBy::End => micros(row.expires_at.unwrap_or(NEVER)),
            ListedBy::Active => i64::from(row.active),
            ListedBy::LastSeen => micros(row.last_seen_at.unwrap_or(UNSEEN)),
            _ => micros(row.issued_at),
        };
        (at, row.license_id)
    }))
}

/// Policies, and how many seats each of them gives.
type PolicySeats = (Vec<Uuid>, Vec<i32>);

/// What policies say of seats, read once: read for each license, it takes most of the time.
async fn policy_seats(connection: &mut PgConnection, tenant: &Tenant) -> sqlx::Result<PolicySeats> {
    let rows = sqlx::query!(
        r#"SELECT resource_id, (facts #>> '{terms,seats}')::integer AS "seats!" FROM resources
           CROSS JOIN LATERAL jsonb_each(state::jsonb) AS life (stage, facts)
           WHERE tenant_id = $1 AND kind = 'policy' AND facts #>> '{terms,seats}' IS NOT NULL"#,
        tenant.as_str(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.resource_id, row.seats)).unzip())
}

/// One row more than a page of them has.
async fn rows(
    connection: &mut PgConnection,
    tenant: &Tenant,
    (filter, policies): (&LicenseFilter, &PolicySeats),
    request: &PageRequest,
) -> sqlx::Result<Vec<LicenseRow>> {
    let (by_id, ending) = filter.key_parts();
    let (moment, id) = filter.begin(request);
    // Each order is a statement of its own: its index is found by the words in it.
    macro_rules! rows_by {
        ($order:literal, $from:expr, $id:expr) => {
            rows_by!(
                "l.license_id",
                $order,
                "LEFT JOIN license_usage_stats s ON s.tenant_id = l.tenant_id AND s.license_id = l.license_id",
                $from,
                $id
            )
        };
        ($license:literal, $order:literal, $stats:literal, $from:expr, $id:expr) => {
            sqlx::query_as!(
                LicenseRow,
                r#"SELECT l.license_id, customer_id, policy_id, product_id, key_masked, standing, l.seats, active, valid_from, expires_at,
                       features, limits, note_sealed, issued_at, s.last_beat_at AS "last_seen_at?", position
                   FROM license_state l "# + $stats + r#"
                        LEFT JOIN unnest($18::uuid[], $19::integer[]) AS p (policy, seats) ON p.policy = l.policy_id
                   WHERE l.tenant_id = $1 AND standing <> 'retired'
                     AND ($2::uuid IS NULL OR customer_id = $2) AND ($3::uuid IS NULL OR policy_id = $3) AND ($4::uuid IS NULL OR product_id = $4)
                     AND ($9::text IS NULL OR standing = $9) AND ($10::boolean IS NULL OR expiry_noted = $10)
                     AND ($11::boolean IS NULL OR (valid_from <= $12) = $11)
                     AND ($13::uuid IS NULL OR l.license_id = $13) AND ($14::text IS NULL OR right(key_masked, 5) = $14)
                     AND ($15::timestamptz IS NULL OR CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END < $15)
                     AND ($16::timestamptz IS NULL OR CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END >= $16)
                     AND ($17::integer IS NULL OR $17 <= coalesce(l.seats, p.seats) - active)
                     AND (NOT $8::boolean AND ("# + $order + r#", "# + $license + r#") > ($5, $6) OR $8 AND ("# + $order + r#", "# + $license + r#") < ($5, $6))
                   ORDER BY CASE WHEN $8 THEN NULL ELSE "# + $order + r#" END, CASE WHEN $8 THEN "# + $order + r#" END DESC,
                            CASE WHEN $8 THEN NULL ELSE "# + $license + r#" END, CASE WHEN $8 THEN "# + $license + r#" END DESC
                   LIMIT $7"#,
                tenant.as_str(),
                filter.customer_id,
                filter.policy_id,
                filter.product_id,
                $from,
                $id,
                request.limit + 1,
                request.descending,
                filter.standing,
                filter.over,
                filter.begun,
                OffsetDateTime::from(filter.now),
                by_id,
                ending,
                filter.expires_before.map(OffsetDateTime::from),
                filter.expires_after.map(OffsetDateTime::from),
                filter.seats_free,
                &policies.0,
                &policies.1,
            )
            .fetch_all(connection)
            .await
        };
    }
    match request.by {
        ListedBy::End => rows_by!(
            "CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END",
            moment,
            id
        ),
        ListedBy::Active => {
            let (number, id) = request.number_bounds();
            rows_by!("active", number, id)
        }
        // Who stands still is seen no more: in this order they come last, and it is quicker to look at them alone.
        ListedBy::LastSeen if filter.stands_still() => rows_by!(
            "s.license_id",
            "CASE WHEN s.last_beat_at IS NULL THEN timestamptz '1970-01-01 00:00+00' ELSE s.last_beat_at END",
            "CROSS JOIN LATERAL (SELECT last_beat_at, license_id FROM license_usage_stats s
                 WHERE s.tenant_id = l.tenant_id AND s.license_id = l.license_id OFFSET 0) AS s",
            moment,
            id
        ),
        ListedBy::LastSeen => rows_by!(
            "s.license_id",
            "CASE WHEN s.last_beat_at IS NULL THEN timestamptz '1970-01-01 00:00+00' ELSE s.last_beat_at END",
            "JOIN license_usage_stats s ON s.tenant_id = l.tenant_id AND s.license_id = l.license_id",
            moment,
            id
        ),
        _ => rows_by!("issued_at", moment, id),
    }
}

/// How many licenses match, as far as is counted.
async fn count(
    connection: &mut PgConnection,
    tenant: &Tenant,
    (filter, policies): (&LicenseFilter, &PolicySeats),
    request: &PageRequest,
) -> sqlx::Result<i64> {
    let (by_id, ending) = filter.key_parts();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM license_state l
               LEFT JOIN unnest($15::uuid[], $16::integer[]) AS p (policy, seats) ON p.policy = l.policy_id
               WHERE tenant_id = $1 AND standing <> 'retired'
                 AND ($2::uuid IS NULL OR customer_id = $2) AND ($3::uuid IS NULL OR policy_id = $3) AND ($4::uuid IS NULL OR product_id = $4)
                 AND ($6::text IS NULL OR standing = $6) AND ($7::boolean IS NULL OR expiry_noted = $7)
                 AND ($8::boolean IS NULL OR (valid_from <= $9) = $8)
                 AND ($10::uuid IS NULL OR license_id = $10) AND ($11::text IS NULL OR right(key_masked, 5) = $11)
                 AND ($12::timestamptz IS NULL OR CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END < $12)
                 AND ($13::timestamptz IS NULL OR CASE WHEN expires_at IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE expires_at END >= $13)
                 AND ($14::integer IS NULL OR $14 <= coalesce(l.seats, p.seats) - active)
               LIMIT $5) AS matching"#,
        tenant.as_str(),
        filter.customer_id,
        filter.policy_id,
        filter.product_id,
        request.count_limit(),
        filter.standing,
        filter.over,
        filter.begun,
        OffsetDateTime::from(filter.now),
        by_id,
        ending,
        filter.expires_before.map(OffsetDateTime::from),
        filter.expires_after.map(OffsetDateTime::from),
        filter.seats_free,
        &policies.0,
        &policies.1,
    )
    .fetch_one(connection)
    .await
}

/// A license whose end has come and was not recorded yet.
#[derive(Debug, Clone)]
pub struct DueLicense {
    /// Whose it is.
    pub tenant_id: String,
    /// Its id.
    pub license_id: Uuid,
    /// When it ended.
    pub expires_at: OffsetDateTime,
}

/// Licenses of all tenants whose end has come and was not recorded yet, a page of them after one of them; for the worker
/// that records it.
pub async fn due(
    pool: &PgPool,
    now: Timestamp,
    (after, license): (OffsetDateTime, Uuid),
    limit: i64,
) -> sqlx::Result<Vec<DueLicense>> {
    sqlx::query_as!(
        DueLicense,
        r#"SELECT tenant_id, license_id, expires_at AS "expires_at!" FROM license_state
           WHERE expires_at >= $3 AND (expires_at, license_id) > ($3, $4) AND expires_at <= $1
             AND NOT expiry_noted AND standing IN ('active', 'suspended') ORDER BY expires_at, license_id LIMIT $2"#,
        OffsetDateTime::from(now),
        limit,
        after,
        license,
    )
    .fetch_all(pool)
    .await
}

/// A license that ends soon.
#[derive(Debug, Clone)]
pub struct EndingLicense {
    /// Whose it is.
    pub tenant_id: String,
    /// Its id.
    pub license_id: Uuid,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

/// Active licenses of all tenants that end after one moment and up to another and whose customers were not told so many
/// days ahead yet, a page of them after a license that ends at that first moment; for the worker that tells of it.
pub async fn ending_untold(
    pool: &PgPool,
    (after, license): (OffsetDateTime, Uuid),
    (until, days): (Timestamp, i64),
    limit: i64,
) -> sqlx::Result<Vec<EndingLicense>> {
    sqlx::query_as!(
        EndingLicense,
        r#"SELECT tenant_id, license_id, expires_at AS "expires_at!" FROM license_state l
           WHERE expires_at >= $1 AND (expires_at, license_id) > ($1, $2) AND expires_at <= $3
             AND NOT expiry_noted AND standing IN ('active', 'suspended') AND standing = 'active'
             AND NOT EXISTS (SELECT FROM mails
                             WHERE mail_id = format('expiry/%s/%s/%s', license_id, floor(extract(epoch FROM expires_at))::bigint, $5::bigint))
           ORDER BY expires_at, license_id LIMIT $4"#,
        after,
        license,
        OffsetDateTime::from(until),
        limit,
        days,
    )
    .fetch_all(pool)
    .await
}

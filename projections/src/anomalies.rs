//! A license's history as the rules of anomalies look at it. Queries over the log and the read models of use; what is
//! found becomes events, which the read model `resources` lists.

use licet_domain::{
    anomaly::{Daily, NewMachine, Observation, Seen},
    heartbeat::{HeartbeatEvent, HeartbeatRecorded},
    license::LicenseEvent,
    values::{Sealed, Timestamp},
};
use licet_event_store::{Metadata, ReadError, Tenant, decode};
use sqlx::PgPool;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::heartbeats::Range;

/// Observations of one license that are looked at; a busier one is looked at from its newest on.
const MAX_OBSERVATIONS: i64 = 5_000;
/// Figures of one license that are looked at: some hundred names on each day.
const FIGURES: i64 = 50_000;
/// Machines that are compared with each other, the newest.
const MACHINES: i64 = 500;
/// Days of figures that are compared.
const DAYS: i64 = 60;

/// A license of which something was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangedLicense {
    /// Whose it is.
    pub tenant: Tenant,
    /// The license.
    pub license_id: Uuid,
}

/// Where something was first recorded of a license in a stretch of the log, and when.
pub type First = (i64, Timestamp);

/// Licenses of which something was recorded between two positions, and where that begins.
pub async fn touched(pool: &PgPool, (after, until): (i64, i64)) -> sqlx::Result<Vec<(ChangedLicense, First)>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant_id!", license_id AS "license_id!", min(position) AS "position!", min(recorded_at) AS "at!"
           FROM (
               SELECT tenant_id, aggregate_id AS license_id, position, recorded_at FROM events
               WHERE position > $1 AND position <= $2 AND aggregate_type = 'license'
               UNION ALL
               SELECT tenant_id, payload ->> 'license_id', position, recorded_at FROM heartbeat_events
               WHERE position > $1 AND position <= $2
           ) AS found GROUP BY tenant_id, license_id"#,
        after,
        until,
    )
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let license = touch(&row.tenant_id, &row.license_id)?;
        Some((license, (row.position, row.at.into())))
    });
    Ok(found.collect())
}

/// Licenses of a tenant of which something was recorded in a range, by id: at most `limit` after one of them.
pub async fn touched_in(
    pool: &PgPool,
    tenant: &Tenant,
    range: Range,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<ChangedLicense>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT license_id AS "license_id!" FROM (
               SELECT aggregate_id AS license_id FROM events
               WHERE tenant_id = $1 AND aggregate_type = 'license' AND recorded_at >= $2 AND recorded_at < $3
               UNION ALL
               SELECT license_id::text FROM activity WHERE tenant_id = $1 AND bucket = 'day' AND since >= $2 - interval '1 day' AND since < $3
           ) AS found WHERE license_id > $4 ORDER BY 1 LIMIT $5"#,
        tenant.as_str(),
        OffsetDateTime::from(range.from),
        OffsetDateTime::from(range.to),
        after.to_string(),
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| touch(tenant.as_str(), &row.license_id))
        .collect())
}

fn touch(tenant: &str, license: &str) -> Option<ChangedLicense> {
    Some(ChangedLicense {
        tenant: Tenant::new(tenant),
        license_id: license.parse().ok()?,
    })
}

/// What a license's machines did in a range, in order. `network` opens where a request came from.
pub async fn observations(
    pool: &PgPool,
    license: &ChangedLicense,
    range: Range,
    network: &(dyn Fn(&Sealed) -> Option<String> + Send + Sync),
) -> Result<Vec<Observation>, ReadError> {
    let (from, to) = (OffsetDateTime::from(range.from), OffsetDateTime::from(range.to));
    let rows = sqlx::query!(
        r#"SELECT position AS "position!", recorded_at AS "recorded_at!", event_type AS "event_type!",
               event_version AS "event_version!", payload AS "payload!", metadata AS "metadata!"
           FROM (
               SELECT position, recorded_at, event_type, event_version, payload::text, metadata::text FROM events
               WHERE tenant_id = $1 AND aggregate_type = 'license' AND aggregate_id = $2::uuid::text
                 AND recorded_at >= $3 AND recorded_at < $4
               UNION ALL
               SELECT h.position, h.recorded_at, h.event_type, h.event_version, h.payload::text, h.metadata::text
               FROM license_heartbeats l
               JOIN heartbeat_events h ON h.recorded_at = l.recorded_at AND h.position = l.position
               WHERE l.tenant_id = $1 AND l.license_id = $2 AND l.recorded_at >= $3 AND l.recorded_at < $4
           ) AS found ORDER BY position DESC LIMIT $5"#,
        license.tenant.as_str(),
        license.license_id,
        from,
        to,
        MAX_OBSERVATIONS,
    )
    .fetch_all(pool)
    .await?;
    let mut observations = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        let undecodable = |cause| ReadError::Decode {
            position: row.position,
            cause,
        };
        let mut figures = Vec::new();
        let seen = if row.event_type == "heartbeat.recorded" {
            let HeartbeatEvent::Recorded(beat) =
                decode(&row.event_type, &row.event_version, &row.payload).map_err(undecodable)?;
            figures = figures_of(&beat);
            Some(Seen::Beat {
                machine: beat.activation_id,
                valid: beat.code.is_valid(),
                clock: beat.client_time,
            })
        } else {
            let event: LicenseEvent = decode(&row.event_type, &row.event_version, &row.payload).map_err(undecodable)?;
            seen_in(&event)
        };
        let client = serde_json::from_str::<Metadata>(&row.metadata)
            .ok()
            .and_then(|metadata| metadata.client);
        if let Some(seen) = seen {
            observations.push(Observation {
                position: row.position,
                at: row.recorded_at.into(),
                network: client.as_ref().and_then(network),
                seen,
                figures,
            });
        }
    }
    Ok(observations)
}

/// The machines of a license that came between two moments, in order.
pub async fn came(pool: &PgPool, license: &ChangedLicense, range: Range) -> Result<Vec<NewMachine>, ReadError> {
    let rows = sqlx::query!(
        r#"SELECT position, recorded_at, event_version, payload::text AS "payload!" FROM events
           WHERE tenant_id = $1 AND aggregate_type = 'license' AND aggregate_id = $2::uuid::text
             AND event_type = 'license.activated' AND recorded_at >= $3 AND recorded_at < $4
           ORDER BY position DESC LIMIT $5"#,
        license.tenant.as_str(),
        license.license_id,
        OffsetDateTime::from(range.from),
        OffsetDateTime::from(range.to),
        MACHINES,
    )
    .fetch_all(pool)
    .await?;
    let mut came = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        let event = decode("license.activated", &row.event_version, &row.payload);
        let event = event.map_err(|cause| ReadError::Decode {
            position: row.position,
            cause,
        })?;
        if let LicenseEvent::Activated(event) = event {
            came.push(NewMachine {
                position: row.position,
                at: row.recorded_at.into(),
                components: event.components,
            });
        }
    }
    Ok(came)
}

/// The figures to which a beat adds, as [`daily`] names them.
fn figures_of(beat: &HeartbeatRecorded) -> Vec<String> {
    let users = beat.active_users.map(|_| "active_users".to_owned());
    let features = beat.features.keys().map(|name| format!("feature/{name}"));
    let meters = beat.usage.keys().map(|name| format!("meter/{name}"));
    let always = std::iter::once("machines".to_owned());
    always.chain(users).chain(features).chain(meters).collect()
}

fn seen_in(event: &LicenseEvent) -> Option<Seen> {
    match event {
        LicenseEvent::Activated(event) => Some(match event.transferred_from {
            Some(_) => Seen::SeatMoved(event.activation_id),
            None => Seen::Activated {
                machine: event.activation_id,
                hardware: event.components.digest(),
            },
        }),
        LicenseEvent::Deactivated(event) => Some(Seen::Left(event.activation_id)),
        LicenseEvent::SeatReleased(event) => Some(Seen::SeatMoved(event.activation_id)),
        LicenseEvent::SeatRevived(event) => Some(Seen::SeatMoved(event.activation_id)),
        _ => None,
    }
}

/// A license's figures of the day in which a moment lies, with those of the sixty days before.
pub async fn daily(pool: &PgPool, license: &ChangedLicense, moment: Timestamp) -> sqlx::Result<Vec<Daily>> {
    let today = OffsetDateTime::from(moment).date().midnight().assume_utc();
    let first = today - time::Duration::days(DAYS);
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", day AS "day!", amount AS "amount!" FROM (
               SELECT 'machines' AS name, since AS day, machines AS amount FROM activity
               WHERE tenant_id = $1 AND license_id = $2 AND bucket = 'day' AND since >= $3 AND since <= $4
               UNION ALL
               SELECT 'active_users', since, active_users FROM activity
               WHERE tenant_id = $1 AND license_id = $2 AND bucket = 'day' AND since >= $3 AND since <= $4
               UNION ALL
               SELECT 'feature/' || feature, day, count FROM feature_usage
               WHERE tenant_id = $1 AND license_id = $2 AND day >= $3 AND day <= $4
               UNION ALL
               SELECT 'meter/' || meter, day, amount FROM meter_days
               WHERE tenant_id = $1 AND license_id = $2 AND day >= $3 AND day <= $4
           ) AS figures ORDER BY name, day LIMIT $5"#,
        license.tenant.as_str(),
        license.license_id,
        first,
        today,
        FIGURES,
    )
    .fetch_all(pool)
    .await?;
    // Days without use count, from the first on which anything was heard of the license.
    let known = rows.iter().map(|row| row.day).min().unwrap_or(today);
    let days = usize::try_from((today - known).whole_days()).unwrap_or(0);
    let mut figures: BTreeMap<String, Daily> = BTreeMap::new();
    for row in rows {
        let figure = figures.entry(row.name.clone()).or_insert_with(|| Daily {
            name: row.name,
            past: vec![0; days],
            today: 0,
            since: today.into(),
        });
        let amount = row.amount.max(0).cast_unsigned();
        let place = usize::try_from((row.day - known).whole_days()).unwrap_or(0);
        match figure.past.get_mut(place) {
            Some(day) => *day = amount,
            None => figure.today = amount,
        }
    }
    Ok(figures.into_values().collect())
}

/// A network that asked for many unknown keys.
#[derive(Debug, Clone)]
pub struct GuessingNetwork {
    /// Whose keys.
    pub tenant: Tenant,
    /// The event that says so.
    pub position: i64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
    /// How many.
    pub count: i64,
}

/// Networks that were noticed between two positions.
pub async fn guessing(pool: &PgPool, (after, until): (i64, i64)) -> sqlx::Result<Vec<GuessingNetwork>> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id, position, recorded_at, (payload ->> 'count')::bigint AS "count!" FROM decision_events
           WHERE position > $1 AND position <= $2 AND event_type = 'decision.key_guessing' ORDER BY position"#,
        after,
        until,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| GuessingNetwork {
            tenant: Tenant::new(&row.tenant_id),
            position: row.position,
            at: row.recorded_at.into(),
            count: row.count,
        })
        .collect())
}

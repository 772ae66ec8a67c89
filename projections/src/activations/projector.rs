//! Folds activations and deactivations into rows.

use futures::future::BoxFuture;
use licet_domain::license::LicenseEvent;
use licet_event_store::{ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::{CopyRows, RowProjector, column, copy_rows};

/// The projector of `activations`.
pub(crate) struct Activations;

/// A row as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    tenant_id: String,
    activation_id: Uuid,
    license_id: Uuid,
    hostname_sealed: Option<String>,
    os: Option<String>,
    app_version: Option<String>,
    activated_at: OffsetDateTime,
    deactivated_at: Option<OffsetDateTime>,
    reason: Option<String>,
    position: i64,
    silent_since: Option<OffsetDateTime>,
    transferred_from: Option<Uuid>,
    checked_out_until: Option<OffsetDateTime>,
}

/// An event with what its envelope adds.
pub(crate) struct Event {
    event: LicenseEvent,
    tenant_id: String,
    license_id: Uuid,
    position: i64,
}

impl RowProjector for Activations {
    const NAME: &'static str = "activations";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "activations";
    type Key = Uuid;
    type Row = Row;
    type Event = Event;

    fn event_types() -> Vec<&'static str> {
        vec![
            "license.activated",
            "license.deactivated",
            "license.seat_released",
            "license.seat_revived",
            "license.checked_out",
        ]
    }

    fn decode(row: &RecordedRow) -> Result<(Uuid, Event), ReadError> {
        let position = row.position()?;
        let event: LicenseEvent = decode(row.event_type()?, row.event_version()?, row.payload()?)
            .map_err(|cause| ReadError::Decode { position, cause })?;
        let license_id = row.aggregate_id()?.parse().unwrap_or_default();
        let key = match &event {
            LicenseEvent::Activated(event) => event.activation_id,
            LicenseEvent::Deactivated(event) => event.activation_id,
            LicenseEvent::SeatReleased(event) => event.activation_id,
            LicenseEvent::SeatRevived(event) => event.activation_id,
            LicenseEvent::CheckedOut(event) => event.activation_id,
            other => unreachable!("{other:?} is not among the types that this projector reads"),
        };
        Ok((
            key.0,
            Event {
                event,
                tenant_id: row.tenant_id()?.to_owned(),
                license_id,
                position,
            },
        ))
    }

    fn apply(row: Option<Row>, event: Event) -> Option<Row> {
        match event.event {
            LicenseEvent::Activated(activated) => Some(Row {
                tenant_id: event.tenant_id,
                activation_id: activated.activation_id.0,
                license_id: event.license_id,
                hostname_sealed: activated.hostname.map(|sealed| sealed.0),
                os: activated.os,
                app_version: activated.app_version.map(|version| version.as_str().to_owned()),
                activated_at: activated.at.into(),
                deactivated_at: None,
                reason: None,
                position: event.position,
                silent_since: None,
                transferred_from: activated.transferred_from.map(|from| from.0),
                checked_out_until: None,
            }),
            LicenseEvent::SeatReleased(released) => row.map(|row| Row {
                silent_since: Some(released.at.into()),
                position: event.position,
                ..row
            }),
            LicenseEvent::SeatRevived(_) => row.map(|row| Row {
                silent_since: None,
                position: event.position,
                ..row
            }),
            LicenseEvent::CheckedOut(checked_out) => row.map(|row| Row {
                checked_out_until: Some(checked_out.until.into()),
                position: event.position,
                ..row
            }),
            LicenseEvent::Deactivated(deactivated) => row.map(|row| Row {
                deactivated_at: Some(deactivated.at.into()),
                reason: deactivated.reason,
                position: event.position,
                ..row
            }),
            _ => row,
        }
    }

    fn begins(event: &Event) -> bool {
        matches!(event.event, LicenseEvent::Activated(_))
    }

    fn load<'a>(connection: &'a mut PgConnection, keys: &'a [Uuid]) -> BoxFuture<'a, sqlx::Result<Vec<(Uuid, Row)>>> {
        Box::pin(async move {
            let rows = sqlx::query_as!(Row, "SELECT activations.* FROM unnest($1::uuid[]) AS wanted (id) JOIN activations ON activation_id = wanted.id",
                keys
            )
                .fetch_all(connection)
                .await?;
            Ok(rows.into_iter().map(|row| (row.activation_id, row)).collect())
        })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }

    fn copy(rows: &[Row]) -> sqlx::Result<Option<CopyRows>> {
        copy_rows!(
            rows,
            tenant_id,
            activation_id,
            license_id,
            hostname_sealed,
            os,
            app_version,
            activated_at,
            deactivated_at,
            reason,
            position,
            silent_since,
            transferred_from,
            checked_out_until
        )
    }
}

async fn store(connection: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO activations (tenant_id, activation_id, license_id, hostname_sealed, os, app_version, activated_at,
               deactivated_at, reason, position, silent_since, transferred_from, checked_out_until)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
               $8::timestamptz[], $9::text[], $10::bigint[], $11::timestamptz[], $12::uuid[], $13::timestamptz[])
           ON CONFLICT (activation_id) DO UPDATE SET deactivated_at = excluded.deactivated_at, reason = excluded.reason,
               position = excluded.position, silent_since = excluded.silent_since,
               checked_out_until = excluded.checked_out_until"#,
        &column!(rows, tenant_id),
        &column!(rows, activation_id),
        &column!(rows, license_id),
        &column!(rows, hostname_sealed) as &[Option<String>],
        &column!(rows, os) as &[Option<String>],
        &column!(rows, app_version) as &[Option<String>],
        &column!(rows, activated_at),
        &column!(rows, deactivated_at) as &[Option<OffsetDateTime>],
        &column!(rows, reason) as &[Option<String>],
        &column!(rows, position),
        &column!(rows, silent_since) as &[Option<OffsetDateTime>],
        &column!(rows, transferred_from) as &[Option<Uuid>],
        &column!(rows, checked_out_until) as &[Option<OffsetDateTime>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

//! Turns each event's envelope into a row.

use futures::future::BoxFuture;
use licet_domain::DecodeError;
use licet_event_store::{Metadata, ReadError, RecordedRow};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::{CopyRows, RowProjector, column, copy_rows};

/// The projector of `audit_log`.
pub(crate) struct AuditLog;

/// A row as it is stored.
pub(crate) struct Row {
    tenant_id: String,
    position: i64,
    recorded_at: OffsetDateTime,
    actor_kind: &'static str,
    actor_id: String,
    action: String,
    aggregate_type: String,
    aggregate_id: String,
    request_id: String,
    correlation_id: Uuid,
    client_sealed: Option<String>,
}

impl RowProjector for AuditLog {
    const NAME: &'static str = "audit_log";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "audit_log";
    type Key = i64;
    type Row = Row;
    type Event = Row;

    fn event_types() -> Vec<&'static str> {
        licet_domain::event_types().collect()
    }

    fn decode(row: &RecordedRow) -> Result<(i64, Row), ReadError> {
        let position = row.position()?;
        let metadata: Metadata = serde_json::from_str(row.metadata()?).map_err(|error| ReadError::Decode {
            position,
            cause: DecodeError::Payload {
                event_type: "metadata".to_owned(),
                cause: error.to_string(),
            },
        })?;
        let entry = Row {
            tenant_id: row.tenant_id()?.to_owned(),
            position,
            recorded_at: row.recorded_at()?,
            actor_kind: metadata.actor_kind.as_str(),
            actor_id: metadata.actor_id,
            action: row.event_type()?.to_owned(),
            aggregate_type: row.aggregate_type()?.to_owned(),
            aggregate_id: row.aggregate_id()?.to_owned(),
            request_id: metadata.request_id,
            correlation_id: metadata.correlation_id,
            client_sealed: metadata.client.map(|sealed| sealed.0),
        };
        Ok((position, entry))
    }

    fn apply(_: Option<Row>, event: Row) -> Option<Row> {
        Some(event)
    }

    fn begins(_: &Row) -> bool {
        true
    }

    fn load<'a>(_: &'a mut PgConnection, _: &'a [i64]) -> BoxFuture<'a, sqlx::Result<Vec<(i64, Row)>>> {
        // An entry is written once and never read back.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }

    fn copy(rows: &[Row]) -> sqlx::Result<Option<CopyRows>> {
        copy_rows!(
            rows,
            tenant_id,
            position,
            recorded_at,
            actor_kind,
            actor_id,
            action,
            aggregate_type,
            aggregate_id,
            request_id,
            correlation_id,
            client_sealed
        )
    }
}

async fn store(connection: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO audit_log (tenant_id, position, recorded_at, actor_kind, actor_id, action, aggregate_type,
               aggregate_id, request_id, correlation_id, client_sealed)
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
               $8::text[], $9::text[], $10::uuid[], $11::text[])"#,
        &column!(rows, tenant_id),
        &column!(rows, position),
        &column!(rows, recorded_at),
        &column!(rows, actor_kind) as &[&str],
        &column!(rows, actor_id),
        &column!(rows, action),
        &column!(rows, aggregate_type),
        &column!(rows, aggregate_id),
        &column!(rows, request_id),
        &column!(rows, correlation_id),
        &column!(rows, client_sealed) as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

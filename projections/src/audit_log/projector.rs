//! Turns each event's envelope into a row.

use futures::future::BoxFuture;
use licet_domain::DecodeError;
use licet_event_store::{Metadata, ReadError, RecordedRow};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::RowProjector;

/// The projector of `audit_log`.
pub(crate) struct AuditLog;

/// A row as it is stored.
pub(crate) struct Row {
    tenant_id: String,
    position: i64,
    recorded_at: OffsetDateTime,
    action: String,
    aggregate_type: String,
    aggregate_id: String,
    metadata: Metadata,
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
        let metadata = serde_json::from_str(row.metadata()?).map_err(|error| ReadError::Decode {
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
            action: row.event_type()?.to_owned(),
            aggregate_type: row.aggregate_type()?.to_owned(),
            aggregate_id: row.aggregate_id()?.to_owned(),
            metadata,
        };
        Ok((position, entry))
    }

    fn apply(_: Option<Row>, event: Row) -> Option<Row> {
        Some(event)
    }

    fn load<'a>(_: &'a mut PgConnection, _: &'a [i64]) -> BoxFuture<'a, sqlx::Result<Vec<(i64, Row)>>> {
        // An entry is written once and never read back.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }
}

async fn store(connection: &mut PgConnection, mut rows: Vec<Row>) -> sqlx::Result<()> {
    rows.sort_unstable_by_key(|row| row.position);
    let text = |value: fn(&Row) -> String| rows.iter().map(value).collect::<Vec<_>>();
    let clients: Vec<Option<String>> = rows
        .iter()
        .map(|row| row.metadata.client.as_ref().map(|sealed| sealed.0.clone()))
        .collect();
    sqlx::query!(
        r#"INSERT INTO audit_log (tenant_id, position, recorded_at, actor_kind, actor_id, action, aggregate_type,
               aggregate_id, request_id, correlation_id, client_sealed)
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
               $8::text[], $9::text[], $10::uuid[], $11::text[])"#,
        &text(|row| row.tenant_id.clone()),
        &rows.iter().map(|row| row.position).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(),
        &text(|row| row.metadata.actor_kind.as_str().to_owned()),
        &text(|row| row.metadata.actor_id.clone()),
        &text(|row| row.action.clone()),
        &text(|row| row.aggregate_type.clone()),
        &text(|row| row.aggregate_id.clone()),
        &text(|row| row.metadata.request_id.clone()),
        &rows.iter().map(|row| row.metadata.correlation_id).collect::<Vec<Uuid>>(),
        &clients as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

//! Folds refusals and their repetitions into rows.

use futures::future::BoxFuture;
use licet_domain::decision::DecisionEvent;
use licet_event_store::{LogTable, ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::{RowProjector, column};

/// The projector of `decisions`.
pub(crate) struct Decisions;

/// License, machine, code and the hour of the first time, which repetitions name: nodes that refuse the same within one
/// hour share a row.
type Key = (Uuid, String, String, OffsetDateTime);

/// A row as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    tenant_id: String,
    license_id: Uuid,
    machine: String,
    code: String,
    decided_at: OffsetDateTime,
    activation_id: Option<Uuid>,
    asked: String,
    policy_version: i32,
    facts: String,
    count: i64,
    last_at: OffsetDateTime,
    position: i64,
    hour: OffsetDateTime,
}

/// An event with what its envelope adds.
pub(crate) struct Event {
    event: DecisionEvent,
    tenant_id: String,
    position: i64,
}

impl RowProjector for Decisions {
    const NAME: &'static str = "decisions";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "decisions";
    const LOG: &'static [LogTable] = &[LogTable::Decisions];
    type Key = Key;
    type Row = Row;
    type Event = Event;

    fn event_types() -> Vec<&'static str> {
        vec!["decision.refused", "decision.repeated"]
    }

    fn decode(row: &RecordedRow) -> Result<(Key, Event), ReadError> {
        let position = row.position()?;
        let event: DecisionEvent = decode(row.event_type()?, row.event_version()?, row.payload()?)
            .map_err(|cause| ReadError::Decode { position, cause })?;
        let (license, machine, code, first) = match &event {
            DecisionEvent::Refused(event) => (event.license_id, &event.machine, &event.code, event.at),
            DecisionEvent::Repeated(event) => (event.license_id, &event.machine, &event.code, event.since),
            DecisionEvent::KeyGuessing(_) => unreachable!("it is not among the types that this projector reads"),
        };
        let key = (
            license.0,
            machine.clone().unwrap_or_default(),
            code.clone(),
            hour_of(first.into()),
        );
        let tenant_id = row.tenant_id()?.to_owned();
        Ok((
            key,
            Event {
                event,
                tenant_id,
                position,
            },
        ))
    }

    fn apply(row: Option<Row>, event: Event) -> Option<Row> {
        match event.event {
            // Another node's first is one more of the hour's.
            DecisionEvent::Refused(refused) if row.is_some() => row.map(|row| Row {
                count: row.count.saturating_add(1),
                last_at: row.last_at.max(refused.at.into()),
                position: event.position,
                ..row
            }),
            DecisionEvent::Refused(refused) => Some(Row {
                tenant_id: event.tenant_id,
                license_id: refused.license_id.0,
                machine: refused.machine.unwrap_or_default(),
                code: refused.code,
                decided_at: refused.at.into(),
                activation_id: refused.activation_id.map(|id| id.0),
                asked: refused.asked,
                policy_version: refused.policy_version as i32,
                facts: serde_json::to_string(&refused.facts).expect("maps with string keys always encode"),
                count: 1,
                last_at: refused.at.into(),
                position: event.position,
                hour: hour_of(refused.at.into()),
            }),
            DecisionEvent::Repeated(repeated) => row.map(|row| Row {
                count: row.count + i64::try_from(repeated.count).unwrap_or(i64::MAX - row.count),
                last_at: row.last_at.max(repeated.at.into()),
                position: event.position,
                ..row
            }),
            DecisionEvent::KeyGuessing(_) => row,
        }
    }

    fn load<'a>(connection: &'a mut PgConnection, keys: &'a [Key]) -> BoxFuture<'a, sqlx::Result<Vec<(Key, Row)>>> {
        Box::pin(async move {
            let rows = sqlx::query_as!(
                Row,
                r#"SELECT d.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
                       AS wanted (license_id, machine, code, hour)
                   JOIN decisions d USING (license_id, machine, code, hour)"#,
                &keys.iter().map(|key| key.0).collect::<Vec<_>>(),
                &keys.iter().map(|key| key.1.clone()).collect::<Vec<_>>(),
                &keys.iter().map(|key| key.2.clone()).collect::<Vec<_>>(),
                &keys.iter().map(|key| key.3).collect::<Vec<_>>(),
            )
            .fetch_all(connection)
            .await?;
            let keyed = rows.into_iter().map(|row| {
                let key = (row.license_id, row.machine.clone(), row.code.clone(), row.hour);
                (key, row)
            });
            Ok(keyed.collect())
        })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }
}

/// The beginning of an hour.
fn hour_of(moment: OffsetDateTime) -> OffsetDateTime {
    let into = moment.unix_timestamp().rem_euclid(3_600);
    moment.truncate_to_second() - time::Duration::seconds(into)
}

async fn store(connection: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO decisions (tenant_id, license_id, machine, code, decided_at, activation_id, asked, policy_version, facts,
               count, last_at, position, hour)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::uuid[], $7::text[],
               $8::integer[], $9::text[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::timestamptz[])
           ON CONFLICT (license_id, machine, code, hour) DO UPDATE SET count = excluded.count,
               last_at = excluded.last_at, position = excluded.position"#,
        &column!(rows, tenant_id),
        &column!(rows, license_id),
        &column!(rows, machine),
        &column!(rows, code),
        &column!(rows, decided_at),
        &column!(rows, activation_id) as &[Option<Uuid>],
        &column!(rows, asked),
        &column!(rows, policy_version),
        &column!(rows, facts),
        &column!(rows, count),
        &column!(rows, last_at),
        &column!(rows, position),
        &column!(rows, hour),
    )
    .execute(connection)
    .await?;
    Ok(())
}

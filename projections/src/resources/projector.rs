//! Folds any of these aggregates with its own `evolve` and keeps the state as JSON.

use futures::future::BoxFuture;
use licet_domain::{
    Decider, EventData as _,
    anomaly::{Anomaly, Judgment},
    api_key::ApiKey,
    customer::Customer,
    policy::Policy,
    product::Product,
    release::Release,
    webhook::Webhook,
};
use licet_event_store::{ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::RowProjector;

/// The projector of `resources`.
pub(crate) struct Resources;

/// A state of one of the kinds.
#[derive(Debug, Clone)]
enum State {
    Product(Product),
    Policy(Policy),
    Customer(Customer),
    Release(Release),
    ApiKey(ApiKey),
    Webhook(Webhook),
    Anomaly(Anomaly),
}

/// A row, with its state still folded rather than written.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    tenant_id: String,
    resource_id: Uuid,
    created_at: OffsetDateTime,
    position: i64,
    state: State,
}

/// An event that has been read: it moves a state on.
pub(crate) struct Event {
    tenant_id: String,
    resource_id: Uuid,
    recorded_at: OffsetDateTime,
    position: i64,
    fold: Box<dyn FnOnce(Option<State>) -> State + Send>,
}

impl State {
    fn kind(&self) -> &'static str {
        match self {
            Self::Product(_) => Product::TYPE,
            Self::Policy(_) => Policy::TYPE,
            Self::Customer(_) => Customer::TYPE,
            Self::Release(_) => Release::TYPE,
            Self::ApiKey(_) => ApiKey::TYPE,
            Self::Webhook(_) => Webhook::TYPE,
            Self::Anomaly(_) => Anomaly::TYPE,
        }
    }

    fn code(&self) -> Option<String> {
        match self {
            Self::Product(state) => state.facts().map(|product| product.code.to_string()),
            Self::Policy(state) => state.facts().map(|policy| policy.code.to_string()),
            Self::Release(state) => state.facts().map(|release| release.published.version.to_string()),
            Self::Customer(_) | Self::ApiKey(_) | Self::Webhook(_) | Self::Anomaly(_) => None,
        }
    }

    fn parent(&self) -> Option<Uuid> {
        match self {
            Self::Policy(state) => state.facts().map(|policy| policy.product_id.0),
            Self::Release(state) => state.facts().map(|release| release.published.product_id.0),
            Self::Anomaly(state) => state.facts()?.found.license_id.map(|license| license.0),
            Self::Product(_) | Self::Customer(_) | Self::ApiKey(_) | Self::Webhook(_) => None,
        }
    }

    fn retired(&self) -> bool {
        match self {
            Self::Product(state) => matches!(state, Product::Retired(_)),
            Self::Policy(state) => matches!(state, Policy::Retired(_)),
            Self::Customer(state) => matches!(state, Customer::Retired(_)),
            Self::Release(state) => state.facts().is_some_and(|release| release.yanked),
            Self::ApiKey(state) => state.facts().is_some_and(|key| key.revoked_at.is_some()),
            Self::Webhook(state) => matches!(state, Webhook::Retired(_)),
            Self::Anomaly(state) => state.facts().is_some_and(|found| found.judgment == Judgment::Dismissed),
        }
    }

    fn write(&self) -> String {
        let written = match self {
            Self::Product(state) => serde_json::to_string(state),
            Self::Policy(state) => serde_json::to_string(state),
            Self::Customer(state) => serde_json::to_string(state),
            Self::Release(state) => serde_json::to_string(state),
            Self::ApiKey(state) => serde_json::to_string(state),
            Self::Webhook(state) => serde_json::to_string(state),
            Self::Anomaly(state) => serde_json::to_string(state),
        };
        written.expect("states hold only strings, numbers and maps with string keys, which always encode")
    }

    fn read(kind: &str, text: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            Product::TYPE => Self::Product(serde_json::from_str(text)?),
            Policy::TYPE => Self::Policy(serde_json::from_str(text)?),
            Customer::TYPE => Self::Customer(serde_json::from_str(text)?),
            Release::TYPE => Self::Release(serde_json::from_str(text)?),
            Webhook::TYPE => Self::Webhook(serde_json::from_str(text)?),
            Anomaly::TYPE => Self::Anomaly(serde_json::from_str(text)?),
            _ => Self::ApiKey(serde_json::from_str(text)?),
        })
    }
}

/// Reads an event of one kind and says how it moves that kind's state on.
macro_rules! fold_of {
    ($kind:ident, $row:expr, $position:expr) => {{
        let event: <$kind as Decider>::Event = decode($row.event_type()?, $row.event_version()?, $row.payload()?)
            .map_err(|cause| ReadError::Decode {
                position: $position,
                cause,
            })?;
        Box::new(move |state: Option<State>| {
            let state = match state {
                Some(State::$kind(state)) => state,
                _ => $kind::default(),
            };
            State::$kind($kind::evolve(state, &event))
        }) as Box<dyn FnOnce(Option<State>) -> State + Send>
    }};
}

impl RowProjector for Resources {
    const NAME: &'static str = "resources";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "resources";
    type Key = (String, Uuid);
    type Row = Row;
    type Event = Event;

    fn event_types() -> Vec<&'static str> {
        let types = [
            <Product as Decider>::Event::TYPES,
            <Policy as Decider>::Event::TYPES,
            <Customer as Decider>::Event::TYPES,
            <Release as Decider>::Event::TYPES,
            <ApiKey as Decider>::Event::TYPES,
            <Webhook as Decider>::Event::TYPES,
            <Anomaly as Decider>::Event::TYPES,
        ];
        types.into_iter().flatten().map(|(name, _)| *name).collect()
    }

    fn decode(row: &RecordedRow) -> Result<((String, Uuid), Event), ReadError> {
        let position = row.position()?;
        let kind = row.aggregate_type()?;
        let fold = match kind {
            Product::TYPE => fold_of!(Product, row, position),
            Policy::TYPE => fold_of!(Policy, row, position),
            Customer::TYPE => fold_of!(Customer, row, position),
            Release::TYPE => fold_of!(Release, row, position),
            Webhook::TYPE => fold_of!(Webhook, row, position),
            Anomaly::TYPE => fold_of!(Anomaly, row, position),
            _ => fold_of!(ApiKey, row, position),
        };
        let resource_id = row.aggregate_id()?.parse().unwrap_or_default();
        let tenant_id = row.tenant_id()?.to_owned();
        let event = Event {
            tenant_id,
            resource_id,
            recorded_at: row.recorded_at()?,
            position,
            fold,
        };
        Ok(((kind.to_owned(), resource_id), event))
    }

    fn apply(row: Option<Row>, event: Event) -> Option<Row> {
        let Event {
            tenant_id,
            resource_id,
            recorded_at,
            position,
            fold,
        } = event;
        Some(match row {
            Some(row) => Row {
                position,
                state: fold(Some(row.state)),
                ..row
            },
            None => Row {
                tenant_id,
                resource_id,
                created_at: recorded_at,
                position,
                state: fold(None),
            },
        })
    }

    fn load<'a>(
        connection: &'a mut PgConnection,
        keys: &'a [(String, Uuid)],
    ) -> BoxFuture<'a, sqlx::Result<Vec<((String, Uuid), Row)>>> {
        Box::pin(async move {
            let (kinds, ids): (Vec<String>, Vec<Uuid>) = keys.iter().cloned().unzip();
            let stored = sqlx::query!(
                r#"SELECT r.tenant_id, r.kind, r.resource_id, r.created_at, r.position, r.state
                   FROM unnest($1::text[], $2::uuid[]) AS wanted (kind, id)
                   JOIN resources r ON r.kind = wanted.kind AND r.resource_id = wanted.id"#,
                &kinds,
                &ids,
            )
            .fetch_all(connection)
            .await?;
            let read = stored.into_iter().map(|row| {
                let state = State::read(&row.kind, &row.state).map_err(|error| sqlx::Error::Decode(error.into()))?;
                let (tenant_id, resource_id, created_at) = (row.tenant_id, row.resource_id, row.created_at);
                let key = (row.kind, resource_id);
                Ok((
                    key,
                    Row {
                        tenant_id,
                        resource_id,
                        created_at,
                        position: row.position,
                        state,
                    },
                ))
            });
            read.collect()
        })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }
}

async fn store(connection: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO resources (tenant_id, kind, resource_id, code, parent_id, created_at, retired, state, position)
           SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[], $7::boolean[],
               $8::text[], $9::bigint[])
           ON CONFLICT (kind, resource_id) DO UPDATE SET retired = excluded.retired, state = excluded.state,
               position = excluded.position"#,
        &rows.iter().map(|row| row.tenant_id.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.kind().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resource_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.code()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.state.parent()).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.created_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.retired()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.write()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.position).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

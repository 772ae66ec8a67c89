//! Folds any of these aggregates with its own `evolve` and keeps the state as JSON.

use futures::future::BoxFuture;
use licet_domain::{Decider, DecodeError, RESOURCE_KINDS, Resource as _, resource_event_types};
use licet_event_store::{ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::exports::EXPORTS;
use crate::runtime::{Export, RowProjector};

/// The projector of `resources`.
pub(crate) struct Resources;

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
    fold: Fold,
}

/// What moves a state on.
type Fold = Box<dyn FnOnce(Option<State>) -> State + Send>;

macro_rules! states {
    ($(($field:ident, $name:ident = $kind:ty)),+ $(,)?) => {
        /// A state of one of the kinds.
        #[derive(Debug, Clone)]
        enum State { $($name($kind)),+ }

        impl State {
            fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => <$kind>::KIND.name),+ }
            }

            fn code(&self) -> Option<String> {
                match self { $(Self::$name(state) => state.code()),+ }
            }

            fn parent(&self) -> Option<Uuid> {
                match self { $(Self::$name(state) => state.parent()),+ }
            }

            fn is_retired(&self) -> bool {
                match self { $(Self::$name(state) => licet_domain::Resource::is_retired(state)),+ }
            }

            fn write(&self) -> String {
                match self { $(Self::$name(state) => serde_json::to_string(state)),+ }
                    .expect("states hold only strings, numbers and maps with string keys, which always encode")
            }

            fn read(kind: &str, text: &str) -> sqlx::Result<Self> {
                let read = match kind {
                    $(<$kind>::TYPE => serde_json::from_str(text).map(Self::$name),)+
                    _ => return Err(sqlx::Error::Decode(format!("there are no resources of the kind {kind:?}").into())),
                };
                read.map_err(|error| sqlx::Error::Decode(error.into()))
            }

            /// Reads an event of one kind and says how it moves that kind's state on.
            fn fold(row: &RecordedRow) -> Result<Fold, ReadError> {
                let (kind, position) = (row.aggregate_type()?, row.position()?);
                match kind {
                    $(<$kind>::TYPE => {
                        let event = decode(row.event_type()?, row.event_version()?, row.payload()?);
                        let event: <$kind as Decider>::Event =
                            event.map_err(|cause| ReadError::Decode { position, cause })?;
                        Ok(Box::new(move |state| {
                            let state = match state {
                                Some(Self::$name(state)) => state,
                                _ => <$kind>::default(),
                            };
                            Self::$name(<$kind>::evolve(state, &event))
                        }))
                    })+
                    kind => {
                        let cause = DecodeError::UnknownType(kind.to_owned());
                        Err(ReadError::Decode { position, cause })
                    }
                }
            }
        }
    };
}
licet_domain::for_every_resource!(states);

impl RowProjector for Resources {
    const NAME: &'static str = "resources";
    // An older program does not know of a kind that was added: it must leave the read model alone.
    const VERSION: i32 = 2 + RESOURCE_KINDS.len() as i32;
    const TABLE: &'static str = "resources";
    const EXPORTS: &'static [Export] = EXPORTS;
    type Key = (String, Uuid);
    type Row = Row;
    type Event = Event;

    fn event_types() -> Vec<&'static str> {
        resource_event_types().collect()
    }

    fn decode(row: &RecordedRow) -> Result<((String, Uuid), Event), ReadError> {
        let (kind, position, fold) = (row.aggregate_type()?, row.position()?, State::fold(row)?);
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
                let state = State::read(&row.kind, &row.state)?;
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
        &rows.iter().map(|row| row.state.is_retired()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.write()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.position).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

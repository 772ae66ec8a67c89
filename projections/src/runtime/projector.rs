//! What a projector is.

use std::{collections::HashMap, hash::Hash, marker::PhantomData};

use futures::future::BoxFuture;
use licet_event_store::{LogTable, ReadError, RecordedRow};
use sqlx::PgConnection;

use super::CopyRows;

/// A projector whose state is rows by key: a pure fold of events into a row, and the SQL that loads and stores rows.
pub(crate) trait RowProjector: Send + Sync + 'static {
    const NAME: &'static str;
    /// Goes up when the fold or the table's shape changes; the server then rebuilds the read model by itself.
    const VERSION: i32;
    const TABLE: &'static str;
    /// What is handed out in place of the table.
    const EXPORTS: &'static [Export] = const {
        &[Export {
            name: Self::TABLE,
            select: None,
        }]
    };
    /// The read models that its exports look into, too.
    const EXPORTS_WITH: &'static [&'static str] = &[];
    /// Which tables of the log it reads.
    const LOG: &'static [LogTable] = &[LogTable::Events];
    type Key: Hash + Ord + Clone + Send + Sync;
    type Row: Send + Sync;
    type Event: Send;

    /// The stored names that it reads.
    fn event_types() -> Vec<&'static str>;

    /// Reads an event and says which row it is about.
    fn decode(row: &RecordedRow) -> Result<(Self::Key, Self::Event), ReadError>;

    /// Folds an event into its row. Pure; it never fails and never judges.
    fn apply(row: Option<Self::Row>, event: Self::Event) -> Option<Self::Row>;

    /// Whether an event makes its row, so that none has to be looked for.
    fn begins(_event: &Self::Event) -> bool {
        false
    }

    /// Fetches the rows of these keys from the table that the search path names.
    fn load<'a>(connection: &'a mut PgConnection, keys: &'a [Self::Key]) -> Loading<'a, Self::Key, Self::Row>;

    /// Writes rows, new and changed, in one statement.
    fn store(connection: &mut PgConnection, rows: Vec<Self::Row>) -> BoxFuture<'_, sqlx::Result<()>>;

    /// Rows that are new for certain, for `COPY`; none where that would gain nothing.
    fn copy(_rows: &[Self::Row]) -> sqlx::Result<Option<CopyRows>> {
        Ok(None)
    }
}

/// Rows that are read or written in one statement.
const CHUNK: usize = 20_000;
/// New rows from which on `COPY` is worth its round trips.
const COPY_FROM: usize = 1_000;

/// Rows on their way from the database, with their keys.
pub(crate) type Loading<'a, K, R> = BoxFuture<'a, sqlx::Result<Vec<(K, R)>>>;

/// A relation that analysts are handed, as a file of its own.
#[derive(Debug, Clone, Copy)]
pub struct Export {
    /// The file's name.
    pub name: &'static str,
    /// What is in it; the table of that name, as it is, where there is nothing to say. Names tables without a schema.
    pub select: Option<&'static str>,
}

/// What the runtime sees of a projector.
pub trait Projector: Send + Sync {
    /// The read model's name, as in commands and metrics.
    fn name(&self) -> &'static str;
    /// The version of its fold and table.
    fn version(&self) -> i32;
    /// Its tables; most have one.
    fn tables(&self) -> &'static [&'static str];
    /// What is handed out of it.
    fn exports(&self) -> &'static [Export];
    /// The read models that its exports look into, by name.
    fn exports_with(&self) -> &'static [&'static str] {
        &[]
    }
    /// Which tables of the log it reads.
    fn log_tables(&self) -> &'static [LogTable];
    /// The stored names that it reads.
    fn event_types(&self) -> Vec<&'static str>;
    /// A fold over a stretch of the log, to which events are handed in order.
    fn begin(&self) -> Box<dyn Folding>;
}

/// A stretch of the log being folded in memory.
pub trait Folding: Send {
    /// Takes the next event.
    fn push(&mut self, row: &RecordedRow) -> Result<(), ReadError>;
    /// How many rows have been touched since the last flush, or will be.
    fn pending(&self) -> usize;
    /// Applies what was pushed to what the table holds and writes the rows.
    fn flush<'a>(&'a mut self, connection: &'a mut PgConnection) -> BoxFuture<'a, sqlx::Result<()>>;
}

/// Turns a [`RowProjector`] into a [`Projector`].
pub(crate) struct Rows<P>(PhantomData<fn() -> P>);

impl<P> Rows<P> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<P: RowProjector> Projector for Rows<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }
    fn version(&self) -> i32 {
        P::VERSION
    }
    fn tables(&self) -> &'static [&'static str] {
        const { &[P::TABLE] }
    }
    fn exports(&self) -> &'static [Export] {
        P::EXPORTS
    }
    fn exports_with(&self) -> &'static [&'static str] {
        P::EXPORTS_WITH
    }
    fn log_tables(&self) -> &'static [LogTable] {
        P::LOG
    }
    fn event_types(&self) -> Vec<&'static str> {
        P::event_types()
    }
    fn begin(&self) -> Box<dyn Folding> {
        Box::new(RowFold::<P> { events: HashMap::new() })
    }
}

/// Events wait by row until the flush, which needs one look at the table for all of them.
struct RowFold<P: RowProjector> {
    events: HashMap<P::Key, Vec<P::Event>>,
}

impl<P: RowProjector> Folding for RowFold<P> {
    fn push(&mut self, row: &RecordedRow) -> Result<(), ReadError> {
        let (key, event) = P::decode(row)?;
        self.events.entry(key).or_default().push(event);
        Ok(())
    }

    fn pending(&self) -> usize {
        self.events.len()
    }

    fn flush<'a>(&'a mut self, connection: &'a mut PgConnection) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            let begins = |events: &[P::Event]| events.first().is_some_and(P::begins);
            let known = self.events.iter().filter(|(_, events)| !begins(events));
            let known: Vec<P::Key> = known.map(|(key, _)| key.clone()).collect();
            let mut rows: HashMap<P::Key, P::Row> = HashMap::with_capacity(known.len());
            for some in known.chunks(CHUNK) {
                rows.extend(P::load(connection, some).await?);
            }
            // In the order of their keys, which are made in the order of time: so the index grows at its end.
            let mut waiting: Vec<(P::Key, Vec<P::Event>)> = self.events.drain().collect();
            waiting.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            let (mut new, mut changed) = (Vec::new(), Vec::new());
            for (key, events) in waiting {
                let target = if begins(&events) { &mut new } else { &mut changed };
                target.extend(events.into_iter().fold(rows.remove(&key), P::apply));
                if new.len() == CHUNK {
                    insert::<P>(connection, std::mem::take(&mut new)).await?;
                }
                if changed.len() == CHUNK {
                    P::store(connection, std::mem::take(&mut changed)).await?;
                }
            }
            insert::<P>(connection, new).await?;
            if !changed.is_empty() {
                P::store(connection, changed).await?;
            }
            Ok(())
        })
    }
}

async fn insert<P: RowProjector>(connection: &mut PgConnection, new: Vec<P::Row>) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    if new.len() >= COPY_FROM
        && let Some(rows) = P::copy(&new)?
    {
        return rows.send(connection, P::TABLE).await;
    }
    P::store(connection, new).await
}

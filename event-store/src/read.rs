//! Reading the log: one aggregate's history, or everything after a position.

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sqlx::{PgExecutor, Row as _, postgres::PgRow};
use time::OffsetDateTime;

use crate::{
    EventLog, Tenant, archive,
    envelope::{LogTable, RecordedEvent},
};

/// Why reading stopped. Readers never skip.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database failed, or broke off in the middle.
    #[error("the log could not be read")]
    Database(#[from] sqlx::Error),
    /// An event that this program cannot read.
    #[error("position {position} cannot be read: {cause}")]
    Decode {
        /// The event's position in the log.
        position: i64,
        /// What went wrong.
        cause: licet_domain::DecodeError,
    },
    /// A position is missing from the union of the three tables.
    #[error("position {0} is missing from the log")]
    Gap(i64),
    /// A month of it is in the archive, and the file is elsewhere.
    #[error("the segment {0} is not at hand: put it into the archive's folder, which --archive-dir names")]
    NotAtHand(String),
    /// A file of the archive that cannot be believed.
    #[error("the segment {file} cannot be used: {cause}")]
    Segment {
        /// Which.
        file: String,
        /// What went wrong.
        cause: String,
    },
}

/// A row of the log. Online, its text is borrowed from the wire: decoding a million of these copies nothing.
pub struct RecordedRow(Source);

enum Source {
    Online(PgRow),
    Archived(Box<RecordedEvent>),
}

/// A field of either.
macro_rules! field {
    ($row:expr, $index:literal, |$event:ident| $archived:expr) => {
        match &$row.0 {
            Source::Online(row) => row.try_get($index),
            Source::Archived($event) => Ok($archived),
        }
    };
}

impl RecordedRow {
    pub(crate) fn archived(event: RecordedEvent) -> Self {
        Self(Source::Archived(Box::new(event)))
    }

    /// Its position.
    pub fn position(&self) -> sqlx::Result<i64> {
        field!(self, 0, |event| event.position)
    }
    /// The aggregate's kind.
    pub fn aggregate_type(&self) -> sqlx::Result<&str> {
        field!(self, 1, |event| &event.aggregate_type)
    }
    /// The aggregate's id.
    pub fn aggregate_id(&self) -> sqlx::Result<&str> {
        field!(self, 2, |event| &event.aggregate_id)
    }
    /// Its place in the aggregate's history.
    pub fn sequence(&self) -> sqlx::Result<i64> {
        field!(self, 3, |event| event.sequence)
    }
    /// The stored name.
    pub fn event_type(&self) -> sqlx::Result<&str> {
        field!(self, 4, |event| &event.event_type)
    }
    /// The payload's version.
    pub fn event_version(&self) -> sqlx::Result<&str> {
        field!(self, 5, |event| &event.event_version)
    }
    /// The payload's exact text.
    pub fn payload(&self) -> sqlx::Result<&str> {
        field!(self, 6, |event| &event.payload)
    }
    /// The metadata's exact text.
    pub fn metadata(&self) -> sqlx::Result<&str> {
        field!(self, 7, |event| &event.metadata)
    }
    /// Whose it is.
    pub fn tenant_id(&self) -> sqlx::Result<&str> {
        field!(self, 8, |event| &event.tenant_id)
    }
    /// When it was recorded.
    pub fn recorded_at(&self) -> sqlx::Result<OffsetDateTime> {
        field!(self, 11, |event| event.recorded_at)
    }
    /// Its link in the chain; an archived event has none of its own, it follows from the manifest's.
    pub fn chain(&self) -> sqlx::Result<Option<&[u8]>> {
        match &self.0 {
            Source::Online(row) => row.try_get(12).map(Some),
            Source::Archived(_) => Ok(None),
        }
    }

    /// A copy that stands by itself.
    pub fn to_event(&self) -> sqlx::Result<RecordedEvent> {
        Ok(RecordedEvent {
            position: self.position()?,
            aggregate_type: self.aggregate_type()?.to_owned(),
            aggregate_id: self.aggregate_id()?.to_owned(),
            sequence: self.sequence()?,
            event_type: self.event_type()?.to_owned(),
            event_version: self.event_version()?.to_owned(),
            payload: self.payload()?.to_owned(),
            metadata: self.metadata()?.to_owned(),
            tenant_id: self.tenant_id()?.to_owned(),
            command_id: field!(self, 9, |event| event.command_id)?,
            command_index: field!(self, 10, |event| event.command_index)?,
            recorded_at: self.recorded_at()?,
        })
    }
}

/// The columns of [`RecordedRow`], in its order. `::text` hands json out as the exact bytes that were stored.
macro_rules! columns {
    () => {
        "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text, tenant_id, command_id, command_index, recorded_at, chain"
    };
}

macro_rules! select_from {
    ($table:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            $table,
            " WHERE position > $1 AND position <= $2",
            $condition
        )
    };
}

/// Streams a table after a position, in order, up to `until` and at most `limit` rows. A connection that breaks in the
/// middle ends the stream with an error, never quietly.
pub fn stream_table<'e>(
    executor: impl PgExecutor<'e> + 'e,
    table: LogTable,
    (after, until): (i64, i64),
    limit: i64,
) -> impl Stream<Item = sqlx::Result<RecordedRow>> + Send + 'e {
    let statement = match table {
        LogTable::Events => select_from!("events", " ORDER BY position LIMIT $3"),
        LogTable::Heartbeats => select_from!("heartbeat_events", " ORDER BY position LIMIT $3"),
        LogTable::Decisions => select_from!("decision_events", " ORDER BY position LIMIT $3"),
    };
    sqlx::query(statement)
        .bind(after)
        .bind(until)
        .bind(limit)
        .fetch(executor)
        .map_ok(|row| RecordedRow(Source::Online(row)))
}

/// The same for events of certain types only.
fn stream_types<'e>(
    executor: impl PgExecutor<'e> + 'e,
    table: LogTable,
    after: i64,
    until: i64,
    event_types: &[String],
) -> impl Stream<Item = sqlx::Result<RecordedRow>> + Send + 'e {
    let statement = match table {
        LogTable::Events => select_from!("events", " AND event_type = ANY($3) ORDER BY position"),
        LogTable::Heartbeats => select_from!("heartbeat_events", " AND event_type = ANY($3) ORDER BY position"),
        LogTable::Decisions => select_from!("decision_events", " AND event_type = ANY($3) ORDER BY position"),
    };
    sqlx::query(statement)
        .bind(after)
        .bind(until)
        .bind(event_types.to_vec())
        .fetch(executor)
        .map_ok(|row| RecordedRow(Source::Online(row)))
}

impl EventLog {
    /// Streams a table's events of certain types between two positions, in order: what is in the archive from there,
    /// the rest from the database. Who begins below the newest segment holds the months first
    /// ([`archive::hold_months`]), lest one leaves meanwhile.
    pub async fn walk<'a>(
        &'a self,
        table: LogTable,
        (after, until): (i64, i64),
        event_types: &'a [String],
    ) -> sqlx::Result<impl Stream<Item = Result<RecordedRow, ReadError>> + Send + 'a> {
        let mut segments = Vec::new();
        let mut online = after;
        if table != LogTable::Events && archive::reaches(self.pool(), table, after).await? {
            segments = archive::segments_of(self.pool(), table).await?;
            online = segments.last().map_or(after, |last| last.last_position.max(after));
            segments.retain(|one| one.last_position > after && one.first_position <= until);
        }
        let archived = segments
            .into_iter()
            .map(move |one| archive::stream(self, one, (after, until)));
        let archived = stream::iter(archived).flatten().try_filter(|row| {
            let wanted = row
                .event_type()
                .is_ok_and(|name| event_types.iter().any(|one| one == name));
            std::future::ready(wanted)
        });
        let online = stream_types(self.pool(), table, online, until, event_types).map_err(ReadError::from);
        Ok(archived.chain(online))
    }

    /// One aggregate's events after a sequence, oldest first, up to a position, and at most so many.
    pub fn history<'a>(
        &'a self,
        tenant: &'a Tenant,
        aggregate_type: &'a str,
        aggregate_id: &'a str,
        after_sequence: i64,
        until_position: i64,
        limit: Option<i64>,
    ) -> impl Stream<Item = sqlx::Result<RecordedRow>> + Send + 'a {
        let statement = concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3 AND sequence > $4 AND position <= $5 ORDER BY sequence LIMIT $6"
        );
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(aggregate_type)
            .bind(aggregate_id)
            .bind(after_sequence)
            .bind(until_position)
            .bind(limit)
            .fetch(self.pool())
            .map_ok(|row| RecordedRow(Source::Online(row)))
    }

    /// The events of some aggregates of one kind up to a position: each one's history, one after the other.
    pub fn histories<'a>(
        &'a self,
        tenant: &'a Tenant,
        aggregate_type: &'a str,
        aggregate_ids: &'a [String],
        until_position: i64,
    ) -> impl Stream<Item = sqlx::Result<RecordedRow>> + Send + 'a {
        let statement = concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = ANY($3) AND position <= $4 ORDER BY aggregate_id, sequence"
        );
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(aggregate_type)
            .bind(aggregate_ids)
            .bind(until_position)
            .fetch(self.report_pool())
            .map_ok(|row| RecordedRow(Source::Online(row)))
    }

    /// A page of one aggregate's events, for people.
    pub async fn history_page(
        &self,
        tenant: &Tenant,
        aggregate_type: &str,
        aggregate_id: &str,
        after_sequence: i64,
        limit: i64,
    ) -> sqlx::Result<Vec<RecordedEvent>> {
        self.history(
            tenant,
            aggregate_type,
            aggregate_id,
            after_sequence,
            i64::MAX,
            Some(limit),
        )
        .and_then(|row| std::future::ready(row.to_event()))
        .try_collect()
        .await
    }

    /// The sequence of an aggregate's newest event; 0 when there is none.
    pub async fn version(&self, tenant: &Tenant, aggregate_type: &str, aggregate_id: &str) -> sqlx::Result<u64> {
        let version = sqlx::query_scalar!(
            r#"SELECT max(sequence) FROM events WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3"#,
            tenant.as_str(),
            aggregate_type,
            aggregate_id,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(version.unwrap_or(0) as u64)
    }

    /// The position of one event of an aggregate.
    pub async fn position_of(&self, aggregate_type: &str, aggregate_id: &str, sequence: u64) -> sqlx::Result<i64> {
        sqlx::query_scalar!(
            "SELECT position FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3",
            aggregate_type,
            aggregate_id,
            sequence as i64,
        )
        .fetch_one(self.pool())
        .await
    }

    /// Who holds a claimed value.
    pub async fn claim_holder(&self, tenant: &Tenant, kind: &str, hash: &[u8; 32]) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar!(
            "SELECT aggregate_id FROM claims WHERE tenant_id = $1 AND kind = $2 AND value_hash = $3",
            tenant.as_str(),
            kind,
            &hash[..],
        )
        .fetch_optional(self.pool())
        .await
    }

    /// Everything after a position in one table, as it streams in; for tools that print.
    pub fn tail_from(
        &self,
        table: LogTable,
        after: i64,
        limit: i64,
    ) -> impl Stream<Item = sqlx::Result<RecordedEvent>> + Send + '_ {
        stream_table(self.pool(), table, (after, i64::MAX), limit).map(|row| row.and_then(|row| row.to_event()))
    }
}

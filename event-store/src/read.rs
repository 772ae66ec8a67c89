//! Reading the log: one aggregate's history, or everything after a position.

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use licet_domain::values::Timestamp;
use sqlx::{PgExecutor, PgPool, Row as _, postgres::PgRow};
use time::OffsetDateTime;

use crate::{
    EventLog, Tenant,
    envelope::{LogTable, RecordedEvent},
};

/// Up to which moment history counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Up to and including this position.
    Position(i64),
    /// Up to and including this moment, by the log's time.
    Time(Timestamp),
}

impl std::str::FromStr for AsOf {
    type Err = licet_domain::values::ValueError;

    /// A position is a number; anything else must be an RFC 3339 time.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<i64>() {
            Ok(position) if position >= 0 => Ok(Self::Position(position)),
            _ => Timestamp::parse(text).map(Self::Time),
        }
    }
}

/// Why reading stopped. Readers never skip.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database failed, or broke off in the middle.
    #[error("the log could not be read")]
    Database(#[from] sqlx::Error),
    /// An event that this program cannot read.
    #[error("position {position} cannot be read: {cause}")]
    Decode {
        /// Where.
        position: i64,
        /// Why.
        cause: licet_domain::DecodeError,
    },
    /// A position is missing from the union of the three tables.
    #[error("position {0} is missing from the log")]
    Gap(i64),
}

/// A row of the log whose text is borrowed from the wire: decoding a million of these copies nothing.
pub struct RecordedRow(PgRow);

impl RecordedRow {
    fn text(&self, index: usize) -> sqlx::Result<&str> {
        self.0.try_get(index)
    }

    /// Its position.
    pub fn position(&self) -> sqlx::Result<i64> {
        self.0.try_get(0)
    }
    /// The aggregate's kind.
    pub fn aggregate_type(&self) -> sqlx::Result<&str> {
        self.text(1)
    }
    /// The aggregate's id.
    pub fn aggregate_id(&self) -> sqlx::Result<&str> {
        self.text(2)
    }
    /// Its place in the aggregate's history.
    pub fn sequence(&self) -> sqlx::Result<i64> {
        self.0.try_get(3)
    }
    /// The stored name.
    pub fn event_type(&self) -> sqlx::Result<&str> {
        self.text(4)
    }
    /// The payload's version.
    pub fn event_version(&self) -> sqlx::Result<&str> {
        self.text(5)
    }
    /// The payload's exact text.
    pub fn payload(&self) -> sqlx::Result<&str> {
        self.text(6)
    }
    /// The metadata's exact text.
    pub fn metadata(&self) -> sqlx::Result<&str> {
        self.text(7)
    }
    /// Whose it is.
    pub fn tenant_id(&self) -> sqlx::Result<&str> {
        self.text(8)
    }
    /// When it was recorded.
    pub fn recorded_at(&self) -> sqlx::Result<OffsetDateTime> {
        self.0.try_get(11)
    }
    /// Its link in the chain.
    pub fn chain(&self) -> sqlx::Result<&[u8]> {
        self.0.try_get(12)
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
            command_id: self.0.try_get(9)?,
            command_index: self.0.try_get(10)?,
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
        .map_ok(RecordedRow)
}

/// The same for events of certain types only.
pub fn stream_types<'e>(
    executor: impl PgExecutor<'e> + 'e,
    table: LogTable,
    (after, until): (i64, i64),
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
        .map_ok(RecordedRow)
}

/// The newest position at or before a moment of the log's time, found by halving: time never runs backwards in it.
pub async fn position_at(pool: &PgPool, moment: AsOf) -> sqlx::Result<i64> {
    let head = sqlx::query_scalar!("SELECT position FROM log_head")
        .fetch_one(pool)
        .await?;
    let moment = match moment {
        AsOf::Position(position) => return Ok(position.min(head)),
        // Times are told to the millisecond and recorded to the microsecond: the whole millisecond counts.
        AsOf::Time(moment) => OffsetDateTime::from(moment) + time::Duration::microseconds(999),
    };
    let (mut known_before, mut known_after) = (0, head + 1);
    while known_after - known_before > 1 {
        let middle = known_before + (known_after - known_before) / 2;
        let next = sqlx::query!(
            r#"SELECT position AS "position!", recorded_at AS "recorded_at!" FROM (
                   (SELECT position, recorded_at FROM events WHERE position >= $1 ORDER BY position LIMIT 1)
                   UNION ALL (SELECT position, recorded_at FROM heartbeat_events WHERE position >= $1 ORDER BY position LIMIT 1)
                   UNION ALL (SELECT position, recorded_at FROM decision_events WHERE position >= $1 ORDER BY position LIMIT 1)
               ) AS next ORDER BY position LIMIT 1"#,
            middle,
        )
        .fetch_optional(pool)
        .await?;
        match next {
            Some(row) if row.recorded_at <= moment => known_before = row.position.max(middle),
            Some(_) | None => known_after = middle,
        }
    }
    Ok(known_before)
}

impl EventLog {
    /// One aggregate's events after a sequence, oldest first, up to a position.
    pub async fn history(
        &self,
        tenant: &Tenant,
        aggregate_type: &str,
        aggregate_id: &str,
        after_sequence: i64,
        until_position: i64,
    ) -> sqlx::Result<Vec<RecordedRow>> {
        let statement = concat!(
            "SELECT ",
            columns!(),
            " FROM events WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3 AND sequence > $4 AND position <= $5 ORDER BY sequence"
        );
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(aggregate_type)
            .bind(aggregate_id)
            .bind(after_sequence)
            .bind(until_position)
            .fetch(self.pool())
            .map_ok(RecordedRow)
            .try_collect()
            .await
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
        let rows = self
            .history(tenant, aggregate_type, aggregate_id, after_sequence, i64::MAX)
            .await?;
        rows.iter()
            .take(usize::try_from(limit).unwrap_or(0))
            .map(RecordedRow::to_event)
            .collect()
    }

    /// The sequence of an aggregate's newest event; 0 when there is none.
    pub async fn version(&self, aggregate_type: &str, aggregate_id: &str) -> sqlx::Result<u64> {
        let version = sqlx::query_scalar!(
            r#"SELECT max(sequence) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2"#,
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

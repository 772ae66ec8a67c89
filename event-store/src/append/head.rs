//! The head of the log: its lock orders all commits.

use sqlx::{Executor as _, PgConnection, Row as _};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::chain::Link;

/// Where the log stands, read under its lock or left so by this node.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(super) position: i64,
    pub(super) recorded_at: OffsetDateTime,
    pub(super) chains: [Link; 3],
}

/// Begins the transaction, takes the lock that orders all commits, and then asks the database's clock, all in one round
/// trip: while the lock is held, a round trip is what the others wait for.
pub(crate) async fn lock_head(connection: &mut PgConnection) -> sqlx::Result<(Head, OffsetDateTime)> {
    // The simple protocol answers text: microseconds are read more safely than a formatted time.
    let statement = "BEGIN; SELECT position, (extract(epoch FROM recorded_at) * 1000000)::bigint, events_chain, \
                     heartbeats_chain, decisions_chain FROM log_head FOR UPDATE; \
                     SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let rows = connection.fetch_all(statement).await?;
    let [row, clock] = &rows[..] else {
        return Err(sqlx::Error::RowNotFound);
    };
    let chain = |index: usize| -> sqlx::Result<Link> {
        let bytes: Vec<u8> = row.try_get(index)?;
        bytes
            .try_into()
            .map_err(|_| sqlx::Error::Protocol("a chain in log_head has not 32 bytes".to_owned()))
    };
    let moment = |micros: i64| {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000);
        moment.map_err(|error| sqlx::Error::Decode(error.into()))
    };
    let head = Head {
        position: row.try_get(0)?,
        recorded_at: moment(row.try_get(1)?)?,
        chains: [chain(2)?, chain(3)?, chain(4)?],
    };
    Ok((head, moment(clock.try_get(0)?)?))
}

/// Where a node left the log, and what the database's clock said then.
pub(crate) struct LastHead {
    head: Head,
    clock: OffsetDateTime,
    read: Instant,
}

impl LastHead {
    /// `clock` is what the database said around `read`.
    pub(crate) fn at(head: Head, (clock, read): (OffsetDateTime, Instant)) -> Self {
        Self { head, clock, read }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// What the database's clock should say now.
    pub(crate) fn clock(&self) -> OffsetDateTime {
        self.clock + self.read.elapsed()
    }
}

impl Head {
    /// Where the log stands.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// Moves the head here, wakes the readers and commits, in one round trip.
    pub(super) async fn publish(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let micros = self.recorded_at.unix_timestamp_nanos() / 1000;
        let [events, heartbeats, decisions] = self.chains.map(hex::encode);
        // Numbers and hexadecimal digits: nothing that came from outside is in this text.
        // A notification per event would cost a factor of three: one per batch, and only when it commits.
        let statement = format!(
            "UPDATE log_head SET position = {position}, \
                 recorded_at = 'epoch'::timestamptz + {micros} * interval '1 microsecond', \
                 events_chain = '\\x{events}', heartbeats_chain = '\\x{heartbeats}', decisions_chain = '\\x{decisions}'; \
             SELECT pg_notify('licet_log', '{position}'); COMMIT",
            position = self.position,
        );
        connection.execute(statement.as_str()).await?;
        Ok(())
    }
}

//! One node's way to the log: its connection, and where it left the log.

use std::{collections::HashMap, time::Duration};

use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use time::OffsetDateTime;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Batch, Checks, Head, LastHead, find_commands, lock_head, look_up};
use crate::{
    appender::Outcome,
    metrics::METRICS,
    schema,
    session::{self, Session},
    speculative_chain::QueuedSubmission,
    submission::Submission,
};

/// For how long a transaction may take before its connection counts as broken.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// One node's way to the log.
pub(crate) struct LogConnection {
    options: PgConnectOptions,
    /// Where the log stands, as this node has heard.
    news: watch::Sender<i64>,
    connection: Option<PgConnection>,
    /// Where this node left the log.
    last_head: Option<LastHead>,
    /// Whether the log was there when this node last came back: nobody else appends, for all it knows.
    alone: bool,
}

impl LogConnection {
    pub(crate) fn new(options: PgConnectOptions, news: watch::Sender<i64>) -> Self {
        Self {
            options: options.application_name("licet appender"),
            news,
            connection: None,
            last_head: None,
            alone: false,
        }
    }

    /// Gives the connection up; the next attempt makes another.
    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection {
            let _ = connection.close().await;
        }
    }

    /// Makes this month's partitions and the next ones.
    pub(crate) async fn make_partitions(&self) -> sqlx::Result<()> {
        let mut connection = session::ORDINARY.connect(&self.options).await?;
        schema::make_partitions(&mut connection).await?;
        connection.close().await
    }

    /// Where the log should still stand, for a node that has it to itself.
    fn left_alone(&mut self) -> Option<LastHead> {
        let heard_of = *self.news.borrow();
        let alone = self.alone;
        self.last_head
            .take_if(|last| alone && heard_of <= last.head().position())
    }

    fn leave(&mut self, head: &Head, read: (OffsetDateTime, Instant)) {
        self.last_head = Some(LastHead::at(head.clone(), read));
    }

    /// One transaction. Where it is not the first try, first asks which submissions are in already.
    pub(crate) async fn write(
        &mut self,
        orders: &[QueuedSubmission<'_>],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => APPENDING.connect(&self.options).await?,
        };
        // A connection that answers nothing, not even an error, is as good as broken.
        let answered = timeout(TRANSACTION_TIMEOUT, self.attempt(&mut connection, orders, tried_at)).await;
        let silent = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let Ok(result) = answered else { return Err(silent()) };
        if result.is_err() {
            self.last_head = None;
            // On a living connection this ends the failed transaction; on a dead one it fails as everything does.
            let _ = connection.execute("ROLLBACK").await;
        }
        self.connection = Some(connection);
        result
    }

    /// Beats go in by one statement where nobody else appends, and everything else by a transaction.
    async fn attempt(
        &mut self,
        connection: &mut PgConnection,
        orders: &[QueuedSubmission<'_>],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        if tried_at.is_none()
            && orders.iter().all(|order| order.submission.is_beats())
            && let Some(outcomes) = self.append_beats_optimistically(connection, orders, tried_at).await?
        {
            return Ok(outcomes);
        }
        self.transact(connection, orders, tried_at).await
    }

    /// `None` where the log is not where this node left it; nothing is written then.
    async fn append_beats_optimistically(
        &mut self,
        connection: &mut PgConnection,
        orders: &[QueuedSubmission<'_>],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Option<Vec<Outcome>>> {
        let Some(last) = self.left_alone() else {
            return Ok(None);
        };
        let mut rows = Batch::after(last.head(), last.clock());
        let outcomes = orders.iter().map(|order| Ok(rows.add(order.submission))).collect();
        *tried_at = Some(last.head().position());
        let read = Instant::now();
        match rows.append_beats_optimistically(connection, &last).await? {
            Some(clock) => {
                self.moved(last.head(), rows.head());
                self.leave(rows.head(), (clock, read));
                Ok(Some(outcomes))
            }
            None => {
                *tried_at = None;
                self.alone = false;
                Ok(None)
            }
        }
    }

    /// Counts what was appended and wakes who waits for it.
    fn moved(&self, from: &Head, to: &Head) {
        METRICS.appended((to.position() - from.position()) as u64);
        self.news.send_if_modified(|head| {
            let moved = to.position() > *head;
            *head = to.position().max(*head);
            moved
        });
    }

    async fn transact(
        &mut self,
        connection: &mut PgConnection,
        orders: &[QueuedSubmission<'_>],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        let (head, now) = lock_head(connection).await?;
        let read = Instant::now();
        self.alone = self
            .last_head
            .as_ref()
            .is_some_and(|last| last.head().position() == head.position());
        let command_ids: Vec<_> = orders.iter().map(|order| order.submission.command_id).collect();
        let known = match *tried_at {
            Some(after) => find_commands(connection, &command_ids, after).await?,
            None => HashMap::new(),
        };
        let fresh: Vec<&Submission> = orders
            .iter()
            .map(|order| order.submission)
            .filter(|order| !known.contains_key(&order.command_id))
            .collect();
        let facts = look_up(connection, &fresh, now).await?;
        let mut checks = Checks::new(facts);
        let mut rows = Batch::after(&head, now);
        tried_at.get_or_insert(head.position());
        let mut anything = false;
        let outcomes = orders
            .iter()
            .map(|order| match known.get(&order.submission.command_id) {
                Some(appended) => Ok(appended.clone()),
                None => checks.admit(*order).map(|()| {
                    anything = true;
                    rows.add(order.submission)
                }),
            })
            .collect();
        if anything {
            rows.write(connection).await?;
        } else {
            connection.execute("ROLLBACK").await?;
        }
        self.moved(&head, rows.head());
        // Where everything was refused, the log stands where it stood, with its own time.
        self.leave(if anything { rows.head() } else { &head }, (now, read));
        Ok(outcomes)
    }
}

/// Plans are made once and kept; planned on an empty table they would keep its sequential scan. Whoever holds the head's
/// lock holds up every node: a node that was cut off or put to sleep must lose it.
const APPENDING: Session = Session {
    settings: &[
        ("enable_seqscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("lock_timeout", "10s"),
        ("statement_timeout", "20s"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ],
    ..session::ORDINARY
};

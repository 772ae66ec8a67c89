//! Group commit: one task per node takes what is waiting and writes it in one transaction.

use std::{collections::HashMap, time::Duration};

use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use time::OffsetDateTime;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout_at},
};

use crate::{
    append::{self, Batch, Checks, Head, Left},
    metrics::METRICS,
    schema,
    submission::{AppendError, Appended, Submission},
};

/// How many events one transaction carries at most.
const BATCH_EVENTS: usize = 2_048;
/// With so many submissions, a transaction is shared by enough: it waits for no more.
const ENOUGH: usize = 64;
/// The most that the last transaction's time counts when the next one waits for company.
const PATIENT: Duration = Duration::from_millis(4);
/// For how long a transaction may take before its connection counts as broken.
const SILENCE: Duration = Duration::from_secs(30);
/// For how long a submission waits for a database that is gone before it is answered with an error.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was decided about a submission.
pub(crate) type Outcome = Result<Appended, AppendError>;

/// Hears what was decided, before anyone else.
pub(crate) type OnSettled = Box<dyn FnOnce(&Outcome) + Send + Sync>;

/// A submission on its way, and whom to tell.
pub(crate) struct Ticket {
    pub(crate) submission: Submission,
    /// Runs before the submitter hears of it, and also when the submitter has gone away.
    pub(crate) on_settled: Option<OnSettled>,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

impl Ticket {
    fn settle(self, outcome: Outcome) {
        if let Some(on_settled) = self.on_settled {
            on_settled(&outcome);
        }
        // A submitter that has gone away needs no answer.
        let _ = self.reply.send(outcome);
    }
}

/// With whom the next transaction may be shared: those who were answered a moment ago are about to submit again.
#[derive(Default)]
struct Company {
    /// How many were answered, or are waiting since.
    expected: usize,
    /// Until when they are waited for: half of what the last transaction took costs nobody more than it saves.
    until: Option<Instant>,
}

/// The way to the log.
#[derive(Default)]
struct Line {
    connection: Option<PgConnection>,
    /// Where this node left the log.
    left: Option<Left>,
    /// Whether the log was there when this node last came back: nobody else appends, for all it knows.
    alone: bool,
}

impl Line {
    /// Where the log should still stand, for a node that has it to itself.
    fn left_alone(&self, heard_of: i64) -> Option<&Left> {
        let left = self.left.as_ref().filter(|_| self.alone)?;
        (heard_of <= left.head().position()).then_some(left)
    }

    fn leave(&mut self, head: &Head, read: (OffsetDateTime, Instant)) {
        self.left = Some(Left::at(head.clone(), read));
    }
}

/// The appender's ends: clients' submissions go first, bulk runs fill what is left.
pub(crate) struct Appender {
    pub(crate) clients: mpsc::Receiver<Ticket>,
    pub(crate) bulk: mpsc::Receiver<Ticket>,
    pub(crate) options: PgConnectOptions,
    pub(crate) head: watch::Sender<i64>,
}

impl Appender {
    /// Runs until every sender is gone and everything that was queued is answered.
    pub(crate) async fn run(mut self) {
        let mut line = Line::default();
        let mut company = Company::default();
        while let Some((batch, clients)) = self.collect(&company).await {
            let events: usize = batch.iter().map(weight).sum();
            let started = Instant::now();
            self.commit(&mut line, batch).await;
            METRICS.batch(events as u64, started.elapsed());
            company = Company {
                expected: clients + self.clients.len(),
                until: Some(Instant::now() + started.elapsed().min(PATIENT) / 2),
            };
        }
        if let Some(connection) = line.connection {
            let _ = PgConnection::close(connection).await;
        }
    }

    /// Waits for the first submission and takes what else is there, or is about to come; says how many are clients'.
    async fn collect(&mut self, company: &Company) -> Option<(Vec<Ticket>, usize)> {
        let (first, mut clients) = tokio::select! {
            biased;
            Some(ticket) = self.clients.recv() => (ticket, 1),
            Some(ticket) = self.bulk.recv() => (ticket, 0),
            else => return None,
        };
        let mut events = weight(&first);
        let mut batch = vec![first];
        // Those who were answered a moment ago and run here submit again at once: let them.
        tokio::task::yield_now().await;
        while let Some(ticket) = self.next_client(clients, company).await {
            events += weight(&ticket);
            batch.push(ticket);
            clients += 1;
            if events >= BATCH_EVENTS {
                return Some((batch, clients));
            }
        }
        while events < BATCH_EVENTS
            && let Ok(ticket) = self.bulk.try_recv()
        {
            events += weight(&ticket);
            batch.push(ticket);
        }
        Some((batch, clients))
    }

    /// The next client's submission, if it is there or may be expected.
    async fn next_client(&mut self, clients: usize, company: &Company) -> Option<Ticket> {
        if let Ok(ticket) = self.clients.try_recv() {
            return Some(ticket);
        }
        let lacks = clients > 0 && clients < company.expected.min(ENOUGH);
        let until = company.until.filter(|_| lacks)?;
        timeout_at(until, self.clients.recv()).await.ok().flatten()
    }

    /// Writes a batch and answers everyone in it, however often the connection breaks meanwhile.
    async fn commit(&self, line: &mut Line, batch: Vec<Ticket>) {
        let deadline = Instant::now() + PATIENCE;
        let mut unsettled = vec![batch];
        // Where the log stood, under its lock, when this batch was first tried: what an attempt wrote whose answer was lost
        // comes after it. Only the log itself is asked for it; news from elsewhere could be ahead of it.
        let mut tried_at = None;
        while let Some(batch) = unsettled.pop() {
            match self.attempt(line, &batch, &mut tried_at).await {
                Ok(outcomes) => settle(batch, outcomes),
                Err(error) if is_connection_error(&error) && Instant::now() < deadline => {
                    tracing::warn!(%error, "the log's connection broke; trying again");
                    METRICS.reconnects();
                    line.connection = None;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    unsettled.push(batch);
                }
                // A machine that slept through the end of a month makes up for it here.
                Err(error) if lacks_partition(&error) && Instant::now() < deadline => {
                    if let Err(error) = make_partitions(&self.options).await {
                        tracing::warn!(%error, "this month's partitions could not be made; trying again");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    unsettled.push(batch);
                }
                // One submission that the database refuses must not take the others with it.
                Err(error) if !is_connection_error(&error) && batch.len() > 1 => {
                    tracing::warn!(%error, submissions = batch.len(), "a batch was refused; splitting it");
                    let mut first = batch;
                    let second = first.split_off(first.len() / 2);
                    unsettled.extend([second, first]);
                }
                Err(error) => {
                    tracing::error!(%error, "an append failed");
                    line.connection = None;
                    let outcomes = vec![Err(AppendError::Unavailable(error.to_string())); batch.len()];
                    settle(batch, outcomes);
                }
            }
        }
    }

    /// One transaction. Where it is not the first try, first asks which submissions are in already.
    async fn attempt(
        &self,
        line: &mut Line,
        batch: &[Ticket],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        let mut connection = match line.connection.take() {
            Some(connection) => connection,
            None => connect(&self.options).await?,
        };
        // A connection that answers nothing, not even an error, is as good as broken.
        let answered = tokio::time::timeout(SILENCE, self.write(line, &mut connection, batch, tried_at)).await;
        let silent = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let Ok(result) = answered else { return Err(silent()) };
        if result.is_err() {
            line.left = None;
            // On a living connection this ends the failed transaction; on a dead one it fails as everything does.
            let _ = connection.execute("ROLLBACK").await;
        }
        line.connection = Some(connection);
        result
    }

    /// Beats go in by one statement where nobody else appends, and everything else by a transaction.
    async fn write(
        &self,
        line: &mut Line,
        connection: &mut PgConnection,
        batch: &[Ticket],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        if tried_at.is_none()
            && batch.iter().all(|ticket| ticket.submission.is_beats())
            && let Some(outcomes) = self.write_straight(line, connection, batch, tried_at).await?
        {
            return Ok(outcomes);
        }
        self.transact(line, connection, batch, tried_at).await
    }

    /// `None` where the log is not where this node left it; nothing is written then.
    async fn write_straight(
        &self,
        line: &mut Line,
        connection: &mut PgConnection,
        batch: &[Ticket],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Option<Vec<Outcome>>> {
        let Some(left) = line.left_alone(*self.head.borrow()) else {
            return Ok(None);
        };
        let mut rows = Batch::after(left.head(), left.clock());
        let outcomes = batch.iter().map(|ticket| Ok(rows.add(&ticket.submission))).collect();
        *tried_at = Some(left.head().position());
        let read = Instant::now();
        match rows.write_straight(connection, left).await? {
            Some(clock) => {
                self.moved(left.head(), rows.head());
                line.leave(rows.head(), (clock, read));
                Ok(Some(outcomes))
            }
            None => {
                *tried_at = None;
                line.alone = false;
                Ok(None)
            }
        }
    }

    /// Counts what was appended and wakes who waits for it.
    fn moved(&self, from: &Head, to: &Head) {
        METRICS.appended((to.position() - from.position()) as u64);
        self.head.send_if_modified(|head| {
            let moved = to.position() > *head;
            *head = to.position().max(*head);
            moved
        });
    }

    async fn transact(
        &self,
        line: &mut Line,
        connection: &mut PgConnection,
        batch: &[Ticket],
        tried_at: &mut Option<i64>,
    ) -> sqlx::Result<Vec<Outcome>> {
        let (head, now) = append::lock_head(connection).await?;
        let read = Instant::now();
        line.alone = line
            .left
            .as_ref()
            .is_some_and(|left| left.head().position() == head.position());
        let command_ids: Vec<_> = batch.iter().map(|ticket| ticket.submission.command_id).collect();
        let known = match *tried_at {
            Some(after) => append::find_commands(connection, &command_ids, after).await?,
            None => HashMap::new(),
        };
        let fresh: Vec<&Submission> = batch
            .iter()
            .map(|ticket| &ticket.submission)
            .filter(|s| !known.contains_key(&s.command_id))
            .collect();
        let facts = append::look_up(connection, &fresh, now).await?;
        let mut checks = Checks { facts };
        let mut rows = Batch::after(&head, now);
        tried_at.get_or_insert(head.position());
        let mut anything = false;
        let outcomes = batch
            .iter()
            .map(|ticket| match known.get(&ticket.submission.command_id) {
                Some(appended) => Ok(appended.clone()),
                None => checks.admit(&ticket.submission).map(|()| {
                    anything = true;
                    rows.add(&ticket.submission)
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
        line.leave(if anything { rows.head() } else { &head }, (now, read));
        Ok(outcomes)
    }
}

fn weight(ticket: &Ticket) -> usize {
    ticket
        .submission
        .streams
        .iter()
        .map(|stream| stream.events.len())
        .sum::<usize>()
        .max(1)
}

fn settle(batch: Vec<Ticket>, outcomes: Vec<Outcome>) {
    for (ticket, outcome) in batch.into_iter().zip(outcomes) {
        if let Err(error) = &outcome {
            METRICS.refused(error);
        }
        ticket.settle(outcome);
    }
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    // Plans are made once and kept; planned on an empty table they would keep its sequential scan.
    // Whoever holds the head's lock holds up every node: a node that was cut off or put to sleep must lose it.
    let options = options.clone().application_name("licet appender").options([
        ("enable_seqscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("lock_timeout", "10s"),
        ("statement_timeout", "20s"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ]);
    PgConnection::connect_with(&options).await
}

/// Whether a row found no partition for its month.
fn lacks_partition(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    error.code().as_deref() == Some("23514") && error.message().contains("no partition")
}

async fn make_partitions(options: &PgConnectOptions) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(options).await?;
    schema::make_partitions(&mut connection).await?;
    connection.close().await
}

/// Whether the connection is to blame, rather than what was sent over it.
fn is_connection_error(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        // Class 57: the server shuts down, crashes or starts. Class 08: connection exceptions. 40001 and 40P01: the
        // transaction lost a race and may be tried again as it is.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("57")
                || code.starts_with("08")
                || matches!(code.as_ref(), "40001" | "40P01" | "53300" | "55P03" | "25P03")
        }),
        sqlx::Error::Protocol(text) => text.contains("unexpected") || text.contains("EOF"),
        _ => false,
    }
}

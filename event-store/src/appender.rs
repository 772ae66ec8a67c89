//! Group commit: one task per node takes what is waiting and writes it in one transaction.

use std::time::Duration;

use opentelemetry::KeyValue;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    append::LogConnection,
    metrics::METRICS,
    speculative_chain::{QueuedSubmission, SpeculativeChain},
    submission::{AppendError, Appended, Submission},
    traces,
};

/// How many events one transaction carries at most.
const BATCH_EVENTS: usize = 2_048;
/// With so many submissions, a transaction is shared by enough: it waits for no more.
const FULL_BATCH: usize = 64;
/// The most that the last transaction's time counts when the next one waits for others to share it.
const MAX_LINGER: Duration = Duration::from_millis(4);
/// For how long a submission waits for a database that is gone before it is answered with an error.
const COMMIT_DEADLINE: Duration = Duration::from_secs(15);
/// How long a connection that broke is left alone, the first time and at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What was decided about a submission.
pub(crate) type Outcome = Result<Appended, AppendError>;

/// Hears what was decided, before anyone else.
pub(crate) type OnSettled = Box<dyn FnOnce(&Outcome) + Send + Sync>;

/// A submission on its way, and whom to tell.
pub(crate) struct Ticket {
    pub(crate) submission: Submission,
    /// What it rests on that is queued before it.
    pub(crate) speculative_chain: Option<SpeculativeChain>,
    /// Runs before the submitter hears of it, and also when the submitter has gone away.
    pub(crate) on_settled: Option<OnSettled>,
    /// Since when it waits.
    pub(crate) queued: Instant,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

impl Ticket {
    fn order(&self) -> QueuedSubmission<'_> {
        QueuedSubmission {
            submission: &self.submission,
            speculative_chain: self.speculative_chain.as_ref(),
        }
    }

    fn settle(self, outcome: Outcome) {
        let id = self.submission.metadata.correlation_id;
        if traces::is_traced(id) {
            let position = outcome.as_ref().ok().map(|appended| appended.position);
            let attributes = position.map(|position| KeyValue::new("licet.position", position));
            let attributes = attributes.into_iter().collect();
            traces::step(id, "append", self.queued.elapsed(), position.is_none(), attributes);
        }
        if let Some(on_settled) = self.on_settled {
            on_settled(&outcome);
        }
        // A submitter that has gone away needs no answer.
        let _ = self.reply.send(outcome);
    }
}

/// With whom the next transaction may be shared: those who were answered a moment ago are about to submit again.
#[derive(Default)]
struct ExpectedSubmitters {
    /// How many were answered, or are waiting since.
    expected: usize,
    /// Until when they are waited for: half of what the last transaction took costs nobody more than it saves.
    until: Option<Instant>,
}

/// The appender's ends: clients' submissions go first, bulk runs fill what is left.
pub(crate) struct Appender {
    pub(crate) clients: mpsc::Receiver<Ticket>,
    pub(crate) bulk: mpsc::Receiver<Ticket>,
    pub(crate) connection: LogConnection,
}

impl Appender {
    /// Runs until every sender is gone and everything that was queued is answered.
    pub(crate) async fn run(mut self) {
        let mut expected_submitters = ExpectedSubmitters::default();
        while let Some((batch, clients)) = self.collect(&expected_submitters).await {
            let events: usize = batch.iter().map(weight).sum();
            let started = Instant::now();
            self.commit(batch).await;
            METRICS.batch(events as u64, started.elapsed());
            expected_submitters = ExpectedSubmitters {
                expected: clients + self.clients.len(),
                until: Some(Instant::now() + started.elapsed().min(MAX_LINGER) / 2),
            };
        }
        self.connection.close().await;
    }

    /// Waits for the first submission and takes what else is there, or is about to come; says how many are clients'.
    async fn collect(&mut self, expected_submitters: &ExpectedSubmitters) -> Option<(Vec<Ticket>, usize)> {
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
        while let Some(ticket) = self.next_client(clients, expected_submitters).await {
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
    async fn next_client(&mut self, clients: usize, expected_submitters: &ExpectedSubmitters) -> Option<Ticket> {
        if let Ok(ticket) = self.clients.try_recv() {
            return Some(ticket);
        }
        let lacks = clients > 0 && clients < expected_submitters.expected.min(FULL_BATCH);
        let until = expected_submitters.until.filter(|_| lacks)?;
        timeout_at(until, self.clients.recv()).await.ok().flatten()
    }

    /// Writes a batch and answers everyone in it, however often the connection breaks meanwhile.
    async fn commit(&mut self, batch: Vec<Ticket>) {
        let deadline = Instant::now() + COMMIT_DEADLINE;
        let mut unsettled = vec![batch];
        let mut pause = SHORTEST_PAUSE;
        // Where the log stood, under its lock, when this batch was first tried: what an attempt wrote whose answer was lost
        // comes after it. It is what the log itself said; news from elsewhere could be ahead of it.
        let mut tried_at = None;
        while let Some(batch) = unsettled.pop() {
            let orders: Vec<QueuedSubmission<'_>> = batch.iter().map(Ticket::order).collect();
            match self.connection.write(&orders, &mut tried_at).await {
                Ok(outcomes) => settle(batch, outcomes),
                Err(error) if is_connection_error(&error) && Instant::now() < deadline => {
                    tracing::warn!(%error, "the log's connection broke; trying again");
                    METRICS.reconnects();
                    self.connection.disconnect();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    unsettled.push(batch);
                }
                // A machine that slept through the end of a month makes up for it here.
                Err(error) if lacks_partition(&error) && Instant::now() < deadline => {
                    if let Err(error) = self.connection.make_partitions().await {
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
                    self.connection.disconnect();
                    let outcomes = vec![Err(AppendError::Unavailable(error.to_string())); batch.len()];
                    settle(batch, outcomes);
                }
            }
        }
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

/// Whether a row found no partition for its month.
fn lacks_partition(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    error.code().as_deref() == Some("23514") && error.message().contains("no partition")
}

/// Whether the connection is to blame, rather than what was sent over it.
fn is_connection_error(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        // Class 57: the server shuts down, crashes or starts. Class 08: connection exceptions. 40001 and 40P01: the
        // transaction lost a race and may be tried again as it is. 25006: a primary no longer.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("57")
                || code.starts_with("08")
                || matches!(code.as_ref(), "40001" | "40P01" | "53300" | "55P03" | "25006" | "25P03")
        }),
        sqlx::Error::Protocol(text) => text.contains("unexpected") || text.contains("EOF"),
        _ => false,
    }
}

//! Recently used aggregates in memory, and the five steps of a command on them.
//!
//! A command on a hot aggregate costs one append and no read. Commands on one aggregate are decided one after another
//! on a *speculative* state, which includes what is queued and not yet durable, so that many commands on one license
//! share a transaction. What is answered rests on durable state only: an acceptance waits for its own append, and a
//! refusal or a "nothing to do" waits for what it rests on, then makes sure that no other node has moved on.

use std::{
    marker::PhantomData,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use licet_domain::{Decider, EventData as _};
use moka::sync::Cache;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    AppendError, EventLog, LogTable, Metadata, NewEvent, ReadError, StreamEvents, Submission, Tenant,
    appender::OnSettled,
    metrics::METRICS,
    snapshots,
    submission::{Claim, IdempotentAnswer, Precondition, Release},
};

/// How often a command is decided anew after losing a race before it gives up.
const ATTEMPTS: usize = 64;

/// A state with the version and position that it stands for.
#[derive(Debug, Clone)]
pub struct Versioned<S> {
    /// What the events amount to.
    pub state: S,
    /// The sequence of the newest event; 0 when there is none.
    pub version: u64,
    /// The position of the newest event; 0 when there is none.
    pub position: i64,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Executed<D: Decider> {
    /// What was recorded; empty when it was so already.
    pub events: Vec<D::Event>,
    /// The state after it.
    pub state: D::State,
    /// The version after it.
    pub version: u64,
    /// The position of the change; of the aggregate's newest event when nothing was recorded.
    pub position: i64,
}

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R: std::error::Error> {
    /// The rules, or what prepared the command, said no.
    #[error(transparent)]
    Rejected(R),
    /// The log said no.
    #[error(transparent)]
    Append(AppendError),
    /// The history could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What goes into the log beside the aggregate's own events.
#[derive(Clone)]
pub struct Envelope {
    /// Whose it is.
    pub tenant: Tenant,
    /// Who orders it.
    pub metadata: Metadata,
    /// Names the order.
    pub command_id: Uuid,
    /// Values to take.
    pub claims: Vec<Claim>,
    /// Values to set free.
    pub releases: Vec<Release>,
    /// What must hold under the lock.
    pub preconditions: Vec<Precondition>,
}

/// Builds the answer to keep for a repeated request out of what the command did.
pub type AnswerFor<'a, D> =
    &'a (dyn Fn(&[<D as Decider>::Event], &<D as Decider>::State) -> Option<IdempotentAnswer> + Sync);

type Key = (Tenant, Uuid);

/// The cache of one kind of aggregate.
pub struct Aggregates<D: Decider> {
    log: EventLog,
    cache: Cache<Key, Arc<Entry<D>>>,
    kind: PhantomData<D>,
}

struct Entry<D: Decider> {
    tail: Mutex<Tail<D>>,
    committed: Mutex<Arc<Versioned<D::State>>>,
    /// The newest durable version; told to those who wait for what they decided on.
    settled: watch::Sender<u64>,
    broken: AtomicBool,
    weight: AtomicUsize,
}

/// Where the next command starts: everything durable and everything queued.
struct Tail<D: Decider> {
    state: D::State,
    version: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these; should it, the data is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Decider> Entry<D> {
    fn new(loaded: Versioned<D::State>) -> Self {
        Self {
            weight: AtomicUsize::new(D::weight(&loaded.state)),
            tail: Mutex::new(Tail {
                state: loaded.state.clone(),
                version: loaded.version,
            }),
            settled: watch::Sender::new(loaded.version),
            committed: Mutex::new(Arc::new(loaded)),
            broken: AtomicBool::new(false),
        }
    }

    fn break_off(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.settled.send_modify(|_| {});
    }
}

/// What became of one attempt to decide.
enum Decision<D: Decider, R> {
    Queued(
        futures::future::BoxFuture<'static, Result<crate::Appended, AppendError>>,
        Vec<D::Event>,
        D::State,
        u64,
    ),
    /// Nothing to record, or a refusal, decided on this version.
    Settled(Result<(), R>, u64),
    Failed(AppendError),
}

impl<D: Decider> Aggregates<D> {
    /// A cache of at most so many bytes.
    pub fn new(log: EventLog, max_bytes: u64) -> Arc<Self> {
        let weigh =
            |_: &Key, entry: &Arc<Entry<D>>| u32::try_from(entry.weight.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(max_bytes).weigher(weigh).build();
        Arc::new(Self {
            log,
            cache,
            kind: PhantomData,
        })
    }

    /// The durable state, from memory or loaded.
    pub async fn get(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Versioned<D::State>>, ReadError> {
        let entry = self.entry(tenant, id).await?;
        Ok(Arc::clone(&lock(&entry.committed)))
    }

    /// The durable state, after making sure that no other node has moved on.
    pub async fn fresh(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Versioned<D::State>>, ReadError> {
        let known = self.get(tenant, id).await?;
        let durable = self.log.version(D::TYPE, &id.to_string()).await?;
        if known.version >= durable {
            return Ok(known);
        }
        self.invalidate(tenant, id, durable);
        self.get(tenant, id).await
    }

    /// The state as it was, rebuilt from the events.
    pub async fn as_of(&self, tenant: &Tenant, id: Uuid, position: i64) -> Result<Versioned<D::State>, ReadError> {
        snapshots::replay::<D>(&self.log, tenant, id, position).await
    }

    /// Runs a command: decides on the newest state, appends, and decides again when another was faster.
    /// `order` makes the command out of the state that it will be decided on.
    pub async fn execute<R>(
        self: &Arc<Self>,
        id: Uuid,
        envelope: &Envelope,
        order: impl Fn(&D::State) -> Result<D::Command, R>,
        answer: AnswerFor<'_, D>,
    ) -> Result<Executed<D>, ExecuteError<R>>
    where
        R: std::error::Error + From<D::Rejection>,
    {
        for _ in 0..ATTEMPTS {
            let entry = self.entry(&envelope.tenant, id).await?;
            match self.decide(id, &entry, envelope, &order, answer) {
                Decision::Failed(error) => return Err(ExecuteError::Append(error)),
                Decision::Queued(outcome, events, state, version) => match outcome.await {
                    Ok(appended) => {
                        return Ok(Executed {
                            events,
                            state,
                            version,
                            position: appended.position,
                        });
                    }
                    Err(AppendError::Conflict {
                        aggregate_type,
                        aggregate_id,
                    }) => {
                        // Another aggregate that was only looked at has changed: the caller looks again.
                        if (aggregate_type, aggregate_id.as_str()) != (D::TYPE, id.to_string().as_str()) {
                            return Err(ExecuteError::Append(AppendError::Conflict {
                                aggregate_type,
                                aggregate_id,
                            }));
                        }
                    }
                    Err(error) => return Err(ExecuteError::Append(error)),
                },
                Decision::Settled(verdict, version) => {
                    if !self.rests_on_truth(&envelope.tenant, id, &entry, version).await? {
                        continue;
                    }
                    let current = Arc::clone(&lock(&entry.committed));
                    return match verdict {
                        Err(rejection) => Err(ExecuteError::Rejected(rejection)),
                        Ok(()) => Ok(Executed {
                            events: Vec::new(),
                            state: current.state.clone(),
                            version: current.version,
                            position: current.position,
                        }),
                    };
                }
            }
        }
        Err(ExecuteError::Append(AppendError::Conflict {
            aggregate_type: D::TYPE,
            aggregate_id: id.to_string(),
        }))
    }

    /// Decides on the speculative state and queues the outcome, without awaiting anything, so that commands on one
    /// aggregate are queued in the order in which they were decided.
    fn decide<R: From<D::Rejection>>(
        self: &Arc<Self>,
        id: Uuid,
        entry: &Arc<Entry<D>>,
        envelope: &Envelope,
        order: &impl Fn(&D::State) -> Result<D::Command, R>,
        answer: AnswerFor<'_, D>,
    ) -> Decision<D, R> {
        let mut tail = lock(&entry.tail);
        let decided = order(&tail.state).and_then(|command| D::decide(&tail.state, command).map_err(R::from));
        let events = match decided {
            Ok(events) if !events.is_empty() => events,
            Ok(_) => return Decision::Settled(Ok(()), tail.version),
            Err(rejection) => return Decision::Settled(Err(rejection), tail.version),
        };
        let state = events.iter().fold(tail.state.clone(), D::evolve);
        let version = tail.version + events.len() as u64;
        let submission = Submission {
            tenant: envelope.tenant.clone(),
            command_id: envelope.command_id,
            metadata: envelope.metadata.clone(),
            streams: vec![StreamEvents {
                table: LogTable::Events,
                aggregate_type: D::TYPE,
                aggregate_id: id.to_string(),
                expected_version: tail.version,
                events: events.iter().map(NewEvent::of).collect(),
            }],
            claims: envelope.claims.clone(),
            releases: envelope.releases.clone(),
            preconditions: envelope.preconditions.clone(),
            holds: D::holds(&state, &events),
            idempotency: answer(&events, &state),
        };
        let on_settled = self.settle_later(id, entry, envelope.tenant.clone(), state.clone(), version);
        match self.log.enqueue(submission, Some(on_settled)) {
            Err(error) => Decision::Failed(error),
            Ok(outcome) => {
                *tail = Tail {
                    state: state.clone(),
                    version,
                };
                Decision::Queued(outcome, events, state, version)
            }
        }
    }

    /// Publishes a state once it is durable, or throws the entry away when it did not become so.
    fn settle_later(
        self: &Arc<Self>,
        id: Uuid,
        entry: &Arc<Entry<D>>,
        tenant: Tenant,
        state: D::State,
        version: u64,
    ) -> OnSettled {
        let (aggregates, entry) = (Arc::clone(self), Arc::clone(entry));
        Box::new(move |outcome| match outcome {
            Ok(appended) => {
                let weight = D::weight(&state);
                *lock(&entry.committed) = Arc::new(Versioned {
                    state,
                    version,
                    position: appended.position,
                });
                entry.settled.send_replace(version);
                // The cache weighs an entry when it is put in; one that has grown by a quarter is put in again.
                if weight > entry.weight.load(Ordering::Relaxed) / 4 * 5 && !entry.broken.load(Ordering::SeqCst) {
                    entry.weight.store(weight, Ordering::Relaxed);
                    aggregates.cache.insert((tenant, id), entry);
                }
            }
            Err(_) => {
                entry.break_off();
                aggregates.drop_entry(&(tenant, id), &entry);
            }
        })
    }

    /// Waits until everything up to `version` is durable and says whether no other node has gone beyond.
    async fn rests_on_truth(
        &self,
        tenant: &Tenant,
        id: Uuid,
        entry: &Arc<Entry<D>>,
        version: u64,
    ) -> Result<bool, ReadError> {
        let mut settled = entry.settled.subscribe();
        let known = |durable: &u64| *durable >= version || entry.broken.load(Ordering::SeqCst);
        let gone = settled.wait_for(known).await.is_err();
        if gone || entry.broken.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let durable = self.log.version(D::TYPE, &id.to_string()).await?;
        if durable == version {
            return Ok(true);
        }
        // Ours moved on, which the next decision sees; or another node's did, and this entry is stale.
        if durable > lock(&entry.tail).version {
            entry.break_off();
            self.drop_entry(&(tenant.clone(), id), entry);
        }
        Ok(false)
    }

    async fn entry(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Entry<D>>, ReadError> {
        let key = (tenant.clone(), id);
        if let Some(entry) = self.cache.get(&key) {
            if !entry.broken.load(Ordering::SeqCst) {
                METRICS.cache(true);
                return Ok(entry);
            }
            self.drop_entry(&key, &entry);
        }
        METRICS.cache(false);
        loop {
            let loaded = snapshots::load::<D>(&self.log, tenant, id).await?;
            let version = loaded.version;
            let entry = self
                .cache
                .entry(key.clone())
                .or_insert_with(|| Arc::new(Entry::new(loaded)))
                .into_value();
            // News that came between loading and caching found nothing to drop: look once more, now that it would.
            let durable = self.log.version(D::TYPE, &id.to_string()).await?;
            if version == durable || lock(&entry.tail).version >= durable {
                return Ok(entry);
            }
            self.drop_entry(&key, &entry);
        }
    }

    /// News from the log: an entry that does not know of this event is dropped.
    pub fn invalidate(&self, tenant: &Tenant, id: Uuid, sequence: u64) {
        let key = (tenant.clone(), id);
        if let Some(entry) = self.cache.get(&key)
            && lock(&entry.tail).version < sequence
        {
            entry.break_off();
            self.drop_entry(&key, &entry);
        }
    }

    fn drop_entry(&self, key: &Key, entry: &Arc<Entry<D>>) {
        if self.cache.get(key).is_some_and(|cached| Arc::ptr_eq(&cached, entry)) {
            self.cache.invalidate(key);
        }
    }

    /// How many bytes the cache holds, by its own estimate.
    pub fn weighted_size(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.weighted_size()
    }

    /// Stored names of the events that this cache must hear of.
    pub fn event_types() -> impl Iterator<Item = &'static str> {
        D::Event::TYPES.iter().map(|(name, _)| *name)
    }
}

//! A command: decided on the newest state, appended, and decided again when another was faster.

use std::sync::{Arc, atomic::Ordering};

use licet_domain::Decider;
use uuid::Uuid;

use super::{
    Aggregates, AnswerFor, Envelope, ExecuteError, Executed, Versioned,
    entry::{Entry, Tail, lock},
};
use crate::{AppendError, LogTable, NewEvent, ReadError, StreamEvents, Submission, Tenant, appender::OnSettled};

/// How often a command is decided anew after losing a race before it gives up.
const ATTEMPTS: usize = 64;

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
            forgets: envelope.forgets.clone(),
            preconditions: envelope.preconditions.clone(),
            holds: D::holds(&state, &events),
            idempotency: answer(&events, &state),
        };
        let on_settled = self.settle_later(id, entry, envelope.tenant.clone(), state.clone(), version);
        match self
            .log
            .enqueue(submission, Some((entry.speculative_chain.clone(), on_settled)))
        {
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
                if weight > entry.weight.load(Ordering::Relaxed) / 4 * 5 && !entry.is_broken() {
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
        entry.reached(version).await;
        if entry.is_broken() {
            return Ok(false);
        }
        let durable = self.log.version(tenant, D::TYPE, &id.to_string()).await?;
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
}

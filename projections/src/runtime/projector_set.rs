//! The projectors of a node: whose lease it holds, how far each is, and who goes on together.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use licet_event_store::caught;
use tokio::{task::JoinSet, time::Instant};

use super::{
    ProjectionError, Projector, RunnerSettings,
    living::{FoldOutcome, batch},
    projectors, rebuild,
};
use crate::{metrics::METRICS, nodes::leases};

/// How often leases are renewed, or asked for: well within the time for which one is held.
const LEASE_RENEWAL: Duration = Duration::from_millis(1_500);
/// How long a projector that failed is left alone.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// A projector, and whether this node owns its lease.
struct OwnedProjector {
    projector: &'static dyn Projector,
    holds_lease: bool,
    asked_at: Option<Instant>,
    rests_until: Option<Instant>,
}

/// A row of `projector_checkpoints`.
#[derive(Clone)]
struct Checkpoint {
    version: i32,
    position: i64,
    stopped: bool,
}

pub(super) struct ProjectorSet {
    settings: RunnerSettings,
    owned: Vec<OwnedProjector>,
    /// Rebuilds of read models whose version went up, by name.
    rebuilds: JoinSet<(&'static str, Result<u64, ProjectionError>)>,
    rebuilding: Vec<&'static str>,
}

impl ProjectorSet {
    pub(super) fn new(settings: RunnerSettings) -> Self {
        let own = |projector| OwnedProjector {
            projector,
            holds_lease: false,
            asked_at: None,
            rests_until: None,
        };
        Self {
            settings,
            owned: projectors().map(own).into(),
            rebuilds: JoinSet::new(),
            rebuilding: Vec::new(),
        }
    }

    /// One batch for each group of projectors that are equally far.
    pub(super) async fn advance_all(&mut self) -> Result<FoldOutcome, ProjectionError> {
        self.renew_leases().await?;
        self.end_rebuilds().await;
        let (head, checkpoints) = self.look().await?;
        let mut done = FoldOutcome::Idle;
        for (position, group) in self.groups(&checkpoints).await? {
            let stopped = |projector: &&dyn Projector| checkpoints[projector.name()].stopped;
            if position < head || group.iter().any(stopped) {
                done = done.max(self.advance(position, &group).await);
            }
        }
        Ok(done)
    }

    async fn renew_leases(&mut self) -> Result<(), ProjectionError> {
        for own in &mut self.owned {
            if own.asked_at.is_none_or(|at| at.elapsed() > LEASE_RENEWAL) {
                let (pool, lease) = (self.settings.log.pool(), lease(own.projector));
                own.holds_lease = false;
                own.holds_lease = leases::hold(pool, &lease, self.settings.node, leases::LEASE).await?;
                own.asked_at = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// The head, and where every projector is.
    async fn look(&self) -> Result<(i64, HashMap<String, Checkpoint>), ProjectionError> {
        let rows = sqlx::query!(
            r#"SELECT name, version, projector_checkpoints.position, stopped_by IS NOT NULL AS "stopped!", log_head.position AS head
               FROM log_head LEFT JOIN projector_checkpoints ON true"#
        )
        .fetch_all(self.settings.log.pool())
        .await?;
        let head = rows.first().map_or(0, |row| row.head);
        let known = rows.into_iter().filter_map(|row| {
            let (version, position) = (row.version?, row.position?);
            let stopped = row.stopped;
            Some((
                row.name?,
                Checkpoint {
                    version,
                    position,
                    stopped,
                },
            ))
        });
        Ok((head, known.collect()))
    }

    /// The projectors that can go on, by how far they are.
    async fn groups(
        &mut self,
        checkpoints: &HashMap<String, Checkpoint>,
    ) -> Result<BTreeMap<i64, Vec<&'static dyn Projector>>, ProjectionError> {
        let mut groups: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        let now = Instant::now();
        for own in &self.owned {
            let projector = own.projector;
            let rests = own.rests_until.is_some_and(|until| now < until);
            if !own.holds_lease || rests || self.rebuilding.contains(&projector.name()) {
                continue;
            }
            match checkpoints.get(projector.name()) {
                Some(at) if at.version == projector.version() => {
                    groups.entry(at.position).or_default().push(projector);
                }
                // An older program beside a newer one, in a rolling upgrade, leaves the read model to the newer.
                Some(at) if at.version > projector.version() => {}
                Some(_) => {
                    tracing::info!(projector = projector.name(), "its version has changed; rebuilding");
                    self.rebuilding.push(projector.name());
                    let log = self.settings.log.clone();
                    self.rebuilds.spawn(async move {
                        let rebuilt = caught(rebuild(projector, &log, &|_, _| {})).await;
                        (
                            projector.name(),
                            rebuilt.unwrap_or_else(|panic| Err(ProjectionError::Panicked(panic))),
                        )
                    });
                }
                None => begin(projector, &self.settings).await?,
            }
        }
        Ok(groups)
    }

    async fn end_rebuilds(&mut self) {
        while let Some(ended) = self.rebuilds.try_join_next() {
            // Panics are caught inside; what was aborted is nobody's any more.
            let Ok((name, rebuilt)) = ended else { continue };
            self.rebuilding.retain(|one| *one != name);
            if let Err(error) = rebuilt {
                self.stop_loudly(name, &error).await;
            }
        }
    }

    /// Folds the next batch into a group. One that cannot go on must not keep the others: then each goes by itself.
    async fn advance(&mut self, position: i64, group: &[&'static dyn Projector]) -> FoldOutcome {
        if group.len() > 1 {
            match self.batch(position, group).await {
                Ok(done) => return done,
                Err(error) => tracing::warn!(%error, "projectors could not go on together; each goes by itself"),
            }
        }
        let mut done = FoldOutcome::Idle;
        for projector in group {
            match self.batch(position, &[*projector]).await {
                Ok(one) => done = done.max(one),
                Err(error) => self.stop_loudly(projector.name(), &error).await,
            }
        }
        done
    }

    /// One batch; a projector that panics in it stops as one that fails.
    async fn batch(&self, position: i64, group: &[&'static dyn Projector]) -> Result<FoldOutcome, ProjectionError> {
        let folded = caught(batch(&self.settings, position, group)).await;
        folded.unwrap_or_else(|panic| Err(ProjectionError::Panicked(panic)))
    }

    /// Says why, where people and probes look, and leaves it alone for a while, in case the cause is mended.
    async fn stop_loudly(&mut self, name: &'static str, error: &ProjectionError) {
        let cause: Arc<str> = describe(error).into();
        tracing::error!(projector = name, cause = &*cause, "a projector has stopped");
        METRICS.stopped(name);
        let own = self.owned.iter_mut().find(|own| own.projector.name() == name);
        if let Some(own) = own {
            own.rests_until = Some(Instant::now() + RETRY_DELAY);
        }
        let noted = sqlx::query!(
            "UPDATE projector_checkpoints SET stopped_by = $2 WHERE name = $1",
            name,
            &*cause
        )
        .execute(self.settings.log.pool())
        .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the stop could not be noted");
        }
    }

    /// Gives the leases back, so that another node need not wait for them to run out.
    pub(super) async fn release(mut self) {
        self.rebuilds.shutdown().await;
        for own in self.owned.iter().filter(|own| own.holds_lease) {
            let _ = leases::release(self.settings.log.pool(), &lease(own.projector), self.settings.node).await;
        }
    }
}

fn lease(projector: &dyn Projector) -> String {
    format!("projector/{}", projector.name())
}

/// The first turn of a read model.
async fn begin(projector: &dyn Projector, settings: &RunnerSettings) -> Result<(), ProjectionError> {
    sqlx::query!(
        "INSERT INTO projector_checkpoints (name, version, position, recorded_at) VALUES ($1, $2, 0, 'epoch') ON CONFLICT DO NOTHING",
        projector.name(),
        projector.version(),
    )
    .execute(settings.log.pool())
    .await?;
    settings.reader.hurry();
    Ok(())
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", describe(cause)),
        None => error.to_string(),
    }
}

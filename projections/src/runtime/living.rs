//! Keeps the read models up with the log.
//!
//! One reading of the log feeds every projector that is equally far, in one transaction; those that were apart meet again
//! at the head. Whoever fails is left behind with its error, and tries again by itself.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use licet_event_store::{Edge, EventLog, leases};
use sqlx::Connection as _;
use time::OffsetDateTime;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use uuid::Uuid;

use super::{ProjectionError, Projector, fold, projectors, rebuild};
use crate::{Reader, metrics::METRICS};

/// How a node runs its projectors.
#[derive(Clone)]
pub struct RunnerSettings {
    /// The log.
    pub log: EventLog,
    /// Who waits for a position here makes the projectors hurry.
    pub reader: Reader,
    /// For the lag in seconds.
    pub edge: Edge,
    /// Names this node in leases.
    pub node: Uuid,
    /// Turns true when the node ends.
    pub ending: watch::Receiver<bool>,
}

/// The most events in one transaction.
const BATCH: i64 = 5_000;
/// How long to wait for more after the first event: what comes in a burst is written once.
const COALESCE: Duration = Duration::from_millis(10);
/// The pace while events keep coming and nobody waits for them: rows that are touched again and again are written once.
const PACE: Duration = Duration::from_millis(500);
/// How often leases are renewed, or asked for: well within the time for which one is held.
const RENEW: Duration = Duration::from_millis(1_500);
/// How long a projector that failed is left alone.
const REST: Duration = Duration::from_secs(2);
/// The net below the notifications.
const POLL: Duration = Duration::from_secs(1);

/// Runs the projectors whose leases this node holds, until the node ends.
pub async fn run(settings: RunnerSettings) {
    let (mut head, mut ending) = (settings.log.head(), settings.ending.clone());
    let mut crew = Crew::new(settings.clone());
    while !*ending.borrow() {
        let started = Instant::now();
        let more = match crew.turn().await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(%error, "the projectors could not be driven; trying again");
                sleep(POLL).await;
                false
            }
        };
        if more {
            continue;
        }
        let next = async {
            // A second without news is time to look, too.
            let _ = timeout(POLL, head.changed()).await;
            sleep_until(started + PACE).await;
        };
        tokio::select! {
            // A sender that is gone ends the node too.
            _ = ending.wait_for(|ending| *ending) => break,
            () = settings.reader.waited_for() => {}
            () = next => {}
        }
        sleep(COALESCE).await;
    }
    crew.release().await;
}

/// A projector in this node's charge.
struct Charge {
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

struct Crew {
    settings: RunnerSettings,
    charges: Vec<Charge>,
    /// Rebuilds of read models whose version went up, by name.
    rebuilds: JoinSet<(&'static str, Result<u64, ProjectionError>)>,
    rebuilding: Vec<&'static str>,
}

impl Crew {
    fn new(settings: RunnerSettings) -> Self {
        let charge = |projector| Charge {
            projector,
            holds_lease: false,
            asked_at: None,
            rests_until: None,
        };
        Self {
            settings,
            charges: projectors().map(charge).into(),
            rebuilds: JoinSet::new(),
            rebuilding: Vec::new(),
        }
    }

    /// One batch for each group of projectors that are equally far; `true` when there is more to fold at once.
    async fn turn(&mut self) -> Result<bool, ProjectionError> {
        self.renew_leases().await?;
        self.end_rebuilds().await;
        let (head, checkpoints) = self.look().await?;
        let mut more = false;
        for (position, group) in self.groups(&checkpoints).await? {
            let stopped = |projector: &&dyn Projector| checkpoints[projector.name()].stopped;
            if position < head || group.iter().any(stopped) {
                more |= self.advance(position, &group).await;
            } else {
                group.iter().for_each(|projector| METRICS.lag(projector.name(), 0, 0.0));
            }
        }
        Ok(more)
    }

    async fn renew_leases(&mut self) -> Result<(), ProjectionError> {
        for charge in &mut self.charges {
            if charge.asked_at.is_none_or(|at| at.elapsed() > RENEW) {
                let (pool, lease) = (self.settings.log.pool(), lease(charge.projector));
                charge.holds_lease = false;
                charge.holds_lease = leases::hold(pool, &lease, self.settings.node).await?;
                charge.asked_at = Some(Instant::now());
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
        for charge in &self.charges {
            let projector = charge.projector;
            let rests = charge.rests_until.is_some_and(|until| now < until);
            if !charge.holds_lease || rests || self.rebuilding.contains(&projector.name()) {
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
                    self.rebuilds
                        .spawn(async move { (projector.name(), rebuild(projector, &log, &|_, _| {}).await) });
                }
                None => begin(projector, &self.settings).await?,
            }
        }
        Ok(groups)
    }

    async fn end_rebuilds(&mut self) {
        while let Some(ended) = self.rebuilds.try_join_next() {
            match ended {
                Ok((name, Ok(_))) => self.rebuilding.retain(|one| *one != name),
                Ok((name, Err(error))) => {
                    self.rebuilding.retain(|one| *one != name);
                    self.stop_loudly(name, &error).await;
                }
                // Which one panicked is not known: all of them are looked at again.
                Err(error) => {
                    tracing::error!(%error, "a rebuild broke off");
                    self.rebuilds.abort_all();
                    self.rebuilding.clear();
                }
            }
        }
    }

    /// Folds the next batch into a group. One that cannot go on must not keep the others: then each goes by itself.
    async fn advance(&mut self, position: i64, group: &[&'static dyn Projector]) -> bool {
        match batch(&self.settings, position, group).await {
            Ok(more) => return more,
            Err(error) if group.len() == 1 => {
                self.stop_loudly(group[0].name(), &error).await;
                return false;
            }
            Err(error) => tracing::warn!(%error, "projectors could not go on together; each goes by itself"),
        }
        let mut more = false;
        for projector in group {
            match batch(&self.settings, position, &[*projector]).await {
                Ok(more_of_it) => more |= more_of_it,
                Err(error) => self.stop_loudly(projector.name(), &error).await,
            }
        }
        more
    }

    /// Says why, where people and probes look, and leaves it alone for a while, in case the cause is mended.
    async fn stop_loudly(&mut self, name: &'static str, error: &ProjectionError) {
        let cause: Arc<str> = describe(error).into();
        tracing::error!(projector = name, cause = &*cause, "a projector has stopped");
        METRICS.stopped(name);
        let charge = self.charges.iter_mut().find(|charge| charge.projector.name() == name);
        if let Some(charge) = charge {
            charge.rests_until = Some(Instant::now() + REST);
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
    async fn release(mut self) {
        self.rebuilds.shutdown().await;
        for charge in self.charges.iter().filter(|charge| charge.holds_lease) {
            let _ = leases::release(self.settings.log.pool(), &lease(charge.projector), self.settings.node).await;
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

/// Rows and checkpoints in one transaction: exactly once in effect, whoever else believes to hold a lease. `true` when
/// the batch was full.
async fn batch(
    settings: &RunnerSettings,
    position: i64,
    group: &[&'static dyn Projector],
) -> Result<bool, ProjectionError> {
    let mut connection = settings.log.pool().acquire().await?;
    let mut transaction = connection.begin().await?;
    let names: Vec<String> = group.iter().map(|projector| projector.name().to_owned()).collect();
    let locked = sqlx::query!(
        "SELECT name, position, recorded_at FROM projector_checkpoints WHERE name = ANY($1) ORDER BY name FOR UPDATE",
        &names,
    )
    .fetch_all(&mut *transaction)
    .await?;
    // A rebuild, or another node, may have moved one on since it was looked at; it is met again where it is now.
    let here: HashMap<&str, OffsetDateTime> = locked
        .iter()
        .filter(|row| row.position == position)
        .map(|row| (row.name.as_str(), row.recorded_at))
        .collect();
    let group: Vec<&dyn Projector> = group
        .iter()
        .filter(|projector| here.contains_key(projector.name()))
        .map(|projector| *projector as &dyn Projector)
        .collect();
    // In a statement of its own, after the lock.
    let head = sqlx::query_scalar!("SELECT position FROM log_head")
        .fetch_one(&mut *transaction)
        .await?;
    let until = head.min(position + BATCH).max(position);
    if until > position && !group.is_empty() {
        let stretch = (position, until);
        fold(&group, &settings.log, &mut transaction, stretch, &|_, _| {}).await?;
    }
    let names: Vec<String> = here.keys().map(ToString::to_string).collect();
    let reached = sqlx::query_scalar!(
        r#"UPDATE projector_checkpoints SET position = $2, stopped_by = NULL,
               recorded_at = coalesce((SELECT recorded_at FROM events WHERE position <= $2 ORDER BY position DESC LIMIT 1), recorded_at)
           WHERE name = ANY($1) RETURNING recorded_at"#,
        &names,
        until,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let behind = head - until;
    let now: OffsetDateTime = settings.edge.now().into();
    let since = reached.first().copied().unwrap_or(now);
    let seconds = if behind == 0 {
        0.0
    } else {
        (now - since).as_seconds_f64().max(0.0)
    };
    group
        .iter()
        .for_each(|projector| METRICS.lag(projector.name(), behind, seconds));
    Ok(until == position + BATCH)
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", describe(cause)),
        None => error.to_string(),
    }
}

//! Runs the rules of anomalies over what was recorded since the last turn, or over old history when asked to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use licet_commands::{CommandError, Context, Network, Platform};
use licet_domain::{
    anomaly::{DRIFT_DAYS, Finding, History, Severity, find},
    values::{LicenseId, Sealed, Timestamp},
};
use licet_event_store::{AsOf, Tenant, consumers, vault::Purpose};
use licet_projections::{
    anomalies::{self, Guessing, Touched},
    heartbeats::Range,
};
use serde_json::{Value, json};

use crate::{WorkerError, metrics::METRICS};

const CONSUMER: &str = "anomalies";
/// Positions in one turn.
const STRETCH: i64 = 50_000;
/// How much of the past the rules look at.
const DAY_SECONDS: i64 = 86_400;
/// A license is looked at so often at most, however busy it is.
const PAUSE_SECONDS: i64 = 300;
/// Licenses in one turn.
const LICENSES: usize = 500;

/// Licenses that are due to be looked at, and when each was last.
#[derive(Default)]
pub(crate) struct Agenda {
    licenses: Mutex<HashMap<Touched, (Option<Timestamp>, bool)>>,
    /// Whether it knows what the process before this one had put off.
    caught_up: AtomicBool,
}

impl Agenda {
    fn add(&self, touched: Vec<Touched>) {
        let mut agenda = self.licenses.lock().unwrap_or_else(PoisonError::into_inner);
        for license in touched {
            agenda.entry(license).or_insert((None, false)).1 = true;
        }
    }

    /// Takes out what is due now; what was not touched for a day is forgotten.
    fn due(&self, now: Timestamp) -> Vec<Touched> {
        let mut agenda = self.licenses.lock().unwrap_or_else(PoisonError::into_inner);
        agenda.retain(|_, (last, touched)| *touched || last.is_none_or(|last| now < last.plus_seconds(DAY_SECONDS)));
        let rested = |last: Option<Timestamp>| last.is_none_or(|last| now >= last.plus_seconds(PAUSE_SECONDS));
        let mut waiting: Vec<_> = agenda
            .iter_mut()
            .filter(|(_, (last, touched))| *touched && rested(*last))
            .collect();
        // Whoever was looked at longest ago comes first, so that nobody starves.
        waiting.sort_unstable_by_key(|(_, (last, _))| *last);
        let some = waiting.into_iter().take(LICENSES);
        some.map(|(license, entry)| {
            *entry = (Some(now), false);
            license.clone()
        })
        .collect()
    }
}

fn database(error: licet_event_store::StoreError) -> WorkerError {
    WorkerError::of("looking for anomalies")(error.into())
}

/// One turn over what is new.
pub(crate) async fn turn(platform: &Arc<Platform>, agenda: &Agenda) -> Result<(), WorkerError> {
    let pool = platform.log.pool();
    let head = platform.log.position().await.map_err(database)?;
    let after = consumers::position(pool, CONSUMER, 0).await.map_err(database)?;
    let stretch = (after, head.min(after + STRETCH));
    if !agenda.caught_up.load(Ordering::Relaxed) {
        // What the process before had put off was in its memory only.
        let recent = AsOf::Time(platform.edge.now().plus_seconds(-2 * PAUSE_SECONDS));
        let recent = platform.log.position_at(recent).await;
        let recent = recent.map_err(|error| WorkerError::of("looking for anomalies")(error.into()))?;
        let missed = anomalies::touched(pool, (recent.min(after), after)).await;
        agenda.add(missed.map_err(database)?);
        agenda.caught_up.store(true, Ordering::Relaxed);
    }
    agenda.add(anomalies::touched(pool, stretch).await.map_err(database)?);
    for guessing in anomalies::guessing(pool, stretch).await.map_err(database)? {
        record_guessing(platform, &guessing).await?;
    }
    let now = platform.edge.now();
    for license in agenda.due(now) {
        let range = Range {
            from: now.plus_seconds(-DAY_SECONDS),
            to: now.plus_seconds(1),
        };
        examine(platform, &license, range).await?;
    }
    // Where another node was faster, what was looked at twice is found once.
    consumers::advance(pool, CONSUMER, stretch).await.map_err(database)?;
    Ok(())
}

/// How much was looked at and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Examined {
    /// Licenses.
    pub licenses: u64,
    /// Anomalies that were not known before.
    pub found: u64,
}

/// Runs the rules over old history, day by day: one license, or every license of which something was recorded.
pub async fn rerun(
    platform: &Arc<Platform>,
    tenant: &Tenant,
    license: Option<LicenseId>,
    range: Range,
) -> Result<Examined, WorkerError> {
    let mut examined = Examined::default();
    let licenses = match license {
        Some(license) => vec![Touched {
            tenant: tenant.clone(),
            license_id: license.0,
        }],
        None => anomalies::touched_in(platform.log.pool(), tenant, range)
            .await
            .map_err(database)?,
    };
    for license in &licenses {
        examined.licenses += 1;
        let mut from = range.from;
        while from < range.to {
            let to = from.plus_seconds(DAY_SECONDS).min(range.to);
            examined.found += examine(platform, license, Range { from, to }).await?;
            from = to;
        }
    }
    Ok(examined)
}

/// Runs the rules over one license; answers how many findings were new.
async fn examine(platform: &Arc<Platform>, license: &Touched, range: Range) -> Result<u64, WorkerError> {
    let failed = |error: CommandError| WorkerError::of("looking for anomalies")(error.into());
    let known = platform.licenses.get(&license.tenant, license.license_id).await;
    let known = known.map_err(|error| failed(error.into()))?;
    if known.state.facts().is_none() {
        return Ok(0);
    }
    let in_force = platform.in_force(&license.tenant, &known).await.map_err(failed)?;
    let sealer = platform.vault.sealer(&license.tenant, Purpose::Tenant, "1").await;
    let sealer = sealer.map_err(|error| failed(error.into()))?;
    let network = |client: &Sealed| {
        let opened: Value = serde_json::from_str(&sealer.open(client).ok()?).ok()?;
        let address = opened["address"].as_str()?.parse().ok()?;
        Some(Network::of(address).to_string())
    };
    let pool = platform.log.pool();
    let observations = anomalies::observations(pool, license, range, &network)
        .await
        .map_err(|error| failed(error.into()))?;
    let last = range.to.plus_seconds(-1);
    let lately = Range {
        from: range.to.plus_seconds(-DRIFT_DAYS * DAY_SECONDS),
        to: range.to,
    };
    let came = anomalies::came(pool, license, lately).await;
    let history = History {
        came: came.map_err(|error| failed(error.into()))?,
        seats: in_force.seats(),
        interval_seconds: i64::from(in_force.terms().heartbeat_interval_seconds),
        observations,
        daily: anomalies::daily(pool, license, last).await.map_err(database)?,
    };
    let mut found = 0;
    let context = Context::system(
        "anomalies",
        license.tenant.clone(),
        platform.edge.now(),
        platform.edge.id(),
    );
    for finding in find(&history) {
        let id = Some(LicenseId(license.license_id));
        if platform
            .record_anomaly(&context, id, last, &finding)
            .await
            .map_err(failed)?
        {
            METRICS.anomaly(finding.rule);
            found += 1;
        }
    }
    Ok(found)
}

async fn record_guessing(platform: &Arc<Platform>, guessing: &Guessing) -> Result<(), WorkerError> {
    let finding = Finding {
        rule: "key_guessing",
        severity: Severity::High,
        facts: BTreeMap::from([
            ("unknown_keys".to_owned(), json!(guessing.count)),
            ("figure".to_owned(), json!(guessing.position)),
        ]),
        evidence: vec![guessing.position],
        span: Some((guessing.at, guessing.at)),
    };
    let context = Context::system(
        "anomalies",
        guessing.tenant.clone(),
        platform.edge.now(),
        platform.edge.id(),
    );
    let recorded = platform.record_anomaly(&context, None, guessing.at, &finding).await;
    if recorded.map_err(|error| WorkerError::of("recording an anomaly")(error.into()))? {
        METRICS.anomaly(finding.rule);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_license_is_looked_at_every_five_minutes_and_none_is_forgotten() {
        let (agenda, now) = (Agenda::default(), Timestamp::from_millis(0));
        let license = Touched {
            tenant: Tenant::default(),
            license_id: uuid::Uuid::nil(),
        };
        agenda.add(vec![license.clone()]);
        assert_eq!(agenda.due(now), std::slice::from_ref(&license));
        assert!(agenda.due(now.plus_seconds(600)).is_empty(), "nothing new");
        agenda.add(vec![license.clone()]);
        assert!(agenda.due(now.plus_seconds(100)).is_empty(), "too soon");
        assert_eq!(agenda.due(now.plus_seconds(300)), [license]);
    }
}

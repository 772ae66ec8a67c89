//! Runs the rules of anomalies over what was recorded since the last turn, or over old history when asked to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use licet_commands::{CommandError, Context, Network, Platform};
use licet_domain::{
    anomaly::{DRIFT_DAYS, Finding, History, Severity, find},
    values::{LicenseId, Sealed, Timestamp},
};
use licet_event_store::{AsOf, ReadError, Tenant, vault::Purpose};
use licet_projections::{
    anomalies::{self, ChangedLicense, First, GuessingNetwork},
    heartbeats::Range,
    queues::consumers,
    status,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{WorkerError, metrics::METRICS};

const CONSUMER: &str = "anomalies";
/// Positions in one query, and queries in one turn.
const READ_SIZE: i64 = 50_000;
const MAX_READS: i64 = 20;
/// How far back the windows of the rules reach.
const DAY_SECONDS: i64 = 86_400;
/// A license is looked at so often at most, however busy it is.
const PAUSE_SECONDS: i64 = 300;
/// Licenses in one turn.
const LICENSES: usize = 500;

/// How far back a turn looks where nobody looked for a while; older history is for a re-run.
const LOOK_BACK_DAYS: i64 = 7;

/// What is known of a license that is looked at again and again.
#[derive(Default)]
struct Entry {
    /// When it was last looked at.
    last: Option<Timestamp>,
    /// Where something begins that was not looked at yet.
    first: Option<First>,
}

/// Licenses that are due to be looked at, and how far the log was read for them.
///
/// The place that is kept in the database is the first that was not looked at: whoever goes on after this process, at that
/// place, misses nothing that was put off here.
#[derive(Default)]
pub(crate) struct ReviewQueue {
    licenses: HashMap<ChangedLicense, Entry>,
    /// The place as this process kept it, and how far it has read.
    place: Option<(i64, i64)>,
}

impl ReviewQueue {
    /// From where to read on; where another node kept another place, from there, with what follows.
    fn read_from(&mut self, kept: i64) -> i64 {
        match self.place {
            Some((own, read)) if own == kept => read,
            _ => {
                self.licenses.clear();
                kept
            }
        }
    }

    fn add(&mut self, touched: Vec<(ChangedLicense, First)>) {
        for (license, first) in touched {
            self.licenses.entry(license).or_default().first.get_or_insert(first);
        }
    }

    /// What is due now; what was not touched for a day is forgotten.
    fn due(&mut self, now: Timestamp) -> Vec<(ChangedLicense, First)> {
        let remembered = |last: Option<Timestamp>| last.is_some_and(|last| now < last.plus_seconds(DAY_SECONDS));
        self.licenses
            .retain(|_, entry| entry.first.is_some() || remembered(entry.last));
        let rested = |last: Option<Timestamp>| last.is_none_or(|last| now >= last.plus_seconds(PAUSE_SECONDS));
        let mut waiting: Vec<_> = self
            .licenses
            .iter()
            .filter(|(_, entry)| rested(entry.last))
            .filter_map(|(license, entry)| Some((entry.last, license.clone(), entry.first?)))
            .collect();
        // Whoever was looked at longest ago comes first, so that nobody starves.
        waiting.sort_unstable_by_key(|(last, ..)| *last);
        let some = waiting.into_iter().take(LICENSES);
        some.map(|(_, license, first)| (license, first)).collect()
    }

    /// A license was looked at, or it was tried in vain and is due again after a rest.
    fn looked_at(&mut self, license: &ChangedLicense, now: Timestamp, done: bool) {
        if let Some(entry) = self.licenses.get_mut(license) {
            entry.last = Some(now);
            // What failed for longer than anyone looks back is given up, so that it holds the place up no longer.
            let oldest = now.plus_seconds(-LOOK_BACK_DAYS * DAY_SECONDS);
            entry.first = entry.first.filter(|(_, at)| !done && *at > oldest);
        }
    }

    /// The place to keep when so much was read.
    fn place(&self, read: i64) -> i64 {
        let waiting = self.licenses.values().filter_map(|entry| entry.first);
        waiting.map(|(position, _)| position - 1).min().unwrap_or(read)
    }
}

fn database(error: licet_event_store::StoreError) -> WorkerError {
    WorkerError::of("looking for anomalies")(error.into())
}

/// How far the log can be looked at: what the read models of beats have not folded yet is not seen.
async fn folded(platform: &Platform) -> Result<i64, WorkerError> {
    let all = status(&platform.log).await;
    let all = all.map_err(|error| WorkerError::of("looking for anomalies")(error.into()))?;
    let beats = all.iter().find(|one| one.name == "license_heartbeats");
    Ok(beats.map_or(0, |one| one.position))
}

/// One turn over what is new.
pub(crate) async fn turn(platform: &Arc<Platform>, review_queue: &mut ReviewQueue) -> Result<(), WorkerError> {
    let pool = platform.log.pool();
    let kept = consumers::position(pool, CONSUMER, 0).await.map_err(database)?;
    let mut read = review_queue.read_from(kept);
    let head = folded(platform).await?.min(read + MAX_READS * READ_SIZE);
    while read < head {
        let stretch = (read, head.min(read + READ_SIZE));
        review_queue.add(anomalies::touched(pool, stretch).await.map_err(database)?);
        for guessing in anomalies::guessing(pool, stretch).await.map_err(database)? {
            record_guessing(platform, &guessing).await?;
        }
        read = stretch.1;
    }
    let (now, mut failure) = (platform.edge.now(), None);
    for (license, (_, since)) in review_queue.due(now) {
        let from = since.clamp(now.plus_seconds(-LOOK_BACK_DAYS * DAY_SECONDS), now);
        let range = Range {
            from,
            to: now.plus_seconds(1),
        };
        let examined = examine_days(platform, &license, range).await;
        review_queue.looked_at(&license, now, examined.is_ok());
        failure = examined.err().or(failure);
    }
    let place = review_queue.place(read);
    let moved = consumers::advance(pool, CONSUMER, (kept, place))
        .await
        .map_err(database)?;
    // Where another node went on meanwhile, what was looked at twice is found once.
    review_queue.place = moved.then_some((place, read));
    failure.map_or(Ok(()), Err)
}

/// How much was looked at and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewReport {
    /// Licenses.
    pub licenses: u64,
    /// Anomalies that were not known before.
    pub found: u64,
    /// After which license the next ones come, where there are more.
    pub next_after: Option<Uuid>,
}

/// Which licenses the rules look at again.
#[derive(Debug, Clone, Copy)]
pub enum Rerun {
    /// This one.
    License(LicenseId),
    /// Those of which something was recorded: the next ones after this id, as many as come to [`MAX_DAYS_AGAIN`].
    After(Uuid),
}

/// Days of history in one call of [`rerun`], over all its licenses.
const MAX_DAYS_AGAIN: i64 = 4_000;

/// Runs the rules over old history, day by day. Where there are more licenses, the report says after which one they come.
pub async fn rerun(
    platform: &Arc<Platform>,
    tenant: &Tenant,
    which: Rerun,
    range: Range,
) -> Result<ReviewReport, WorkerError> {
    let mut report = ReviewReport::default();
    let licenses = match which {
        Rerun::License(license) => vec![ChangedLicense {
            tenant: tenant.clone(),
            license_id: license.0,
        }],
        Rerun::After(after) => {
            let days = (range.to.seconds() - range.from.seconds()) / DAY_SECONDS + 1;
            let most = (MAX_DAYS_AGAIN / days).max(1);
            let licenses = anomalies::touched_in(platform.log.pool(), tenant, range, after, most + 1).await;
            let mut licenses = licenses.map_err(database)?;
            if licenses.len() as i64 > most {
                licenses.pop();
                report.next_after = licenses.last().map(|license| license.license_id);
            }
            licenses
        }
    };
    for license in &licenses {
        report.licenses += 1;
        report.found += examine_days(platform, license, range).await?;
    }
    if matches!(which, Rerun::After(first) if first.is_nil()) {
        report.found += reguess(platform, tenant, range).await?;
    }
    Ok(report)
}

/// Guessing that was noticed in a range.
async fn reguess(platform: &Arc<Platform>, tenant: &Tenant, range: Range) -> Result<u64, WorkerError> {
    let place = |moment| platform.log.position_at(AsOf::Time(moment));
    let failed = |error: ReadError| WorkerError::of("looking for anomalies")(error.into());
    let before = place(range.from.plus_seconds(-1)).await.map_err(failed)?;
    let stretch = (before, place(range.to).await.map_err(failed)?);
    let mut found = 0;
    let noticed = anomalies::guessing(platform.log.pool(), stretch)
        .await
        .map_err(database)?;
    for guessing in noticed.iter().filter(|guessing| guessing.tenant == *tenant) {
        found += u64::from(record_guessing(platform, guessing).await?);
    }
    Ok(found)
}

/// Runs the rules over one license, day by day; answers how many findings were new. Each stretch ends with a day in UTC,
/// so that the day's figures are whole, and begins a day before the last one ended, so that no window is cut in two.
async fn examine_days(platform: &Arc<Platform>, license: &ChangedLicense, range: Range) -> Result<u64, WorkerError> {
    let (mut found, mut from) = (0, range.from);
    while from < range.to {
        let midnight = from.millis() - from.millis().rem_euclid(DAY_SECONDS * 1_000) + DAY_SECONDS * 1_000;
        let to = Timestamp::from_millis(midnight).min(range.to);
        let overlapping = Range {
            from: from.plus_seconds(-DAY_SECONDS),
            to,
        };
        found += examine(platform, license, overlapping).await?;
        from = to;
    }
    Ok(found)
}

/// Runs the rules over one license; answers how many findings were new.
async fn examine(platform: &Arc<Platform>, license: &ChangedLicense, range: Range) -> Result<u64, WorkerError> {
    let failed = |error: CommandError| WorkerError::of("looking for anomalies")(error.into());
    let known = platform.licenses.get(&license.tenant, license.license_id).await;
    let known = known.map_err(|error| failed(error.into()))?;
    if known.state.facts().is_none() {
        return Ok(0);
    }
    let effective = platform.effective(&license.tenant, &known).await.map_err(failed)?;
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
        seats: effective.seats(),
        interval_seconds: i64::from(effective.terms().heartbeat_interval_seconds),
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

async fn record_guessing(platform: &Arc<Platform>, guessing: &GuessingNetwork) -> Result<bool, WorkerError> {
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
    let new = recorded.map_err(|error| WorkerError::of("recording an anomaly")(error.into()))?;
    if new {
        METRICS.anomaly(finding.rule);
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(number: u128) -> ChangedLicense {
        ChangedLicense {
            tenant: Tenant::default(),
            license_id: uuid::Uuid::from_u128(number),
        }
    }

    #[test]
    fn a_busy_license_is_looked_at_every_five_minutes_and_none_is_forgotten() {
        let (mut review_queue, now) = (ReviewQueue::default(), Timestamp::from_millis(0));
        review_queue.add(vec![(license(1), (7, now))]);
        assert_eq!(review_queue.due(now), [(license(1), (7, now))]);
        review_queue.looked_at(&license(1), now, true);
        assert!(review_queue.due(now.plus_seconds(600)).is_empty(), "nothing new");
        review_queue.add(vec![(license(1), (8, now)), (license(1), (9, now))]);
        assert!(review_queue.due(now.plus_seconds(100)).is_empty(), "too soon");
        assert_eq!(review_queue.due(now.plus_seconds(300)), [(license(1), (8, now))]);
    }

    #[test]
    fn the_place_that_is_kept_is_before_what_was_put_off_or_failed() {
        let (mut review_queue, now) = (ReviewQueue::default(), Timestamp::from_millis(0));
        assert_eq!((review_queue.read_from(40), review_queue.place(90)), (40, 90));
        review_queue.add(vec![(license(1), (50, now)), (license(2), (60, now))]);
        assert_eq!(review_queue.place(90), 49);
        review_queue.looked_at(&license(1), now, true);
        review_queue.looked_at(&license(2), now, false);
        assert_eq!(review_queue.place(90), 59, "what failed is looked at again");
        review_queue.place = Some((59, 90));
        assert_eq!(review_queue.read_from(59), 90, "this process knows what comes before");
        assert_eq!(review_queue.read_from(70), 70, "another one went on");
        assert_eq!(review_queue.place(70), 70);
    }
}

//! What machines were refused, folded so that a program that asks in a loop cannot fill the log.
//!
//! The first refusal of one license, machine and code is recorded at once, with what decided; what follows within the
//! hour is counted, and the count is recorded every few minutes and when the node ends. A crash loses a few minutes'
//! count, never a first refusal. Unknown keys are counted per network, and recorded only where a network asks for many.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use licet_domain::{
    decision::{DecisionEvent, DecisionRefused, DecisionRepeated, KeyGuessing},
    values::{ActivationId, Components, LicenseId, Timestamp},
};
use licet_event_store::{LogTable, NewEvent, StreamEvents, Tenant, vault::Purpose};
use serde_json::Value;

use crate::{Context, Network, Platform};

/// For how long repetitions fold into one.
const WINDOW_SECONDS: i64 = 3_600;
/// How often repetitions are recorded at most while they go on, so that people see them and a crash loses few.
const RECORD_INTERVAL_SECONDS: i64 = 300;
/// Machines of one license that are told apart within the hour; beyond, they are counted together.
const MACHINES: usize = 200;
/// Entries in memory, over all licenses; beyond, machines are no longer told apart.
const ENTRIES: usize = 50_000;
/// Counts that are recorded together.
const BATCH_SIZE: usize = 200;
/// Networks whose guesses are counted.
const NETWORKS: usize = 20_000;
/// Unknown keys from one network within the hour that count as guessing.
const GUESSES: u64 = 20;
/// Unknown keys that anyone may ask for before answers become slower.
const FREE_LOOKUPS: u64 = 10;
/// The longest that an answer waits.
const LONGEST_WAIT_MILLIS: i64 = 10_000;

type Key = (LicenseId, Option<String>, String);

/// The refusals of the last hour.
#[derive(Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    folded: HashMap<Key, Folded>,
    machines: HashMap<LicenseId, usize>,
    networks: HashMap<Option<Network>, Guesses>,
}

/// What one network has guessed within the hour; networks beyond [`NETWORKS`] are one.
struct Guesses {
    since: Timestamp,
    count: u64,
    /// Until when answers to it are put off, one behind the other.
    busy_until: Timestamp,
}

struct Folded {
    tenant: Tenant,
    since: Timestamp,
    last: Timestamp,
    /// When repetitions were last recorded.
    told: Timestamp,
    repeats: u64,
}

/// A refusal as it happens.
pub(crate) struct Refusal<'a> {
    pub(crate) license_id: LicenseId,
    pub(crate) machine: Option<&'a Components>,
    pub(crate) activation_id: Option<ActivationId>,
    pub(crate) asked: &'static str,
    pub(crate) code: &'static str,
    pub(crate) policy_version: u32,
    pub(crate) facts: BTreeMap<String, Value>,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Counts a refusal; answers under which machine it is to be recorded when it is the first, and what its
    /// predecessor counted.
    fn count(&mut self, mut key: Key, tenant: &Tenant, now: Timestamp) -> Option<(Key, Option<DecisionRepeated>)> {
        let known = self.folded.contains_key(&key);
        let crowded = self.machines.get(&key.0).is_some_and(|machines| *machines >= MACHINES);
        if !known && (crowded || self.folded.len() >= ENTRIES) {
            key.1 = None;
        }
        if let Some(folded) = self.folded.get_mut(&key)
            && now < folded.since.plus_seconds(WINDOW_SECONDS)
        {
            folded.repeats += 1;
            folded.last = now;
            return None;
        }
        let fresh = Folded {
            tenant: tenant.clone(),
            since: now,
            last: now,
            told: now,
            repeats: 0,
        };
        let before = self.folded.insert(key.clone(), fresh);
        if before.is_none() {
            *self.machines.entry(key.0).or_default() += 1;
        }
        let repeated = before.and_then(|before| before.repeated(&key));
        Some((key, repeated))
    }

    /// Takes out what is to be recorded: hours that are over, what has come together in some minutes, or everything when
    /// the node ends.
    fn drain(&mut self, now: Timestamp, everything: bool) -> Vec<(Tenant, DecisionRepeated)> {
        let mut repeated = Vec::new();
        let machines = &mut self.machines;
        self.folded.retain(|key, folded| {
            let goes_on = !everything && now < folded.since.plus_seconds(WINDOW_SECONDS);
            if goes_on && now < folded.told.plus_seconds(RECORD_INTERVAL_SECONDS) {
                return true;
            }
            repeated.extend(folded.repeated(key).map(|event| (folded.tenant.clone(), event)));
            if goes_on {
                (folded.told, folded.repeats) = (now, 0);
                return true;
            }
            if let Some(count) = machines.get_mut(&key.0) {
                *count -= 1;
                if *count == 0 {
                    machines.remove(&key.0);
                }
            }
            false
        });
        self.networks
            .retain(|_, guesses| now < guesses.since.plus_seconds(WINDOW_SECONDS));
        repeated
    }

    /// Counts an unknown key; answers how many this network has asked for within the hour, and how long the answer is to
    /// wait. Whoever guesses with many requests at once waits for each of them.
    fn guess(&mut self, network: Network, now: Timestamp) -> (u64, Duration) {
        let crowded = self.networks.len() >= NETWORKS && !self.networks.contains_key(&Some(network));
        let guesses = self.networks.entry((!crowded).then_some(network)).or_insert(Guesses {
            since: now,
            count: 0,
            busy_until: now,
        });
        if now >= guesses.since.plus_seconds(WINDOW_SECONDS) {
            (guesses.since, guesses.count) = (now, 0);
        }
        guesses.count += 1;
        let slower = (50 * guesses.count.saturating_sub(FREE_LOOKUPS).min(40)).cast_signed();
        let until = guesses.busy_until.max(now).millis() + slower;
        let until = until.min(now.millis() + LONGEST_WAIT_MILLIS);
        guesses.busy_until = Timestamp::from_millis(until);
        let wait = (until - now.millis()).max(0).cast_unsigned();
        (guesses.count, Duration::from_millis(wait))
    }

    /// Repetitions that could not be recorded: they are counted with what came since, or tried again.
    fn put_back(&mut self, tenant: Tenant, counted: DecisionRepeated) {
        let key = (counted.license_id, counted.machine, counted.code);
        if let Some(folded) = self.folded.get_mut(&key) {
            // Another hour may have begun: better counted there than nowhere.
            folded.repeats += counted.count;
            return;
        }
        *self.machines.entry(key.0).or_default() += 1;
        let folded = Folded {
            tenant,
            since: counted.since,
            last: counted.at,
            told: counted.at,
            repeats: counted.count,
        };
        self.folded.insert(key, folded);
    }

    /// A first refusal that could not be recorded: the next one is the first.
    fn forget(&mut self, key: &Key) {
        if self.folded.remove(key).is_some()
            && let Some(count) = self.machines.get_mut(&key.0)
        {
            *count -= 1;
            if *count == 0 {
                self.machines.remove(&key.0);
            }
        }
    }
}

impl Folded {
    fn repeated(&self, (license_id, machine, code): &Key) -> Option<DecisionRepeated> {
        (self.repeats > 0).then(|| DecisionRepeated {
            license_id: *license_id,
            machine: machine.clone(),
            code: code.clone(),
            count: self.repeats,
            since: self.since,
            at: self.last,
        })
    }
}

impl Platform {
    /// Records a refusal, or counts it where it is a repetition. That it cannot be recorded never changes the answer.
    pub(crate) async fn note_refusal(&self, context: &Context, refusal: Refusal<'_>) {
        let machine = refusal.machine.and_then(Components::digest);
        let key = (refusal.license_id, machine, refusal.code.to_owned());
        let counted = self.refusals.lock().count(key, &context.tenant, context.now);
        let Some((key, before)) = counted else {
            return;
        };
        let machine = key.1.clone();
        let counted_before = before.clone();
        let mut events: Vec<DecisionEvent> = before.map(DecisionEvent::Repeated).into_iter().collect();
        events.push(DecisionEvent::Refused(DecisionRefused {
            license_id: refusal.license_id,
            machine,
            activation_id: refusal.activation_id,
            asked: refusal.asked.to_owned(),
            code: refusal.code.to_owned(),
            policy_version: refusal.policy_version,
            facts: refusal.facts,
            at: context.now,
        }));
        let id = refusal.license_id.to_string();
        if !self.record_decisions(context, vec![(id, events)]).await {
            let mut refusals = self.refusals.lock();
            refusals.forget(&key);
            if let Some(counted) = counted_before {
                refusals.put_back(context.tenant.clone(), counted);
            }
        }
    }

    /// Records what was counted and is to be told, or everything when the node ends: many together, because a node that
    /// ends has little time.
    pub async fn flush_refusals(&self, everything: bool) {
        let now = self.edge.now();
        let mut repeated = self.refusals.lock().drain(now, everything);
        repeated.sort_by(|(one, _), (other, _)| one.cmp(other));
        let of_tenants = repeated.chunk_by(|(one, _), (other, _)| one == other);
        for together in of_tenants.flat_map(|of_tenant| of_tenant.chunks(BATCH_SIZE)) {
            let context = Context::system("refusals", together[0].0.clone(), now, self.edge.id());
            let events = together.iter().map(|(_, event)| {
                let id = event.license_id.to_string();
                (id, vec![DecisionEvent::Repeated(event.clone())])
            });
            if !self.record_decisions(&context, events.collect()).await {
                let mut refusals = self.refusals.lock();
                for (tenant, event) in together {
                    refusals.put_back(tenant.clone(), event.clone());
                }
            }
        }
    }

    /// Counts an unknown key and answers how long its answer is to wait: the more a network guesses, the longer.
    pub async fn note_unknown_key(&self, context: &Context) -> Duration {
        let Some(network) = context.network else {
            return Duration::ZERO;
        };
        let (count, wait) = self.refusals.lock().guess(network, context.now);
        // The first time that it is noticed, and each time that it has grown tenfold.
        let noticed = std::iter::successors(Some(GUESSES), |known| known.checked_mul(10));
        if noticed.take_while(|known| *known <= count).any(|known| known == count) {
            tracing::warn!("a network asks for many license keys that do not exist");
            let sealed = self
                .vault
                .seal(&context.tenant, Purpose::Tenant, "1", &network.to_string())
                .await;
            match sealed {
                Ok(network) => {
                    let at = context.now;
                    let event = DecisionEvent::KeyGuessing(KeyGuessing { network, count, at });
                    let id = context.command_id.to_string();
                    self.record_decisions(context, vec![(id, vec![event])]).await;
                }
                Err(error) => tracing::warn!(%error, "guessing could not be recorded"),
            }
        }
        wait
    }

    /// Answers whether they are in the log: what was decided about each of some licenses.
    async fn record_decisions(&self, context: &Context, decided: Vec<(String, Vec<DecisionEvent>)>) -> bool {
        let mut submission = Self::submission(context, None);
        submission.command_id = self.edge.id();
        let stream = |(aggregate_id, events): (String, Vec<DecisionEvent>)| StreamEvents {
            table: LogTable::Decisions,
            aggregate_type: "decision",
            aggregate_id,
            expected_version: 0,
            events: events.iter().map(NewEvent::of).collect(),
        };
        submission.streams = decided.into_iter().map(stream).collect();
        let recorded = self.log.append(submission).await;
        if let Err(error) = &recorded {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
        recorded.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(machine: usize) -> Key {
        (
            LicenseId(Uuid::nil()),
            Some(machine.to_string()),
            "LICENSE_REVOKED".to_owned(),
        )
    }

    #[test]
    fn repetitions_within_the_hour_are_one_event_with_a_count() {
        let (mut counts, tenant, now) = (Counts::default(), Tenant::default(), Timestamp::from_millis(0));
        assert!(counts.count(key(1), &tenant, now).is_some());
        for minute in 1..60 {
            assert!(counts.count(key(1), &tenant, now.plus_seconds(minute * 60)).is_none());
        }
        let (_, before) = counts.count(key(1), &tenant, now.plus_seconds(3_600)).unwrap();
        assert_eq!(before.map(|event| (event.count, event.since)), Some((59, now)));
        assert!(counts.drain(now.plus_seconds(3_700), false).is_empty());
        assert!(
            counts.drain(now.plus_seconds(7_200), false).is_empty(),
            "one that stayed alone"
        );
        assert!(counts.folded.is_empty() && counts.machines.is_empty());
    }

    #[test]
    fn what_goes_on_is_told_every_five_minutes_and_what_was_not_recorded_is_not_forgotten() {
        let (mut counts, tenant, now) = (Counts::default(), Tenant::default(), Timestamp::from_millis(0));
        let at = |minute: i64| now.plus_seconds(minute * 60);
        assert!(counts.count(key(1), &tenant, now).is_some());
        assert!((1..4).all(|minute| counts.count(key(1), &tenant, at(minute)).is_none()));
        assert!(counts.drain(at(4), false).is_empty(), "too soon");
        let told = counts.drain(at(5), false);
        assert_eq!(told.iter().map(|(_, event)| event.count).collect::<Vec<_>>(), [3]);
        assert!(counts.drain(at(10), false).is_empty(), "once");
        // The log was away: it goes in with what came since, under the same first time.
        let (tenant, lost) = told.into_iter().next().unwrap();
        counts.put_back(tenant.clone(), lost.clone());
        assert!(counts.count(key(1), &tenant, at(11)).is_none());
        let again = counts.drain(at(15), false);
        assert_eq!(
            again
                .iter()
                .map(|(_, event)| (event.count, event.since))
                .collect::<Vec<_>>(),
            [(4, now)]
        );
        assert!(counts.drain(at(61), true).is_empty() && counts.folded.is_empty());
        // Also when its hour is over meanwhile.
        counts.put_back(tenant, lost);
        assert_eq!(counts.drain(at(70), false).len(), 1);
        assert!(counts.folded.is_empty() && counts.machines.is_empty());
    }

    #[test]
    fn many_machines_of_one_license_are_counted_together() {
        let (mut counts, tenant, now) = (Counts::default(), Tenant::default(), Timestamp::from_millis(0));
        let recorded = (0..5_000)
            .filter(|machine| counts.count(key(*machine), &tenant, now).is_some())
            .count();
        assert_eq!(recorded, MACHINES + 1);
        let repeated = counts.drain(now, true);
        assert_eq!(repeated.iter().map(|(_, event)| event.count).sum::<u64>(), 5_000 - 201);
    }

    #[test]
    fn guesses_are_counted_per_network_and_hour() {
        let (mut counts, now) = (Counts::default(), Timestamp::from_millis(0));
        let network = |text: &str| Network::of(text.parse().unwrap());
        for guess in 1..=5 {
            assert_eq!(counts.guess(network("192.0.2.7"), now), (guess, Duration::ZERO));
        }
        assert_eq!(counts.guess(network("198.51.100.7"), now).0, 1);
        let wait = (0..20)
            .map(|_| counts.guess(network("192.0.2.7"), now).1)
            .max()
            .unwrap();
        assert!(
            wait > Duration::from_secs(5),
            "who asks all at once waits for each: {wait:?}"
        );
        assert_eq!(counts.guess(network("192.0.2.9"), now.plus_seconds(3_600)).0, 1);
    }

    #[test]
    fn networks_beyond_those_that_are_told_apart_are_counted_as_one() {
        let (mut counts, now) = (Counts::default(), Timestamp::from_millis(0));
        let network = |number: usize| {
            let [.., a, b] = number.to_be_bytes();
            Network::of(std::net::IpAddr::from([10, a, b, 1]))
        };
        for number in 0..NETWORKS {
            assert_eq!(counts.guess(network(number), now).0, 1);
        }
        assert_eq!(counts.guess(network(NETWORKS), now).0, 1);
        assert_eq!(counts.guess(network(NETWORKS + 1), now).0, 2);
    }

    #[test]
    fn a_first_refusal_that_was_not_recorded_is_recorded_the_next_time() {
        let (mut counts, tenant, now) = (Counts::default(), Tenant::default(), Timestamp::from_millis(0));
        let (first, _) = counts.count(key(1), &tenant, now).unwrap();
        counts.forget(&first);
        assert!(counts.count(key(1), &tenant, now).is_some());
    }
}

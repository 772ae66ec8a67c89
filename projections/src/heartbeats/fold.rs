//! The pure part: how a beat changes what is known of its machine, and what it adds to its license's figures.

use std::collections::{HashMap, HashSet};

use licet_domain::heartbeat::HeartbeatRecorded;
use time::OffsetDateTime;
use uuid::Uuid;

/// How many nonces a machine is remembered by: a beat that was sent again counts once for as many beats, on any node.
const NONCES: usize = 32;

/// A beat with what its envelope adds.
pub(super) struct Beat {
    pub(super) tenant_id: String,
    pub(super) position: i64,
    pub(super) recorded_at: OffsetDateTime,
    pub(super) event: HeartbeatRecorded,
}

/// A machine's row in `last_seen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) tenant_id: String,
    pub(super) activation_id: Uuid,
    pub(super) license_id: Uuid,
    pub(super) first_seen_at: OffsetDateTime,
    pub(super) last_seen_at: OffsetDateTime,
    pub(super) beats: i64,
    pub(super) code: String,
    pub(super) app_version: Option<String>,
    pub(super) active_users: Option<i64>,
    pub(super) hour: OffsetDateTime,
    pub(super) hour_users: i64,
    pub(super) day: OffsetDateTime,
    pub(super) day_users: i64,
    pub(super) nonces: String,
    pub(super) position: i64,
}

/// Names of features that one license can have counted on one day; what comes after them counts as [`OTHER`], so that no
/// machine fills the table with names that it makes up.
const FEATURES: usize = 500;
/// The name under which they count.
pub(super) const OTHER: &str = "(other)";

/// The names that are counted already, by license and day.
pub(super) type Names = HashMap<(Uuid, OffsetDateTime), HashSet<String>>;

/// What a stretch of beats adds to the figures; keys begin with tenant and license.
#[derive(Default)]
pub(super) struct Added {
    pub(super) names: Names,
    pub(super) activity: HashMap<(String, Uuid, &'static str, OffsetDateTime), Activity>,
    pub(super) features: HashMap<(String, Uuid, String, OffsetDateTime), i64>,
    pub(super) meters: HashMap<(String, Uuid, String, OffsetDateTime), i64>,
    pub(super) meter_days: HashMap<(String, Uuid, String, OffsetDateTime), i64>,
    pub(super) stats: HashMap<(String, Uuid), Stats>,
}

/// Beats, machines and users that a bucket gains.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) beats: i64,
    pub(super) machines: i64,
    pub(super) active_users: i64,
}

/// What a license's figures gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stats {
    pub(super) beats: i64,
    pub(super) machines: i64,
    pub(super) first: OffsetDateTime,
    pub(super) last: OffsetDateTime,
}

impl Added {
    /// Folds a beat into its machine and adds what is new; a beat that was sent twice adds nothing.
    pub(super) fn fold(&mut self, machine: Option<Machine>, beat: &Beat) -> Machine {
        let (hour, day) = buckets(beat.recorded_at);
        let users = count(beat.event.active_users.unwrap_or(0));
        let fresh = machine.is_none();
        let mut machine = machine.unwrap_or_else(|| Machine::new(beat));
        if !fresh && machine.knows(beat) {
            return machine;
        }
        let license = (beat.tenant_id.clone(), beat.event.license_id.0);
        for (bucket, since, known_since, known_users) in [
            ("hour", hour, &mut machine.hour, &mut machine.hour_users),
            ("day", day, &mut machine.day, &mut machine.day_users),
        ] {
            let key = (license.0.clone(), license.1, bucket, since);
            let activity = self.activity.entry(key).or_default();
            activity.beats += 1;
            if fresh || *known_since != since {
                activity.machines += 1;
                (*known_since, *known_users) = (since, 0);
            }
            activity.active_users += (users - *known_users).max(0);
            *known_users = users.max(*known_users);
        }
        for (feature, used) in &beat.event.features {
            let names = self.names.entry((license.1, day)).or_default();
            // What stands for all the others is no name of its own, also where a program says it.
            let known = feature != OTHER
                && (names.contains(feature) || names.len() < FEATURES && names.insert(feature.clone()));
            let name = if known { feature.as_str() } else { OTHER };
            let key = (license.0.clone(), license.1, name.to_owned(), day);
            add(self.features.entry(key).or_default(), *used);
        }
        let period = licet_domain::heartbeat::billing_period(beat.recorded_at.into()).into();
        for (meter, used) in &beat.event.usage {
            let key = |since| (license.0.clone(), license.1, meter.clone(), since);
            add(self.meters.entry(key(period)).or_default(), *used);
            add(self.meter_days.entry(key(day)).or_default(), *used);
        }
        let stats = self.stats.entry(license).or_insert(Stats {
            beats: 0,
            machines: 0,
            first: beat.recorded_at,
            last: beat.recorded_at,
        });
        stats.beats += 1;
        stats.machines += i64::from(fresh);
        stats.last = beat.recorded_at;
        machine.take(beat);
        machine
    }
}

impl Machine {
    fn new(beat: &Beat) -> Self {
        let (hour, day) = buckets(beat.recorded_at);
        Self {
            tenant_id: beat.tenant_id.clone(),
            activation_id: beat.event.activation_id.0,
            license_id: beat.event.license_id.0,
            first_seen_at: beat.recorded_at,
            last_seen_at: beat.recorded_at,
            beats: 0,
            code: String::new(),
            app_version: None,
            active_users: None,
            hour,
            hour_users: 0,
            day,
            day_users: 0,
            nonces: String::new(),
            position: beat.position,
        }
    }

    fn knows(&self, beat: &Beat) -> bool {
        let nonce = beat.event.nonce.as_deref();
        nonce.is_some_and(|nonce| self.nonces.split(' ').any(|known| known == nonce))
    }

    fn take(&mut self, beat: &Beat) {
        self.beats += 1;
        self.last_seen_at = beat.recorded_at;
        beat.event.code.code().clone_into(&mut self.code);
        self.active_users = beat.event.active_users.map(count);
        if let Some(version) = &beat.event.app_version {
            self.app_version = Some(version.as_str().to_owned());
        }
        if let Some(nonce) = &beat.event.nonce {
            let known = self.nonces.split(' ').filter(|known| !known.is_empty());
            let newest: Vec<&str> = std::iter::once(nonce.as_str()).chain(known).take(NONCES).collect();
            self.nonces = newest.join(" ");
        }
        self.position = beat.position;
    }
}

/// The beginnings of a moment's hour and day in UTC.
pub(super) fn buckets(moment: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
    let seconds = moment.unix_timestamp();
    let at = |length: i64| OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(length)).unwrap_or(moment);
    (at(3_600), at(86_400))
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn add(sum: &mut i64, number: u64) {
    *sum = sum.saturating_add(count(number));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use licet_domain::{
        validate::Verdict,
        values::{ActivationId, LicenseId, Timestamp},
    };

    use super::*;

    fn beat(machine: u128, at: &str, users: u64, nonce: &str) -> Beat {
        let at = Timestamp::parse(at).unwrap();
        Beat {
            tenant_id: "default".to_owned(),
            position: at.millis(),
            recorded_at: at.into(),
            event: HeartbeatRecorded {
                activation_id: ActivationId(Uuid::from_u128(machine)),
                license_id: LicenseId(Uuid::nil()),
                policy_version: 1,
                code: Verdict::Valid,
                active_users: Some(users),
                features: BTreeMap::from([("export".to_owned(), 2)]),
                usage: BTreeMap::from([("pages".to_owned(), 5)]),
                app_version: None,
                client_time: None,
                nonce: Some(nonce.to_owned()),
                at,
            },
        }
    }

    fn fold(beats: &[Beat]) -> (HashMap<Uuid, Machine>, Added) {
        let (mut machines, mut added) = (HashMap::new(), Added::default());
        for beat in beats {
            let machine = added.fold(machines.remove(&beat.event.activation_id.0), beat);
            machines.insert(machine.activation_id, machine);
        }
        (machines, added)
    }

    #[test]
    fn names_beyond_reason_count_together() {
        let mut added = Added::default();
        let mut machine = None;
        for number in 0..600 {
            let mut beat = beat(1, "2027-01-31T10:00:00Z", 1, &number.to_string());
            beat.event.features = BTreeMap::from([(format!("f{number}"), 1)]);
            machine = Some(added.fold(machine.take(), &beat));
        }
        let other = added.features.iter().find(|(key, _)| key.2 == OTHER);
        assert_eq!((added.features.len(), other.map(|(_, count)| *count)), (501, Some(100)));
    }

    #[test]
    fn users_of_an_hour_are_the_sum_of_each_machines_most() {
        let (_, added) = fold(&[
            beat(1, "2027-01-01T10:00:00Z", 3, "a"),
            beat(1, "2027-01-01T10:15:00Z", 5, "b"),
            beat(1, "2027-01-01T10:30:00Z", 2, "c"),
            beat(2, "2027-01-01T10:40:00Z", 4, "d"),
            beat(1, "2027-01-01T11:00:00Z", 1, "e"),
        ]);
        let of = |bucket, hour: &str| {
            let since = Timestamp::parse(hour).unwrap().into();
            let found = added.activity[&("default".to_owned(), Uuid::nil(), bucket, since)];
            (found.beats, found.machines, found.active_users)
        };
        assert_eq!(of("hour", "2027-01-01T10:00:00Z"), (4, 2, 9));
        assert_eq!(of("hour", "2027-01-01T11:00:00Z"), (1, 1, 1));
        assert_eq!(of("day", "2027-01-01T00:00:00Z"), (5, 2, 9));
    }

    #[test]
    fn a_beat_that_was_sent_twice_counts_once() {
        let once = [
            beat(1, "2027-01-01T10:00:00Z", 3, "a"),
            beat(1, "2027-01-01T10:15:00Z", 3, "b"),
        ];
        let again = beat(1, "2027-01-01T10:15:01Z", 3, "a");
        let (machines, added) = fold(&once);
        let mut with_repeat = added;
        let machine = with_repeat.fold(machines.into_values().next(), &again);
        assert_eq!(machine.beats, 2);
        assert_eq!(with_repeat.meters.values().copied().sum::<i64>(), 10);
        assert_eq!(with_repeat.features.values().copied().sum::<i64>(), 4);
    }

    #[test]
    fn sums_saturate() {
        let mut sum = i64::MAX - 1;
        add(&mut sum, u64::MAX);
        assert_eq!(sum, i64::MAX);
    }
}

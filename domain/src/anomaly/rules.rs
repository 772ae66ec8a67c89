//! The rules that find anomalies: pure functions over one license's history, each with its threshold in words.
//!
//! None of them changes what a machine is answered. They say where a person should look.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{
    drift::drift,
    event::Severity,
    history::{EVIDENCE, Finding, History, Observation, Seen},
    unusual::outlier,
};
use crate::values::{ActivationId, Timestamp};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Every rule, by the name that findings carry.
pub const RULES: [&str; 8] = [
    "clock_set_back",
    "fingerprint_drift",
    "impossible_rate",
    "machine_churn",
    "many_networks",
    "more_machines_than_seats",
    "seat_thrashing",
    "unusual_usage",
];

/// Everything that looks wrong in a stretch of history: one finding a rule at most, the strongest, or one for each machine
/// or figure that it is about.
pub fn find(history: &History) -> Vec<Finding> {
    let seats = u64::from(history.seats);
    let windows = [
        windowed(
            history,
            "many_networks",
            Severity::High,
            HOUR,
            seats + 4,
            |seen: &Observation| match seen.seen {
                // Who ends a seat may be an operator anywhere.
                Seen::Left(_) => None,
                _ => seen.network.clone(),
            },
        ),
        windowed(
            history,
            "machine_churn",
            Severity::Medium,
            DAY,
            3 * seats + 3,
            |seen: &Observation| match &seen.seen {
                // The same hardware again is no new machine.
                Seen::Activated { machine, hardware } => Some(hardware.clone().unwrap_or_else(|| machine.to_string())),
                _ => None,
            },
        ),
        crowd(history),
        windowed(
            history,
            "seat_thrashing",
            Severity::Medium,
            HOUR,
            3 * seats + 5,
            |seen: &Observation| match seen.seen {
                // Each move counts, however often the same machine moves.
                Seen::SeatMoved(_) => Some(seen.position.to_string()),
                _ => None,
            },
        ),
        drift(history),
    ];
    let mut found: Vec<Finding> = windows.into_iter().flatten().collect();
    found.extend(impossible_rates(history));
    found.extend(clocks_set_back(history));
    found.extend(history.daily.iter().filter_map(|daily| outlier(daily, history)));
    debug_assert!(
        found.iter().all(|finding| RULES.contains(&finding.rule)),
        "a rule is not in RULES"
    );
    found
}

/// More machines that are told that they may run, within one interval, than there are seats. Who has left is not there.
fn crowd(history: &History) -> Option<Finding> {
    let (seconds, seats) = (history.interval_seconds, u64::from(history.seats));
    let mut there: HashMap<ActivationId, &Observation> = HashMap::new();
    let mut most: Vec<&Observation> = Vec::new();
    for seen in &history.observations {
        match seen.seen {
            Seen::Beat {
                machine, valid: true, ..
            } => {
                there.insert(machine, seen);
                there.retain(|_, last| last.at.plus_seconds(seconds) > seen.at);
            }
            // One that comes, or comes again, is there from its next beat on.
            Seen::Left(machine) | Seen::SeatMoved(machine) => _ = there.remove(&machine),
            _ => {}
        }
        if there.len() > most.len() {
            most = there.values().copied().collect();
        }
    }
    if most.len() as u64 <= seats {
        return None;
    }
    most.sort_unstable_by_key(|seen| seen.position);
    Some(Finding {
        rule: "more_machines_than_seats",
        severity: Severity::High,
        facts: counted(most.len(), seats, seconds),
        evidence: most.iter().map(|seen| seen.position).take(EVIDENCE).collect(),
        span: most.first().zip(most.last()).map(|(from, to)| (from.at, to.at)),
    })
}

fn counted(found: usize, allowed: u64, seconds: i64) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("found".to_owned(), json!(found)),
        ("allowed".to_owned(), json!(allowed)),
        ("window_seconds".to_owned(), json!(seconds)),
    ])
}

/// The window with the most distinct names, where those are more than `limit`.
fn windowed(
    history: &History,
    rule: &'static str,
    severity: Severity,
    seconds: i64,
    limit: u64,
    name: impl Fn(&Observation) -> Option<String>,
) -> Option<Finding> {
    let named: Vec<(&Observation, String)> = history
        .observations
        .iter()
        .filter_map(|seen| Some((seen, name(seen)?)))
        .collect();
    let mut inside: HashMap<&str, usize> = HashMap::new();
    let (mut first, mut most) = (0, (0, 0..0));
    for (last, (seen, name)) in named.iter().enumerate() {
        *inside.entry(name).or_default() += 1;
        while named[first].0.at.plus_seconds(seconds) <= seen.at {
            let left = &named[first].1;
            if let Some(count) = inside.get_mut(left.as_str()) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(left.as_str());
                }
            }
            first += 1;
        }
        if inside.len() > most.0 {
            most = (inside.len(), first..last + 1);
        }
    }
    let (distinct, window) = most;
    if distinct as u64 <= limit {
        return None;
    }
    let window = &named[window];
    Some(Finding {
        rule,
        severity,
        facts: counted(distinct, limit, seconds),
        evidence: window.iter().map(|(seen, _)| seen.position).take(EVIDENCE).collect(),
        span: window.first().zip(window.last()).map(|(from, to)| (from.0.at, to.0.at)),
    })
}

/// Machines that sent more than ten beats within one interval.
fn impossible_rates(history: &History) -> Vec<Finding> {
    let mut machines: BTreeMap<ActivationId, usize> = BTreeMap::new();
    for seen in &history.observations {
        if let Seen::Beat { machine, .. } = seen.seen {
            *machines.entry(machine).or_default() += 1;
        }
    }
    let of = |machine: ActivationId| {
        let beats = |seen: &Observation| match seen.seen {
            Seen::Beat { machine: other, .. } if other == machine => Some(seen.position.to_string()),
            _ => None,
        };
        let seconds = history.interval_seconds;
        windowed(history, "impossible_rate", Severity::Medium, seconds, 10, beats)
            .map(|finding| with(finding, "activation_id", json!(machine)))
    };
    let busy = machines.into_iter().filter(|(_, beats)| *beats > 10);
    busy.filter_map(|(machine, _)| of(machine)).collect()
}

/// Machines whose own clock ran back by more than five minutes between two of their beats; the first time of each.
fn clocks_set_back(history: &History) -> Vec<Finding> {
    let mut newest: HashMap<ActivationId, (Timestamp, &Observation)> = HashMap::new();
    let mut found = BTreeMap::new();
    for seen in &history.observations {
        let Seen::Beat {
            machine,
            clock: Some(clock),
            ..
        } = seen.seen
        else {
            continue;
        };
        if let Some((before, known)) = newest.insert(machine, (clock, seen))
            && clock.plus_seconds(300) < before
        {
            found.entry(machine).or_insert_with(|| Finding {
                rule: "clock_set_back",
                severity: Severity::Medium,
                facts: BTreeMap::from([
                    ("activation_id".to_owned(), json!(machine)),
                    ("showed".to_owned(), json!(clock)),
                    ("had_shown".to_owned(), json!(before)),
                ]),
                evidence: vec![known.position, seen.position],
                span: Some((known.at, seen.at)),
            });
        }
    }
    found.into_values().collect()
}

fn with(mut finding: Finding, name: &str, value: Value) -> Finding {
    finding.facts.insert(name.to_owned(), value);
    finding
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> ActivationId {
        ActivationId(Uuid::from_u128(number))
    }

    fn seen(second: i64, network: &str, seen: Seen) -> Observation {
        Observation {
            position: second + 1,
            at: Timestamp::from_millis(1_800_000_000_000).plus_seconds(second),
            network: Some(network.to_owned()),
            seen,
            figures: vec![],
        }
    }

    fn came(machine: u128, hardware: u128) -> Seen {
        let hardware = Some(format!("hardware {hardware}"));
        Seen::Activated {
            machine: id(machine),
            hardware,
        }
    }

    fn beat(second: i64, machine: u128) -> Observation {
        let (machine, valid, clock) = (id(machine), true, None);
        seen(second, "192.0.2.0/24", Seen::Beat { machine, valid, clock })
    }

    fn rules(seats: u32, observations: Vec<Observation>) -> Vec<&'static str> {
        let history = History {
            seats,
            interval_seconds: 900,
            observations,
            ..History::default()
        };
        find(&history).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn an_ordinary_day_is_nothing() {
        let day = (0..96)
            .flat_map(|n| [beat(n * 900, 1), beat(n * 900 + 400, 2)])
            .collect();
        assert!(rules(2, day).is_empty());
        assert!(rules(1, vec![]).is_empty());
    }

    #[test]
    fn one_license_from_many_networks() {
        let from = |count: i64, gap: i64| -> Vec<Observation> {
            (0..count)
                .map(|n| seen(n * gap, &format!("198.51.{n}.0/24"), Seen::SeatMoved(id(1))))
                .collect()
        };
        assert_eq!(rules(1, from(6, 60)), ["many_networks"]);
        assert!(rules(1, from(5, 60)).is_empty());
        assert!(rules(1, from(6, 4_000)).is_empty(), "over the day is no haste");
    }

    #[test]
    fn machines_that_come_and_go_too_fast() {
        let new = (0..7)
            .map(|n| seen(n * 600, "n", came(n.unsigned_abs().into(), n.unsigned_abs().into())))
            .collect();
        assert_eq!(rules(1, new), ["machine_churn"]);
        let again = (0..7)
            .map(|n| seen(n * 600, "n", came(n.unsigned_abs().into(), 1)))
            .collect();
        assert!(
            rules(1, again).is_empty(),
            "one machine that is installed again and again"
        );
        let moved = (0..9).map(|n| seen(n * 60, "n", Seen::SeatMoved(id(1)))).collect();
        assert_eq!(rules(1, moved), ["seat_thrashing"]);
    }

    #[test]
    fn more_machines_than_seats_at_once() {
        assert_eq!(
            rules(2, vec![beat(0, 1), beat(10, 2), beat(20, 3)]),
            ["more_machines_than_seats"]
        );
        assert!(rules(2, vec![beat(0, 1), beat(10, 2), beat(1_000, 3)]).is_empty());
        let left = seen(15, "192.0.2.0/24", Seen::Left(id(1)));
        let moved = vec![beat(0, 1), beat(10, 2), left, beat(20, 3)];
        assert!(
            rules(2, moved).is_empty(),
            "a machine that gave its seat to another is not there"
        );
    }

    #[test]
    fn beats_faster_than_any_program_sends_them() {
        assert_eq!(rules(1, (0..11).map(|n| beat(n, 1)).collect()), ["impossible_rate"]);
        let both = (0..22).map(|n| beat(n, 1 + u128::from(n % 2 == 1))).collect();
        assert_eq!(
            rules(2, both),
            ["impossible_rate", "impossible_rate"],
            "one hides no other"
        );
        assert!(
            rules(1, (0..10).map(|n| beat(n, 1)).collect()).is_empty(),
            "a few retries are none"
        );
    }

    #[test]
    fn a_clock_that_runs_back() {
        let at = |second: i64, clock: i64| {
            let clock = Some(Timestamp::from_millis(1_800_000_000_000).plus_seconds(clock));
            seen(
                second,
                "n",
                Seen::Beat {
                    machine: id(1),
                    valid: true,
                    clock,
                },
            )
        };
        assert_eq!(rules(1, vec![at(0, 0), at(900, -400)]), ["clock_set_back"]);
        assert!(rules(1, vec![at(0, 0), at(900, 899)]).is_empty());
        assert!(
            rules(1, vec![at(0, 0), at(900, -200)]).is_empty(),
            "small corrections are honest"
        );
    }
}

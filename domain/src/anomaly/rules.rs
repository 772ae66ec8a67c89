//! The rules that find anomalies: pure functions over one license's history, each with its threshold in words.
//!
//! None of them changes what a machine is answered. They say where a person should look.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::event::Severity;
use crate::values::{ActivationId, Components, Timestamp};

/// Something that a license's machines did.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The event's position.
    pub position: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The network that it came from, where that is known.
    pub network: Option<String>,
    /// What.
    pub seen: Seen,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A new machine took a seat.
    Activated(ActivationId),
    /// A seat fell free, was taken again, or moved.
    SeatMoved(ActivationId),
    /// A machine reported, with its own clock where it told it.
    Beat {
        /// Which.
        machine: ActivationId,
        /// Whether it was told that it may run.
        valid: bool,
        /// What its clock showed.
        clock: Option<Timestamp>,
    },
}

/// One day's figure of a license, such as `meter/pages` or `machines`.
#[derive(Debug, Clone, PartialEq)]
pub struct Daily {
    /// What was counted.
    pub name: String,
    /// The days before, oldest first.
    pub past: Vec<u64>,
    /// The day in question.
    pub today: u64,
}

/// What the rules look at: a stretch of a license's history, in order.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How many seats the license has.
    pub seats: u32,
    /// How often its machines report, in seconds.
    pub interval_seconds: i64,
    /// What its machines did.
    pub observations: Vec<Observation>,
    /// Its figures by day.
    pub daily: Vec<Daily>,
    /// The machines that came within the last [`DRIFT_DAYS`], in order.
    pub came: Vec<Came>,
}

/// A machine that took a seat as a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    /// The event's position.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// What it is known by.
    pub components: Components,
}

/// For how many days machines are compared with those that came before them.
pub const DRIFT_DAYS: i64 = 30;

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was counted, and against what.
    pub facts: BTreeMap<String, Value>,
    /// Positions of the events that show it, at most 100.
    pub evidence: Vec<i64>,
    /// When it began and ended, where events show it.
    pub span: Option<(Timestamp, Timestamp)>,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const EVIDENCE: usize = 100;
/// Days of history that a figure needs before it is compared.
const DAYS: usize = 14;
/// How many robust standard deviations a figure must be away. For normally distributed figures that happens once in
/// some 500 million days.
const DEVIATIONS: f64 = 6.0;

/// Everything that looks wrong in a stretch of history; at most one finding a rule, the strongest.
pub fn find(history: &History) -> Vec<Finding> {
    let seats = u64::from(history.seats);
    let mut found: Vec<Finding> = [
        windowed(
            history,
            ("many_networks", Severity::High, HOUR, seats + 4),
            |seen: &Observation| seen.network.clone(),
        ),
        windowed(
            history,
            ("machine_churn", Severity::Medium, DAY, 3 * seats + 3),
            |seen: &Observation| match seen.seen {
                Seen::Activated(machine) => Some(machine.to_string()),
                Seen::SeatMoved(_) | Seen::Beat { .. } => None,
            },
        ),
        windowed(
            history,
            (
                "more_machines_than_seats",
                Severity::High,
                history.interval_seconds,
                seats,
            ),
            |seen: &Observation| match seen.seen {
                Seen::Beat {
                    machine, valid: true, ..
                } => Some(machine.to_string()),
                Seen::Beat { .. } | Seen::Activated(_) | Seen::SeatMoved(_) => None,
            },
        ),
        windowed(
            history,
            ("seat_thrashing", Severity::Medium, HOUR, 3 * seats + 5),
            |seen: &Observation| match seen.seen {
                // Each move counts, however often the same machine moves.
                Seen::SeatMoved(_) => Some(seen.position.to_string()),
                Seen::Activated(_) | Seen::Beat { .. } => None,
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.extend(impossible_rate(history));
    found.extend(clock_set_back(history));
    found.extend(drift(history));
    found.extend(
        history
            .daily
            .iter()
            .filter_map(outlier)
            .max_by_key(|finding| finding.severity),
    );
    found
}

/// The window with the most distinct names, where those are more than `limit`.
fn windowed(
    history: &History,
    (rule, severity, seconds, limit): (&'static str, Severity, i64, u64),
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
        facts: BTreeMap::from([
            ("found".to_owned(), json!(distinct)),
            ("allowed".to_owned(), json!(limit)),
            ("window_seconds".to_owned(), json!(seconds)),
        ]),
        evidence: window.iter().map(|(seen, _)| seen.position).take(EVIDENCE).collect(),
        span: window.first().zip(window.last()).map(|(from, to)| (from.0.at, to.0.at)),
    })
}

/// More than two machines for each seat, and three besides, that came as new ones within 30 days and share a network card
/// or the system's UUID with one that came before: hardware that is exchanged bit by bit, or made up around one true component.
fn drift(history: &History) -> Option<Finding> {
    let resembles = |(index, came): (usize, &Came)| {
        let before = history.came.iter().take(index);
        let mut alike = before.filter(|other| other.components.resembles(&came.components));
        alike.next().is_some()
    };
    let drifted: Vec<&Came> = history
        .came
        .iter()
        .enumerate()
        .filter(|one| resembles(*one))
        .map(|(_, came)| came)
        .collect();
    let limit = 2 * u64::from(history.seats) + 3;
    if drifted.len() as u64 <= limit {
        return None;
    }
    Some(Finding {
        rule: "fingerprint_drift",
        severity: Severity::Medium,
        facts: BTreeMap::from([
            ("found".to_owned(), json!(drifted.len())),
            ("allowed".to_owned(), json!(limit)),
            ("window_seconds".to_owned(), json!(DRIFT_DAYS * DAY)),
        ]),
        evidence: drifted.iter().map(|came| came.position).take(EVIDENCE).collect(),
        span: drifted.first().zip(drifted.last()).map(|(from, to)| (from.at, to.at)),
    })
}

/// A machine that sent more than ten beats within one interval.
fn impossible_rate(history: &History) -> Option<Finding> {
    let machines: BTreeSet<ActivationId> = history
        .observations
        .iter()
        .filter_map(|seen| match seen.seen {
            Seen::Beat { machine, .. } => Some(machine),
            Seen::Activated(_) | Seen::SeatMoved(_) => None,
        })
        .collect();
    let of = |machine: ActivationId| {
        let rule = ("impossible_rate", Severity::Medium, history.interval_seconds, 10);
        windowed(history, rule, |seen| match seen.seen {
            Seen::Beat { machine: other, .. } if other == machine => Some(seen.position.to_string()),
            _ => None,
        })
        .map(|finding| with(finding, "activation_id", json!(machine)))
    };
    machines.into_iter().find_map(of)
}

/// A machine whose own clock ran back by more than five minutes between two of its beats.
fn clock_set_back(history: &History) -> Option<Finding> {
    let mut newest: HashMap<ActivationId, (Timestamp, &Observation)> = HashMap::new();
    for seen in &history.observations {
        let Seen::Beat {
            machine,
            clock: Some(clock),
            ..
        } = seen.seen
        else {
            continue;
        };
        if let Some((before, known)) = newest.get(&machine)
            && clock.plus_seconds(300) < *before
        {
            return Some(Finding {
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
        newest.insert(machine, (clock, seen));
    }
    None
}

/// A day's figure that departs from the license's own past: at least twice its median, and more than six robust standard
/// deviations (1.4826 times the median absolute deviation, at least a tenth of the median, at least 1, and 10 where the
/// median is 0) above it. Days without use count as 0.
/// Source of the statistic: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
fn outlier(daily: &Daily) -> Option<Finding> {
    if daily.past.len() < DAYS {
        return None;
    }
    let median = middle(daily.past.iter().map(|day| *day as f64).collect());
    let deviation = middle(daily.past.iter().map(|day| (*day as f64 - median).abs()).collect());
    // What was never used before may begin; only much of it at once is unusual.
    let least = if median == 0.0 { 10.0 } else { 1.0 };
    let robust = (1.4826 * deviation).max(median / 10.0).max(least);
    let score = (daily.today as f64 - median) / robust;
    if score <= DEVIATIONS || (daily.today as f64) < 2.0 * median {
        return None;
    }
    Some(Finding {
        rule: "unusual_usage",
        severity: if score > 4.0 * DEVIATIONS {
            Severity::High
        } else {
            Severity::Medium
        },
        facts: BTreeMap::from([
            ("figure".to_owned(), json!(daily.name)),
            ("today".to_owned(), json!(daily.today)),
            ("median".to_owned(), json!(median)),
            ("median_absolute_deviation".to_owned(), json!(deviation)),
            ("score".to_owned(), json!((score * 10.0).round() / 10.0)),
            ("days".to_owned(), json!(daily.past.len())),
        ]),
        evidence: vec![],
        span: None,
    })
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    match numbers.len() {
        0 => 0.0,
        even if even % 2 == 0 => f64::midpoint(numbers[half - 1], numbers[half]),
        _ => numbers[half],
    }
}

fn with(mut finding: Finding, name: &str, value: Value) -> Finding {
    finding.facts.insert(name.to_owned(), value);
    finding
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::RawFingerprint;

    fn id(number: u128) -> ActivationId {
        ActivationId(Uuid::from_u128(number))
    }

    fn seen(second: i64, network: &str, seen: Seen) -> Observation {
        Observation {
            position: second + 1,
            at: Timestamp::from_millis(1_800_000_000_000).plus_seconds(second),
            network: Some(network.to_owned()),
            seen,
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
        let came = (0..7)
            .map(|n| seen(n * 600, "n", Seen::Activated(id(n.unsigned_abs().into()))))
            .collect();
        assert_eq!(rules(1, came), ["machine_churn"]);
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
    }

    #[test]
    fn beats_faster_than_any_program_sends_them() {
        assert_eq!(rules(1, (0..11).map(|n| beat(n, 1)).collect()), ["impossible_rate"]);
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

    #[test]
    fn usage_beyond_its_own_past() {
        let score = |past: &[u64], today| {
            outlier(&Daily {
                name: "meter/pages".to_owned(),
                past: past.to_vec(),
                today,
            })
            .map(|finding| finding.severity)
        };
        let steady: Vec<u64> = (0..30).map(|day| 100 + day % 7).collect();
        assert_eq!(score(&steady, 110), None);
        assert_eq!(score(&steady, 199), None, "not twice as much");
        assert_eq!(score(&steady, 250), Some(Severity::Medium));
        assert_eq!(score(&steady, 10_000), Some(Severity::High));
        let wild: Vec<u64> = (0..30).map(|day| if day % 2 == 0 { 10 } else { 1_000 }).collect();
        assert_eq!(score(&wild, 1_500), None, "a restless license is compared with itself");
        assert_eq!(score(&steady[..13], 10_000), None, "too little history");
        assert_eq!(score(&[0; 30], 5), None);
        assert_eq!(score(&[0; 30], 500), Some(Severity::High));
    }

    #[test]
    fn machines_that_are_always_almost_the_same() {
        let came = |number: i64, card: &str| Came {
            position: number,
            at: Timestamp::from_millis(1_800_000_000_000).plus_days(u32::try_from(number).unwrap()),
            components: RawFingerprint {
                mac_addresses: vec![card.to_owned()],
                cpu_id: Some("one model everywhere".to_owned()),
                system_uuid: Some(Uuid::from_u128(number.unsigned_abs().into()).to_string()),
                ..RawFingerprint::default()
            }
            .normalize()
            .unwrap()
            .hash(&[7; 32]),
        };
        let found = |came: Vec<Came>| {
            let history = History {
                seats: 1,
                interval_seconds: 900,
                came,
                ..History::default()
            };
            find(&history)
                .into_iter()
                .map(|finding| finding.rule)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found((1..=7).map(|n| came(n, "02:00:00:00:00:01")).collect()),
            ["fingerprint_drift"]
        );
        assert!(found((1..=6).map(|n| came(n, "02:00:00:00:00:01")).collect()).is_empty());
        assert!(
            found((1..=20).map(|n| came(n, &format!("02:00:00:00:01:{n:02}"))).collect()).is_empty(),
            "machines of their own are churn at most"
        );
    }
}

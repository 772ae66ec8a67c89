//! What of its seats a license used in a period: the figures of a true-up statement.

use serde::{Deserialize, Serialize};

use crate::values::Timestamp;

const DAY: i64 = 86_400;

/// From a moment on, so many seats are in use and so many are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The event that made it so, or that said when it would be: a license ends by itself.
    pub position: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Seats in use at once.
    pub used: u32,
    /// Seats that the license has.
    pub seats: u32,
}

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The most seats in use at once.
    pub peak: u32,
    /// When that was first so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_at: Option<Timestamp>,
    /// Seats in use on average over the period, to a thousandth.
    pub average: f64,
    /// Days in UTC on which more seats were in use than the license had, in order.
    pub over_use: Vec<OverUse>,
    /// How many events count, and the first and the last of them. Those before the period count as far as they say how it
    /// began.
    pub events: Evidence,
}

/// A day on which more seats were in use than there were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverUse {
    /// The day's beginning in UTC.
    pub day: Timestamp,
    /// The most seats beyond what the license had at that moment.
    pub over: u32,
    /// For how many seconds of the day.
    pub seconds: i64,
}

/// Which events the figures rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How many.
    pub count: u64,
    /// The position of the first.
    pub first: i64,
    /// The position of the last.
    pub last: i64,
}

/// The figures of the period from `from` to before `to`, out of every step of the license's life, in order.
pub fn figures(steps: &[Step], from: Timestamp, to: Timestamp) -> Figures {
    let counted = steps.iter().take_while(|step| step.at < to).count();
    let steps = &steps[..counted];
    // A license that ended by itself did so by an event that counts already.
    let events = steps
        .windows(2)
        .filter(|pair| pair[0].position != pair[1].position)
        .count()
        + steps.len().min(1);
    let mut figures = Figures {
        peak: 0,
        peak_at: None,
        average: 0.0,
        over_use: Vec::new(),
        events: Evidence {
            count: events as u64,
            first: steps.first().map_or(0, |step| step.position),
            last: steps.last().map_or(0, |step| step.position),
        },
    };
    let mut weighed = 0_i128;
    let mut over_millis = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let begin = step.at.max(from);
        let end = steps.get(index + 1).map_or(to, |next| next.at).min(to);
        if end < begin || end <= from {
            continue;
        }
        if step.used > figures.peak {
            (figures.peak, figures.peak_at) = (step.used, Some(begin));
        }
        weighed += i128::from(end.millis() - begin.millis()) * i128::from(step.used);
        if let Some(over) = step.used.checked_sub(step.seats).filter(|over| *over > 0) {
            add_over_use(&mut over_millis, over, begin, end);
        }
    }
    figures.over_use = over_millis.into_iter().map(OverMillis::rounded).collect();
    let length = to.millis() - from.millis();
    if length > 0 {
        figures.average = (weighed as f64 / length as f64 * 1_000.0).round() / 1_000.0;
    }
    figures
}

/// A day's over-use while it is added up.
struct OverMillis {
    day: Timestamp,
    over: u32,
    millis: i64,
}

impl OverMillis {
    /// Rounded once a day, up to a second at least: what happened is not told as nothing.
    fn rounded(self) -> OverUse {
        OverUse {
            day: self.day,
            over: self.over,
            seconds: ((self.millis + 500) / 1_000).max(1),
        }
    }
}

/// Adds a stretch of over-use to its days.
fn add_over_use(days: &mut Vec<OverMillis>, over: u32, begin: Timestamp, end: Timestamp) {
    let mut at = begin;
    while at < end || (at == begin && at == end) {
        let day = Timestamp::from_millis(at.millis() - at.millis().rem_euclid(DAY * 1_000));
        let until = day.plus_seconds(DAY).min(end);
        let millis = until.millis() - at.millis();
        match days.last_mut().filter(|last| last.day == day) {
            Some(last) => (last.over, last.millis) = (last.over.max(over), last.millis + millis),
            None => days.push(OverMillis { day, over, millis }),
        }
        if until <= at {
            return;
        }
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn step(position: i64, when: &str, used: u32, seats: u32) -> Step {
        let at = at(when);
        Step {
            position,
            at,
            used,
            seats,
        }
    }

    fn january(steps: &[Step]) -> Figures {
        figures(steps, at("2027-01-01T00:00:00Z"), at("2027-02-01T00:00:00Z"))
    }

    #[test]
    fn peak_average_and_over_use() {
        let found = january(&[
            step(1, "2026-12-01T00:00:00Z", 0, 2),
            step(2, "2026-12-20T00:00:00Z", 1, 2),
            step(5, "2027-01-11T12:00:00Z", 3, 2),
            step(9, "2027-01-12T12:00:00Z", 1, 2),
            step(12, "2027-02-03T00:00:00Z", 9, 2),
        ]);
        assert_eq!((found.peak, found.peak_at), (3, Some(at("2027-01-11T12:00:00Z"))));
        assert_eq!(
            format!("{}", found.average),
            "1.065",
            "30 days with one and one with three, over 31"
        );
        let over: Vec<_> = found
            .over_use
            .iter()
            .map(|day| (day.day, day.over, day.seconds))
            .collect();
        assert_eq!(
            over,
            [
                (at("2027-01-11T00:00:00Z"), 1, 43_200),
                (at("2027-01-12T00:00:00Z"), 1, 43_200)
            ]
        );
        assert_eq!((found.events.count, found.events.first, found.events.last), (4, 1, 9));
    }

    #[test]
    fn a_license_that_nobody_used_or_that_did_not_exist() {
        let idle = january(&[step(1, "2027-01-05T00:00:00Z", 0, 2)]);
        assert_eq!((idle.peak, idle.peak_at, idle.average), (0, None, 0.0));
        let later = january(&[step(1, "2027-03-01T00:00:00Z", 5, 2)]);
        assert_eq!((later.peak, later.events.count), (0, 0));
    }

    #[test]
    fn a_day_has_no_more_seconds_than_it_has() {
        let mut steps = vec![step(1, "2026-12-01T00:00:00Z", 2, 1)];
        steps.extend((0..2_000).map(|n| Step {
            position: n + 2,
            at: at("2027-01-10T00:00:00Z").plus_seconds(n * 40),
            used: 2 + u32::from(n % 2 == 0),
            seats: 1,
        }));
        let found = january(&steps);
        assert!(found.over_use.iter().all(|day| day.seconds == 86_400), "{found:?}");
    }

    #[test]
    fn fewer_seats_make_over_use_too() {
        let found = january(&[
            step(1, "2026-12-01T00:00:00Z", 2, 2),
            step(3, "2027-01-31T23:00:00Z", 2, 1),
        ]);
        assert_eq!(found.over_use.len(), 1);
        assert_eq!((found.over_use[0].over, found.over_use[0].seconds), (1, 3_600));
    }
}

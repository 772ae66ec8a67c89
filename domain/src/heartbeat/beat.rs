//! A beat as a machine sends it, and when its usage counts.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};

use crate::values::{Limits, Timestamp, ValueError};

/// Names in one beat, of features and of meters each.
const MAX_NAMES: usize = 200;
/// The most that one beat can count: sums of any number of beats then stay below what the database can add up.
const MAX_COUNT: u64 = 1_000_000_000_000;

/// What a machine reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// How many people use the program on it.
    pub active_users: Option<u64>,
    /// How often each feature was used since the beat before.
    pub features: BTreeMap<String, u64>,
    /// How much of each meter was used since the beat before.
    pub usage: BTreeMap<String, u64>,
}

impl Beat {
    /// Refuses absurd numbers and names, each with the field that it stands in.
    pub fn check(&self) -> Result<(), (String, ValueError)> {
        let large = |count: &u64| *count > MAX_COUNT;
        if self.active_users.as_ref().is_some_and(large) {
            return Err(out_of_range("active_users"));
        }
        for (field, counts) in [("features", &self.features), ("usage", &self.usage)] {
            if counts.len() > MAX_NAMES {
                let detail = format!("a beat has at most {MAX_NAMES} {field}");
                return Err((field.to_owned(), ValueError::new("OUT_OF_RANGE", detail)));
            }
            for (name, count) in counts {
                if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
                    let detail = "a name has 1 to 64 bytes and no control characters";
                    return Err((field.to_owned(), ValueError::new("NAME_INVALID", detail)));
                }
                if large(count) {
                    return Err(out_of_range(&format!("{field}/{name}")));
                }
            }
        }
        Ok(())
    }

    /// The first meter that the license does not know: one without a limit of its own.
    pub fn unknown_meter(&self, limits: &Limits) -> Option<&str> {
        self.usage
            .keys()
            .find(|meter| !limits.contains_key(*meter))
            .map(String::as_str)
    }

    /// What is used with this beat, given what was used in the billing period before it.
    pub fn totals(&self, before: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
        let mut totals = before.clone();
        for (meter, used) in &self.usage {
            let total = totals.entry(meter.clone()).or_default();
            *total = total.saturating_add(*used);
        }
        totals.into_iter().collect()
    }
}

fn out_of_range(field: &str) -> (String, ValueError) {
    let detail = format!("this must be a whole number from 0 to {MAX_COUNT}");
    (field.to_owned(), ValueError::new("OUT_OF_RANGE", detail))
}

/// The beginning of the billing period of a moment: the first of its month in UTC.
pub fn billing_period(moment: Timestamp) -> Timestamp {
    let date = OffsetDateTime::from(moment).date();
    let first = Date::from_calendar_date(date.year(), date.month(), 1).unwrap_or(date);
    first.midnight().assume_utc().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Limit;

    fn using(meter: &str, amount: u64) -> Beat {
        Beat {
            usage: BTreeMap::from([(meter.to_owned(), amount)]),
            ..Beat::default()
        }
    }

    #[test]
    fn absurd_beats_name_their_field() {
        assert_eq!(using("pages", MAX_COUNT).check(), Ok(()));
        let field = |beat: Beat| beat.check().unwrap_err().0;
        assert_eq!(field(using("pages", u64::MAX)), "usage/pages");
        assert_eq!(field(using("", 1)), "usage");
        assert_eq!(field(using(&"x".repeat(65), 1)), "usage");
        let crowd = Beat {
            active_users: Some(u64::MAX),
            ..Beat::default()
        };
        assert_eq!(field(crowd), "active_users");
    }

    #[test]
    fn meters_are_those_that_have_a_limit() {
        let limits = Limits::from([("pages".to_owned(), Limit::hard(10))]);
        assert_eq!(using("pages", 1).unknown_meter(&limits), None);
        assert_eq!(using("sheets", 1).unknown_meter(&limits), Some("sheets"));
    }

    #[test]
    fn totals_add_up_and_never_wrap() {
        let before = BTreeMap::from([("pages".to_owned(), u64::MAX - 1), ("scans".to_owned(), 3)]);
        let totals = using("pages", 5).totals(&before);
        assert_eq!(totals, [("pages".to_owned(), u64::MAX), ("scans".to_owned(), 3)]);
    }

    #[test]
    fn a_period_is_a_month_in_utc() {
        let moment = Timestamp::parse("2027-03-01T00:30:00+01:00").unwrap();
        assert_eq!(billing_period(moment).to_string(), "2027-02-01T00:00:00.000Z");
    }
}

//! Machines that are always almost the same.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    event::Severity,
    history::{EVIDENCE, Finding, History, NewMachine},
};

/// For how many days machines are compared with those that came before them.
pub const DRIFT_DAYS: i64 = 30;
const DAY: i64 = 86_400;

/// More than two machines for each seat, and three besides, that came as new ones within 30 days and share a network card
/// or the system's UUID with one that came before: hardware that is exchanged bit by bit, or made up around one true component.
pub(super) fn drift(history: &History) -> Option<Finding> {
    let resembles = |(index, came): (usize, &NewMachine)| {
        let before = history.came.iter().take(index);
        // The same hardware again is no drift.
        let mut alike =
            before.filter(|other| other.components != came.components && other.components.resembles(&came.components));
        alike.next().is_some()
    };
    let drifted: Vec<&NewMachine> = history
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::{RawFingerprint, Timestamp};

    #[test]
    fn machines_that_are_always_almost_the_same() {
        let came = |number: i64, card: &str| NewMachine {
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
            .hash(&[7; 32])
            .components,
        };
        let found = |came: Vec<NewMachine>| {
            let history = History {
                seats: 1,
                interval_seconds: 900,
                came,
                ..History::default()
            };
            drift(&history).map(|finding| finding.rule)
        };
        assert_eq!(
            found((1..=7).map(|n| came(n, "3c:52:82:00:00:01")).collect()),
            Some("fingerprint_drift")
        );
        assert!(found((1..=6).map(|n| came(n, "3c:52:82:00:00:01")).collect()).is_none());
        assert!(
            found((1..=20).map(|n| came(n, &format!("3c:52:82:00:01:{n:02}"))).collect()).is_none(),
            "machines of their own are churn at most"
        );
    }
}

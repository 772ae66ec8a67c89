//! Usage that departs from the license's own past.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    event::Severity,
    history::{Daily, EVIDENCE, Finding, History, Observation},
};

/// Days of history that a figure needs before it is compared.
const DAYS: usize = 14;
/// How many robust standard deviations a figure must be away. For normally distributed figures that happens once in
/// some 500 million days.
const DEVIATIONS: f64 = 6.0;

/// A day's figure that departs from the license's own past: at least twice its median, and more than six robust standard
/// deviations (1.4826 times the median absolute deviation, at least a tenth of the median, at least 1, and 10 where the
/// median is 0) above it. Days without use count as 0.
/// Source of the statistic: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
pub(super) fn outlier(daily: &Daily, history: &History) -> Option<Finding> {
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
    // The newest of the day's beats that add to the figure.
    let adds = |seen: &&Observation| seen.at >= daily.since && seen.figures.contains(&daily.name);
    let beats: Vec<&Observation> = history.observations.iter().filter(adds).collect();
    let beats = &beats[beats.len().saturating_sub(EVIDENCE)..];
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
        evidence: beats.iter().map(|seen| seen.position).collect(),
        span: beats.first().zip(beats.last()).map(|(from, to)| (from.at, to.at)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        anomaly::Seen,
        values::{ActivationId, Timestamp},
    };

    #[test]
    fn usage_beyond_its_own_past() {
        let at = |second: i64| Timestamp::from_millis(1_800_000_000_000).plus_seconds(second);
        let beat = |position: i64, second: i64, figure: &str| Observation {
            position,
            at: at(second),
            network: None,
            seen: Seen::Beat {
                machine: ActivationId(uuid::Uuid::nil()),
                valid: true,
                clock: None,
            },
            figures: vec!["machines".to_owned(), figure.to_owned()],
        };
        let history = History {
            observations: vec![
                beat(1, -60, "meter/pages"),
                beat(2, 0, "meter/scans"),
                beat(3, 10, "meter/pages"),
                beat(4, 20, "meter/pages"),
            ],
            ..History::default()
        };
        let score = |past: &[u64], today| {
            let daily = Daily {
                name: "meter/pages".to_owned(),
                past: past.to_vec(),
                today,
                since: at(0),
            };
            let found = outlier(&daily, &history)?;
            assert_eq!(found.evidence, [3, 4], "the day's beats that count pages");
            Some(found.severity)
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
}

//! How much of a meter may be used, and what happens beyond.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Usage limits by name of the meter.
pub type Limits = BTreeMap<String, Limit>;

/// How much of a meter may be used in a billing period, in the meter's own unit.
///
/// In JSON a number (hard), `{"limit": n, "overage": "soft"}`, or `{"limit": n, "overage_percent": p}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is included.
    pub amount: u64,
    /// What happens beyond it.
    pub overage: Overage,
}

/// What happens beyond a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overage {
    /// Refused.
    Hard,
    /// Allowed and reported.
    Soft,
    /// Allowed and reported up to so many percent over (1 to 1,000), refused beyond.
    Percent(u16),
}

impl Limit {
    /// Nothing beyond this amount.
    pub fn hard(amount: u64) -> Self {
        Self {
            amount,
            overage: Overage::Hard,
        }
    }

    /// The most that may be used; `None` is without bound.
    pub fn ceiling(&self) -> Option<u64> {
        match self.overage {
            Overage::Hard => Some(self.amount),
            Overage::Soft => None,
            Overage::Percent(percent) => {
                let over = u128::from(self.amount) * u128::from(percent) / 100;
                Some(u64::try_from(u128::from(self.amount) + over).unwrap_or(u64::MAX))
            }
        }
    }

    /// Whether so much is refused.
    pub fn refuses(&self, used: u64) -> bool {
        self.ceiling().is_some_and(|ceiling| used > ceiling)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Shape {
    Hard(u64),
    Percent { limit: u64, overage_percent: u16 },
    Named { limit: u64, overage: Name },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Hard,
    Soft,
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let limit = self.amount;
        match self.overage {
            Overage::Hard => Shape::Hard(limit),
            Overage::Soft => Shape::Named {
                limit,
                overage: Name::Soft,
            },
            Overage::Percent(overage_percent) => Shape::Percent { limit, overage_percent },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = "a limit is a whole number from 0, {\"limit\": n, \"overage\": \"soft\"} or {\"limit\": n, \
                    \"overage_percent\": 1 to 1000}";
        let (amount, overage) = match Shape::deserialize(deserializer).map_err(|_| D::Error::custom(told))? {
            Shape::Hard(amount)
            | Shape::Named {
                limit: amount,
                overage: Name::Hard,
            } => (amount, Overage::Hard),
            Shape::Named {
                limit,
                overage: Name::Soft,
            } => (limit, Overage::Soft),
            Shape::Percent { limit, overage_percent } if (1..=1_000).contains(&overage_percent) => {
                (limit, Overage::Percent(overage_percent))
            }
            Shape::Percent { .. } => return Err(D::Error::custom(told)),
        };
        // Amounts are stored as signed 64-bit numbers.
        if i64::try_from(amount).is_err() {
            return Err(D::Error::custom(told));
        }
        Ok(Self { amount, overage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Limit> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn three_ways_to_go_beyond() {
        let hard = read("100").unwrap();
        assert_eq!((hard.refuses(100), hard.refuses(101)), (false, true));
        assert!(read(r#"{"limit": 100, "overage": "soft", "overage_percent": 10}"#).is_none());
        let soft = read(r#"{"limit": 100, "overage": "soft"}"#).unwrap();
        assert!(!soft.refuses(u64::MAX));
        let percent = read(r#"{"limit": 100, "overage_percent": 10}"#).unwrap();
        assert_eq!((percent.refuses(110), percent.refuses(111)), (false, true));
        for limit in [hard, soft, percent] {
            assert_eq!(read(&serde_json::to_string(&limit).unwrap()), Some(limit));
        }
    }

    #[test]
    fn what_is_no_limit() {
        for text in [
            "-1",
            "1.5",
            "\"5\"",
            "18446744073709551615",
            r#"{"limit": 1, "overage_percent": 0}"#,
            r#"{"limit": 1, "overage": "none"}"#,
            "{}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

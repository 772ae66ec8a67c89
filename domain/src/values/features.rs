//! What a license switches on.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Timestamp;

/// Features by name.
pub type Features = BTreeMap<String, Feature>;

/// Whether a feature may be used. In JSON `true`, `false`, or the moment at which it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `true`: for as long as the license lives.
    On,
    /// `false`: named, and refused.
    Off,
    /// A time: on before it, off from then on.
    Until(Timestamp),
}

impl Feature {
    /// Whether the feature may be used at that moment.
    pub fn is_on(self, now: Timestamp) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Until(end) => now < end,
        }
    }
}

impl Serialize for Feature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
            Self::Until(end) => end.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Switch(bool),
            Until(Timestamp),
        }
        match Shape::deserialize(deserializer) {
            Ok(Shape::Switch(true)) => Ok(Self::On),
            Ok(Shape::Switch(false)) => Ok(Self::Off),
            Ok(Shape::Until(end)) => Ok(Self::Until(end)),
            Err(_) => Err(D::Error::custom(
                "a feature is true, false or a time such as 2027-01-31T12:00:00Z",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_ends_by_itself() {
        let feature: Feature = serde_json::from_str("\"2027-01-01T00:00:00.000Z\"").unwrap();
        let end = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
        assert!(feature.is_on(end.plus_seconds(-1)));
        assert!(!feature.is_on(end));
    }

    #[test]
    fn a_number_is_no_feature() {
        assert!(serde_json::from_str::<Feature>("1").is_err());
        assert_eq!(serde_json::from_str::<Feature>("true").unwrap(), Feature::On);
    }
}

//! Reading old events with new code.

use licet_domain::{DecodeError, EventData};
use serde_json::Value;

/// Decodes a stored event of any version that an upcaster leads on from.
pub fn decode<E: EventData>(event_type: &str, event_version: &str, payload: &str) -> Result<E, DecodeError> {
    let Some((_, current)) = E::TYPES.iter().find(|(name, _)| *name == event_type) else {
        return Err(DecodeError::UnknownType(event_type.to_owned()));
    };
    let unknown = || DecodeError::UnknownVersion {
        event_type: event_type.to_owned(),
        version: event_version.to_owned(),
    };
    let version: u16 = event_version.parse().map_err(|_| unknown())?;
    if version == *current {
        return E::decode(event_type, payload);
    }
    let unreadable = |error: serde_json::Error| DecodeError::Payload {
        event_type: event_type.to_owned(),
        cause: error.to_string(),
    };
    let mut value: Value = serde_json::from_str(payload).map_err(unreadable)?;
    for from in version..*current {
        let step = E::UPCASTERS
            .iter()
            .find(|step| step.event_type == event_type && step.from == from);
        value = (step.ok_or_else(unknown)?.upcast)(value);
    }
    if version > *current {
        return Err(unknown());
    }
    E::decode(event_type, &value.to_string())
}

#[cfg(test)]
mod tests {
    use licet_domain::Upcaster;
    use serde_json::json;

    use super::*;

    /// A switch that was once recorded as a word, and later with a reason.
    #[derive(Debug, Clone, PartialEq)]
    struct Switched {
        on: bool,
        reason: String,
    }

    impl EventData for Switched {
        const TYPES: &'static [(&'static str, u16)] = &[("switch.switched", 3)];
        const UPCASTERS: &'static [Upcaster] = &[
            Upcaster {
                event_type: "switch.switched",
                from: 1,
                upcast: |old| json!({ "on": old["state"] == "on" }),
            },
            Upcaster {
                event_type: "switch.switched",
                from: 2,
                upcast: |old| json!({ "on": old["on"], "reason": "" }),
            },
        ];

        fn event_type(&self) -> &'static str {
            "switch.switched"
        }
        fn event_version(&self) -> u16 {
            3
        }
        fn encode(&self) -> String {
            json!({ "on": self.on, "reason": self.reason }).to_string()
        }
        fn decode(event_type: &str, payload: &str) -> Result<Self, DecodeError> {
            let value: Value = serde_json::from_str(payload).map_err(|e| DecodeError::Payload {
                event_type: event_type.to_owned(),
                cause: e.to_string(),
            })?;
            Ok(Self {
                on: value["on"] == true,
                reason: value["reason"].as_str().unwrap_or_default().to_owned(),
            })
        }
    }

    #[test]
    fn old_versions_climb_step_by_step() {
        let on = |reason: &str| Switched {
            on: true,
            reason: reason.to_owned(),
        };
        assert_eq!(
            decode::<Switched>("switch.switched", "1", r#"{"state":"on"}"#),
            Ok(on(""))
        );
        assert_eq!(decode::<Switched>("switch.switched", "2", r#"{"on":true}"#), Ok(on("")));
        assert_eq!(
            decode::<Switched>("switch.switched", "3", r#"{"on":true,"reason":"dark"}"#),
            Ok(on("dark"))
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_never_skipped() {
        for version in ["4", "0", "x"] {
            let result = decode::<Switched>("switch.switched", version, "{}");
            assert!(matches!(result, Err(DecodeError::UnknownVersion { .. })), "{version}");
        }
        assert!(matches!(
            decode::<Switched>("switch.broken", "1", "{}"),
            Err(DecodeError::UnknownType(_))
        ));
        assert!(matches!(
            decode::<Switched>("switch.switched", "1", "{"),
            Err(DecodeError::Payload { .. })
        ));
    }
}

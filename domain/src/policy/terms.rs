//! The terms themselves.

use serde::{Deserialize, Serialize};

use crate::{
    ResourceRejection,
    values::{Features, Limits, MatchRule},
};

/// The components that every machine may have, by their names on the wire.
const COMPONENTS: [&str; 4] = ["mac_addresses", "cpu_id", "system_uuid", "machine_id"];

/// What a policy grants and asks; a license may override seats, features and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// How many machines may be active at once; 1 to 1,000,000.
    pub seats: u32,
    /// How long a license lives from its beginning, in days; `None` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_days: Option<u32>,
    /// What the duration is counted from.
    #[serde(default, skip_serializing_if = "DurationFrom::is_creation")]
    pub duration_from: DurationFrom,
    /// How long a license still works after its end, in days.
    pub grace_days: u32,
    /// On how many components a machine must agree with what was activated; 1 to 10.
    pub fingerprint_match: u8,
    /// Which extra components count beside network cards, processor, system UUID and installation id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprint_extra: Vec<String>,
    /// Which components must not differ where both sides have them, by their names on the wire.
    #[serde(default = "system_uuid", skip_serializing_if = "is_system_uuid")]
    pub fingerprint_veto: Vec<String>,
    /// How often a machine reports, in seconds; 60 to 86,400.
    pub heartbeat_interval_seconds: u32,
    /// How many beats in a row may be missed before a floating seat falls free; 0 to 100.
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub heartbeat_grace: u32,
    /// How long a machine may run without the server, in days; 1 to 366.
    pub lease_days: u32,
    /// Whether a seat is held by heartbeats only.
    pub floating: bool,
    /// How often seats may move to another machine; `None` is without bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_transfers: Option<u32>,
    /// Over how many days transfers are counted; `None` is over the license's whole life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_period_days: Option<u32>,
    /// What is switched on.
    #[serde(default)]
    pub features: Features,
    /// How much may be used.
    #[serde(default)]
    pub limits: Limits,
}

/// What a license's duration is counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationFrom {
    /// Its beginning.
    #[default]
    Creation,
    /// The first machine that takes a seat; until then it has no end.
    FirstActivation,
}

impl DurationFrom {
    // Serde asks with a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    fn is_creation(&self) -> bool {
        *self == Self::Creation
    }
}

fn system_uuid() -> Vec<String> {
    vec!["system_uuid".to_owned()]
}

fn is_system_uuid(names: &[String]) -> bool {
    names == ["system_uuid"]
}

const fn two() -> u32 {
    2
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn is_two(beats: &u32) -> bool {
    *beats == two()
}

impl Terms {
    /// For how long a beat holds a floating seat, in seconds: one interval and the beats that may be missed.
    pub fn hold_seconds(&self) -> Option<u32> {
        self.floating
            .then(|| self.heartbeat_interval_seconds.saturating_mul(self.heartbeat_grace + 1))
    }

    /// By which components machines are told apart.
    pub fn match_rule(&self) -> MatchRule<'_> {
        MatchRule {
            required: usize::from(self.fingerprint_match),
            extra: &self.fingerprint_extra,
            veto: &self.fingerprint_veto,
        }
    }

    /// How long a license lives that begins at its creation.
    pub fn duration_from_creation(&self) -> Option<u32> {
        self.duration_days
            .filter(|_| self.duration_from == DurationFrom::Creation)
    }

    /// The values that the contract gives where a request is silent, for so many seats.
    pub fn with_seats(seats: u32) -> Self {
        Self {
            seats,
            duration_days: None,
            duration_from: DurationFrom::Creation,
            grace_days: 7,
            fingerprint_match: 2,
            fingerprint_extra: Vec::new(),
            fingerprint_veto: system_uuid(),
            heartbeat_interval_seconds: 900,
            heartbeat_grace: two(),
            lease_days: 7,
            floating: false,
            max_transfers: None,
            transfer_period_days: None,
            features: Features::new(),
            limits: Limits::new(),
        }
    }

    /// Refuses terms under which no machine could ever run, or that reach past the end of the calendar.
    pub(super) fn check(&self) -> Result<(), ResourceRejection> {
        let components = u8::try_from(COMPONENTS.len() + self.fingerprint_extra.len()).unwrap_or(u8::MAX);
        let checks = [
            ("seats", (1..=1_000_000).contains(&self.seats), "1 to 1,000,000"),
            (
                "duration_days",
                self.duration_days.is_none_or(|days| (1..=36_525).contains(&days)),
                "1 to 36,525",
            ),
            ("grace_days", self.grace_days <= 3_650, "0 to 3,650"),
            (
                "fingerprint_match",
                (1..=components.min(10)).contains(&self.fingerprint_match),
                "1 to 10, and at most the 4 components of every machine and the names in fingerprint_extra",
            ),
            (
                "fingerprint_extra",
                self.fingerprint_extra.len() <= 16,
                "at most 16 names",
            ),
            (
                "fingerprint_veto",
                self.fingerprint_veto
                    .iter()
                    .all(|name| COMPONENTS.contains(&name.as_str()) || self.fingerprint_extra.contains(name)),
                "names of components: mac_addresses, cpu_id, system_uuid, machine_id, and those in fingerprint_extra",
            ),
            (
                "heartbeat_interval_seconds",
                (60..=86_400).contains(&self.heartbeat_interval_seconds),
                "60 to 86,400",
            ),
            ("heartbeat_grace", self.heartbeat_grace <= 100, "0 to 100"),
            (
                "transfer_period_days",
                self.transfer_period_days.is_none_or(|days| (1..=3_650).contains(&days)),
                "1 to 3,650",
            ),
            ("lease_days", (1..=366).contains(&self.lease_days), "1 to 366"),
            ("features", self.features.len() <= 200, "at most 200 names"),
            ("limits", self.limits.len() <= 200, "at most 200 names"),
        ];
        match checks.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, allowed)) => Err(ResourceRejection::out_of_range(
                field,
                format!("this must be {allowed}"),
            )),
            None => Ok(()),
        }
    }
}

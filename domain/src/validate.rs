//! The one function that says whether a machine may run.
//!
//! The verify route, the heartbeat, the simulation of a policy and the offline check of the client library all ask it.
//! Source of the codes and of their order: the contract, "POST /api/license/verify".

use serde::{Deserialize, Serialize};

use crate::{
    license::Standing,
    values::{Features, Limits, Timestamp, Version},
};

/// When a license may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub valid_from: Timestamp,
    /// When it ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// How long it works after its end, in days.
    pub grace_days: u32,
}

/// Where a moment lies in a license's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the beginning.
    NotYet,
    /// Between beginning and end.
    Valid,
    /// After the end, within grace.
    Grace,
    /// After the grace.
    Over {
        /// The end, not the grace's end.
        expired_at: Timestamp,
    },
}

impl Window {
    /// Where a moment lies.
    pub fn phase(&self, now: Timestamp) -> Phase {
        if now < self.valid_from {
            return Phase::NotYet;
        }
        match self.expires_at {
            Some(expired_at) if now >= expired_at.plus_days(self.grace_days) => Phase::Over { expired_at },
            Some(end) if now >= end => Phase::Grace,
            Some(_) | None => Phase::Valid,
        }
    }

    /// The last moment at which it works, grace included.
    pub fn usable_until(&self) -> Option<Timestamp> {
        self.expires_at.map(|end| end.plus_days(self.grace_days))
    }
}

/// What is known of the machine that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// It did not say which one it is.
    Unnamed,
    /// It sent too few usable components.
    Insufficient,
    /// It has no seat.
    NotActivated,
    /// Its floating seat fell free because it was silent.
    SilentTooLong,
    /// It has a seat.
    Seated,
}

/// What is known of the license that is asked about.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// How it stands.
    pub standing: Standing,
    /// When it may be used.
    pub window: Window,
    /// The features in force.
    pub features: &'a Features,
    /// The limits in force.
    pub limits: &'a Limits,
    /// The lowest version that may run.
    pub min_version: Option<&'a Version>,
    /// The machine that asks.
    pub machine: Machine,
}

/// What the program asks.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// Its version.
    pub app_version: Option<&'a Version>,
    /// The features that it needs.
    pub features: &'a [String],
    /// How much it has used, by meter.
    pub usage: &'a [(String, u64)],
}

/// The answer's code, in the order in which it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// There is no such license.
    NotFound,
    /// It was ended for good.
    Revoked,
    /// It is stopped for a while.
    Suspended,
    /// Its time has not come.
    NotYetValid,
    /// Its time and its grace are over.
    Expired,
    /// The machine did not say which one it is.
    FingerprintRequired,
    /// The machine sent too few usable components.
    FingerprintInsufficient,
    /// The machine has no seat.
    NotActivated,
    /// The machine's floating seat fell free.
    HeartbeatDead,
    /// The program is too old.
    VersionUnsupported,
    /// A feature that it needs is not on.
    FeatureMissing,
    /// More was used than is allowed.
    UsageLimitExceeded,
    /// It may run; the license has ended and its grace has not.
    ExpiredInGrace,
    /// It may run.
    Valid,
}

impl Verdict {
    /// Whether the program may run.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::ExpiredInGrace | Self::Valid)
    }

    /// The code as the contract writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Revoked => "REVOKED",
            Self::Suspended => "SUSPENDED",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::Expired => "EXPIRED",
            Self::FingerprintRequired => "FINGERPRINT_REQUIRED",
            Self::FingerprintInsufficient => "FINGERPRINT_INSUFFICIENT",
            Self::NotActivated => "NOT_ACTIVATED",
            Self::HeartbeatDead => "HEARTBEAT_DEAD",
            Self::VersionUnsupported => "VERSION_UNSUPPORTED",
            Self::FeatureMissing => "FEATURE_MISSING",
            Self::UsageLimitExceeded => "USAGE_LIMIT_EXCEEDED",
            Self::ExpiredInGrace => "EXPIRED_IN_GRACE",
            Self::Valid => "VALID",
        }
    }

    /// A sentence for people.
    pub fn detail(self) -> &'static str {
        match self {
            Self::NotFound => "There is no license with this key.",
            Self::Revoked => "The license was revoked.",
            Self::Suspended => "The license is suspended.",
            Self::NotYetValid => "The license is not valid yet.",
            Self::Expired => "The license has expired.",
            Self::FingerprintRequired => "A fingerprint is required to tell which machine asks.",
            Self::FingerprintInsufficient => "The fingerprint has too few usable components.",
            Self::NotActivated => "The license is not activated on this machine.",
            Self::HeartbeatDead => "The machine was silent for too long and lost its seat.",
            Self::VersionUnsupported => "This version of the program is no longer supported.",
            Self::FeatureMissing => "The license does not include a feature that was asked for.",
            Self::UsageLimitExceeded => "A usage limit of the license is exceeded.",
            Self::ExpiredInGrace => "The license has expired and still works during its grace period.",
            Self::Valid => "The license is valid.",
        }
    }
}

/// Says whether a machine may run; `None` is a license that does not exist.
pub fn validate(subject: Option<&Subject<'_>>, request: &Request<'_>, now: Timestamp) -> Verdict {
    let Some(license) = subject else {
        return Verdict::NotFound;
    };
    match license.standing {
        Standing::Retired => return Verdict::NotFound,
        Standing::Revoked => return Verdict::Revoked,
        Standing::Suspended => return Verdict::Suspended,
        Standing::Active => {}
    }
    let phase = license.window.phase(now);
    match phase {
        Phase::NotYet => return Verdict::NotYetValid,
        Phase::Over { .. } => return Verdict::Expired,
        Phase::Valid | Phase::Grace => {}
    }
    match license.machine {
        Machine::Unnamed => return Verdict::FingerprintRequired,
        Machine::Insufficient => return Verdict::FingerprintInsufficient,
        Machine::NotActivated => return Verdict::NotActivated,
        Machine::SilentTooLong => return Verdict::HeartbeatDead,
        Machine::Seated => {}
    }
    if let (Some(minimum), Some(version)) = (license.min_version, request.app_version)
        && !version.is_at_least(minimum)
    {
        return Verdict::VersionUnsupported;
    }
    let has = |name: &String| license.features.get(name).is_some_and(|feature| feature.is_on(now));
    if !request.features.iter().all(has) {
        return Verdict::FeatureMissing;
    }
    let exceeds = |(meter, used): &(String, u64)| license.limits.get(meter).is_some_and(|limit| limit.refuses(*used));
    if request.usage.iter().any(exceeds) {
        return Verdict::UsageLimitExceeded;
    }
    if phase == Phase::Grace {
        Verdict::ExpiredInGrace
    } else {
        Verdict::Valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Feature;
    use crate::values::Limit;

    const DAY: i64 = 86_400;

    fn start() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn with(change: impl FnOnce(&mut Subject<'_>), request: &Request<'_>, now: Timestamp) -> Verdict {
        let features = Features::from([("export".to_owned(), Feature::On), ("print".to_owned(), Feature::Off)]);
        let limits = Limits::from([("pages".to_owned(), Limit::hard(10))]);
        let minimum = "2.0.0".parse::<Version>().unwrap();
        let mut subject = Subject {
            standing: Standing::Active,
            window: Window {
                valid_from: start(),
                expires_at: Some(start().plus_days(30)),
                grace_days: 7,
            },
            features: &features,
            limits: &limits,
            min_version: Some(&minimum),
            machine: Machine::Seated,
        };
        change(&mut subject);
        validate(Some(&subject), request, now)
    }

    #[test]
    fn the_window_has_sharp_edges() {
        let none = Request::default();
        let at = |seconds: i64| with(|_| {}, &none, start().plus_seconds(seconds));
        assert_eq!(at(-1), Verdict::NotYetValid);
        assert_eq!(at(0), Verdict::Valid);
        assert_eq!(at(30 * DAY - 1), Verdict::Valid);
        assert_eq!(at(30 * DAY), Verdict::ExpiredInGrace);
        assert_eq!(at(37 * DAY - 1), Verdict::ExpiredInGrace);
        assert_eq!(at(37 * DAY), Verdict::Expired);
    }

    #[test]
    fn the_first_code_that_holds_is_answered() {
        // Each step removes the present obstacle and reveals the next, down the contract's list.
        let old = "1.9.9".parse::<Version>().unwrap();
        let wanted = ["export".to_owned(), "print".to_owned()];
        let usage = [("pages".to_owned(), 11)];
        let all = Request {
            app_version: Some(&old),
            features: &wanted,
            usage: &usage,
        };
        let over = start().plus_days(40);
        let grace = start().plus_days(31);
        assert_eq!(validate(None, &all, over), Verdict::NotFound);
        assert_eq!(with(|s| s.standing = Standing::Retired, &all, over), Verdict::NotFound);
        assert_eq!(with(|s| s.standing = Standing::Revoked, &all, over), Verdict::Revoked);
        assert_eq!(
            with(|s| s.standing = Standing::Suspended, &all, over),
            Verdict::Suspended
        );
        assert_eq!(with(|s| s.machine = Machine::Unnamed, &all, over), Verdict::Expired);
        assert_eq!(
            with(|s| s.machine = Machine::Unnamed, &all, grace),
            Verdict::FingerprintRequired
        );
        assert_eq!(
            with(|s| s.machine = Machine::Insufficient, &all, grace),
            Verdict::FingerprintInsufficient
        );
        assert_eq!(
            with(|s| s.machine = Machine::NotActivated, &all, grace),
            Verdict::NotActivated
        );
        assert_eq!(
            with(|s| s.machine = Machine::SilentTooLong, &all, grace),
            Verdict::HeartbeatDead
        );
        assert_eq!(with(|_| {}, &all, grace), Verdict::VersionUnsupported);
        let new = "2.0.0".parse::<Version>().unwrap();
        let all = Request {
            app_version: Some(&new),
            ..all
        };
        assert_eq!(with(|_| {}, &all, grace), Verdict::FeatureMissing);
        let all = Request {
            features: &wanted[..1],
            ..all
        };
        assert_eq!(with(|_| {}, &all, grace), Verdict::UsageLimitExceeded);
        let all = Request { usage: &[], ..all };
        assert_eq!(with(|_| {}, &all, grace), Verdict::ExpiredInGrace);
        assert_eq!(with(|_| {}, &all, start()), Verdict::Valid);
    }

    #[test]
    fn codes_are_written_as_they_are_serialized() {
        for verdict in [
            Verdict::NotFound,
            Verdict::HeartbeatDead,
            Verdict::ExpiredInGrace,
            Verdict::Valid,
        ] {
            assert_eq!(
                serde_json::to_string(&verdict).unwrap(),
                format!("\"{}\"", verdict.code())
            );
        }
    }
}

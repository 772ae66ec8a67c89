//! What is kept on a machine between a program's runs.

use std::cmp::Ordering;

use licet_contracts::keys::Key;
use licet_domain::values::{LicenseKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Usage;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The license key that was activated.
    pub license_key: Option<String>,
    /// The activation's id.
    pub activation_id: Option<String>,
    /// The lease, as it came.
    pub lease: Option<String>,
    /// The activation's token, for heartbeats.
    #[serde(default)]
    pub token: Option<String>,
    /// How often the server wants to hear from this machine, in seconds.
    #[serde(default)]
    pub heartbeat_seconds: Option<u32>,
    /// The list of leases that were called back, as it came.
    #[serde(default)]
    pub revocations: Option<String>,
    /// What the server has not been told yet.
    #[serde(default)]
    pub unsent: PendingUsage,
    /// The trusted keys.
    pub keys: Vec<Key>,
    /// The latest moment seen, by this clock or the server's, in milliseconds since 1970.
    pub seen: i64,
    /// The latest moment that the server has told, in milliseconds since 1970; 0 before it has.
    #[serde(default)]
    pub told: i64,
}

impl State {
    /// Whether what is kept belongs to a license, however its key is spelled, or to none yet.
    pub(crate) fn is_of(&self, license_key: &str) -> bool {
        let same = |known: &str| match (LicenseKey::parse(known), LicenseKey::parse(license_key)) {
            (Some(one), Some(other)) => one == other,
            _ => known.trim() == license_key.trim(),
        };
        self.license_key.as_deref().is_none_or(same)
    }

    /// The server's signed word on the time: it ends what a wrong clock has left behind.
    pub(crate) fn hear(&mut self, ts: Timestamp) {
        if ts.millis() >= self.told {
            (self.seen, self.told) = (ts.millis(), ts.millis());
        }
    }

    /// What another program saw of the time counts as far as it has heard as much of the server; an older file that was
    /// put back makes nobody forget what time it was.
    pub(crate) fn keep_time(&mut self, known: &Self) {
        self.seen = match self.told.cmp(&known.told) {
            Ordering::Less => known.seen,
            Ordering::Equal => self.seen.max(known.seen),
            Ordering::Greater => self.seen,
        };
        self.told = self.told.max(known.told);
    }
}

/// What was used and not reported, or not confirmed: it outlives the program's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUsage {
    /// What the next beat reports.
    pub usage: Usage,
    /// What the last beat reported, under its nonce, until the server has confirmed it.
    pub unconfirmed: Option<(String, Usage)>,
}

impl PendingUsage {
    /// What to send: what is unconfirmed again, or what has come together since under a new nonce, as much as one beat takes.
    pub(crate) fn next(&mut self, nonce: impl FnOnce() -> String) -> (String, Usage) {
        let usage = &mut self.usage;
        let fresh = || (nonce(), usage.take());
        self.unconfirmed.get_or_insert_with(fresh).clone()
    }

    /// The server knows no such meter and has counted nothing: the rest is to be sent under another nonce.
    pub(crate) fn without(&mut self, meter: &str) {
        if let Some((_, mut rest)) = self.unconfirmed.take() {
            rest.add(&self.usage);
            self.usage = rest;
        }
        self.usage.meters.remove(meter);
    }

    /// What another program has left to be reported.
    pub(crate) fn take_over(&mut self, left: Self) {
        match (&self.unconfirmed, left.unconfirmed) {
            (None, theirs) => self.unconfirmed = theirs,
            // Two that may or may not have arrived cannot both keep their nonce; the one that is sent next does.
            (Some(_), Some((_, usage))) => self.usage.add(&usage),
            (Some(_), None) => {}
        }
        let mut usage = left.usage;
        usage.add(&self.usage);
        self.usage = usage;
    }

    /// The server has it, or will never take it.
    pub(crate) fn confirmed(&mut self) {
        self.unconfirmed = None;
    }
}

//! Terms as they are asked for.

use std::collections::BTreeMap;

use licet_domain::policy::Terms;
use serde_json::Value;

use crate::{CommandError, Fields};

/// Terms of a request; what is absent keeps its value, or the contract's default.
#[derive(Debug, Clone, Default)]
pub struct TermsChanges {
    /// How many machines may be active at once.
    pub seats: Option<i64>,
    /// How long a license lives, in days; `Some(None)` is for ever.
    pub duration_days: Option<Option<i64>>,
    /// How long it works after its end, in days.
    pub grace_days: Option<i64>,
    /// On how many components a machine must agree.
    pub fingerprint_match: Option<i64>,
    /// Which extra components count.
    pub fingerprint_extra: Option<Vec<String>>,
    /// How often a machine reports, in seconds.
    pub heartbeat_interval_seconds: Option<i64>,
    /// How long a machine may run offline, in days.
    pub lease_days: Option<i64>,
    /// Whether a seat is held by heartbeats only.
    pub floating: Option<bool>,
    /// How often seats may move; `Some(None)` is without bound.
    pub max_transfers: Option<Option<i64>>,
    /// What is switched on.
    pub features: Option<BTreeMap<String, Value>>,
    /// How much may be used.
    pub limits: Option<BTreeMap<String, Value>>,
}

impl TermsChanges {
    /// The terms that come of applying this.
    pub(crate) fn applied_to(&self, present: &Terms) -> Result<Terms, CommandError> {
        let mut fields = Fields::new();
        let terms = Terms {
            seats: fields.number("seats", self.seats, present.seats),
            duration_days: fields.optional_number("duration_days", self.duration_days, present.duration_days),
            grace_days: fields.number("grace_days", self.grace_days, present.grace_days),
            fingerprint_match: fields.number("fingerprint_match", self.fingerprint_match, present.fingerprint_match),
            fingerprint_extra: self.fingerprint_extra.as_ref().map_or_else(
                || present.fingerprint_extra.clone(),
                |names| names.iter().map(|name| name.trim().to_lowercase()).collect(),
            ),
            heartbeat_interval_seconds: fields.number(
                "heartbeat_interval_seconds",
                self.heartbeat_interval_seconds,
                present.heartbeat_interval_seconds,
            ),
            lease_days: fields.number("lease_days", self.lease_days, present.lease_days),
            floating: self.floating.unwrap_or(present.floating),
            max_transfers: fields.optional_number("max_transfers", self.max_transfers, present.max_transfers),
            features: fields
                .features("features", self.features.as_ref())
                .unwrap_or_else(|| present.features.clone()),
            limits: fields
                .limits("limits", self.limits.as_ref())
                .unwrap_or_else(|| present.limits.clone()),
        };
        fields.finish(Some(terms))
    }
}

//! Terms as they are asked for.

use std::collections::BTreeMap;

use licet_domain::policy::{DurationFrom, Terms};
use serde_json::Value;

use crate::{CommandError, Fields, fields::is_short_name};

/// Terms of a request; what is absent keeps its value, or the contract's default.
#[derive(Debug, Clone, Default)]
pub struct TermsChanges {
    /// How many machines may be active at once.
    pub seats: Option<i64>,
    /// How long a license lives, in days; `Some(None)` is for ever.
    pub duration_days: Option<Option<i64>>,
    /// What the duration is counted from: `creation` or `first_activation`.
    pub duration_from: Option<String>,
    /// How long it works after its end, in days.
    pub grace_days: Option<i64>,
    /// On how many components a machine must agree.
    pub fingerprint_match: Option<i64>,
    /// Which extra components count.
    pub fingerprint_extra: Option<Vec<String>>,
    /// Which components must not differ where both sides have them.
    pub fingerprint_veto: Option<Vec<String>>,
    /// How often a machine reports, in seconds.
    pub heartbeat_interval_seconds: Option<i64>,
    /// How many beats in a row may be missed before a floating seat falls free.
    pub heartbeat_grace: Option<i64>,
    /// How long a machine may run offline, in days.
    pub lease_days: Option<i64>,
    /// Whether a seat is held by heartbeats only.
    pub floating: Option<bool>,
    /// How often seats may move; `Some(None)` is without bound.
    pub max_transfers: Option<Option<i64>>,
    /// Over how many days transfers are counted; `Some(None)` is over the license's whole life.
    pub transfer_period_days: Option<Option<i64>>,
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
            duration_from: duration_from(&mut fields, self.duration_from.as_deref(), present.duration_from),
            grace_days: fields.number("grace_days", self.grace_days, present.grace_days),
            fingerprint_match: fields.number("fingerprint_match", self.fingerprint_match, present.fingerprint_match),
            fingerprint_extra: self.fingerprint_extra.as_ref().map_or_else(
                || present.fingerprint_extra.clone(),
                |names| component_names(&mut fields, "fingerprint_extra", names),
            ),
            fingerprint_veto: self.fingerprint_veto.as_ref().map_or_else(
                || present.fingerprint_veto.clone(),
                |names| component_names(&mut fields, "fingerprint_veto", names),
            ),
            heartbeat_interval_seconds: fields.number(
                "heartbeat_interval_seconds",
                self.heartbeat_interval_seconds,
                present.heartbeat_interval_seconds,
            ),
            heartbeat_grace: fields.number("heartbeat_grace", self.heartbeat_grace, present.heartbeat_grace),
            lease_days: fields.number("lease_days", self.lease_days, present.lease_days),
            floating: self.floating.unwrap_or(present.floating),
            max_transfers: fields.optional_number("max_transfers", self.max_transfers, present.max_transfers),
            transfer_period_days: fields.optional_number(
                "transfer_period_days",
                self.transfer_period_days,
                present.transfer_period_days,
            ),
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

/// Each name once: a component counts once, however often it is named.
fn component_names(fields: &mut Fields, field: &str, names: &[String]) -> Vec<String> {
    let mut unique = Vec::with_capacity(names.len());
    if names.iter().any(|name| !is_short_name(name)) {
        fields.complain(field, "INVALID", "a name has 1 to 64 bytes and no control characters");
    }
    for name in names.iter().map(|name| name.trim().to_lowercase()) {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

fn duration_from(fields: &mut Fields, asked: Option<&str>, present: DurationFrom) -> DurationFrom {
    match asked {
        None => present,
        Some("creation") => DurationFrom::Creation,
        Some("first_activation") => DurationFrom::FirstActivation,
        Some(_) => {
            fields.complain("duration_from", "INVALID", "this is creation or first_activation");
            present
        }
    }
}

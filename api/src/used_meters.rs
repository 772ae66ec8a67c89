//! What licenses have used in this billing period, as the server knows it now.
//!
//! The read model is asked at most once a second for each license. Beats of this node count at once, each until the
//! read model says that it has folded its position: none is counted twice, none is forgotten. Beats of other nodes are
//! known within about two seconds; a machine reports what it has used already, so no check could be much earlier.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use licet_domain::{
    heartbeat::{Beat, billing_period},
    values::{LicenseId, Timestamp},
};
use licet_event_store::Tenant;
use licet_projections::heartbeats;
use moka::sync::Cache;

use crate::{
    App,
    problem::{Result, unavailable},
};

/// For how long what the read model said is believed.
const BELIEVED_MILLIS: i64 = 1_000;

/// Amounts by meter.
type Used = BTreeMap<String, u64>;

/// One license in one billing period.
#[derive(Default)]
struct Entry {
    asked_at: Timestamp,
    /// How far the read model had come.
    position: i64,
    /// Beats of this node that it has not folded yet.
    since: Vec<(i64, Beat)>,
    /// Both together.
    total: Used,
}

impl Entry {
    fn add(&mut self, position: i64, beat: &Beat) {
        self.total = beat.totals(&self.total).into_iter().collect();
        self.since.push((position, beat.clone()));
    }

    fn refresh(&mut self, position: i64, folded: Used) {
        (self.position, self.total) = (position, folded);
        for (at, beat) in std::mem::take(&mut self.since) {
            if at > position {
                self.add(at, &beat);
            }
        }
    }
}

/// Amounts by license and billing period.
pub(crate) struct UsedMeters(Cache<(LicenseId, Timestamp), Arc<Mutex<Entry>>>);

impl UsedMeters {
    pub(crate) fn new() -> Self {
        let idle = Duration::from_secs(60);
        Self(Cache::builder().max_capacity(50_000).time_to_idle(idle).build())
    }

    /// A beat of this node counts before the read model knows of it.
    pub(crate) fn add(&self, license: LicenseId, beat: &Beat, position: i64, now: Timestamp) {
        if !beat.usage.is_empty()
            && let Some(entry) = self.0.get(&(license, billing_period(now)))
        {
            let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
            if position > entry.position {
                entry.add(position, beat);
            }
        }
    }
}

/// What a license has used in the billing period of now; nothing is asked where it has no limits.
pub(crate) async fn of(
    app: &App,
    tenant: &Tenant,
    license: LicenseId,
    has_limits: bool,
    now: Timestamp,
) -> Result<Used> {
    if !has_limits {
        return Ok(Used::default());
    }
    let key = (license, billing_period(now));
    let entry = app.used_meters.0.get_with(key, Arc::default);
    {
        let entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.millis() - entry.asked_at.millis();
        if (0..BELIEVED_MILLIS).contains(&age) {
            return Ok(entry.total.clone());
        }
    }
    let (position, folded) = heartbeats::used(&app.reader, tenant, license.0, key.1)
        .await
        .map_err(unavailable)?;
    let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
    // Another request may have asked meanwhile, and later.
    if position >= entry.position {
        entry.asked_at = now;
        entry.refresh(position, folded);
    }
    Ok(entry.total.clone())
}

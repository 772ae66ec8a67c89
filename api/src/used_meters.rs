//! What licenses have used in this billing period, as the server knows it now.
//!
//! The read model is asked at most once a second for each license; beats of this node count at once. A limit is thus
//! enforced within about two seconds on every node: a machine reports what it has used already, so no check could be
//! earlier than that.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use licet_domain::{
    heartbeat::{Beat, billing_period},
    values::{LicenseId, Timestamp},
};
use licet_projections::heartbeats;
use moka::sync::Cache;

use crate::{
    App,
    problem::{Result, unavailable},
};

type Used = Arc<BTreeMap<String, u64>>;

/// Amounts by license and billing period.
pub(crate) struct UsedMeters(Cache<(LicenseId, Timestamp), Used>);

impl UsedMeters {
    pub(crate) fn new() -> Self {
        let kept = Duration::from_secs(1);
        Self(Cache::builder().max_capacity(50_000).time_to_live(kept).build())
    }

    /// A beat of this node counts before the read model knows of it.
    pub(crate) fn add(&self, license: LicenseId, beat: &Beat, now: Timestamp) {
        let key = (license, billing_period(now));
        if let Some(known) = self.0.get(&key).filter(|_| !beat.usage.is_empty()) {
            let totals = beat.totals(&known).into_iter().collect();
            self.0.insert(key, Arc::new(totals));
        }
    }
}

/// What a license has used in the billing period of now; nothing is asked where it has no limits.
pub(crate) async fn of(app: &App, license: LicenseId, has_limits: bool, now: Timestamp) -> Result<Used> {
    if !has_limits {
        return Ok(Used::default());
    }
    let key = (license, billing_period(now));
    if let Some(known) = app.used_meters.0.get(&key) {
        return Ok(known);
    }
    let used = heartbeats::used(&app.reader, &app.tenant, license.0, key.1)
        .await
        .map_err(unavailable)?;
    let used = Arc::new(used);
    app.used_meters.0.insert(key, Arc::clone(&used));
    Ok(used)
}

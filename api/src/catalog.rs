//! The releases of each product, in memory until one of them changes.

use std::{sync::Arc, time::Duration};

use licet_domain::{
    release::{Offer, PublishedRelease, Release, offer},
    values::{ProductId, Version},
};
use licet_event_store::Tenant;
use licet_projections::{PageRequest, resources};
use moka::sync::Cache;

use crate::{
    App, freshness,
    problem::{Result, unavailable},
};

/// Releases by product, each list with the count of changes that it rests on.
pub(crate) struct Catalog {
    lists: Cache<ProductId, (u64, Arc<Vec<PublishedRelease>>)>,
    /// Products whose list was not to be had in time, for a second.
    late: Cache<ProductId, ()>,
}

/// For how long an answer that is about something else waits for a list.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

impl Catalog {
    pub(crate) fn new() -> Self {
        let late = Cache::builder()
            .max_capacity(1_000)
            .time_to_live(Duration::from_secs(1));
        Self {
            lists: Cache::new(1_000),
            late: late.build(),
        }
    }
}

/// The releases for an answer that is about something else: as they were last known where they are not to be had soon.
pub(crate) async fn at_hand(app: &App, tenant: &Tenant, product: ProductId) -> Option<Arc<Vec<PublishedRelease>>> {
    let known = || app.catalog.lists.get(&product).map(|(_, releases)| releases);
    if app.catalog.late.contains_key(&product) {
        return known();
    }
    match tokio::time::timeout(READ_TIMEOUT, releases(app, tenant, product)).await {
        Ok(Ok(releases)) => Some(releases),
        _ => {
            app.catalog.late.insert(product, ());
            known()
        }
    }
}

/// Every release of a product that is on offer. What was published a moment ago is among them.
pub(crate) async fn releases(app: &App, tenant: &Tenant, product: ProductId) -> Result<Arc<Vec<PublishedRelease>>> {
    let changes = app.platform.release_changes();
    if let Some((known, releases)) = app.catalog.lists.get(&product)
        && known == changes
    {
        return Ok(releases);
    }
    // The read model may be a moment behind the change.
    let head = app.platform.log.position().await.map_err(unavailable)?;
    freshness::wait(app, "resources", head).await?;
    let mut releases = Vec::new();
    let mut request = PageRequest::first(200);
    loop {
        let page = resources::list::<Release>(&app.reader, tenant, Some(product.0), &request)
            .await
            .map_err(unavailable)?;
        releases.extend(page.items.iter().filter_map(|row| row.state.facts().cloned()));
        match page.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    let releases = Arc::new(releases);
    app.catalog.lists.insert(product, (changes, Arc::clone(&releases)));
    Ok(releases)
}

/// What a program should know of newer versions.
pub(crate) fn update(
    releases: &[PublishedRelease],
    machine: Option<&str>,
    current: &Version,
    minimum: Option<&Version>,
) -> licet_contracts::license::UpdateInfo {
    let offer: Offer<'_> = offer(releases.iter(), "stable", machine, current, minimum);
    licet_contracts::license::UpdateInfo {
        latest: offer.latest.map(|latest| latest.published.version.to_string()),
        update_available: offer.update_available,
        update_required: offer.update_required,
        min_version: minimum.map(ToString::to_string),
    }
}

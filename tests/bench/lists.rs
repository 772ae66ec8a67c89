//! Licenses that were issued in batches to one customer: rebuilding, verifying and replaying their read model against
//! auditing the same log, and pages of their list against reading one license.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use licet_commands::Platform;
use licet_domain::values::LicenseId;
use licet_event_store::{AsOf, Tenant, audit};
use licet_projections::{
    Format, ListedBy, PageRequest, Place, Reader,
    license_state::{self, LicenseFilter},
    projectors, rebuild, replay, verify,
};
use uuid::Uuid;

use crate::setup::{Bench, licenses, platform};

const PAGES: usize = 300;

pub(crate) async fn run(bench: &Bench, count: u32) -> anyhow::Result<()> {
    let url = bench.database("lists").await?;
    let platform = platform(&url).await?;
    licenses(&platform, "lists", 5, count).await?;
    work(&platform, count).await?;
    pages(&platform, count).await
}

async fn work(platform: &Arc<Platform>, count: u32) -> anyhow::Result<()> {
    let log = &platform.log;
    let projector = projectors()[0];
    let started = Instant::now();
    let report = audit::verify(log, &[], &[], &|_, _| {}).await?;
    let audited = started.elapsed();
    anyhow::ensure!(report.fault.is_none(), "the log holds");
    let started = Instant::now();
    rebuild(projector, log, &|_, _| {}).await?;
    let rebuilt = started.elapsed();
    let started = Instant::now();
    let verified = verify(projector, log, &|_, _| {}).await?;
    let compared = started.elapsed();
    anyhow::ensure!(verified.differences.is_empty(), "the read model equals its replay");
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let now = AsOf::Position(log.position().await?);
    replay(projector, log, now, None, folder.path(), Format::Parquet, &|_, _| {}).await?;
    let replayed = started.elapsed();
    let ratio = |time: Duration| time.as_secs_f64() / audited.as_secs_f64();
    println!("{count} licenses issued in batches: audit verify {audited:.2?}");
    for (name, time) in [("rebuild", rebuilt), ("verify", compared), ("replay", replayed)] {
        println!("  {name} of license_state {time:.2?}, {:.1} times as long", ratio(time));
    }
    Ok(())
}

async fn pages(platform: &Arc<Platform>, count: u32) -> anyhow::Result<()> {
    let tenant = Tenant::default();
    let reader = Reader::new(platform.log.clone());
    let one = reader_page(&reader, &PageRequest::first(1), &LicenseFilter::default()).await?;
    let license = one
        .items
        .first()
        .map(|row| (row.license_id, row.policy_id, row.customer_id));
    let (id, policy, customer) = license.ok_or_else(|| anyhow::anyhow!("there are licenses"))?;
    let mut single = Vec::new();
    for _ in 0..PAGES {
        let started = Instant::now();
        platform.licenses.fresh(&tenant, id).await?;
        single.push(started.elapsed());
    }
    let single = percentile(single);
    println!("  reading one license {single:.2?} (p99)");
    let deep = Place {
        at: i64::MAX,
        id: Uuid::max(),
        descending: true,
        by: ListedBy::Creation,
    };
    let first = PageRequest::first(50);
    let deepest = PageRequest {
        after: Some(deep),
        descending: true,
        ..first.clone()
    };
    let of_policy = LicenseFilter {
        policy_id: Some(policy),
        ..LicenseFilter::default()
    };
    let of_customer = LicenseFilter {
        customer_id: Some(customer),
        ..LicenseFilter::default()
    };
    let of_nobody = LicenseFilter {
        customer_id: Some(LicenseId(Uuid::nil()).0),
        ..LicenseFilter::default()
    };
    for (name, request, filter) in [
        ("first page", &first, &LicenseFilter::default()),
        ("deepest page", &deepest, &LicenseFilter::default()),
        ("filtered by policy", &first, &of_policy),
        ("filtered by customer, deepest", &deepest, &of_customer),
        ("filtered to nothing", &first, &of_nobody),
    ] {
        let mut times = Vec::new();
        for _ in 0..PAGES {
            let started = Instant::now();
            reader_page(&reader, request, filter).await?;
            times.push(started.elapsed());
        }
        let page = percentile(times);
        let ratio = page.as_secs_f64() / single.as_secs_f64();
        println!("  {name} of {count}: {page:.2?} (p99), {ratio:.1} times one license");
    }
    Ok(())
}

async fn reader_page(
    reader: &Reader,
    request: &PageRequest,
    filter: &LicenseFilter,
) -> anyhow::Result<licet_projections::Page<license_state::LicenseRow>> {
    Ok(license_state::list(reader, &Tenant::default(), filter, request).await?)
}

pub(crate) fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

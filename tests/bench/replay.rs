//! Reading for a replay against a raw fetch of the same rows, and the rebuild of `license_state`.

use std::time::Instant;

use futures::TryStreamExt as _;
use licet_commands::Platform;
use licet_domain::{
    license::{LicenseActivated, LicenseEvent, LicenseRenewed},
    values::{ActivationId, Components},
};
use licet_event_store::{LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant, decode, read};
use licet_projections::{projectors, rebuild};
use sqlx::Row as _;
use uuid::Uuid;

use crate::setup::{Bench, licenses, median, platform, report, spread};

/// Events of each license.
const EVENTS: u64 = 10;

pub(crate) async fn run(bench: &Bench, count: u32) -> anyhow::Result<()> {
    let url = bench.database("replay").await?;
    let platform = platform(&url).await?;
    histories(&platform, count).await?;
    let log = &platform.log;
    let head = log.position().await?;
    let (mut raw, mut ours, mut rebuilt) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let (started, mut rows, mut bytes) = (Instant::now(), 0u64, 0usize);
        let mut stream = sqlx::query("SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text, tenant_id, command_id, command_index, recorded_at, chain FROM events WHERE position > 0 ORDER BY position").fetch(log.pool());
        while let Some(row) = stream.try_next().await? {
            bytes += row.try_get::<&str, _>(6)?.len();
            rows += 1;
        }
        drop(stream);
        raw.push(rows as f64 / started.elapsed().as_secs_f64());
        let (started, mut rows) = (Instant::now(), 0u64);
        let mut stream = Box::pin(read::stream_table(log.pool(), LogTable::Events, (0, head), i64::MAX));
        while let Some(row) = stream.try_next().await? {
            if row.aggregate_type()? == "license" {
                decode::<LicenseEvent>(row.event_type()?, row.event_version()?, row.payload()?)?;
            }
            rows += 1;
        }
        drop(stream);
        ours.push(rows as f64 / started.elapsed().as_secs_f64());
        assert!(bytes > 0);
        let started = Instant::now();
        let projector = projectors()[0];
        let events = rebuild(projector, log, &|_, _| {}).await?;
        rebuilt.push(events as f64 / started.elapsed().as_secs_f64());
    }
    report(
        &format!("replay reading, decoded, of {head} events against a raw streaming fetch"),
        &ours,
        &raw,
        0.7,
    );
    println!(
        "rebuild of license_state, {count} licenses, {head} events: {:.0} events/s ({}), aim 100000",
        median(rebuilt.clone()),
        spread(&rebuilt)
    );
    Ok(())
}

/// So many licenses with ten events each.
pub(crate) async fn histories(platform: &Platform, count: u32) -> anyhow::Result<()> {
    licenses(platform, "replay", 100, count).await?;
    let (log, edge) = (&platform.log, &platform.edge);
    let ids: Vec<String> = sqlx::query_scalar("SELECT aggregate_id FROM events WHERE event_type = 'license.issued'")
        .fetch_all(log.pool())
        .await?;
    // Interleaved, as life is: every license's second event, then every license's third, and so on.
    for version in 1..EVENTS {
        for some in ids.chunks(1_000) {
            let streams = some.iter().map(|id| {
                let event = if version % 3 == 0 {
                    LicenseEvent::Renewed(LicenseRenewed {
                        expires_at: edge.now().plus_days(365),
                        reason: None,
                        at: edge.now(),
                    })
                } else {
                    LicenseEvent::Activated(LicenseActivated {
                        activation_id: ActivationId(edge.id()),
                        components: Components::default(),
                        policy_version: 1,
                        hostname: None,
                        os: Some("linux".to_owned()),
                        app_version: None,
                        transferred_from: None,
                        hold_seconds: None,
                        at: edge.now(),
                    })
                };
                StreamEvents {
                    table: LogTable::Events,
                    aggregate_type: "license",
                    aggregate_id: id.clone(),
                    expected_version: version,
                    events: vec![NewEvent::of(&event)],
                }
            });
            let submission = Submission {
                tenant: Tenant::default(),
                command_id: edge.id(),
                metadata: Metadata::system("bench", Uuid::nil()),
                streams: streams.collect(),
                claims: vec![],
                releases: vec![],
                forgets: vec![],
                preconditions: vec![],
                holds: vec![],
                idempotency: None,
            };
            log.append_bulk(submission).await?;
        }
    }
    for statement in ["VACUUM ANALYZE events", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(log.pool()).await?;
    }
    Ok(())
}

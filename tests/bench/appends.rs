//! Group-committed appends at 256 submitters against single inserts of as many on 32 connections.

use std::sync::Arc;

use licet_domain::{
    product::{ProductEdited, ProductEvent},
    values::Text,
};
use licet_event_store::{LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::{
    load,
    setup::{Bench, median, platform, report},
};

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let url = bench.database("appends").await?;
    let platform = platform(&url).await?;
    let (log, edge) = (platform.log.clone(), platform.edge.clone());
    let single_url = bench.database("single").await?;
    let pool = Arc::new(PgPoolOptions::new().max_connections(32).connect(&single_url).await?);
    sqlx::raw_sql("CREATE SEQUENCE single_position").execute(&*pool).await?;
    let event = ProductEvent::Edited(ProductEdited {
        name: Text::parse("Atelier")?,
        at: edge.now(),
    });
    let event = Arc::new(NewEvent::of(&event));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut our_p99, mut their_p99) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (log, edge, payload) = (log.clone(), edge.clone(), Arc::clone(&event));
        let own_edge = edge.clone();
        let rate = load::run(256, bench.round, move |_, _| {
            let (log, event) = (log.clone(), (*payload).clone());
            let id = own_edge.id();
            async move {
                let stream = StreamEvents {
                    table: LogTable::Events,
                    aggregate_type: "product",
                    aggregate_id: id.to_string(),
                    expected_version: 0,
                    events: vec![event],
                };
                let outcome = log
                    .append(Submission {
                        tenant: Tenant::default(),
                        command_id: id,
                        metadata: Metadata::system("bench", Uuid::nil()),
                        streams: vec![stream],
                        claims: vec![],
                        releases: vec![],
                        preconditions: vec![],
                        holds: vec![],
                        idempotency: None,
                    })
                    .await;
                assert!(outcome.is_ok(), "{outcome:?}");
            }
        })
        .await;
        ours.push(rate.per_second);
        our_p99.push(rate.p99_ms);
        let (pool, payload) = (Arc::clone(&pool), Arc::clone(&event));
        let rate = load::run(256, bench.round, move |_, _| {
            let (pool, event, id) = (Arc::clone(&pool), (*payload).clone(), edge.id());
            async move {
                let metadata = Metadata::system("bench", Uuid::nil());
                let inserted = sqlx::query(
                    "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, recorded_at, chain)
                     VALUES ('product', $1, 1, $2, '1', $3::text::json, $4::text::json, nextval('single_position'), 'default', $5, 0, now(), $6)")
                    .bind(id.to_string()).bind(event.event_type).bind(event.payload).bind(serde_json::to_string(&metadata).unwrap_or_default()).bind(id).bind(vec![0u8; 32])
                    .execute(&*pool).await;
                assert!(inserted.is_ok(), "{inserted:?}");
            }
        }).await;
        theirs.push(rate.per_second);
        their_p99.push(rate.p99_ms);
    }
    report(
        "group-committed appends, 256 submitters, against single inserts of as many on 32 connections",
        &ours,
        &theirs,
        5.0,
    );
    println!("  p99 {:.1} ms against {:.1} ms", median(our_p99), median(their_p99));
    Ok(())
}

//! Group-committed appends at 256 submitters against single inserts of as many on 32 connections.

use std::{collections::BTreeMap, sync::Arc};

use licet_domain::{
    heartbeat::{HeartbeatEvent, HeartbeatRecorded},
    product::{ProductEdited, ProductEvent},
    validate::Verdict,
    values::{ActivationId, AppVersion, LicenseId, Text, Timestamp, VersionScheme},
};
use licet_event_store::{LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::{
    load,
    setup::{Bench, median, platform, report},
};

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let name = Text::parse("Atelier")?;
    let product = NewEvent::of(&ProductEvent::Edited(ProductEdited {
        name,
        version_scheme: VersionScheme::Semver,
        at,
    }));
    measure(bench, LogTable::Events, "product", product).await?;
    measure(bench, LogTable::Heartbeats, "heartbeat", beat()).await
}

/// A beat with something of everything.
pub(crate) fn beat() -> NewEvent {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let beat = HeartbeatEvent::Recorded(HeartbeatRecorded {
        activation_id: ActivationId(Uuid::nil()),
        license_id: LicenseId(Uuid::nil()),
        policy_version: 1,
        code: Verdict::Valid,
        active_users: Some(3),
        features: BTreeMap::from([("export".to_owned(), 2)]),
        usage: BTreeMap::from([("pages".to_owned(), 40)]),
        app_version: Some(AppVersion::new("1.4.2")),
        client_time: Some(at),
        nonce: None,
        at,
    });
    NewEvent::of(&beat)
}

async fn measure(bench: &Bench, table: LogTable, aggregate_type: &'static str, event: NewEvent) -> anyhow::Result<()> {
    let url = bench.database(&format!("appends_{aggregate_type}")).await?;
    let platform = platform(&url).await?;
    let (log, edge) = (platform.log.clone(), platform.edge.clone());
    let single_url = bench.database(&format!("single_{aggregate_type}")).await?;
    let pool = Arc::new(PgPoolOptions::new().max_connections(32).connect(&single_url).await?);
    sqlx::raw_sql("CREATE SEQUENCE single_position").execute(&*pool).await?;
    let event = Arc::new(event);
    let insert = format!(
        "INSERT INTO {} (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, recorded_at, chain)
         VALUES ('{aggregate_type}', $1, 1, $2, '1', $3::text::json, $4::text::json, nextval('single_position'), 'default', $5, 0, now(), $6)",
        table.as_str()
    );
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
                    table,
                    aggregate_type,
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
                        forgets: vec![],
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
        let (pool, payload, insert) = (Arc::clone(&pool), Arc::clone(&event), insert.clone());
        let rate = load::run(256, bench.round, move |_, _| {
            let (pool, event, id, insert) = (Arc::clone(&pool), (*payload).clone(), edge.id(), insert.clone());
            async move {
                let metadata = Metadata::system("bench", Uuid::nil());
                let inserted = sqlx::query(&insert)
                    .bind(id.to_string())
                    .bind(event.event_type)
                    .bind(event.payload)
                    .bind(serde_json::to_string(&metadata).unwrap_or_default())
                    .bind(id)
                    .bind(vec![0u8; 32])
                    .execute(&*pool)
                    .await;
                assert!(inserted.is_ok(), "{inserted:?}");
            }
        })
        .await;
        theirs.push(rate.per_second);
        their_p99.push(rate.p99_ms);
    }
    report(
        &format!(
            "group-committed appends of {aggregate_type} events, 256 submitters, against single inserts of as many on 32 connections"
        ),
        &ours,
        &theirs,
        5.0,
    );
    println!("  p99 {:.1} ms against {:.1} ms", median(our_p99), median(their_p99));
    Ok(())
}

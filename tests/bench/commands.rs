//! Commands on aggregates with 100 events, 32 at once: ours against stock cqrs-es with postgres-es.

use std::sync::Arc;

use cqrs_es::{CqrsFramework, persist::PersistedEventStore};
use licet_domain::{
    Decider as _, EventData as _, ResourceRejection,
    product::{Product, ProductCommand},
    values::{Code, ProductId, Text},
};
use licet_event_store::{
    Aggregates, Edge, Envelope, EventLog, LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant,
    cqrs_es::Adapted,
};
use postgres_es::PostgresEventRepository;
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::{
    load,
    setup::{Bench, platform, report},
};

const WORKERS: usize = 32;
const EVENTS: u64 = 100;

fn edit(edge: &Edge, number: u64) -> ProductCommand {
    let name = Text::parse(&format!("name {number}")).unwrap_or_else(|_| unreachable!("the name is short"));
    ProductCommand::Edit {
        version_scheme: licet_domain::values::VersionScheme::Semver,
        name,
        min_version: None,
        at: edge.now(),
    }
}

/// The first hundred events of an aggregate.
fn history(edge: &Edge, id: Uuid) -> Vec<<Product as licet_domain::Decider>::Event> {
    let create = ProductCommand::Create {
        version_scheme: licet_domain::values::VersionScheme::Semver,
        id: ProductId(id),
        code: Code::parse("bench").unwrap_or_else(|_| unreachable!("the code is well-formed")),
        name: Text::parse("name").unwrap_or_else(|_| unreachable!("the name is short")),
        at: edge.now(),
    };
    let mut state = Product::default();
    let mut events = Vec::new();
    for command in std::iter::once(create).chain((1..EVENTS).map(|number| edit(edge, number + 1_000_000))) {
        for event in Product::decide(&state, command).unwrap_or_default() {
            state = Product::evolve(state, &event);
            events.push(event);
        }
    }
    events
}

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let platform = platform(&bench.database("commands").await?).await?;
    let (log, edge) = (platform.log.clone(), platform.edge.clone());
    let products = Aggregates::<Product>::new(log.clone(), 64 << 20);
    let theirs_url = bench.database("stock").await?;
    let pool = PgPoolOptions::new()
        .max_connections(WORKERS as u32)
        .connect(&theirs_url)
        .await?;
    sqlx::raw_sql(
        "CREATE SCHEMA stock; CREATE TABLE stock.events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL,
         event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))",
    )
    .execute(&pool)
    .await?;
    let ids: Arc<Vec<Uuid>> = Arc::new((0..WORKERS).map(|_| edge.id()).collect());
    prepare(&log, &pool, &edge, &ids).await?;
    let repository = PostgresEventRepository::new(pool.clone()).with_tables("stock.events", "stock.snapshots");
    let stock = Arc::new(CqrsFramework::<Adapted<Product>, _>::new(
        PersistedEventStore::<_, Adapted<Product>>::new_event_store(repository),
        vec![],
        (),
    ));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..5u64 {
        let (products, edge, own_ids) = (Arc::clone(&products), edge.clone(), Arc::clone(&ids));
        let own_edge = edge.clone();
        ours.push(
            load::run(WORKERS, bench.round, move |worker, count| {
                let (products, edge, id) = (Arc::clone(&products), own_edge.clone(), own_ids[worker]);
                async move {
                    let envelope = Envelope {
                        tenant: Tenant::default(),
                        metadata: Metadata::system("bench", Uuid::nil()),
                        command_id: edge.id(),
                        claims: vec![],
                        releases: vec![],
                        forgets: vec![],
                        preconditions: vec![],
                    };
                    let number = round << 40 | count;
                    let done = products
                        .execute(
                            id,
                            &envelope,
                            |_| Ok::<_, ResourceRejection>(edit(&edge, number)),
                            &|_, _| None,
                        )
                        .await;
                    assert!(done.is_ok_and(|done| done.events.len() == 1));
                }
            })
            .await
            .per_second,
        );
        let (stock, ids) = (Arc::clone(&stock), Arc::clone(&ids));
        theirs.push(
            load::run(WORKERS, bench.round, move |worker, count| {
                let (stock, edge, id) = (Arc::clone(&stock), edge.clone(), ids[worker]);
                async move {
                    let done = stock.execute(&id.to_string(), edit(&edge, round << 40 | count)).await;
                    assert!(done.is_ok(), "{done:?}");
                }
            })
            .await
            .per_second,
        );
    }
    report(
        "commands on aggregates with 100 events, 32 at once, against cqrs-es + postgres-es",
        &ours,
        &theirs,
        12.0,
    );
    Ok(())
}

/// Gives every aggregate its hundred events, in our log and in their table.
async fn prepare(log: &EventLog, pool: &PgPool, edge: &Edge, ids: &[Uuid]) -> anyhow::Result<()> {
    for id in ids {
        let events = history(edge, *id);
        let stream = StreamEvents {
            table: LogTable::Events,
            aggregate_type: Product::TYPE,
            aggregate_id: id.to_string(),
            expected_version: 0,
            events: events.iter().map(NewEvent::of).collect(),
        };
        log.append(Submission {
            tenant: Tenant::default(),
            command_id: edge.id(),
            metadata: Metadata::system("bench", Uuid::nil()),
            streams: vec![stream],
            claims: vec![],
            releases: vec![],
            forgets: vec![],
            preconditions: vec![],
            holds: vec![],
            idempotency: None,
        })
        .await?;
        for (event, sequence) in events.iter().zip(1i64..) {
            let payload = serde_json::json!({ "type": event.event_type(), "version": "1", "data": serde_json::from_str::<serde_json::Value>(&event.encode())? });
            sqlx::query("INSERT INTO stock.events VALUES ('product', $1, $2, $3, '1', $4, '{}')")
                .bind(id.to_string())
                .bind(sequence)
                .bind(event.event_type())
                .bind(payload)
                .execute(pool)
                .await?;
        }
    }
    Ok(())
}

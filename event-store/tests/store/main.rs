//! The log against a real Postgres: races, tampering, keys, and the tools of others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aggregates;
mod append;
mod archive;
mod audit;
mod backup;
mod failover;
mod holds;
mod interoperability;
mod lost;
mod optimistic;
mod vault;

use licet_domain::{
    product::{ProductCreated, ProductEvent},
    values::{Code, ProductId, Text, Timestamp},
};
use licet_event_store::{LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant};
use uuid::Uuid;

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

/// An event of a product by number.
fn created(number: u128) -> NewEvent {
    NewEvent::of(&ProductEvent::Created(ProductCreated {
        version_scheme: licet_domain::values::VersionScheme::Semver,
        product_id: ProductId(Uuid::from_u128(number)),
        code: Code::parse(&format!("product-{number}")).unwrap(),
        name: Text::parse("Größe “A”").unwrap(),
        at: now(),
    }))
}

/// A submission of some events on one stream.
fn submission(stream: u128, expected_version: u64, events: Vec<NewEvent>) -> Submission {
    Submission {
        tenant: Tenant::default(),
        command_id: Uuid::from_u128(stream << 40 | u128::from(expected_version) << 8 | 1),
        metadata: Metadata::system("test", Uuid::nil()),
        streams: vec![StreamEvents {
            table: LogTable::Events,
            aggregate_type: "product",
            aggregate_id: Uuid::from_u128(stream).to_string(),
            expected_version,
            events,
        }],
        claims: vec![],
        releases: vec![],
        forgets: vec![],
        preconditions: vec![],
        holds: vec![],
        idempotency: None,
    }
}

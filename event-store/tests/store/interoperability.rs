//! The log is appended to with ours and read with theirs.

use std::collections::HashMap;

use cqrs_es::{AggregateContext as _, CqrsFramework, EventStore as _, persist::PersistedEventStore};
use licet_domain::{
    product::{Product, ProductCommand},
    values::{Code, ProductId, Text},
};
use licet_event_store::{
    Edge, Tenant,
    cqrs_es::{Adapted, CqrsStore, TagPayload},
};
use licet_test_support::TestDatabase;
use postgres_es::PostgresEventRepository;
use uuid::Uuid;

use crate::now;

#[tokio::test]
async fn their_framework_writes_through_our_store_and_their_repository_reads_our_table() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let store = CqrsStore::new(log.clone(), Tenant::default(), Edge::fixed(now(), 1));
    let framework = CqrsFramework::<Adapted<Product>, _>::new(store, vec![], ());
    let id = Uuid::from_u128(5);
    let create = ProductCommand::Create {
        version_scheme: licet_domain::values::VersionScheme::Semver,
        id: ProductId(id),
        code: Code::parse("studio").unwrap(),
        name: Text::parse("Größe “A”").unwrap(),
        at: now(),
    };
    framework
        .execute_with_metadata(&id.to_string(), create, HashMap::new())
        .await
        .unwrap();
    let edit = ProductCommand::Edit {
        version_scheme: licet_domain::values::VersionScheme::Semver,
        min_version: None,
        name: Text::parse("Atelier").unwrap(),
        at: now(),
    };
    framework
        .execute_with_metadata(&id.to_string(), edit, HashMap::new())
        .await
        .unwrap();

    let repository = PostgresEventRepository::new(log.pool().clone());
    let theirs = PersistedEventStore::<PostgresEventRepository, Adapted<Product>>::new_event_store(repository)
        .with_upcasters(vec![Box::new(TagPayload)]);
    let mut loaded = theirs.load_aggregate(&id.to_string()).await.unwrap();
    assert_eq!(loaded.aggregate().0.facts().unwrap().name.as_str(), "Atelier");
    let events = theirs.load_events(&id.to_string()).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        log.position().await.unwrap(),
        2,
        "what they wrote has positions and a chain"
    );
}

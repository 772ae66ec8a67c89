//! Keys: the same for every node, useless without the secret, gone when destroyed.

use licet_event_store::{
    Edge, Submission, Tenant,
    vault::{Purpose, Vault, VaultError},
};
use licet_test_support::TestDatabase;
use uuid::Uuid;

use crate::{created, now, submission};

const SECRET: &str = "5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f";

#[tokio::test]
async fn two_nodes_that_make_a_key_at_once_get_the_same() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let nodes: Vec<Vault> = (0..8)
        .map(|seed| Vault::new(log.pool().clone(), SECRET, Edge::fixed(now(), seed)))
        .collect();
    let tenant = Tenant::default();
    let keys = futures::future::join_all(nodes.iter().map(|node| node.key(&tenant, Purpose::Person, "1"))).await;
    let keys: Vec<[u8; 32]> = keys.into_iter().map(Result::unwrap).collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[tokio::test]
async fn sealed_text_opens_only_with_its_own_key_and_the_right_secret() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let vault = Vault::new(log.pool().clone(), SECRET, Edge::fixed(now(), 1));
    let tenant = Tenant::default();
    let sealed = vault.seal(&tenant, Purpose::Person, "1", "Ada").await.unwrap();
    assert!(!sealed.0.contains("Ada"));
    assert_eq!(
        vault
            .open(&tenant, Purpose::Person, "1", &sealed)
            .await
            .unwrap()
            .as_deref(),
        Some("Ada")
    );
    assert!(vault.open(&tenant, Purpose::Person, "2", &sealed).await.is_err());
    let thief = Vault::new(
        log.pool().clone(),
        "another secret of thirty-two chars",
        Edge::fixed(now(), 2),
    );
    let refused = thief.open(&tenant, Purpose::Person, "1", &sealed).await;
    assert!(matches!(refused, Err(VaultError::WrongSecret(_))));
}

#[tokio::test]
async fn a_destroyed_key_forgets_for_ever_and_is_not_made_again() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let vault = Vault::new(log.pool().clone(), SECRET, Edge::fixed(now(), 1));
    let (tenant, id) = (Tenant::default(), Uuid::from_u128(1));
    let person = id.to_string();
    let sealed = vault.seal(&tenant, Purpose::Person, &person, "Ada").await.unwrap();
    let open = async || vault.open(&tenant, Purpose::Person, &person, &sealed).await.unwrap();
    let refused = log
        .append(Submission {
            forgets: vec![id],
            ..submission(1, 7, vec![created(1)])
        })
        .await;
    assert!(refused.is_err(), "the stream is not at 7");
    vault.close(&tenant, Purpose::Person, &person);
    assert_eq!(
        open().await.as_deref(),
        Some("Ada"),
        "what does not go in forgets nobody"
    );
    for _ in 0..2 {
        let forgets = vec![id];
        log.append(Submission {
            forgets,
            ..submission(1, 0, vec![])
        })
        .await
        .unwrap();
        vault.close(&tenant, Purpose::Person, &person);
        assert_eq!(open().await, None);
    }
    let again = vault.seal(&tenant, Purpose::Person, &person, "Ada").await;
    assert!(matches!(again, Err(VaultError::Forgotten)));
}

//! Work on its way: two nodes at the same queue, and places that are moved while they are worked on.

use licet_domain::values::ActivationId;
use licet_event_store::{
    Tenant, consumers, deliveries, holds,
    mails::{self, NewMail},
};
use licet_test_support::TestDatabase;
use uuid::Uuid;

fn mail(number: u32) -> NewMail {
    NewMail {
        mail_id: format!("revoked/{number}"),
        tenant: Tenant::default(),
        kind: "revoked".to_owned(),
        subject_id: Uuid::nil(),
        facts: "{}".to_owned(),
    }
}

#[tokio::test]
async fn what_one_node_has_taken_no_other_one_takes() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let pool = log.pool();
    let some: Vec<NewMail> = (0..20).map(mail).collect();
    mails::enqueue(pool, &some, None).await.unwrap();
    let nodes = (0..4).map(|_| mails::take_due(pool, 10));
    let taken = futures::future::join_all(nodes).await;
    let mut ids: Vec<String> = taken
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|due| due.mail.mail_id)
        .collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!((ids.len(), count), (20, 20), "each once");
    assert!(mails::take_due(pool, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_place_that_was_moved_meanwhile_is_not_moved_back() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let (pool, webhook, tenant) = (log.pool(), Uuid::from_u128(7), Tenant::default());
    assert_eq!(consumers::position(pool, "webhook/7", 100).await.unwrap(), 100);
    deliveries::replay(pool, &tenant, ("webhook/7", webhook, 0), 3)
        .await
        .unwrap();
    deliveries::enqueue(pool, "webhook/7", webhook, &[], (100, 200))
        .await
        .unwrap();
    assert_eq!(
        consumers::position(pool, "webhook/7", 0).await.unwrap(),
        3,
        "the operator's order holds"
    );
    mails::enqueue(pool, &[mail(1)], Some(("webhook/7", (100, 200))))
        .await
        .unwrap();
    assert!(mails::take_due(pool, 10).await.unwrap().is_empty(), "all or nothing");
}

#[tokio::test]
async fn a_hold_that_was_taken_anew_is_not_dropped() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let pool = log.pool();
    for (activation, seconds) in [(1, -5), (2, 60)] {
        sqlx::query("INSERT INTO seat_holds VALUES ('default', $1, $1, clock_timestamp() + make_interval(secs => $2))")
            .bind(Uuid::from_u128(activation))
            .bind(f64::from(seconds))
            .execute(pool)
            .await
            .unwrap();
        let activation = ActivationId(Uuid::from_u128(activation));
        holds::drop_expired(pool, activation).await.unwrap();
    }
    let left: Vec<Uuid> = sqlx::query_scalar("SELECT activation_id FROM seat_holds")
        .fetch_all(pool)
        .await
        .unwrap();
    assert_eq!(left, [Uuid::from_u128(2)]);
}

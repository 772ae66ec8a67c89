//! Work on its way: two nodes at the same queue, and places that are moved while they are worked on.

use licet_event_store::Tenant;
use licet_projections::queues::{
    consumers,
    deliveries::{self, Outcome},
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
    deliveries::replay(pool, &tenant, "webhook/7", webhook, 0, 3)
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
async fn a_failure_that_is_told_late_undoes_nothing() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let pool = log.pool();
    mails::enqueue(pool, &[mail(1)], None).await.unwrap();
    let held_up = mails::take_due(pool, 1).await.unwrap().remove(0);
    mails::sent(pool, &held_up).await.unwrap();
    mails::failed(pool, &held_up, "too late", false).await.unwrap();
    let status: String = sqlx::query_scalar("SELECT status FROM mails")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(status, "sent");

    let webhook = Uuid::from_u128(7);
    let delivery = |position: i64| {
        sqlx::query("INSERT INTO webhook_deliveries (webhook_id, tenant_id, position, event_type) VALUES ($1, 'default', $2, 'x')")
            .bind(webhook)
            .bind(position)
            .execute(pool)
    };
    delivery(1).await.unwrap();
    let held_up = deliveries::take_due(pool, webhook, 1).await.unwrap().remove(0);
    let taken = Outcome::Delivered { status: 200 };
    assert!(!deliveries::settle(pool, &held_up, &taken).await.unwrap());
    let failed = Outcome::Failed {
        status: None,
        error: "too late".to_owned(),
        retry_after_seconds: None,
    };
    assert!(!deliveries::settle(pool, &held_up, &failed).await.unwrap());
    let status = "SELECT status FROM webhook_deliveries WHERE position = ";
    let status = async |position: i64| -> String {
        sqlx::query_scalar(&format!("{status}{position}"))
            .fetch_one(pool)
            .await
            .unwrap()
    };
    assert_eq!(status(1).await, "delivered");

    // What waits behind a target that takes nothing is given up in its time, tried or not.
    delivery(2).await.unwrap();
    delivery(3).await.unwrap();
    deliveries::pause(pool, webhook, None).await.unwrap();
    let age = "UPDATE webhook_deliveries SET created_at = clock_timestamp() - interval '4 days' WHERE position = 2";
    sqlx::query(age).execute(pool).await.unwrap();
    assert_eq!(
        deliveries::dead_letter_stale(pool).await.unwrap(),
        0,
        "it has only just begun to fail"
    );
    let age = "UPDATE webhook_pauses SET failing_since = clock_timestamp() - interval '4 days'";
    sqlx::query(age).execute(pool).await.unwrap();
    assert_eq!(deliveries::dead_letter_stale(pool).await.unwrap(), 1);
    assert_eq!(
        (status(2).await, status(3).await),
        ("dead".to_owned(), "pending".to_owned())
    );
}

#[tokio::test]
async fn what_is_ordered_sent_again_is_sent_again_whatever_is_told_late() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let (pool, tenant) = (log.pool(), Tenant::default());
    let moment = std::time::Duration::from_millis(3);
    mails::enqueue(pool, &[mail(1)], None).await.unwrap();
    let held_up = mails::take_due(pool, 1).await.unwrap().remove(0);
    tokio::time::sleep(moment).await;
    mails::resend(pool, &tenant, &held_up.mail.mail_id).await.unwrap();
    mails::sent(pool, &held_up).await.unwrap();
    mails::failed(pool, &held_up, "too late", true).await.unwrap();
    assert_eq!(database.text("SELECT status || attempts FROM mails").await, "pending0");

    let webhook = Uuid::from_u128(7);
    let queued = "INSERT INTO webhook_deliveries (webhook_id, tenant_id, position, event_type)
                  VALUES ('00000000-0000-0000-0000-000000000007', 'default', 1, 'x')";
    database.execute(queued).await;
    let held_up = deliveries::take_due(pool, webhook, 1).await.unwrap().remove(0);
    tokio::time::sleep(moment).await;
    deliveries::resend(pool, &tenant, webhook, 1).await.unwrap();
    let failed = Outcome::Failed {
        status: None,
        error: "too late".to_owned(),
        retry_after_seconds: None,
    };
    for late in [Outcome::Delivered { status: 200 }, failed] {
        deliveries::settle(pool, &held_up, &late).await.unwrap();
        assert_eq!(
            database.text("SELECT status || attempts FROM webhook_deliveries").await,
            "pending0"
        );
    }
}

//! Whoever changes history in psql is found, and the place is named.

use futures::future::join_all;
use licet_event_store::{
    Edge, EventLog, Keyring, LogTable, Tenant, audit,
    vault::{Signer, Vault},
};
use licet_test_support::TestDatabase;

use crate::{created, now, submission};

const SECRET: &str = "5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f";

async fn written(database: &TestDatabase) -> (EventLog, Signer) {
    let (log, _tasks) = database.log().await;
    join_all((0..30u128).map(|number| {
        let mut one = submission(number + 1, 0, vec![created(number)]);
        one.streams[0].table = if number % 10 == 3 {
            LogTable::Heartbeats
        } else {
            LogTable::Events
        };
        log.append(one)
    }))
    .await;
    let vault = Vault::new(log.pool().clone(), SECRET, Edge::fixed(now(), 1));
    (
        log,
        Keyring::open(vault, Tenant::default()).await.unwrap().signer(now()),
    )
}

async fn fault(log: &EventLog, signer: &Signer, kept: &[String]) -> Option<(i64, String)> {
    let report = audit::verify(log, &[*signer.public()], kept, |_, _| {}).await.unwrap();
    report.fault.map(|fault| (fault.position, fault.what))
}

#[tokio::test]
async fn an_untouched_log_holds() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    log.sign_checkpoint(&signer, now()).await.unwrap().unwrap();
    assert_eq!(
        log.sign_checkpoint(&signer, now()).await.unwrap(),
        None,
        "nothing was written since"
    );
    let report = audit::verify(&log, &[*signer.public()], &[], |_, _| {}).await.unwrap();
    assert_eq!(
        (report.events, report.position, report.checkpoints, report.fault),
        (30, 30, 1, None)
    );
}

#[tokio::test]
async fn one_changed_byte_is_found() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    database.execute("UPDATE events SET payload = replace(payload::text, 'product-6', 'product-7')::json WHERE payload::text LIKE '%product-6\"%'").await;
    let (position, what) = fault(&log, &signer, &[]).await.unwrap();
    assert!(
        (1..=30).contains(&position) && what.contains("changed"),
        "{position}: {what}"
    );
    let changed: i64 = sqlx::query_scalar("SELECT max(position) FROM events WHERE payload::text LIKE '%product-7\"%' AND sequence = 1 AND payload::text LIKE '%000000000006\"%'")
        .fetch_one(log.pool())
        .await
        .unwrap();
    assert_eq!(position, changed);
}

#[tokio::test]
async fn two_swapped_rows_are_found() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    database
        .execute(
            "CREATE TEMP TABLE pair AS SELECT position FROM events ORDER BY position OFFSET 10 LIMIT 2;
             UPDATE events SET position = -position + 1000 WHERE position IN (SELECT position FROM pair);
             UPDATE events SET position = (SELECT sum(position) FROM pair) - (1000 - position) WHERE position > 100",
        )
        .await;
    let (_, what) = fault(&log, &signer, &[]).await.unwrap();
    assert!(what.contains("changed"), "{what}");
}

#[tokio::test]
async fn a_missing_row_is_found() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    database
        .execute("DELETE FROM events WHERE position = (SELECT min(position) + 4 FROM events)")
        .await;
    let (position, what) = fault(&log, &signer, &[]).await.unwrap();
    assert!(position > 1 && what.contains("missing"), "{position}: {what}");
}

#[tokio::test]
async fn the_newest_rows_cut_off_with_the_head_are_found_by_a_kept_checkpoint() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    log.sign_checkpoint(&signer, now()).await.unwrap();
    let kept = log.newest_checkpoint().await.unwrap().unwrap();
    // Someone thorough: the rows, the head and the stored checkpoints.
    database
        .execute(
            "DELETE FROM checkpoints; DELETE FROM events WHERE position > 20; DELETE FROM heartbeat_events WHERE position > 20;
             UPDATE log_head SET position = 20,
                 events_chain = (SELECT chain FROM events ORDER BY position DESC LIMIT 1),
                 heartbeats_chain = coalesce((SELECT chain FROM heartbeat_events ORDER BY position DESC LIMIT 1), heartbeats_chain)",
        )
        .await;
    assert_eq!(
        fault(&log, &signer, &[]).await,
        None,
        "without what was kept, nothing shows"
    );
    let (position, what) = fault(&log, &signer, &[kept]).await.unwrap();
    assert!(
        position == 21 && what.contains("newest events are missing"),
        "{position}: {what}"
    );
}

#[tokio::test]
async fn a_forged_checkpoint_is_found() {
    let database = TestDatabase::new().await;
    let (log, signer) = written(&database).await;
    log.sign_checkpoint(&signer, now()).await.unwrap();
    let mut kept = log.newest_checkpoint().await.unwrap().unwrap();
    kept.replace_range(100..101, if &kept[100..101] == "A" { "B" } else { "A" });
    let (_, what) = fault(&log, &signer, &[kept]).await.unwrap();
    assert!(what.contains("signature"), "{what}");
}

//! Beats by one statement, on nodes that have the log to themselves and lose it to each other again and again.

use futures::{TryStreamExt as _, future::join_all};
use licet_event_store::{EventLog, LogTable, Submission, audit, chain};
use licet_test_support::TestDatabase;
use sha2::{Digest as _, Sha256};

use crate::{created, submission};

fn beat(number: u128) -> Submission {
    let mut one = submission(number, 0, vec![created(number)]);
    one.streams[0].table = LogTable::Heartbeats;
    one
}

async fn run_backwards(log: &EventLog) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position) AS backwards FROM (
                 SELECT position, recorded_at FROM events UNION ALL SELECT position, recorded_at FROM heartbeat_events) AS log
         ) AS steps WHERE backwards",
    )
    .fetch_one(log.pool())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_come_between_each_other_make_one_chain() {
    let database = TestDatabase::new().await;
    let nodes = [database.log().await, database.log().await];
    let mut number = 0;
    for round in 0..30 {
        let (alone, other) = (&nodes[round % 2].0, &nodes[(round + 1) % 2].0);
        // Alone for a while; then the other node, with a beat or with something that takes the lock; then both at once.
        for _ in 0..6 {
            number += 1;
            alone.append(beat(number)).await.unwrap();
        }
        number += 1;
        let between = if round % 3 == 0 {
            beat(number)
        } else {
            submission(number, 0, vec![created(number)])
        };
        other.append(between).await.unwrap();
        let both = (0..12).map(|offset| nodes[offset % 2].0.append(beat(number + 1 + offset as u128)));
        assert!(join_all(both).await.iter().all(Result::is_ok));
        number += 12;
    }
    let report = audit::verify(&nodes[0].0, &[], &[], |_, _| {}).await.unwrap();
    let number = i64::try_from(number).unwrap();
    assert_eq!(
        (report.events, report.position, report.fault),
        (number.unsigned_abs(), number, None)
    );
    assert_eq!(run_backwards(&nodes[0].0).await, 0);
}

#[tokio::test]
async fn a_log_that_is_another_one_is_not_written_on_from_memory() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    for number in 1..=4 {
        log.append(beat(number)).await.unwrap();
    }
    // As long as the node left it, but with another chain: what a restored backup may be.
    database
        .execute("UPDATE log_head SET heartbeats_chain = sha256('another')")
        .await;
    log.append(beat(5)).await.unwrap();
    let event = log.tail_from(LogTable::Heartbeats, 4, 1);
    let event = Box::pin(event).try_next().await.unwrap().unwrap();
    let chain: Vec<u8> = sqlx::query_scalar("SELECT heartbeats_chain FROM log_head")
        .fetch_one(log.pool())
        .await
        .unwrap();
    let another: [u8; 32] = Sha256::digest("another").into();
    assert_eq!(
        chain,
        chain::link_recorded(&another, &event),
        "it follows on what the database says"
    );
}

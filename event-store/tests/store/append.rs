//! Appending: whole or not at all, once, in one order.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::join_all;
use licet_event_store::{AppendError, AsOf, Claim, IdempotentAnswer, LogTable, Precondition, idempotency};
use licet_test_support::TestDatabase;

use crate::{Tenant, created, submission};

#[tokio::test]
async fn positions_follow_each_other_and_versions_are_checked() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    assert_eq!(
        log.append(submission(1, 0, vec![created(1), created(1)]))
            .await
            .unwrap()
            .position,
        2
    );
    assert_eq!(
        log.append(submission(1, 2, vec![created(1)])).await.unwrap().position,
        3
    );
    for stale in [0, 2, 4, 9] {
        let refused = log.append(submission(1, stale, vec![created(1)])).await.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { .. }), "{stale}: {refused}");
    }
    assert_eq!(log.position().await.unwrap(), 3, "what was refused took no position");
}

#[tokio::test]
async fn one_refused_submission_takes_nobody_with_it() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let outcomes = join_all((0..200).map(|number| {
        // Every fifth expects a version that is not there, every seventh is no JSON.
        let mut one = submission(1000 + number, u64::from(number % 5 == 0), vec![created(number)]);
        if number % 7 == 0 {
            one.streams[0].events[0].payload = "{".to_owned();
        }
        log.append(one)
    }))
    .await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(
            outcome.is_ok(),
            number % 5 != 0 && number % 7 != 0,
            "{number}: {outcome:?}"
        );
    }
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(log.position().await.unwrap(), accepted as i64, "positions are dense");
}

#[tokio::test]
async fn a_claim_is_taken_once_on_two_nodes() {
    let database = TestDatabase::new().await;
    let ((one, _a), (other, _b)) = (database.log().await, database.log().await);
    let outcomes = join_all((1..=40u128).map(|number| {
        let mut claiming = submission(number, 0, vec![created(number)]);
        let aggregate_id = claiming.streams[0].aggregate_id.clone();
        claiming.claims = vec![Claim {
            kind: "product_code",
            value_hash: [9; 32],
            aggregate_id,
        }];
        if number % 2 == 0 {
            one.append(claiming)
        } else {
            other.append(claiming)
        }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = |outcome: &Result<_, AppendError>| matches!(outcome, Err(AppendError::ClaimTaken { .. }));
    assert_eq!(outcomes.iter().filter(|outcome| refused(outcome)).count(), 39);
    assert_eq!(one.position().await.unwrap(), 1);
}

#[tokio::test]
async fn a_precondition_on_another_aggregate_is_checked_under_the_lock() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    log.append(submission(1, 0, vec![created(1)])).await.unwrap();
    let looked_at = |version| Precondition::StreamUnchanged {
        aggregate_type: "product",
        aggregate_id: uuid::Uuid::from_u128(1).to_string(),
        version,
    };
    let mut stale = submission(2, 0, vec![created(2)]);
    stale.preconditions = vec![looked_at(0)];
    assert!(matches!(log.append(stale).await, Err(AppendError::Conflict { .. })));
    let mut fresh = submission(2, 0, vec![created(2)]);
    fresh.preconditions = vec![looked_at(1)];
    assert_eq!(log.append(fresh).await.unwrap().position, 2);
}

#[tokio::test]
async fn an_answer_is_kept_with_its_change_and_once() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let with_answer = |stream, response: &str| {
        let mut one = submission(stream, 0, vec![created(stream)]);
        let response = response.to_owned();
        one.idempotency = Some(IdempotentAnswer {
            scope_hash: [1; 32],
            request_hash: [2; 32],
            status: 201,
            position: None,
            response,
        });
        one
    };
    log.append(with_answer(1, "first")).await.unwrap();
    assert_eq!(
        log.append(with_answer(2, "second")).await,
        Err(AppendError::IdempotencyTaken)
    );
    let kept = idempotency::find(log.pool(), &Tenant::default(), &[1; 32])
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.response.as_str(), kept.position, kept.status), ("first", 1, 201));
    assert_eq!(log.position().await.unwrap(), 1);
}

#[tokio::test]
async fn the_three_tables_share_one_order() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let outcomes = join_all((0..90u128).map(|number| {
        let mut one = submission(number + 1, 0, vec![created(number)]);
        one.streams[0].table = LogTable::ALL[usize::try_from(number % 3).unwrap()];
        log.append(one)
    }))
    .await;
    let mut positions: Vec<i64> = outcomes.into_iter().map(|outcome| outcome.unwrap().position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=90).collect::<Vec<_>>());
    let (middle, end) = (AsOf::Position(45), AsOf::Position(1_000));
    assert_eq!(log.position_at(middle).await.unwrap(), 45);
    assert_eq!(log.position_at(end).await.unwrap(), 90);
    let start = AsOf::Time(licet_domain::values::Timestamp::from_millis(0));
    assert_eq!(log.position_at(start).await.unwrap(), 0);
}

/// The reader that every newcomer writes: `position > last ORDER BY position`, no fence, no overlap. It must miss
/// nothing, whatever writers do: several nodes, refused batches, and slow transactions that hold the head or roll back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_naive_reader_misses_nothing() {
    let database = TestDatabase::new().await;
    let nodes = [database.log().await, database.log().await, database.log().await];
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (pool, done) = (nodes[0].0.pool().clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut last, mut seen) = (0i64, Vec::new());
            loop {
                let ending = done.load(Ordering::SeqCst);
                let rows: Vec<i64> =
                    sqlx::query_scalar("SELECT position FROM events WHERE position > $1 ORDER BY position")
                        .bind(last)
                        .fetch_all(&pool)
                        .await
                        .unwrap();
                last = rows.last().copied().unwrap_or(last);
                seen.extend(rows);
                if ending {
                    return seen;
                }
            }
        })
    };
    let slow = {
        let (pool, done) = (nodes[1].0.pool().clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let mut transaction = pool.begin().await.unwrap();
                sqlx::query("UPDATE log_head SET position = position + 1")
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                transaction.rollback().await.unwrap();
            }
        })
    };
    let outcomes = join_all((0..1_500u128).map(|number| {
        let log = nodes[usize::try_from(number % 3).unwrap()].0.clone();
        // Every tenth is stale and rolls back alone.
        async move {
            log.append(submission(
                number + 1,
                u64::from(number % 10 == 0),
                vec![created(number)],
            ))
            .await
        }
    }))
    .await;
    done.store(true, Ordering::SeqCst);
    slow.await.unwrap();
    let seen = reader.await.unwrap();
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(accepted, 1_350);
    assert_eq!(seen, (1..=accepted as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn bulk_runs_are_written_too() {
    let database = TestDatabase::new().await;
    let (log, tasks) = database.log().await;
    let bulk =
        join_all((0..100u128).map(|number| log.append_bulk(submission(number + 1, 0, vec![created(number)])))).await;
    assert!(bulk.iter().all(Result::is_ok));
    drop(log);
    tasks.finish().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_recovers_by_itself() {
    let database = TestDatabase::new().await;
    let settings = licet_event_store::LogOptions {
        queue: 4,
        ..licet_event_store::LogOptions::default()
    };
    let (log, _tasks) = licet_event_store::EventLog::open(&database.url, &settings)
        .await
        .unwrap();
    // Someone holds the head: nothing can be written, and what comes has to wait.
    let mut holder = log.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let mut waiting = Vec::new();
    for number in 0..40u128 {
        let log = log.clone();
        waiting.push(tokio::spawn(async move {
            log.append(submission(number + 1, 0, vec![created(number)])).await
        }));
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    holder.rollback().await.unwrap();
    let outcomes = join_all(waiting)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    let refused = outcomes
        .iter()
        .filter(|outcome| **outcome == Err(AppendError::Overloaded))
        .count();
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(refused >= 30 && accepted >= 4, "{refused} refused, {accepted} accepted");
    assert_eq!(refused + accepted, 40);
    assert_eq!(log.position().await.unwrap(), accepted as i64);
    log.append(submission(99, 0, vec![created(99)]))
        .await
        .expect("there is room again");
}

#[tokio::test]
async fn beats_are_taken_though_a_clock_ran_ahead_and_was_set_right() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    // The log's time does not go back, and there is no partition so far ahead.
    database
        .execute("UPDATE log_head SET recorded_at = now() + interval '100 days'")
        .await;
    let mut beat = submission(1, 0, vec![created(1)]);
    beat.streams[0].table = LogTable::Heartbeats;
    let appended = log.append(beat).await.unwrap();
    let month: i64 =
        sqlx::query_scalar("SELECT count(*) FROM heartbeat_events WHERE recorded_at > now() + interval '99 days'")
            .fetch_one(log.pool())
            .await
            .unwrap();
    assert_eq!((appended.position, month), (1, 1));
}

//! The cache and the commands on it: no seat too many, nothing stale believed for long.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use licet_domain::{
    license::{Activate, DeactivationTarget, License, LicenseCommand, LicenseIssued, LicenseRejection, Overrides},
    policy::Terms,
    values::{ActivationId, CustomerId, LicenseId, PolicyId, ProductId, RawFingerprint, Sealed},
};
use licet_event_store::{Aggregates, Envelope, EventLog, ExecuteError, Executed, Metadata, Precondition};
use licet_test_support::TestDatabase;
use uuid::Uuid;

use crate::{Tenant, now};

const LICENSE: Uuid = Uuid::from_u128(77);

fn envelope(command: u128) -> Envelope {
    Envelope {
        tenant: Tenant::default(),
        metadata: Metadata::system("test", Uuid::nil()),
        command_id: Uuid::from_u128(command),
        claims: vec![],
        releases: vec![],
        forgets: vec![],
        preconditions: vec![],
    }
}

fn issue() -> LicenseCommand {
    LicenseCommand::Issue(Box::new(LicenseIssued {
        license_id: LicenseId(LICENSE),
        customer_id: CustomerId(Uuid::nil()),
        policy_id: PolicyId(Uuid::nil()),
        policy_version: 1,
        product_id: ProductId(Uuid::nil()),
        key_sealed: Sealed(String::new()),
        key_masked: String::new(),
        overrides: Overrides::default(),
        valid_from: now(),
        expires_at: None,
        awaits_machine: false,
        note: None,
        at: now(),
    }))
}

fn activate(machine: u128, seats: u32) -> LicenseCommand {
    let raw = RawFingerprint {
        mac_addresses: vec![format!("02{machine:010x}")],
        cpu_id: Some("one model".to_owned()),
        system_uuid: Some(format!("{:032x}", machine + 1)),
        ..RawFingerprint::default()
    };
    let fingerprint = raw.normalize().unwrap();
    LicenseCommand::Activate(Box::new(Activate {
        activation_id: ActivationId(Uuid::from_u128(machine)),
        identity: fingerprint.hash(&[3; 32]),
        fingerprint,
        terms: Arc::new(Terms::with_seats(seats)),
        policy_version: 1,
        min_version: None,
        hostname: None,
        os: None,
        app_version: None,
        at: now(),
    }))
}

type Outcome = Result<Executed<License>, ExecuteError<LicenseRejection>>;

async fn run(node: &Arc<Aggregates<License>>, command: u128, order: LicenseCommand) -> Outcome {
    node.execute(LICENSE, &envelope(command), |_| Ok(order.clone()), &|_, _| None)
        .await
}

async fn node(database: &TestDatabase) -> (EventLog, Arc<Aggregates<License>>) {
    let (log, _tasks) = database.log().await;
    let aggregates = Aggregates::new(log.clone(), 1 << 20);
    let heard = Arc::clone(&aggregates);
    log.on_news(move |tenant, _, id, sequence| heard.invalidate(tenant, id, sequence));
    (log, aggregates)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_give_out_exactly_the_seats_there_are() {
    let database = TestDatabase::new().await;
    let ((log, one), (_, other)) = (node(&database).await, node(&database).await);
    run(&one, 1, issue()).await.unwrap();
    let outcomes = join_all((0..200u128).map(|machine| {
        let node = if machine % 2 == 0 { &one } else { &other };
        run(node, 1000 + machine, activate(machine, 25))
    }))
    .await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(accepted, 25);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let expected = LicenseRejection::ActivationLimitReached { limit: 25, active: 25 };
        assert!(
            matches!(refused, ExecuteError::Rejected(rejection) if *rejection == expected),
            "{refused}"
        );
    }
    assert_eq!(log.position().await.unwrap(), 26);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_machine_at_the_same_moment_takes_one_seat() {
    let database = TestDatabase::new().await;
    let ((log, one), (_, other)) = (node(&database).await, node(&database).await);
    run(&one, 1, issue()).await.unwrap();
    let outcomes = join_all((0..50u128).map(|attempt| {
        let node = if attempt % 2 == 0 { &one } else { &other };
        run(node, 1000 + attempt, activate(5, 10))
    }))
    .await;
    let recorded: usize = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().unwrap().events.len())
        .sum();
    assert_eq!(recorded, 1);
    assert_eq!(log.position().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_nodes_news_is_heard_and_never_refuses_by_mistake() {
    let database = TestDatabase::new().await;
    let ((_, one), (_, other)) = (node(&database).await, node(&database).await);
    run(&one, 1, issue()).await.unwrap();
    run(&one, 2, activate(1, 1)).await.unwrap();
    // The other node learns that the license is full, then a seat falls free on the first.
    assert!(run(&other, 3, activate(2, 1)).await.is_err());
    let target = DeactivationTarget::Id(ActivationId(Uuid::from_u128(1)));
    run(
        &one,
        4,
        LicenseCommand::Deactivate {
            target,
            reason: None,
            by_operator: false,
            at: now(),
        },
    )
    .await
    .unwrap();
    run(&other, 5, activate(2, 1))
        .await
        .expect("a refusal rests on what is true now");
    run(
        &one,
        6,
        LicenseCommand::Revoke {
            reason: None,
            at: now(),
        },
    )
    .await
    .unwrap();
    let tenant = Tenant::default();
    for _ in 0..3_000 {
        let known = other.get(&tenant, LICENSE).await.unwrap();
        if known.state.facts().unwrap().standing == licet_domain::license::Standing::Revoked {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the other node did not hear of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_here_hides_nothing_that_another_node_has_recorded() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    // It hears no news: only what it asks itself counts.
    let one = Aggregates::new(log.clone(), 1 << 20);
    let (_, other) = node(&database).await;
    run(&one, 1, issue()).await.unwrap();
    run(&other, 2, activate(1, 5)).await.unwrap();
    // The log stands still, and a command waits for it that was decided on what is no longer true.
    let mut gate = log.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let mut ours = Box::pin(run(&one, 3, activate(2, 5)));
    assert!(futures::poll!(&mut ours).is_pending());
    let asked = tokio::spawn({
        let one = Arc::clone(&one);
        async move { one.fresh(&Tenant::default(), LICENSE).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    gate.rollback().await.unwrap();
    let known = asked.await.unwrap().unwrap();
    assert!(
        known.version >= 2,
        "the other node's machine is missing: {}",
        known.version
    );
    ours.await.unwrap();
    assert_eq!(one.fresh(&Tenant::default(), LICENSE).await.unwrap().version, 3);
}

/// The first machine is to leave.
fn leave() -> LicenseCommand {
    LicenseCommand::Deactivate {
        target: DeactivationTarget::Id(ActivationId(Uuid::from_u128(1))),
        reason: None,
        by_operator: false,
        at: now(),
    }
}

/// An order under a condition that does not hold.
fn doomed(command: u128) -> Envelope {
    let preconditions = vec![Precondition::StreamUnchanged {
        aggregate_type: "customer",
        aggregate_id: "nobody".to_owned(),
        version: 7,
    }];
    Envelope {
        preconditions,
        ..envelope(command)
    }
}

fn expect_full(refused: &Outcome) {
    let full = LicenseRejection::ActivationLimitReached { limit: 1, active: 1 };
    let is_full = matches!(refused, Err(ExecuteError::Rejected(rejection)) if *rejection == full);
    assert!(is_full, "two machines on one seat: {:?}", refused.as_ref().err());
}

/// A command is decided on what one before it would bring; that one does not go in, and another node's event takes its
/// version. What was decided behind it must not go in on that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_on_what_did_not_come_to_be_does_not_go_in() {
    let database = TestDatabase::new().await;
    let ((log, one), (_, other)) = (node(&database).await, node(&database).await);
    run(&one, 1, issue()).await.unwrap();
    run(&one, 2, activate(1, 1)).await.unwrap();
    other.get(&Tenant::default(), LICENSE).await.unwrap();
    let mut gate = log.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let (doomed, leave) = (doomed(3), |_: &License| Ok::<_, LicenseRejection>(leave()));
    let mut leaving = Box::pin(one.execute(LICENSE, &doomed, leave, &|_, _| None));
    assert!(futures::poll!(&mut leaving).is_pending());
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Another node's event waits behind it, and then a machine for the seat that would have fallen free.
    let theirs = tokio::spawn(async move { run(&other, 4, LicenseCommand::RevealKey { at: now() }).await.is_ok() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut coming = Box::pin(run(&one, 5, activate(2, 1)));
    assert!(futures::poll!(&mut coming).is_pending());
    gate.rollback().await.unwrap();
    assert!(leaving.await.is_err() && theirs.await.unwrap());
    expect_full(&coming.await);
}

/// The same within one transaction, where who takes the version is another memory of the same node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_in_the_transaction_in_which_it_did_not_come_to_be() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let (one, other) = (
        Aggregates::new(log.clone(), 1 << 20),
        Aggregates::new(log.clone(), 1 << 20),
    );
    run(&one, 1, issue()).await.unwrap();
    run(&one, 2, activate(1, 1)).await.unwrap();
    other.get(&Tenant::default(), LICENSE).await.unwrap();
    let mut gate = log.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    // What is on its way keeps the appender busy, so that all that follows shares the next transaction.
    let on_its_way = tokio::spawn({
        let log = log.clone();
        async move {
            log.append(crate::submission(900, 0, vec![crate::created(900)]))
                .await
                .is_ok()
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (doomed, leave) = (doomed(3), |_: &License| Ok::<_, LicenseRejection>(leave()));
    let mut leaving = Box::pin(one.execute(LICENSE, &doomed, leave, &|_, _| None));
    assert!(futures::poll!(&mut leaving).is_pending());
    let mut theirs = Box::pin(run(&other, 4, LicenseCommand::RevealKey { at: now() }));
    assert!(futures::poll!(&mut theirs).is_pending());
    let mut coming = Box::pin(run(&one, 5, activate(2, 1)));
    assert!(futures::poll!(&mut coming).is_pending());
    gate.rollback().await.unwrap();
    assert!(on_its_way.await.unwrap() && leaving.await.is_err() && theirs.await.is_ok());
    expect_full(&coming.await);
}

#[tokio::test]
async fn a_node_that_hears_nothing_of_others_does_not_answer_from_memory() {
    let database = TestDatabase::new().await;
    let (_, one) = node(&database).await;
    run(&one, 1, issue()).await.unwrap();
    let (log, _tasks) = database.log().await;
    let deaf = Aggregates::<License>::new(log.clone(), 1 << 20);
    let news = log.on_news(|_, _, _, _| {});
    assert!(log.hears_others());
    let tenant = Tenant::default();
    assert_eq!(deaf.get(&tenant, LICENSE).await.unwrap().version, 1);
    news.abort();
    run(&one, 2, activate(1, 1)).await.unwrap();
    for _ in 0..600 {
        if !log.hears_others() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(deaf.get(&tenant, LICENSE).await.unwrap().version, 2, "it asks");
}

#[tokio::test]
async fn who_gives_up_while_loading_leaves_nothing_behind() {
    let database = TestDatabase::new().await;
    let (_, one) = node(&database).await;
    let (silent, _tasks) = database.log().await;
    run(&one, 1, issue()).await.unwrap();
    // It hears no news, so that only what it checks itself counts.
    let other = Aggregates::<License>::new(silent, 1 << 20);
    let tenant = Tenant::default();
    // Each poll goes on to the next answer of the database: it gives up before every one of them.
    for polls in 1..200 {
        let mut asked = Box::pin(other.get(&tenant, LICENSE));
        for _ in 0..polls {
            if futures::poll!(&mut asked).is_ready() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(asked);
        assert_eq!(other.weighted_size(), 0, "after {polls} polls");
    }
    panic!("it was never loaded");
}

#[tokio::test]
async fn a_snapshot_is_the_same_as_a_replay_at_every_prefix() {
    let database = TestDatabase::new().await;
    let (log, aggregates) = node(&database).await;
    run(&aggregates, 1, issue()).await.unwrap();
    for machine in 0..1_200u128 {
        run(&aggregates, 10 + machine, activate(machine % 700, 1_000))
            .await
            .unwrap();
        if machine % 3 == 0 {
            let target = DeactivationTarget::Id(ActivationId(Uuid::from_u128(machine / 2)));
            let _ = run(
                &aggregates,
                100_000 + machine,
                LicenseCommand::Deactivate {
                    target,
                    reason: None,
                    by_operator: false,
                    at: now(),
                },
            )
            .await;
        }
        if machine % 100 == 99 {
            // A cold cache loads by snapshot and the events after it.
            let cold = Aggregates::<License>::new(log.clone(), 1 << 20);
            let loaded = cold.get(&Tenant::default(), LICENSE).await.unwrap();
            let replayed = cold.as_of(&Tenant::default(), LICENSE, loaded.position).await.unwrap();
            assert_eq!(loaded.state, replayed.state, "after {machine} machines");
            assert_eq!((loaded.version, loaded.position), (replayed.version, replayed.position));
        }
    }
    let snapshots: i64 = sqlx::query_scalar("SELECT count(*) FROM snapshots")
        .fetch_one(log.pool())
        .await
        .unwrap();
    assert_eq!(snapshots, 1);
}

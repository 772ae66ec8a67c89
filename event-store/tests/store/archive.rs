//! A month leaves for the archive whole or not at all, and whoever touches it there is found.

use std::{fs, path::PathBuf};

use futures::{TryStreamExt as _, future::join_all};
use licet_domain::values::Timestamp;
use licet_event_store::{
    AsOf, Edge, EventLog, Keyring, LogOptions, LogTable, ReadError, Tenant,
    archive::{self, Archived, ArchivedTable},
    audit::{self, AuditReport},
    vault::{Signer, Vault},
};
use licet_test_support::{TestDatabase, age};
use sqlx::{Connection as _, PgConnection};

use crate::{created, now, submission};

struct Aged {
    log: EventLog,
    signer: Signer,
    folder: tempfile::TempDir,
    database: TestDatabase,
}

async fn append(log: &EventLog, numbers: std::ops::Range<u128>) {
    let done = join_all(numbers.map(|number| {
        let mut one = submission(number + 1, 0, vec![created(number)]);
        one.streams[0].table = match number % 4 {
            0 => LogTable::Events,
            1 => LogTable::Decisions,
            _ => LogTable::Heartbeats,
        };
        log.append(one)
    }))
    .await;
    assert!(done.iter().all(Result::is_ok));
}

impl Aged {
    /// Forty events of 200 days ago and eight of now.
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let (log, tasks) = database.log().await;
        append(&log, 0..40).await;
        drop(log);
        tasks.finish().await;
        age(&database.url, 200).await;
        let folder = tempfile::tempdir().unwrap();
        let options = LogOptions {
            archive: Some(folder.path().to_owned()),
            ..LogOptions::default()
        };
        let (log, _tasks) = EventLog::open(&database.url, &options).await.unwrap();
        append(&log, 40..48).await;
        let vault = Vault::new(log.pool().clone(), "5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f", Edge::system());
        let keyring = Keyring::open(vault, Tenant::default()).await.unwrap();
        Self {
            signer: keyring.signer(now()),
            log,
            folder,
            database,
        }
    }

    async fn archive(&self) -> Archived {
        let archived_tables = [
            ArchivedTable::log(LogTable::Heartbeats, 90),
            ArchivedTable::log(LogTable::Decisions, 400),
        ];
        archive::run(&self.log, &archived_tables, (&self.signer, i64::MAX), |_, _| {})
            .await
            .unwrap()
    }

    async fn audit(&self) -> AuditReport {
        let keys = [*self.signer.public()];
        audit::verify(&self.log, &keys, &[], |_, _| {}).await.unwrap()
    }

    async fn heartbeats(&self) -> Result<Vec<i64>, ReadError> {
        let types = ["product.created".to_owned()];
        let rows = self.log.walk(LogTable::Heartbeats, (0, i64::MAX), &types).await?;
        rows.and_then(|row| async move { Ok(row.position()?) })
            .try_collect()
            .await
    }

    async fn file(&self) -> PathBuf {
        let segments = archive::segments(self.log.pool()).await.unwrap();
        archive::file(&self.log, &segments[0]).unwrap()
    }
}

#[tokio::test]
async fn an_archived_month_is_walked_on_through_and_holds() {
    let aged = Aged::new().await;
    aged.log.sign_checkpoint(&aged.signer, now()).await.unwrap();
    let before = aged.heartbeats().await.unwrap();
    let done = aged.archive().await;
    assert_eq!((done.written.len(), done.waiting.len()), (1, 0));
    assert_eq!(
        done.dropped.len(),
        1 + done
            .dropped
            .iter()
            .filter(|name| !name.contains(&done.written[0].month.replace('-', "_")))
            .count(),
        "months with nothing in them go without a file"
    );
    assert_eq!(done.written[0].rows, 20);
    let online: i64 = sqlx::query_scalar("SELECT count(*) FROM heartbeat_events")
        .fetch_one(aged.log.pool())
        .await
        .unwrap();
    assert_eq!(online, 4, "only the new ones are online");
    assert_eq!(aged.heartbeats().await.unwrap(), before);
    let report = aged.audit().await;
    assert_eq!(
        (
            report.events,
            report.position,
            report.segments,
            report.checkpoints,
            report.fault
        ),
        (48, 48, 1, 1, None)
    );
    let again = aged.archive().await;
    assert!(again.written.is_empty() && again.dropped.is_empty());
    append(&aged.log, 48..56).await;
    assert_eq!(aged.audit().await.events, 56, "the chain goes on");
}

#[tokio::test]
async fn a_large_month_becomes_several_files_and_goes_on_where_it_was_broken_off() {
    let aged = Aged::new().await;
    let before = aged.heartbeats().await.unwrap();
    let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90).in_files_of(7)];
    let run = || archive::run(&aged.log, &archived_tables, (&aged.signer, i64::MAX), |_, _| {});
    // Something is in the way of the second file: the first stays, and the month with it.
    let log_id = aged.log.log_id().await.unwrap().to_string();
    let month: String =
        sqlx::query_scalar("SELECT to_char(min(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM') FROM events")
            .fetch_one(aged.log.pool())
            .await
            .unwrap();
    let second = format!("heartbeat_events-{month}.002.parquet.part");
    let obstacle = aged.folder.path().join(log_id).join(second);
    fs::create_dir_all(&obstacle).unwrap();
    run().await.unwrap_err();
    let segments = archive::segments(aged.log.pool()).await.unwrap();
    assert_eq!(segments.iter().map(|one| one.rows).collect::<Vec<_>>(), [7]);
    assert_eq!(aged.heartbeats().await.unwrap(), before, "nothing is read twice");
    let report = aged.audit().await;
    assert_eq!((report.events, report.segments, report.fault), (48, 1, None));
    fs::remove_dir(&obstacle).unwrap();

    let rest = run().await.unwrap();
    assert_eq!(rest.written.iter().map(|one| one.rows).collect::<Vec<_>>(), [7, 6]);
    assert!(rest.waiting.is_empty() && !rest.dropped.is_empty(), "{rest:?}");
    assert_eq!(aged.heartbeats().await.unwrap(), before);
    let report = aged.audit().await;
    assert_eq!((report.events, report.segments, report.fault), (48, 3, None));
    for at in [3_usize, 8, 13, 19] {
        let until = before[at];
        let types = ["product.created".to_owned()];
        let rows = aged
            .log
            .walk(LogTable::Heartbeats, (before[at - 3], until), &types)
            .await;
        let positions: Vec<i64> = rows
            .unwrap()
            .and_then(|row| async move { Ok(row.position()?) })
            .try_collect()
            .await
            .unwrap();
        assert_eq!(positions, before[at - 2..=at]);
    }

    // A part that is elsewhere leaves a hole that is named, and the parts after it hold by their own manifests.
    let middle = archive::file(&aged.log, &archive::segments(aged.log.pool()).await.unwrap()[1]).unwrap();
    fs::rename(&middle, aged.folder.path().join("elsewhere")).unwrap();
    let report = aged.audit().await;
    assert_eq!((report.events, report.not_at_hand.len(), report.fault), (41, 1, None));
}

#[tokio::test]
async fn a_moment_inside_an_archived_month_is_found() {
    let aged = Aged::new().await;
    let at: Vec<(i64, time::OffsetDateTime)> =
        sqlx::query_as("SELECT position, recorded_at FROM heartbeat_events WHERE position <= 40 ORDER BY position")
            .fetch_all(aged.log.pool())
            .await
            .unwrap();
    aged.archive().await;
    for (position, moment) in [at[0], at[9], at[19]] {
        let found = aged.log.position_at(AsOf::Time(Timestamp::from(moment))).await.unwrap();
        assert!(found >= position, "{found} is before {position}");
    }
    let before = Timestamp::from(at[0].1).plus_seconds(-1);
    assert_eq!(aged.log.position_at(AsOf::Time(before)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_that_is_elsewhere_is_named_and_its_manifest_believed() {
    let aged = Aged::new().await;
    aged.archive().await;
    let file = aged.file().await;
    fs::rename(&file, aged.folder.path().join("elsewhere")).unwrap();
    let report = aged.audit().await;
    assert_eq!((report.events, report.position, report.fault), (28, 48, None));
    assert_eq!(report.not_at_hand.len(), 1);
    assert!(
        matches!(aged.heartbeats().await, Err(ReadError::NotAtHand(_))),
        "a reader does not skip"
    );
    fs::rename(aged.folder.path().join("elsewhere"), &file).unwrap();
    assert_eq!(aged.heartbeats().await.unwrap().len(), 24);
}

#[tokio::test]
async fn whoever_touches_the_archive_is_found() {
    let aged = Aged::new().await;
    aged.archive().await;
    let file = aged.file().await;
    let whole = fs::read(&file).unwrap();
    for at in [4, whole.len() / 2, whole.len() - 9] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&file, &changed).unwrap();
        let fault = aged.audit().await.fault.unwrap();
        assert!(fault.what.contains("not the one that was written"), "{fault:?}");
        assert!(matches!(aged.heartbeats().await, Err(ReadError::Segment { .. })));
    }
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    assert!(aged.audit().await.fault.is_some());
    fs::write(&file, &whole).unwrap();
    let database = &aged.database;
    database.execute("UPDATE archive_segments SET rows = rows - 1").await;
    assert!(aged.audit().await.fault.unwrap().what.contains("manifest"));
    database.execute("DELETE FROM archive_segments").await;
    assert!(aged.audit().await.fault.unwrap().what.contains("missing"));
}

#[tokio::test]
async fn a_month_whose_chain_does_not_hold_stays_online() {
    let aged = Aged::new().await;
    aged.database
        .execute("UPDATE heartbeat_events SET tenant_id = 'other' WHERE position = (SELECT min(position) FROM heartbeat_events)")
        .await;
    let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90)];
    let refused = archive::run(&aged.log, &archived_tables, (&aged.signer, i64::MAX), |_, _| {})
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("chain"), "{refused}");
    assert!(archive::segments(aged.log.pool()).await.unwrap().is_empty());
    assert_eq!(aged.heartbeats().await.unwrap().len(), 24);
}

#[tokio::test]
async fn a_month_waits_for_projectors_and_for_whoever_walks_the_log() {
    let aged = Aged::new().await;
    let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90)];
    let behind = archive::run(&aged.log, &archived_tables, (&aged.signer, 5), |_, _| {})
        .await
        .unwrap();
    assert!(behind.written.is_empty() && behind.dropped.is_empty() && behind.waiting.len() == 1);
    let mut reader = aged.log.connect().await.unwrap();
    archive::hold_months(&mut reader).await.unwrap();
    let held = aged.archive().await;
    assert!(held.written.len() == 1 && held.dropped.is_empty() && !held.waiting.is_empty());
    assert_eq!(aged.heartbeats().await.unwrap().len(), 24, "nothing is read twice");
    assert_eq!(aged.audit().await.events, 48);
    reader.close().await.unwrap();
    let free = aged.archive().await;
    assert!(free.written.is_empty() && !free.dropped.is_empty());
}

#[tokio::test]
async fn a_detach_that_broke_off_is_finished() {
    let aged = Aged::new().await;
    let mut reader = aged.log.connect().await.unwrap();
    archive::hold_months(&mut reader).await.unwrap();
    let held = aged.archive().await;
    reader.close().await.unwrap();
    // Someone's transaction on the table keeps a detach waiting until it gives up in the middle.
    let mut other = PgConnection::connect(&aged.database.url).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    sqlx::query("SELECT FROM heartbeat_events LIMIT 1")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let mut breaking = PgConnection::connect(&aged.database.url).await.unwrap();
    sqlx::query("SET statement_timeout = '300ms'")
        .execute(&mut breaking)
        .await
        .unwrap();
    let partition = format!("heartbeat_events_{}", held.written[0].month.replace('-', "_"));
    let detach = format!("ALTER TABLE heartbeat_events DETACH PARTITION {partition} CONCURRENTLY");
    assert!(sqlx::query(&detach).execute(&mut breaking).await.is_err());
    transaction.rollback().await.unwrap();
    append(&aged.log, 48..52).await;
    let done = aged.archive().await;
    assert!(done.dropped.iter().any(|name| name.ends_with(&partition)), "{done:?}");
    assert_eq!(aged.audit().await.events, 52);
}

#[tokio::test]
async fn nothing_is_archived_into_a_folder_that_is_not_the_archive() {
    let aged = Aged::new().await;
    let held = aged.log.connect().await.unwrap();
    let options = |folder: PathBuf| LogOptions {
        archive: Some(folder),
        ..LogOptions::default()
    };
    let archived_tables = [
        ArchivedTable::log(LogTable::Heartbeats, 90),
        ArchivedTable::log(LogTable::Decisions, 90),
    ];
    let missing = options(aged.folder.path().join("not-mounted"));
    let (other, _tasks) = EventLog::open(&aged.database.url, &missing).await.unwrap();
    let refused = archive::run(&other, &archived_tables, (&aged.signer, i64::MAX), |_, _| {})
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("is not there"), "{refused}");
    // The first month is archived where the archive is; a node with an empty folder does not go on elsewhere.
    archive::run(&aged.log, &archived_tables[..1], (&aged.signer, i64::MAX), |_, _| {})
        .await
        .unwrap();
    let empty = tempfile::tempdir().unwrap();
    let (other, _tasks) = EventLog::open(&aged.database.url, &options(empty.path().to_owned()))
        .await
        .unwrap();
    let refused = archive::run(&other, &archived_tables, (&aged.signer, i64::MAX), |_, _| {})
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("not in the archive's folder"), "{refused}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    held.close().await.unwrap();
}

#[tokio::test]
async fn a_month_that_holds_more_than_its_file_is_not_dropped() {
    let aged = Aged::new().await;
    let mut reader = aged.log.connect().await.unwrap();
    archive::hold_months(&mut reader).await.unwrap();
    aged.archive().await;
    reader.close().await.unwrap();
    aged.database
        .execute(
            "INSERT INTO heartbeat_events SELECT aggregate_type, aggregate_id, 999, event_type, event_version, payload, metadata, 999,
                 tenant_id, gen_random_uuid(), 0, recorded_at, chain FROM heartbeat_events ORDER BY position LIMIT 1",
        )
        .await;
    let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90)];
    let refused = archive::run(&aged.log, &archived_tables, (&aged.signer, i64::MAX), |_, _| {})
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("does not hold"), "{refused}");
    assert!(aged.heartbeats().await.is_ok());
}

#[tokio::test]
async fn a_checkpoint_inside_a_month_that_is_elsewhere_still_vouches_for_the_rest() {
    let aged = Aged::new().await;
    let position: i64 = sqlx::query_scalar("SELECT max(position) FROM heartbeat_events WHERE position <= 38")
        .fetch_one(aged.log.pool())
        .await
        .unwrap();
    // As it stood there: a checkpoint of that position, made from the links.
    aged.database
        .execute(&format!(
            "CREATE TABLE kept_head AS TABLE log_head;
             UPDATE log_head SET position = {position},
                 events_chain = (SELECT chain FROM events WHERE position <= {position} ORDER BY position DESC LIMIT 1),
                 heartbeats_chain = (SELECT chain FROM heartbeat_events WHERE position <= {position} ORDER BY position DESC LIMIT 1),
                 decisions_chain = (SELECT chain FROM decision_events WHERE position <= {position} ORDER BY position DESC LIMIT 1)"
        ))
        .await;
    aged.log.sign_checkpoint(&aged.signer, now()).await.unwrap();
    let kept = aged.log.newest_checkpoint().await.unwrap().unwrap();
    aged.database
        .execute("DELETE FROM checkpoints; DELETE FROM log_head; INSERT INTO log_head TABLE kept_head")
        .await;
    aged.archive().await;
    fs::rename(aged.file().await, aged.folder.path().join("elsewhere")).unwrap();
    let keys = [*aged.signer.public()];
    let report = audit::verify(&aged.log, &keys, std::slice::from_ref(&kept), |_, _| {})
        .await
        .unwrap();
    assert_eq!((report.fault, report.checkpoints), (None, 1));
    // Someone thorough rewrites an old event, its links and the head.
    let events: Vec<licet_event_store::RecordedEvent> = Box::pin(aged.log.tail_from(LogTable::Events, 0, i64::MAX))
        .try_collect()
        .await
        .unwrap();
    let mut link = licet_event_store::chain::GENESIS;
    for (number, mut event) in events.into_iter().enumerate() {
        if number == 0 {
            event.tenant_id = "other".to_owned();
        }
        link = licet_event_store::chain::link_recorded(&link, &event);
        sqlx::query("UPDATE events SET tenant_id = $1, chain = $2 WHERE position = $3")
            .bind(&event.tenant_id)
            .bind(&link[..])
            .bind(event.position)
            .execute(aged.log.pool())
            .await
            .unwrap();
    }
    sqlx::query("UPDATE log_head SET events_chain = $1")
        .bind(&link[..])
        .execute(aged.log.pool())
        .await
        .unwrap();
    let report = audit::verify(&aged.log, &keys, &[kept], |_, _| {}).await.unwrap();
    assert!(report.fault.unwrap().what.contains("not the one that was signed"));
}

#[tokio::test]
async fn two_nodes_archive_a_month_once() {
    let aged = Aged::new().await;
    let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90)];
    let both =
        join_all((0..4).map(|_| archive::run(&aged.log, &archived_tables, (&aged.signer, i64::MAX), |_, _| {}))).await;
    let written: usize = both.iter().map(|one| one.as_ref().unwrap().written.len()).sum();
    assert_eq!(written, 1);
    assert_eq!(aged.audit().await.fault, None);
}

#[tokio::test]
async fn an_empty_month_that_was_left_detached_stops_nothing() {
    let aged = Aged::new().await;
    let mut connection = aged.log.connect().await.unwrap();
    let months: Vec<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'heartbeat_events'::regclass ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut empty = None;
    for month in &months {
        let found = sqlx::query(&format!("SELECT FROM {month} LIMIT 1"))
            .fetch_optional(&mut connection)
            .await
            .unwrap();
        if found.is_none() {
            empty = Some(month);
            break;
        }
    }
    // As after a crash between leaving its parent and going.
    let empty = empty.unwrap();
    sqlx::query(&format!("ALTER TABLE heartbeat_events DETACH PARTITION {empty}"))
        .execute(&mut connection)
        .await
        .unwrap();
    let done = aged.archive().await;
    let gone = done.dropped.iter().any(|name| name.ends_with(empty.as_str()));
    assert!(gone, "{empty} is not in {done:?}");
    assert_eq!(done.written[0].rows, 20, "and the others went their way");
}

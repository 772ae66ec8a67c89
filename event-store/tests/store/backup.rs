//! What is in a backup, against the real schema and at a size that takes several files.

use licet_event_store::{
    Edge, LogTable,
    backup::{self, BackupKeys, BackupStore, BucketAccess, FileKind, RestorePoint, StoreLocation},
};
use licet_test_support::TestDatabase;

use crate::{created, submission};

#[tokio::test]
async fn every_table_is_kept_or_left_out() {
    let database = TestDatabase::new().await;
    let found = database
        .text(
            "SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
        )
        .await;
    let mut decided: Vec<&str> = LogTable::ALL.iter().map(|table| table.as_str()).collect();
    decided.extend(backup::KEPT);
    decided.extend(backup::LEFT_OUT);
    decided.sort_unstable();
    // A new table has to be decided on: whether a restore needs it.
    assert_eq!(found.split(' ').collect::<Vec<_>>(), decided);
}

#[tokio::test]
async fn more_than_one_file_of_each_table_comes_back_as_it_was() {
    let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
    let (log, _tasks) = database.log().await;
    let events = |from, to| (from..to).map(created).collect::<Vec<_>>();
    log.append(submission(1, 0, events(0, 70_000))).await.unwrap();
    let mut beats = submission(2, 0, events(0, 70_000));
    beats.streams[0].table = LogTable::Heartbeats;
    log.append(beats).await.unwrap();
    database
        .execute(
            "INSERT INTO claims SELECT 'default', 'test', sha256(number::text::bytea), 'one', number
             FROM generate_series(1, 140000) AS number",
        )
        .await;
    let store = BackupStore::open(&StoreLocation::Folder(folder.path().into()), &BucketAccess::default()).unwrap();
    let keys = BackupKeys::derive("5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f", &[]).unwrap();
    let edge = Edge::system();
    let create = async || {
        let made = backup::create(&log, (&store, &keys), &edge, false, |_, _| {}).await;
        made.unwrap()
    };
    let first = create().await;
    log.append(submission(3, 0, events(0, 10))).await.unwrap();
    let second = create().await;
    let paths = |manifest: &backup::BackupManifest| -> Vec<String> {
        let log = manifest.files.iter().filter(|file| file.kind == FileKind::Log);
        log.map(|file| file.path.clone()).collect()
    };
    let shared = paths(&second)
        .iter()
        .filter(|path| paths(&first).contains(path))
        .count();
    // The spans of events, and those of beats; then what is new.
    assert_eq!(
        (paths(&first).len(), shared, paths(&second).len()),
        (4, 4, 5),
        "{:?}",
        paths(&second)
    );

    let target = TestDatabase::empty().await;
    let (pair, whole) = ((&store, &keys), RestorePoint::Whole);
    let restored = backup::restore(&target.url, pair, &second, whole, None, |_, _| {}).await;
    assert_eq!(restored.unwrap().position, 140_010);
    for table in ["events", "heartbeat_events", "claims"] {
        let rows = format!("SELECT count(*) || md5(string_agg(md5(r::text), '' ORDER BY position)) FROM {table} AS r");
        assert_eq!(target.text(&rows).await, database.text(&rows).await, "{table}");
    }
    let indexes = "SELECT string_agg(indexdef, E'\\n' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'public'";
    assert_eq!(target.text(indexes).await, database.text(indexes).await);
    assert_eq!(
        target
            .text("SELECT (count(*) = 0)::text FROM pg_index WHERE NOT indisvalid")
            .await,
        "true"
    );
}

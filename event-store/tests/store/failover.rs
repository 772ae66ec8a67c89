//! Databases with standbys: what is not on a quorum of them is told to nobody, and who heard of it all the same says so.

use std::time::Duration;

use licet_event_store::{
    AppendError, Edge, EventLog, LogOptions,
    embedded::{Cluster, ClusterOptions},
    schema,
};
use licet_test_support::TestDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{created, submission};

/// A migrated cluster of one's own, whose commits can be made to wait for a standby that is not there.
struct Primary {
    cluster: Cluster,
    _folder: tempfile::TempDir,
}

impl Primary {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(folder.path(), &ClusterOptions::default(), &Edge::system()).unwrap();
        schema::migrate(&cluster.url()).await.unwrap();
        Self {
            cluster,
            _folder: folder,
        }
    }

    async fn open(&self) -> sqlx::Result<(EventLog, licet_event_store::LogTasks)> {
        EventLog::open(&self.cluster.url(), &LogOptions::default()).await
    }

    async fn execute(&self, statements: &[&str]) {
        let mut connection = PgConnection::connect(&self.cluster.url()).await.unwrap();
        for statement in statements {
            connection.execute(*statement).await.unwrap();
        }
    }

    async fn waits_for(&self, standbys: &str) {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{standbys}'");
        self.execute(&[&set, "SELECT pg_reload_conf()"]).await;
        // Each process reads it in its own time.
        self.until(&format!(
            "SELECT current_setting('synchronous_standby_names') = '{standbys}'"
        ))
        .await;
    }

    /// Asks on a fresh connection until it is so.
    async fn until(&self, question: &str) {
        for _ in 0..1_200 {
            if let Ok(mut connection) = PgConnection::connect(&self.cluster.url()).await
                && sqlx::query_scalar(question)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap_or(false)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never came to be: {question}")
    }
}

#[tokio::test]
async fn what_no_standby_has_is_seen_by_nobody_and_goes_in_once() {
    let primary = Primary::start().await;
    let (log, _tasks) = primary.open().await.unwrap();
    log.append(submission(1, 0, vec![created(1)])).await.unwrap();
    primary.waits_for("nobody").await;
    let pending = tokio::spawn({
        let log = log.clone();
        async move { log.append(submission(2, 0, vec![created(2)])).await }
    });
    primary
        .until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query_start < clock_timestamp() - interval '3 seconds')")
        .await;
    assert_eq!(
        log.position().await.unwrap(),
        1,
        "it does not show before a standby has it"
    );
    let refused = primary.open().await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("commits wait for standbys"), "{refused}");
    // A crash lets the primary show what it alone has.
    let crash = std::process::Command::new("sh")
        .args([
            "-c",
            "pkill -KILL -P \"$(head -1 \"$0\"/postmaster.pid)\" -f 'licet appender|COMMIT'",
        ])
        .arg(primary.cluster.folder())
        .status();
    assert!(crash.unwrap().success());
    primary.until("SELECT position = 2 FROM log_head").await;
    let (early, late) = tokio::join!(primary.open(), log.position());
    assert!(early.is_err() && late.is_err(), "{late:?}");
    primary.waits_for("").await;
    match pending.await.unwrap() {
        Ok(appended) => assert_eq!(appended.position, 2),
        // Where all of this took so long that it was given up, nobody was told that it is in.
        Err(error) => assert!(matches!(error, AppendError::Unavailable(_)), "{error:?}"),
    }
    let (log, _tasks) = primary.open().await.unwrap();
    assert_eq!(log.position().await.unwrap(), 2);
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(log.pool())
        .await
        .unwrap();
    assert_eq!(events, 2, "it went in once");
}

#[tokio::test]
async fn a_standby_is_not_taken_for_the_primary() {
    let mut primary = Primary::start().await;
    let pid = std::fs::read_to_string(primary.cluster.folder().join("postmaster.pid")).unwrap();
    let stopped = std::process::Command::new("kill")
        .args(["-INT", pid.lines().next().unwrap()])
        .status();
    assert!(stopped.unwrap().success());
    while primary.cluster.folder().join("postmaster.pid").exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::write(primary.cluster.folder().join("standby.signal"), "").unwrap();
    assert!(primary.cluster.revive().unwrap());
    let refused = primary.open().await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("is a standby"), "{refused}");
}

#[tokio::test]
async fn who_heard_of_events_that_the_log_lacks_says_so() {
    let (database, other) = (TestDatabase::new().await, TestDatabase::new().await);
    let (elsewhere, tasks) = other.log().await;
    elsewhere.append(submission(7, 0, vec![created(7)])).await.unwrap();
    drop(elsewhere);
    tasks.finish().await;
    let (log, _tasks) = database.log().await;
    log.on_news(|_, _, _, _| {});
    log.append(submission(1, 0, vec![created(1)])).await.unwrap();
    for (position, stream) in [(2, 2), (3, 3)] {
        log.append(submission(stream, 0, vec![created(stream)])).await.unwrap();
        // A connection that breaks proves nothing.
        assert_eq!(log.position().await.unwrap(), position);
        let forked = tokio::time::timeout(Duration::from_secs(1), log.forked()).await;
        assert!(forked.is_err(), "the log is the same");
        database
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .await;
    }
    database.replace_with(other).await;
    tokio::time::timeout(Duration::from_secs(60), log.forked())
        .await
        .expect("it notices that another log is in the place of its own");
}

//! How long appends wait while partitions are made, and while a month is archived and dropped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use licet_event_store::{
    AppendError, Edge, EventLog, Keyring, LogOptions, LogTable, Metadata, NewEvent, StreamEvents, Submission, Tenant,
    archive::{self, ArchivedTable},
    schema,
    vault::Vault,
};
use licet_test_support::age;
use uuid::Uuid;

use crate::{
    appends::beat,
    setup::{Bench, SECRET},
};

/// Tasks that append one beat after the other.
const APPENDERS: usize = 16;

pub(crate) async fn run(bench: &Bench, beats: u32) -> anyhow::Result<()> {
    let url = bench.database("upkeep").await?;
    let event = beat();
    {
        let (log, tasks) = EventLog::open(&url, &LogOptions::default()).await?;
        let fill: Vec<_> = (0..256)
            .map(|_| {
                let (log, event) = (log.clone(), event.clone());
                tokio::spawn(async move {
                    for _ in 0..beats / 256 {
                        append(&log, &event).await?;
                    }
                    Ok::<_, AppendError>(())
                })
            })
            .collect();
        for task in fill {
            task.await??;
        }
        drop(log);
        tasks.finish().await;
    }
    age(&url, 130).await;
    let folder = tempfile::tempdir()?;
    let options = LogOptions {
        archive: Some(folder.path().to_owned()),
        ..LogOptions::default()
    };
    let (log, _tasks) = EventLog::open(&url, &options).await?;
    let vault = Vault::new(log.pool().clone(), SECRET, Edge::system());
    let signer = Keyring::open(vault, Tenant::default())
        .await?
        .signer(Edge::system().now());

    let quiet = longest_wait(&log, &event, tokio::time::sleep(Duration::from_secs(5))).await?;
    println!(
        "the longest of {} appends with nothing else going on: {:.1} ms",
        quiet.0, quiet.1
    );
    let making = longest_wait(&log, &event, async {
        for month in 1..=24 {
            let made = format!("SELECT make_partitions((now() + interval '{month} months')::date) IS NULL");
            let _ = sqlx::query(&made).execute(log.pool()).await;
        }
        let _ = schema::make_partitions(&mut *log.pool().acquire().await?).await;
        anyhow::Ok(())
    });
    let made = making.await?;
    println!(
        "the longest of {} appends while 72 partitions are made: {:.1} ms",
        made.0, made.1
    );
    let begun = Instant::now();
    let archiving = longest_wait(&log, &event, async {
        let archived_tables = [ArchivedTable::log(LogTable::Heartbeats, 90)];
        archive::run(&log, &archived_tables, (&signer, i64::MAX), |_, _| {}).await
    });
    let archived = archiving.await?;
    println!(
        "the longest of {} appends while a month of {beats} beats is archived, verified and dropped in {:.1} s: {:.1} ms",
        archived.0,
        begun.elapsed().as_secs_f64(),
        archived.1
    );
    let segments = archive::segments(log.pool()).await?;
    for segment in segments {
        println!("  {} rows in {} bytes", segment.rows, segment.bytes);
    }
    Ok(())
}

/// Appends while something is done; how many appends, and the longest in milliseconds.
async fn longest_wait<T>(
    log: &EventLog,
    event: &NewEvent,
    work: impl Future<Output = T>,
) -> anyhow::Result<(usize, f64)> {
    let done = Arc::new(AtomicBool::new(false));
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|_| {
            let (log, event, done) = (log.clone(), event.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    append(&log, &event).await?;
                    took.push(begun.elapsed());
                }
                Ok::<_, AppendError>(took)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let _ = work.await;
    done.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for appender in appenders {
        all.extend(appender.await??);
    }
    let longest = all.iter().max().copied().unwrap_or_default();
    Ok((all.len(), longest.as_secs_f64() * 1_000.0))
}

async fn append(log: &EventLog, event: &NewEvent) -> Result<(), AppendError> {
    let id = Edge::system().id();
    let submission = Submission {
        tenant: Tenant::default(),
        command_id: id,
        metadata: Metadata::system("bench", Uuid::nil()),
        streams: vec![StreamEvents {
            table: LogTable::Heartbeats,
            aggregate_type: "heartbeat",
            aggregate_id: id.to_string(),
            expected_version: 0,
            events: vec![event.clone()],
        }],
        claims: vec![],
        releases: vec![],
        forgets: vec![],
        preconditions: vec![],
        holds: vec![],
        idempotency: None,
    };
    log.append(submission).await.map(|_| ())
}

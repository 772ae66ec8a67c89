//! A backup and a restore against `pg_dump -Fc` and `pg_restore` of the same tables, and what machines feel of a backup.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use licet_event_store::{
    Edge, EventLog, LogTable,
    backup::{self, BackupKeys, BackupManifest, BackupStore, BucketAccess, RestorePoint, StoreLocation},
};
use licet_projections::{backlog, projectors, rebuild};
use licet_test_support::Server;
use serde_json::json;

use crate::{
    http::Sent,
    logins::send,
    replay::histories,
    setup::{Bench, SECRET, median, platform},
};

/// Rounds, in turns.
const ROUNDS: usize = 3;
const MACHINES: u32 = 8;
/// Between two beats of one machine: 400 a second from all of them.
const PACE: Duration = Duration::from_millis(20);

pub(crate) async fn run(bench: &Bench, licenses: u32) -> anyhow::Result<()> {
    let url = bench.database("backup").await?;
    let platform = platform(&url).await?;
    histories(&platform, licenses).await?;
    let head = platform.log.position().await?;
    let folder = tempfile::tempdir()?;
    let (mut dumped, mut made, mut undone, mut restored) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let dump = folder.path().join("dump");
        let begun = Instant::now();
        run_to_end(dump_command(bench, &url, &dump)?)?;
        dumped.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let (store, manifest) = back_up(&platform.log, &folder.path().join(round.to_string())).await?;
        made.push(begun.elapsed().as_secs_f64());
        if round == 0 {
            let bytes = std::fs::metadata(&dump)?.len();
            println!(
                "{head} events: pg_dump -Fc {bytes} bytes, a backup {} bytes",
                manifest.bytes()
            );
        }
        let target = bench.empty_database(&format!("dumped_{round}")).await?;
        let begun = Instant::now();
        let mut command = bench.postgres_program("pg_restore")?;
        command.args(["--dbname", &target]).arg(&dump);
        // What the tables' policies need beside them is not in the dump, and not counted.
        let _ = command.stderr(std::process::Stdio::null()).status()?;
        undone.push(begun.elapsed().as_secs_f64());
        let target = bench.empty_database(&format!("restored_{round}")).await?;
        let (keys, whole) = (BackupKeys::derive(SECRET, &[])?, RestorePoint::Whole);
        let begun = Instant::now();
        backup::restore(&target, (&store, &keys), &manifest, whole, None, |_, _| {}).await?;
        restored.push(begun.elapsed().as_secs_f64());
    }
    tell("a backup against pg_dump -Fc", made, dumped);
    tell("a restore against pg_restore", restored, undone);
    beside(&platform.log, &url, &folder.path().join("beside")).await
}

async fn back_up(log: &EventLog, folder: &Path) -> anyhow::Result<(BackupStore, BackupManifest)> {
    std::fs::create_dir_all(folder)?;
    let (store, keys) = (
        BackupStore::open(&StoreLocation::Folder(folder.into()), &BucketAccess::default())?,
        BackupKeys::derive(SECRET, &[])?,
    );
    let made = backup::create(log, (&store, &keys), &Edge::system(), true, |_, _| {}).await?;
    Ok((store, made))
}

/// The same tables, as PostgreSQL's own program keeps them.
fn dump_command(bench: &Bench, url: &str, to: &Path) -> anyhow::Result<Command> {
    let mut command = bench.postgres_program("pg_dump")?;
    command.args(["--format=custom", "--dbname", url, "--file"]).arg(to);
    let log = LogTable::ALL.iter().map(|table| table.as_str());
    for table in log.chain(backup::KEPT) {
        // With the partitions, which are called as their tables are.
        command.arg(format!("--table=public.{table}*"));
    }
    Ok(command)
}

fn run_to_end(mut command: Command) -> anyhow::Result<()> {
    let done = command.status().context("running PostgreSQL's program")?;
    ensure!(done.success(), "PostgreSQL's program failed");
    Ok(())
}

fn tell(what: &str, ours: Vec<f64>, theirs: Vec<f64>) {
    let (own, other) = (median(ours), median(theirs));
    println!(
        "{what}: {own:.1} s and {other:.1} s, ratio {:.2}, aim: at most 1.5",
        own / other
    );
}

/// Beats of machines with and without the command that makes a backup beside them.
async fn beside(log: &EventLog, url: &str, folder: &Path) -> anyhow::Result<()> {
    for projector in projectors() {
        rebuild(projector, log, &|_, _| {}).await?;
    }
    let server = tokio::task::block_in_place(|| Server::start(url));
    let beat = |number: u32| {
        let (_, key) = server.issue(&format!("beside-{number}"), &json!({ "seats": 1 }));
        let token = server.activate(&key, number).text("token").to_owned();
        Sent::beat(&token).request("/api/license/heartbeat")
    };
    let beats: Arc<Vec<String>> = tokio::task::block_in_place(|| Arc::new((1..=MACHINES).map(beat).collect()));
    // What a first start on a log of this size has to do is another measurement.
    loop {
        let waiting = backlog(log, &["license_counts", "search"]).await?;
        let behind = waiting
            .projectors
            .iter()
            .chain(&waiting.consumers)
            .map(|one| one.events);
        if behind.max().unwrap_or(0) < 100 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let address = server.url.trim_start_matches("http://").to_owned();
    let (mut alone, mut during) = (vec![], vec![]);
    for round in 0..ROUNDS {
        alone.push(send(&address, &beats, Duration::from_secs(5), PACE).await?.p99_ms);
        let store = folder.join(round.to_string());
        std::fs::create_dir_all(&store)?;
        let mut command = licet_test_support::licet(url);
        command
            .args(["backup", "create", "--new-store", "--json", "--backup-store"])
            .arg(&store);
        let mut making = command.stdout(std::process::Stdio::null()).spawn()?;
        during.push(send(&address, &beats, Duration::from_secs(5), PACE).await?.p99_ms);
        ensure!(making.wait()?.success(), "the backup was not made");
    }
    let (alone, during) = (median(alone), median(during));
    println!(
        "beats beside a backup: p99 {during:.1} ms, without it {alone:.1} ms, {:.2} times (aim: at most 2)",
        during / alone
    );
    Ok(())
}

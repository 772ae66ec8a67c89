//! Kills without warning, under load: every acknowledged change is there exactly once.
#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use licet_test_support::{Server, TestDatabase, licet};
use serde_json::{Value, json};

/// The tests share a cluster, and one of them crashes it: they take turns.
static TURN: Mutex<()> = Mutex::new(());

fn database() -> TestDatabase {
    tokio::runtime::Runtime::new().unwrap().block_on(TestDatabase::new())
}

fn json_of(database: &TestDatabase, arguments: &[&str]) -> (bool, Value) {
    let output = licet(&database.url).args(arguments).arg("--json").output().unwrap();
    (
        output.status.success(),
        serde_json::from_slice(&output.stdout).unwrap_or_default(),
    )
}

/// What `--json` printed, where a value is expected after the last crash: waits for the projectors and verifies.
fn check_books(server: &Server, database: &TestDatabase, key: &str, acknowledged: &BTreeMap<u32, String>) {
    let (well, report) = json_of(database, &["audit", "verify"]);
    assert!(well, "the chain holds and positions are dense: {report}");
    for (machine, activation) in acknowledged {
        let again = server.activate(key, *machine);
        assert_eq!(
            (again.status, again.text("activation_id")),
            (200, activation.as_str()),
            "machine {machine} keeps its one seat"
        );
    }
    let active = server.get(&format!("/api/license/info/{key}")).body["license"]["active"]
        .as_u64()
        .unwrap();
    assert!(
        active >= acknowledged.len() as u64,
        "{active} of at least {}",
        acknowledged.len()
    );
    let (well, verified) = json_of(database, &["projections", "verify"]);
    assert!(well, "read models equal a replay: {verified}");
}

fn seed() -> u64 {
    let seed = std::env::var("LICET_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(7, |since| u64::from(since.subsec_nanos()))
    });
    eprintln!("LICET_SEED={seed}");
    seed
}

fn pause(seed: u64, round: u64) -> Duration {
    let mixed = (seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    Duration::from_millis(60 + (mixed >> 40) % 240)
}

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (database, seed) = (database(), seed());
    let first = Server::start(&database.url);
    let (_, key) = first.issue("studio", &json!({ "seats": 100_000 }));
    drop(first);
    let acknowledged = Mutex::new(BTreeMap::new());
    let next = AtomicU32::new(0);
    for round in 0..5 {
        let server = Server::start(&database.url);
        let pid = server.pid();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    loop {
                        let machine = next.fetch_add(1, Ordering::SeqCst);
                        let answer = server.activate(&key, machine);
                        if answer.status != 201 {
                            return;
                        }
                        acknowledged
                            .lock()
                            .unwrap()
                            .insert(machine, answer.text("activation_id").to_owned());
                    }
                });
            }
            // Under load, however slowly the machine takes it, and then at any moment.
            let before = acknowledged.lock().unwrap().len();
            let loaded = || acknowledged.lock().unwrap().len() >= before + 12;
            assert!((0..6_000).any(|_| loaded() || {
                thread::sleep(Duration::from_millis(10));
                false
            }));
            thread::sleep(pause(seed, round));
            assert!(
                Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status()
                    .unwrap()
                    .success()
            );
        });
    }
    let server = Server::start(&database.url);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 50, "there was load: {}", acknowledged.len());
    check_books(&server, &database, &key, &acknowledged);
}

#[test]
fn a_killed_backend_loses_nothing_and_the_server_recovers_by_itself() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (database, seed) = (database(), seed());
    let server = Server::start(&database.url);
    let (_, key) = server.issue("studio", &json!({ "seats": 100_000 }));
    let (acknowledged, next, done) = (Mutex::new(BTreeMap::new()), AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let machine = next.fetch_add(1, Ordering::SeqCst);
                    let answer = server.activate(&key, machine);
                    assert!(matches!(answer.status, 201 | 503), "{}", answer.body);
                    if answer.status == 201 {
                        acknowledged
                            .lock()
                            .unwrap()
                            .insert(machine, answer.text("activation_id").to_owned());
                    }
                }
            });
        }
        let mut killed = 0;
        for round in 0..3 {
            thread::sleep(pause(seed, round));
            // The appender's own backend: Postgres answers by restarting all of them, as after any crash.
            let command = format!(
                "pgrep -P {} -f 'licet.*(INSERT|COMMIT|SELECT|UPDATE|idle)' | head -1",
                licet_test_support::cluster_pid()
            );
            let found = Command::new("sh").args(["-c", &command]).output().unwrap();
            let pid = String::from_utf8_lossy(&found.stdout).trim().to_owned();
            if !pid.is_empty()
                && Command::new("kill")
                    .args(["-KILL", &pid])
                    .status()
                    .is_ok_and(|done| done.success())
            {
                killed += 1;
            }
            thread::sleep(Duration::from_millis(1_500));
        }
        done.store(true, Ordering::SeqCst);
        assert!(killed > 0, "no backend was found to kill");
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 50, "there was load: {}", acknowledged.len());
    let ready = (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        server.get("/readyz").status == 200
    });
    assert!(ready, "{}", server.get("/readyz").body);
    check_books(&server, &database, &key, &acknowledged);
}

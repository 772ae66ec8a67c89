//! Killed at any moment: nothing half-made is taken for whole, and the same command goes on.

use std::{fs, path::Path, thread, time::Duration};

use licet_test_support::{Server, TestDatabase, eventually, licet};

use super::{backup, empty, files, live, run, text};
use crate::new_database;

/// Runs a command and kills it after a while.
fn kill_after(millis: u64, database: &TestDatabase, store: &Path, arguments: &[&str]) {
    let mut command = licet(&database.url);
    let command = command.env("BACKUP_STORE", store).arg("backup").args(arguments);
    let mut process = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(millis));
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_backup_that_was_killed_is_none_and_the_next_one_is_whole() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    live(&Server::start(&database.url));
    for millis in [20, 60, 100, 140, 180, 220] {
        kill_after(millis, &database, store.path(), &["create"]);
        let listed = backup(&database, store.path(), &["list"]);
        assert!(listed.success, "{}", listed.json);
    }
    // Whoever was killed may be in the database for a moment still.
    assert!(eventually(|| backup(&database, store.path(), &["create"]).success));
    let verified = backup(&database, store.path(), &["verify"]);
    assert!(verified.success, "{}", verified.error);
}

#[test]
fn what_was_written_before_a_backup_broke_off_is_not_written_again() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    live(&Server::start(&database.url));
    let log = store.path().join("log");
    fs::create_dir(&log).unwrap();
    // There is no room for the last of the three tables.
    fs::write(log.join("decision_events"), "").unwrap();
    assert!(!backup(&database, store.path(), &["create"]).success);
    let written = files(&log.join("events"));
    assert_eq!(written.len(), 1);
    fs::remove_file(log.join("decision_events")).unwrap();
    let made = backup(&database, store.path(), &["create"]);
    assert!(made.success, "{}", made.error);
    assert_eq!(files(&log.join("events")), written);
    assert!(backup(&database, store.path(), &["verify", "--files-only"]).success);
}

#[test]
fn of_two_backups_at_once_one_waits_for_another_time() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    live(&Server::start(&database.url));
    let said: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| backup(&database, store.path(), &["create"])))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let made = said.iter().filter(|one| one.success).count();
    assert!(made >= 1);
    for one in said.iter().filter(|one| !one.success) {
        assert!(one.error.contains("another backup of this database"), "{}", one.error);
    }
    let listed = backup(&database, store.path(), &["list"]);
    assert_eq!(listed.json.as_array().map(Vec::len), Some(made), "{}", listed.json);
}

#[test]
fn a_restore_that_was_killed_again_and_again_ends_whole() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (customer, key) = live(&server);
    assert!(backup(&database, store.path(), &["create"]).success);
    let forget = format!("/api/admin/customers/{customer}/forget");
    assert_eq!(server.send("POST", &forget, &serde_json::json!({})).status, 200);
    assert!(server.terminate());
    let first = files(&store.path().join("backups"))[0].clone();
    let first = first.file_stem().unwrap().to_str().unwrap().to_owned();
    assert!(backup(&database, store.path(), &["create"]).success);

    let target = empty();
    let is_open = || text(&target, "SELECT (to_regnamespace('restore') IS NULL)::text") == "true";
    for millis in (60..1_500).step_by(90) {
        kill_after(millis, &target, store.path(), &["restore", &first]);
        if text(&target, "SELECT (to_regclass('log_head') IS NOT NULL)::text") == "true" && is_open() {
            break;
        }
    }
    assert!(
        eventually(|| {
            let said = backup(&target, store.path(), &["restore", &first]);
            said.success || said.error.contains("is in use")
        }),
        "it does not end"
    );
    assert!(is_open());
    assert!(run(&target, store.path(), &[], &["audit", "verify"]).success);
    let server = Server::start(&target.url);
    let after = server.get(&format!("/api/admin/customers/{customer}"));
    assert_eq!(after.body["forgotten"], true, "{}", after.body);
    assert_eq!(server.verify(&key, 1).body["valid"], true);
    assert_eq!(server.activate(&key, 3).code(), "ACTIVATION_LIMIT_REACHED");
    let compared = run(&target, store.path(), &[], &["projections", "verify"]);
    assert!(compared.success, "{}", compared.json);
}

//! `licet doctor`: what a server needs is looked over, and what is wrong is said with what to do about it.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use licet_test_support::{Server, TestDatabase, built, licet};
use serde_json::Value;

use crate::{new_database, start};

/// Whether it ended well, and what was found.
fn doctor(mut command: Command) -> (bool, Vec<Value>) {
    let output = command.args(["doctor", "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.success(), told["findings"].as_array().unwrap().clone())
}

/// How what was looked at is, at its worst, and what is advised.
fn worst(found: &[Value], check: &str) -> (String, String) {
    let of = |status: &str| {
        let mut found = found.iter();
        found.find(|one| one["check"] == check && one["status"] == status)
    };
    let one = of("problem").or_else(|| of("warning")).or_else(|| of("ok")).unwrap();
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{} {}", text("detail"), text("advice")))
}

fn changed(database: &TestDatabase) -> String {
    let query = "SELECT (SELECT count(*) FROM vault_keys) || ' ' || (SELECT position FROM log_head)";
    tokio::runtime::Runtime::new().unwrap().block_on(database.text(query))
}

#[test]
fn what_is_well_is_found_well_and_nothing_is_changed() {
    let (server, database) = start();
    server.issue("studio", &serde_json::json!({ "seats": 1 }));
    let before = changed(&database);
    let (well, found) = doctor(licet(&database.url));
    // The tests' own database forgets what it acknowledged when its machine dies, and that is the one thing wrong.
    let (status, text) = worst(&found, "database");
    assert!(
        !well && status == "problem" && text.starts_with("fsync, full_page_writes is off"),
        "{found:?}"
    );
    for check in ["settings", "secrets", "schema", "clocks", "vault", "log", "consumers"] {
        assert_eq!(worst(&found, check).0, "ok", "{check}: {found:?}");
    }
    assert_eq!(worst(&found, "backups").0, "warning", "none are made");
    assert_eq!(changed(&database), before);
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let database = new_database();
    drop(Server::start(&database.url));
    let case = |name: &str, value: &str| {
        let mut command = licet(&database.url);
        command.env(name, value);
        doctor(command)
    };
    let cases = [
        (
            "SECRET_KEY",
            "0b5e3c0f7f9d4e0aa8c1d2e3f4a5b6c7",
            "vault",
            "database was begun with",
        ),
        (
            "JWT_SECRET",
            "changeme-changeme-changeme-changeme",
            "secrets",
            "sample value",
        ),
        ("API_KEY", "", "secrets", "API_KEY is not set"),
        (
            "DATABASE_URL",
            "postgres://nobody@127.0.0.1:1/none",
            "database",
            "no database answers",
        ),
        ("ARCHIVE_DIR", "/nonexistent", "archive", "mount its volume"),
        ("BACKUP_STORE", "/nonexistent", "backups", "is its volume mounted"),
    ];
    for (name, value, check, said) in cases {
        let (well, found) = case(name, value);
        let (status, text) = worst(&found, check);
        assert!(!well && status == "problem" && text.contains(said), "{name}: {found:?}");
    }
    let (_, found) = case("NATS_URL", "nats://127.0.0.1:1");
    assert_eq!(worst(&found, "nats").0, "warning", "it goes on without");
}

#[test]
fn a_data_folder_is_looked_over_before_and_after_its_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let command = |data: &Path| {
        let mut command = Command::new(built("licet"));
        command
            .env_remove("DATABASE_URL")
            .arg("--embedded")
            .arg("--data-dir")
            .arg(data);
        command
    };
    let (well, found) = doctor(command(&data));
    assert!(well && !data.exists(), "nothing is made: {found:?}");
    let server = Server::start_embedded(&data);
    let key = data.join("secret_key");
    let (well, found) = doctor(command(&data));
    assert!(well, "{found:?}");
    assert_eq!(worst(&found, "vault").0, "ok", "{found:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (_, found) = doctor(command(&data));
    let (status, text) = worst(&found, "secrets");
    assert!(status == "warning" && text.contains("chmod 600"), "{found:?}");
    drop(server);
}

//! Backups: made beside a server that goes on, restored into an empty database, and refused where anything was touched.

mod by_request;
mod cut_off;
mod elsewhere;
mod going_on;
mod refused;
mod restored;

use std::{
    fs,
    path::{Path, PathBuf},
};

use licet_test_support::{Server, TestDatabase, licet};
use serde_json::{Value, json};

/// What a command said.
struct Said {
    success: bool,
    json: Value,
    error: String,
}

fn run(database: &TestDatabase, store: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = licet(&database.url);
    command.env("BACKUP_STORE", store).envs(settings.iter().copied());
    let output = command.args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let json: Value = text
        .lines()
        .next_back()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default();
    Said {
        success: output.status.success(),
        error: json["error"].as_str().unwrap_or_default().to_owned(),
        json,
    }
}

fn backup(database: &TestDatabase, store: &Path, arguments: &[&str]) -> Said {
    run(database, store, &[], &[&["backup"], arguments].concat())
}

fn empty() -> TestDatabase {
    tokio::runtime::Runtime::new().unwrap().block_on(TestDatabase::empty())
}

fn text(database: &TestDatabase, query: &str) -> String {
    tokio::runtime::Runtime::new().unwrap().block_on(database.text(query))
}

/// Every file below a store.
fn files(store: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A customer with a floating license that two machines use.
fn live(server: &Server) -> (String, String) {
    let customer = server.create(
        "/api/admin/customers",
        &json!({ "name": "Ada Lovelace", "email": "ada@example.com" }),
    );
    let customer = customer.text("id").to_owned();
    let (_, key) = server.issue("studio", &json!({ "seats": 2, "customer_id": customer }));
    let token = server.activate(&key, 1).text("token").to_owned();
    assert_eq!(server.activate(&key, 2).status, 201);
    assert_eq!(server.beat(&token, &json!({ "active_users": 3 })).status, 200);
    assert_eq!(server.activate(&key, 3).code(), "ACTIVATION_LIMIT_REACHED");
    (customer, key)
}

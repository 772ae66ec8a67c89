//! Backups: made beside a server that goes on, restored into an empty database, and refused where anything was touched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use licet_test_support::{Server, TestDatabase, eventually, licet};
use serde_json::{Value, json};

use crate::new_database;

/// What a command said.
struct Said {
    success: bool,
    json: Value,
    error: String,
}

fn run(database: &TestDatabase, store: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = licet(&database.url);
    command.env("BACKUP_DIR", store).envs(settings.iter().copied());
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

#[test]
fn what_was_backed_up_is_there_again_and_who_was_forgotten_since_is_forgotten() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (customer, key) = live(&server);
    let first = backup(&database, store.path(), &["create"]);
    assert!(first.success, "{}", first.error);
    let written = files(&store.path().join("log"));
    let same = backup(&database, store.path(), &["create"]);
    assert!(same.success, "{}", same.error);
    if same.json["position"] == first.json["position"] {
        assert_eq!(
            files(&store.path().join("log")),
            written,
            "what is there is not written again"
        );
    }

    // The log goes on.
    let shown = format!("/api/admin/customers/{customer}");
    assert_eq!(server.get(&shown).text("name"), "Ada Lovelace");
    assert_eq!(server.send("POST", &format!("{shown}/forget"), &json!({})).status, 200);
    let second = backup(&database, store.path(), &["create"]);
    assert!(second.success, "{}", second.error);
    let listed = backup(&database, store.path(), &["list"]);
    assert_eq!(listed.json.as_array().unwrap().len(), 3, "{}", listed.json);
    assert!(server.terminate());

    let verified = backup(&database, store.path(), &["verify"]);
    assert!(verified.success, "{}", verified.error);
    assert_eq!(verified.json["audit"]["position"], second.json["position"]);
    assert_eq!(verified.json["audit"]["fault"], Value::Null);

    // The first one, in which she was not forgotten yet.
    let restored_to = empty();
    let id = first.json["id"].as_str().unwrap();
    let restored = backup(&restored_to, store.path(), &["restore", id]);
    assert!(restored.success, "{}", restored.error);
    assert_eq!(restored.json["forgotten_again"], 1);
    assert_eq!(restored.json["position"], first.json["position"]);
    let server = Server::start(&restored_to.url);
    let after = server.get(&shown);
    assert_eq!(
        (&after.body["name"], &after.body["forgotten"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(server.verify(&key, 1).body["valid"], true);
    assert_eq!(server.activate(&key, 3).code(), "ACTIVATION_LIMIT_REACHED");
    assert_eq!(server.get("/api/admin/licenses").body["total"], 1);
    let taken = server.send(
        "POST",
        "/api/admin/products",
        &json!({ "code": "studio", "name": "Again" }),
    );
    assert_eq!(taken.status, 409, "codes that were taken are taken");

    // Another log from here on, whose history holds, that of before the restore included.
    assert_ne!(
        text(&restored_to, "SELECT log_id::text FROM log_head"),
        first.json["log_id"].as_str().unwrap()
    );
    let walked = run(&restored_to, store.path(), &[], &["audit", "verify"]);
    assert!(walked.success, "{}", walked.json);
    let compared = run(&restored_to, store.path(), &[], &["projections", "verify"]);
    assert!(compared.success, "{}", compared.json);
}

#[test]
fn a_restore_as_of_an_event_gives_the_names_back_that_were_taken_then() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let tag = server.create("/api/admin/tags", &json!({ "name": "pilot" }));
    let then: i64 = tag.header("licet-position").parse().unwrap();
    let path = format!("/api/admin/tags/{}", tag.text("id"));
    let renamed = server.patch(&path, tag.header("etag"), &json!({ "name": "beta" }));
    assert_eq!(renamed.status, 200);
    assert!(server.terminate());
    assert!(backup(&database, store.path(), &["create"]).success);

    let beyond = backup(&empty(), store.path(), &["restore", "--to-position", "1000000"]);
    assert!(beyond.error.contains("is not among them"), "{}", beyond.error);
    let restored_to = empty();
    let restored = backup(
        &restored_to,
        store.path(),
        &["restore", "--to-position", &then.to_string()],
    );
    assert!(restored.success, "{}", restored.error);
    assert_eq!(restored.json["position"], then);
    let server = Server::start(&restored_to.url);
    assert_eq!(server.get(&path).text("name"), "pilot");
    let taken = server.send("POST", "/api/admin/tags", &json!({ "name": "pilot" }));
    assert_eq!(taken.code(), "TAG_NAME_TAKEN");
    server.create("/api/admin/tags", &json!({ "name": "beta" }));
    assert!(run(&restored_to, store.path(), &[], &["audit", "verify"]).success);

    let by_time = empty();
    let moment = text(
        &database,
        &format!(
            "SELECT to_char(recorded_at AT TIME ZONE 'UTC' + interval '1 ms', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM events WHERE position = {then}"
        ),
    );
    let restored = backup(&by_time, store.path(), &["restore", "--to-time", &moment]);
    assert!(restored.success, "{}", restored.error);
    assert_eq!(restored.json["position"], then);
}

#[test]
fn what_was_touched_is_refused_and_nothing_is_changed() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    live(&server);
    assert!(server.terminate());
    assert!(backup(&database, store.path(), &["create"]).success);
    let target = empty();
    let refused = |why: &str| {
        let said = backup(&target, store.path(), &["restore"]);
        assert!(!said.success && said.error.contains(why), "{}", said.error);
        assert_eq!(
            text(
                &target,
                "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"
            ),
            "0"
        );
    };

    let manifest = files(&store.path().join("backups")).pop().unwrap();
    let whole = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, whole.replacen("ey", "eY", 1)).unwrap();
    refused("was not signed");
    fs::write(&manifest, &whole).unwrap();
    let events = files(&store.path().join("log")).pop().unwrap();
    let bytes = fs::read(&events).unwrap();
    fs::remove_file(&events).unwrap();
    refused("is missing");
    fs::write(&events, &bytes[..bytes.len() - 1]).unwrap();
    refused("cut off");
    fs::write(&events, &bytes).unwrap();
    let other_secret = [(
        "SECRET_KEY",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    )];
    let said = run(&target, store.path(), &other_secret, &["backup", "restore"]);
    assert!(
        said.error.contains("was not signed with this SECRET_KEY"),
        "{}",
        said.error
    );
    let used = backup(&database, store.path(), &["restore"]);
    assert!(used.error.contains("is in use"), "{}", used.error);

    // Changed without a change of size: noticed by whoever reads it, and the restore goes on once it is whole again.
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(&events, &changed).unwrap();
    let checked = backup(&database, store.path(), &["verify", "--files-only"]);
    assert!(
        !checked.success && checked.error.contains("is not what was written"),
        "{}",
        checked.error
    );
    let cut_off = backup(&target, store.path(), &["restore"]);
    assert!(
        !cut_off.success && cut_off.error.contains("is not what was written"),
        "{}",
        cut_off.error
    );
    let migrated = run(&target, store.path(), &[], &["migrate"]);
    assert!(migrated.error.contains("is not finished"), "{}", migrated.error);
    let other = backup(&target, store.path(), &["restore", "--to-position", "3"]);
    assert!(other.error.contains("is not finished"), "{}", other.error);
    fs::write(&events, &bytes).unwrap();
    let restored = backup(&target, store.path(), &["restore"]);
    assert!(restored.success, "{}", restored.error);
    assert!(run(&target, store.path(), &[], &["audit", "verify"]).success);
}

#[test]
fn a_server_makes_backups_by_itself_and_notices_another_store() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let settings = [
        ("BACKUP_DIR", store.path().to_str().unwrap()),
        ("BACKUP_KEEP_DAYS", "1"),
    ];
    let server = Server::start_with(&database.url, &settings);
    live(&server);
    let made = || {
        files(store.path())
            .iter()
            .any(|file| file.extension().is_some_and(|end| end == "jws"))
    };
    assert!(eventually(made), "no backup was made");
    let young = || {
        let told = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
        let mut ages = told
            .lines()
            .filter_map(|line| line.strip_prefix("licet_backup_age_seconds")?.rsplit_once(' '));
        ages.any(|(_, age)| age.parse::<f64>().is_ok_and(|age| age < 60.0))
    };
    assert!(eventually(young), "its age is not told");
    assert!(eventually(|| backup(&database, store.path(), &["list"])
        .json
        .as_array()
        .is_some_and(|all| all.len() == 1)));

    // The volume is not mounted: an empty folder lies there.
    let unmounted = tempfile::tempdir().unwrap();
    let said = backup(&database, unmounted.path(), &["create"]);
    assert!(said.error.contains("is its volume mounted"), "{}", said.error);
    assert!(files(unmounted.path()).is_empty());
    assert!(
        backup(&database, &unmounted.path().join("none"), &["create"])
            .error
            .contains("is not there")
    );

    // By hand beside the server; all of them but the newest may go.
    for _ in 0..2 {
        assert!(backup(&database, store.path(), &["create"]).success);
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    let keep = ["--backup-keep-last", "1", "--backup-keep-days", "0"];
    let told = backup(
        &database,
        store.path(),
        &[&["prune", "--dry-run"][..], &keep[..]].concat(),
    );
    assert_eq!(told.json["deleted"].as_array().unwrap().len(), 2, "{}", told.json);
    let pruned = backup(&database, store.path(), &[&["prune"][..], &keep[..]].concat());
    assert_eq!(pruned.json["deleted"], told.json["deleted"]);
    assert!(backup(&database, store.path(), &["verify", "--files-only"]).success);
    assert!(backup(&database, unmounted.path(), &["create", "--new-store"]).success);
}

#[test]
fn an_embedded_server_begins_with_what_was_restored() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (_, key) = live(&server);
    assert!(server.terminate());
    assert!(backup(&database, store.path(), &["create"]).success);
    let folder = std::env::temp_dir().join(format!("licet-restored-{}", std::process::id()));
    let arguments = [
        "backup",
        "restore",
        "--embedded",
        "--data-dir",
        folder.to_str().unwrap(),
    ];
    let restored = run(&database, store.path(), &[], &arguments);
    assert!(restored.success, "{}", restored.error);
    let again = run(&database, store.path(), &[], &arguments);
    assert!(again.error.contains("is in use"), "{}", again.error);
    // SECRET_KEY is in the data folder now.
    let server = Server::start_embedded(&folder);
    assert_eq!(server.verify(&key, 1).body["valid"], true);
    assert!(server.terminate());
    fs::remove_dir_all(&folder).unwrap();
}

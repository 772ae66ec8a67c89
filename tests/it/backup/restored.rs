//! What is there after a restore.

use std::fs;

use licet_test_support::{Server, age, eventually};
use serde_json::{Value, json};

use super::{backup, empty, files, live, run, text};
use crate::new_database;

#[test]
fn what_was_backed_up_is_there_again_and_who_was_forgotten_since_is_forgotten() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (customer, key) = live(&server);
    assert!(server.terminate());
    let first = backup(&database, store.path(), &["create"]);
    assert!(first.success, "{}", first.error);
    let written = files(&store.path().join("log"));
    let same = backup(&database, store.path(), &["create"]);
    assert!(same.success, "{}", same.error);
    assert_eq!(same.json["position"], first.json["position"]);
    assert_eq!(
        files(&store.path().join("log")),
        written,
        "what is there is not written again"
    );

    // The log goes on.
    let server = Server::start(&database.url);
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
    // Longer than what a moment is told to.
    std::thread::sleep(std::time::Duration::from_millis(10));
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
fn an_embedded_server_begins_with_what_was_restored() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (_, key) = live(&server);
    let token = server.activate(&key, 1).text("token").to_owned();
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
    // The secrets that were given are in the data folder now: tokens of before are good, and names are read.
    let server = Server::start_embedded(&folder);
    assert_eq!(server.verify(&key, 1).body["valid"], true);
    assert_eq!(server.beat(&token, &json!({})).status, 200);
    let found = || server.get("/api/admin/search?q=lovela").body["items"][0]["title"] == "Ada Lovelace";
    assert!(eventually(found), "the index of search is filled again");
    let products = server.get("/api/admin/products");
    assert_eq!(
        products.body["total"], 1,
        "no demo among the customers: {}",
        products.body
    );
    assert!(server.terminate());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn months_that_have_left_for_the_archive_come_along() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (archive, other) = (folder.path().join("archive"), folder.path().join("other"));
    fs::create_dir(&archive).unwrap();
    let settings = [("ARCHIVE_DIR", archive.to_str().unwrap())];
    let server = Server::start_with(&database.url, &settings);
    let (_, key) = live(&server);
    assert!(server.terminate());
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(age(&database.url, 130));
    for name in ["license_heartbeats", "decisions"] {
        assert!(run(&database, store.path(), &settings, &["projections", "rebuild", name]).success);
    }
    let server = Server::start_with(&database.url, &settings);
    let token = server.activate(&key, 1).text("token").to_owned();
    assert_eq!(server.beat(&token, &json!({})).status, 200);
    let online = || text(&database, "SELECT count(*)::text FROM heartbeat_events") == "1";
    let archived = || run(&database, store.path(), &settings, &["archive", "list"]).json;
    assert!(
        eventually(|| online() && archived().as_array().is_some_and(|list| list.len() == 2)),
        "{}",
        archived()
    );
    assert!(server.terminate());

    let lacking = [("ARCHIVE_DIR", other.to_str().unwrap())];
    let refused = run(&database, store.path(), &lacking, &["backup", "create"]);
    assert!(refused.error.contains("would not be whole"), "{}", refused.error);
    let made = run(&database, store.path(), &settings, &["backup", "create"]);
    assert!(made.success, "{}", made.error);
    let again = run(&database, store.path(), &settings, &["backup", "create"]);
    assert!(again.success, "{}", again.error);
    assert_eq!(
        files(&store.path().join("archive")).len(),
        2,
        "each file once for all backups"
    );
    let verified = backup(&database, store.path(), &["verify"]);
    assert!(verified.success, "{}", verified.error);
    assert_eq!(verified.json["audit"]["segments"], 1, "{}", verified.json);

    let target = empty();
    let nowhere = backup(&target, store.path(), &["restore"]);
    assert!(nowhere.error.contains("--archive-dir"), "{}", nowhere.error);
    let within = run(
        &target,
        store.path(),
        &lacking,
        &["backup", "restore", "--to-position", "2"],
    );
    assert!(within.error.contains("have left for the archive"), "{}", within.error);
    let restored = run(&target, store.path(), &lacking, &["backup", "restore"]);
    assert!(restored.success, "{}", restored.error);
    assert_eq!(files(&other).len(), 2);
    let walked = run(&target, store.path(), &lacking, &["audit", "verify"]);
    assert!(walked.success && walked.json["segments"] == 1, "{}", walked.json);
    let server = Server::start_with(&target.url, &lacking);
    assert_eq!(server.beat(&token, &json!({})).status, 200);
}

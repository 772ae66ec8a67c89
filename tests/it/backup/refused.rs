//! What no backup is made of, and what none is restored from.

use std::fs;

use licet_test_support::Server;

use super::{backup, empty, files, live, run, text};
use crate::new_database;

const OTHER_SECRET: [(&str, &str); 1] = [(
    "SECRET_KEY",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)];

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
    let said = run(&target, store.path(), &OTHER_SECRET, &["backup", "restore"]);
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
fn a_store_that_is_not_the_one_is_refused() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    assert!(backup(&database, store.path(), &["create"]).success);

    // The volume is not mounted: an empty folder lies there, or none.
    let unmounted = tempfile::tempdir().unwrap();
    let said = backup(&database, unmounted.path(), &["create"]);
    assert!(said.error.contains("is its volume mounted"), "{}", said.error);
    assert!(files(unmounted.path()).is_empty());
    let none = backup(&database, &unmounted.path().join("none"), &["create"]);
    assert!(none.error.contains("is not there"), "{}", none.error);
    assert!(backup(&database, unmounted.path(), &["create", "--new-store"]).success);
    let back = backup(&database, store.path(), &["create"]);
    assert!(back.error.contains("was backed up to before"), "{}", back.error);

    // Another installation's, of the same secret and of another one.
    let neighbor = new_database();
    // Copies of one template are one log.
    let renamed = "UPDATE log_head SET log_id = gen_random_uuid() RETURNING log_id::text";
    text(&neighbor, renamed);
    let said = backup(&neighbor, store.path(), &["create"]);
    assert!(said.error.contains("another log"), "{}", said.error);
    let other = new_database();
    let said = run(&other, store.path(), &OTHER_SECRET, &["backup", "create"]);
    assert!(said.error.contains("another log"), "{}", said.error);
    assert!(backup(&database, store.path(), &["verify", "--files-only"]).success);
}

#[test]
fn a_backup_is_sealed_with_the_secret_of_its_vault() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    live(&Server::start(&database.url));
    let said = run(&database, store.path(), &OTHER_SECRET, &["backup", "create"]);
    assert!(said.error.contains("is SECRET_KEY the one"), "{}", said.error);
    let said = run(&database, store.path(), &[("SECRET_KEY", "")], &["backup", "create"]);
    assert!(said.error.contains("SECRET_KEY is not set"), "{}", said.error);
    assert!(files(store.path()).is_empty());
}

#[test]
fn a_ledger_of_the_forgotten_that_was_exchanged_is_noticed() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (customer, _) = live(&server);
    let forget = format!("/api/admin/customers/{customer}/forget");
    assert_eq!(server.send("POST", &forget, &serde_json::json!({})).status, 200);
    assert!(server.terminate());
    assert!(backup(&database, store.path(), &["create"]).success);
    fs::remove_file(store.path().join("forgotten.age")).unwrap();
    let said = backup(&empty(), store.path(), &["restore"]);
    assert!(
        said.error.contains("forgotten.age is not what was written"),
        "{}",
        said.error
    );
}

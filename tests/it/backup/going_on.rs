//! Backups of a server that goes on.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use licet_test_support::{Nats, Server, eventually};
use serde_json::{Value, json};

use super::{backup, empty, files, live, run};
use crate::{nats, new_database};

#[test]
fn a_server_makes_backups_by_itself_and_those_that_are_not_kept_go() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let settings = [
        ("BACKUP_STORE", store.path().to_str().unwrap()),
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
    let young = |kind: &str| {
        let told = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
        let named = format!("kind=\"{kind}\"");
        let mut ages = told
            .lines()
            .filter(|line| line.contains(&named))
            .filter_map(|line| line.strip_prefix("licet_backup_age_seconds")?.rsplit_once(' '));
        ages.any(|(_, age)| age.parse::<f64>().is_ok_and(|age| age < 60.0))
    };
    assert!(eventually(|| young("create")), "its age is not told");
    assert!(eventually(|| young("verify")), "nobody has tried it");
    assert!(eventually(|| backup(&database, store.path(), &["list"])
        .json
        .as_array()
        .is_some_and(|all| all.len() == 1)));

    // By hand beside the server; all of them but the newest may go.
    for _ in 0..2 {
        assert!(backup(&database, store.path(), &["create"]).success);
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
}

#[test]
fn what_is_recorded_meanwhile_is_in_a_backup_whole_or_not_at_all() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    let (_, key) = server.issue("studio", &json!({ "seats": 100_000 }));
    let (ended, activated) = (AtomicBool::new(false), AtomicU32::new(0));
    let made = thread::scope(|scope| {
        for machine in 0..4 {
            let (server, key, ended, activated) = (&server, &key, &ended, &activated);
            scope.spawn(move || {
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let token = server.activate(key, machine * 10_000 + number).text("token").to_owned();
                    assert_eq!(server.beat(&token, &json!({ "active_users": 1 })).status, 200);
                    activated.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let made: Vec<_> = (0..4).map(|_| backup(&database, store.path(), &["create"])).collect();
        ended.store(true, Ordering::Relaxed);
        made
    });
    assert!(activated.load(Ordering::Relaxed) > 4, "something went on");
    let positions: Vec<i64> = made.iter().filter_map(|one| one.json["position"].as_i64()).collect();
    assert!(
        positions.len() == 4 && positions.is_sorted() && positions[0] < positions[3],
        "{positions:?}"
    );
    for one in [&made[0], &made[3]] {
        let verified = backup(&database, store.path(), &["verify", one.json["id"].as_str().unwrap()]);
        assert!(verified.success, "{} {}", verified.error, verified.json);
        assert_eq!(verified.json["audit"]["position"], one.json["position"]);
    }
}

#[test]
fn the_relay_goes_on_after_a_restore_and_tells_new_events_under_new_ids() {
    let (database, store, nats) = (new_database(), tempfile::tempdir().unwrap(), Nats::start());
    let settings = [("NATS_URL", nats.url.as_str())];
    let server = Server::start_with(&database.url, &settings);
    server.issue("studio", &json!({ "seats": 1 }));
    let made = backup(&database, store.path(), &["create"]);
    assert!(made.success, "{}", made.error);
    let shared = usize::try_from(made.json["position"].as_i64().unwrap()).unwrap();
    // Told to others, and lost.
    server.issue("lost", &json!({ "seats": 1 }));
    let told = nats::head(&database);
    assert_eq!(nats::wait_for(&nats.url, told).len(), told);
    drop(server);

    let target = empty();
    let restored = backup(&target, store.path(), &["restore"]);
    assert!(restored.success, "{}", restored.error);
    let server = Server::start_with(&target.url, &settings);
    server.issue("other", &json!({ "seats": 3 }));
    let count = told + nats::head(&target) - shared;
    let found = nats::wait_for(&nats.url, count);
    assert_eq!(found.len(), count, "what both have in common is not told again");
    let (before, after) = found.split_at(told);
    let epoch = |id: &str| id.rsplit_once('/').unwrap().0.to_owned();
    assert!(before.iter().all(|(id, ..)| epoch(id) != epoch(&after[0].0)));
    assert_eq!(after[0].0, format!("{}/{}", epoch(&after[0].0), shared + 1));
    assert_eq!(after[0].2["log_id"], restored.json["log_id"]);
    assert_eq!(server.get("/readyz").status, 200);
    let walked = run(&target, store.path(), &[], &["audit", "verify"]);
    assert_eq!(walked.json["fault"], Value::Null);
}

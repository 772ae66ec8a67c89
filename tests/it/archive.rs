//! A server that slept for months: it archives what is over, serves meanwhile, and nothing of history is lost.

use std::{thread, time::Duration};

use licet_test_support::{Server, age, licet};
use serde_json::{Value, json};

use crate::new_database;

fn wait(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} does not come true");
}

#[test]
fn a_server_makes_the_months_to_come_by_itself() {
    let database = new_database();
    assert!(licet_test_support::Server::start(&database.url).terminate());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let next = "SELECT 'heartbeat_events_' || to_char((now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY_MM')";
    let next = runtime.block_on(database.text(next));
    runtime.block_on(database.execute(&format!("DROP TABLE {next}")));
    let _server = licet_test_support::Server::start(&database.url);
    let there = || runtime.block_on(database.text(&format!("SELECT (to_regclass('{next}') IS NOT NULL)::text")));
    assert!(
        licet_test_support::eventually(|| there() == "true"),
        "{next} is missing"
    );
}

#[test]
fn a_server_that_slept_for_months_archives_them_and_history_goes_on() {
    let database = new_database();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let settings = [("ARCHIVE_DIR", archive.to_str().unwrap())];
    let run = |arguments: &[&str]| -> (bool, Value) {
        let mut command = licet(&database.url);
        let output = command.envs(settings).args(arguments).arg("--json").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        (
            output.status.success(),
            text.lines()
                .next_back()
                .and_then(|line| serde_json::from_str(line).ok())
                .unwrap_or_default(),
        )
    };

    // A while ago: beats, and one refusal.
    let server = Server::start_with(&database.url, &settings);
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "exports": 100 } }));
    let token = server.activate(&key, 1).text("token").to_owned();
    for number in 0..5 {
        let beat = json!({ "active_users": number, "usage": { "exports": 1 }, "nonce": format!("nonce-{number:030}") });
        assert_eq!(server.beat(&token, &beat).status, 200);
    }
    assert_eq!(server.activate(&key, 2).code(), "ACTIVATION_LIMIT_REACHED");
    let beats = format!("/api/admin/licenses/{id}/heartbeats?from=2026-01-01T00:00:00Z");
    wait("five beats", || {
        server.get(&beats).body["items"]
            .as_array()
            .is_some_and(|items| items.len() == 5)
    });
    assert!(server.terminate());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(age(&database.url, 130));
    assert!(run(&["projections", "rebuild", "license_heartbeats"]).0);
    assert!(run(&["projections", "rebuild", "decisions"]).0);

    // It wakes up: beats are taken at once, and what is over leaves.
    let server = Server::start_with(&database.url, &settings);
    assert_eq!(server.beat(&token, &json!({ "usage": { "exports": 1 } })).status, 200);
    let archived = || run(&["archive", "list"]).1;
    wait("two segments", || {
        archived().as_array().is_some_and(|list| list.len() == 2)
    });
    let list = archived();
    assert_eq!(
        (&list[0]["table"], &list[0]["rows"]),
        (&json!("heartbeat_events"), &json!(5))
    );
    assert_eq!(
        (&list[1]["table"], &list[1]["rows"]),
        (&json!("license_heartbeats"), &json!(5))
    );
    assert_eq!(list[0]["at_hand"], true);
    wait("only the new beat online", || {
        server.get(&beats).body["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    });

    // History holds, is rebuilt with what is in the archive, and an analyst sees all of it.
    let (holds, report) = run(&["audit", "verify"]);
    assert!(holds && report["segments"] == 1, "{report}");
    for name in ["license_heartbeats", "decisions", "license_state"] {
        let (equal, verified) = run(&["projections", "verify", name]);
        assert!(equal, "{verified}");
    }
    assert!(run(&["projections", "rebuild", "license_heartbeats"]).0);
    assert!(run(&["projections", "verify", "license_heartbeats"]).0);
    let out = folder.path().join("out");
    let (done, replayed) = run(&[
        "replay",
        "license_heartbeats",
        "--out",
        out.to_str().unwrap(),
        "--format",
        "csv",
    ]);
    assert!(done, "{replayed}");
    assert_eq!(replayed["files"][0]["rows"], 6, "{replayed}");
    let stats = server.get(&format!("/api/admin/licenses/{id}/usage-stats"));
    assert_eq!(stats.body["beats"], 6, "{}", stats.body);

    // Beats go on while the months are elsewhere, and readers say so.
    std::fs::rename(&archive, folder.path().join("elsewhere")).unwrap();
    assert_eq!(server.beat(&token, &json!({})).status, 200);
    let (done, error) = run(&["projections", "verify", "license_heartbeats"]);
    assert!(
        !done && error["error"].as_str().unwrap().contains("not at hand"),
        "{error}"
    );
    let (holds, report) = run(&["audit", "verify"]);
    assert!(
        holds && report["not_at_hand"].as_array().is_some_and(|names| names.len() == 1),
        "{report}"
    );
    assert!(server.terminate());
}

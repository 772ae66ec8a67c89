//! A real `PgBouncer` between the server and its database.

use licet_test_support::{PgBouncer, Server, eventually, licet};
use serde_json::json;

use crate::new_database;

#[test]
fn a_pooler_that_pools_by_session_is_in_nobodys_way() {
    let database = new_database();
    let pooler = PgBouncer::before(&database.url, "session");
    let server = Server::start(&pooler.url);
    assert!(eventually(|| server.send_with("GET", "/readyz", &[], b"").status == 200));
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "floating": true }));
    let activated = server.activate(&key, 1);
    assert_eq!(activated.status, 201, "{}", activated.body);
    let beat = server.beat(activated.text("token"), &json!({ "active_users": 2 }));
    assert_eq!((beat.status, beat.code()), (200, "VALID"), "{}", beat.body);
    let stats = server.get_at(
        beat.header("licet-position"),
        &format!("/api/admin/licenses/{id}/usage-stats"),
    );
    assert_eq!(stats.body["beats"], 1, "{}", stats.body);
    let listed = server.get("/api/admin/licenses");
    assert_eq!(listed.body["total"], 1, "readers have their role: {}", listed.body);
    assert!(server.terminate());
}

#[test]
fn a_pooler_that_drops_settings_is_named_at_the_start_with_what_it_must_do() {
    let database = new_database();
    // Migrated beforehand: a start that is refused has changed nothing.
    assert!(Server::start(&database.url).terminate());
    let pooler = PgBouncer::before(&database.url, "transaction");
    for arguments in [
        &["audit", "verify"][..],
        &["migrate"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let output = licet(&pooler.url).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains("pool_mode = session"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_database_that_is_not_there_is_named_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://licet@{free}/licet");
    for arguments in [&["audit", "verify"][..], &["migrate"], &["serve"]] {
        let output = licet(&url).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            said.contains(&format!("no database answers at {free}")),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_machine_is_not_refused_while_the_log_cannot_be_asked() {
    let database = new_database();
    let pooler = PgBouncer::before(&database.url, "session");
    let server = Server::start(&pooler.url);
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    assert_eq!(server.activate(&key, 1).status, 201);
    assert_eq!(server.verify(&key, 1).code(), "VALID");
    drop(pooler);
    // It may have activated on another node a moment ago.
    let unknown = server.verify(&key, 2);
    assert_eq!(
        (unknown.status, unknown.code()),
        (503, "UNAVAILABLE"),
        "{}",
        unknown.body
    );
    assert!(
        unknown.header("retry-after").parse::<u64>().is_ok(),
        "{:?}",
        unknown.headers
    );
}

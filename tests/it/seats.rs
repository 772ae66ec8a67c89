//! Seats that move and seats that float.

use std::{thread, time::Duration};

use licet_test_support::{Answer, Server, eventually};
use serde_json::{Value, json};

use crate::{new_database, start};

fn machine(number: u32) -> Value {
    json!({ "mac_addresses": [format!("3c:52:00:00:00:{number:02x}")], "cpu_id": format!("cpu {number}") })
}

fn transfer(server: &Server, key: &str, from: &str, to: u32) -> Answer {
    let order =
        json!({ "license_key": key, "from_activation_id": from, "fingerprint": machine(to), "reason": "new laptop" });
    server.send("POST", "/api/license/transfer", &order)
}

fn activate(server: &Server, key: &str, number: u32) -> Answer {
    let order = json!({ "license_key": key, "fingerprint": machine(number) });
    server.send("POST", "/api/license/activate", &order)
}

#[test]
fn a_seat_moves_once_and_only_as_often_as_the_policy_says() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "max_transfers": 2 }));
    let first = activate(&server, &key, 1);
    let from = first.text("activation_id").to_owned();
    let moved = transfer(&server, &key, &from, 2);
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_ne!(moved.text("activation_id"), from);
    assert!(!moved.text("token").is_empty() && !moved.text("lease").is_empty());
    let again = transfer(&server, &key, &from, 2);
    assert_eq!(
        (again.status, again.text("activation_id")),
        (200, moved.text("activation_id")),
        "a repetition"
    );
    let late = transfer(&server, &key, &from, 3);
    assert_eq!((late.status, late.code()), (409, "ACTIVATION_NOT_ACTIVE"));
    let revoked = server.beat(first.text("token"), &json!({}));
    assert_eq!(revoked.code(), "TOKEN_REVOKED");
    let second = transfer(&server, &key, moved.text("activation_id"), 3);
    assert_eq!(second.status, 200);
    let third = transfer(&server, &key, second.text("activation_id"), 4);
    assert_eq!(
        (third.status, third.code(), &third.body["limit"]),
        (422, "TRANSFER_LIMIT_REACHED", &json!(2))
    );
    let same = transfer(&server, &key, second.text("activation_id"), 3);
    assert_eq!((same.status, same.code()), (409, "ALREADY_ACTIVE"));
    let unknown = transfer(&server, &key, "00000000-0000-7000-8000-000000000000", 5);
    assert_eq!((unknown.status, unknown.code()), (404, "ACTIVATION_NOT_FOUND"));
    let info = server.get(&format!("/api/license/info/{key}"));
    assert_eq!(info.body["license"]["active"], 1);
    // A refusal carries no position: wait for one behind it.
    let behind = server.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
    let why = server.get_at(
        behind.header("licet-position"),
        &format!("/api/admin/licenses/{id}/decisions?code=TRANSFER_LIMIT_REACHED"),
    );
    assert_eq!(why.body["items"][0]["facts"]["made"], 2, "{}", why.body);
}

#[test]
fn of_many_who_take_over_one_seat_one_wins() {
    let database = new_database();
    let servers = [Server::start(&database.url), Server::start(&database.url)];
    let (id, key) = servers[0].issue("studio", &json!({ "seats": 1 }));
    let from = activate(&servers[0], &key, 1).text("activation_id").to_owned();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let running: Vec<_> = (2..22)
            .map(|to| {
                let (server, key, from) = (&servers[to as usize % 2], &key, &from);
                scope.spawn(move || transfer(server, key, from, to))
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let late = answers
        .iter()
        .filter(|answer| answer.code() == "ACTIVATION_NOT_ACTIVE")
        .count();
    assert_eq!((won, late), (1, 19));
    assert_eq!(servers[1].get(&format!("/api/admin/licenses/{id}")).body["active"], 1);
    let operator = json!({ "from_activation_id": from, "fingerprint": machine(40) });
    let answer = servers[1].send("POST", &format!("/api/admin/licenses/{id}/transfer"), &operator);
    assert_eq!((answer.status, answer.code()), (409, "ACTIVATION_NOT_ACTIVE"));
}

#[test]
fn an_operator_moves_a_seat_and_says_why_and_each_change_says_under_which_policy() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let first = activate(&server, &key, 1);
    let path = server
        .get_at(first.header("licet-position"), "/api/admin/policies")
        .body["items"][0]["id"]
        .as_str()
        .map(|id| format!("/api/admin/policies/{id}"))
        .unwrap();
    let tag = server.get(&path).header("etag").to_owned();
    let edited = server.patch(&path, &tag, &json!({"grace_days": 3}));
    assert_eq!(edited.status, 200, "{}", edited.body);
    let license = format!("/api/admin/licenses/{id}");
    let judged = |query: &str| server.get(&format!("{license}{query}")).body["policy_version"].clone();
    assert_eq!(judged(""), 2);
    assert_eq!(judged(&format!("?as_of={}", first.header("licet-position"))), 1);
    let order = json!({ "from_activation_id": first.text("activation_id"), "fingerprint": machine(2), "reason": "a new laptop" });
    let moved = server.send("POST", &format!("{license}/transfer"), &order);
    assert_eq!(moved.status, 200, "{}", moved.body);
    let left = format!("{license}/activations/{}/deactivate", moved.text("activation_id"));
    assert_eq!(
        server
            .send("POST", &left, &json!({ "reason": "left the company" }))
            .status,
        200
    );
    let events = server.get(&format!("{license}/events?limit=200")).body["items"].clone();
    let of = |kind: &str| -> Vec<Value> {
        let events = events.as_array().unwrap().iter();
        let data = events
            .filter(|event| event["type"] == kind)
            .map(|event| event["data"].clone());
        data.collect()
    };
    let reasons: Vec<Value> = of("license.deactivated")
        .iter()
        .map(|data| data["reason"].clone())
        .collect();
    assert_eq!(reasons, ["a new laptop", "left the company"]);
    let versions: Vec<Value> = of("license.activated")
        .iter()
        .map(|data| data["policy_version"].clone())
        .collect();
    assert_eq!(versions, [1, 2]);
}

/// Machines start, beat, fall silent and come back on two nodes at once, while holds run out at any moment.
#[test]
fn a_storm_of_floating_machines_never_has_more_seats_than_there_are() {
    let database = new_database();
    let servers = [Server::start(&database.url), Server::start(&database.url)];
    let terms = json!({ "seats": 5, "floating": true, "heartbeat_interval_seconds": 60, "heartbeat_grace": 0 });
    let (id, key) = servers[0].issue("studio", &terms);
    thread::scope(|scope| {
        for number in 1..=20 {
            let (server, key) = (&servers[number as usize % 2], &key);
            scope.spawn(move || {
                for turn in 0..12_u32 {
                    let answer = activate(server, key, number);
                    assert!(
                        matches!(answer.status, 200 | 201) || answer.code() == "ACTIVATION_LIMIT_REACHED",
                        "{}",
                        answer.body
                    );
                    if answer.status < 300 && (number + turn) % 3 > 0 {
                        let beat = server.beat(answer.text("token"), &json!({}));
                        // Its seat may have fallen free, and been taken by another.
                        assert!(beat.status == 200, "{}", beat.body);
                    }
                }
            });
        }
        scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for _ in 0..30 {
                // Some fall silent: their holds run out.
                let silent = "UPDATE seat_holds SET held_until = now() - interval '1 second'
                              WHERE activation_id IN (SELECT activation_id FROM seat_holds ORDER BY random() LIMIT 2)";
                runtime.block_on(database.execute(silent));
                thread::sleep(Duration::from_millis(40));
            }
        });
    });
    // Whatever the order was: no event of the log ever made a sixth seat.
    let taken = "SELECT max(used)::text FROM (SELECT sum(CASE
            WHEN event_type IN ('license.activated', 'license.seat_revived') THEN 1
            WHEN event_type = 'license.seat_released' OR event_type = 'license.deactivated' AND payload ->> 'silent' IS DISTINCT FROM 'true' THEN -1
            ELSE 0 END) OVER (ORDER BY position) AS used FROM events WHERE aggregate_type = 'license') AS steps";
    let most: u32 = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(database.text(taken))
        .parse()
        .unwrap();
    assert_eq!(most, 5, "seats were full, and never more than full");
    // And nobody has to ask for a seat that fell free: the server takes it back by itself.
    silence(&database);
    let active = || servers[1].get(&format!("/api/admin/licenses/{id}")).body["active"].clone();
    assert!(eventually(|| active() == 0), "{}", active());
}

#[test]
fn a_duration_begins_with_the_first_machine() {
    let (server, _database) = start();
    let terms = json!({ "seats": 2, "duration_days": 10, "duration_from": "first_activation" });
    let (id, key) = server.issue("studio", &terms);
    let path = format!("/api/admin/licenses/{id}");
    assert_eq!(server.get(&path).body["expires_at"], json!(null));
    let activated = activate(&server, &key, 1);
    let end = server.get(&path).text("expires_at").to_owned();
    assert!(!end.is_empty() && activated.body["license"]["expires_at"] == end.as_str());
    activate(&server, &key, 2);
    assert_eq!(server.get(&path).text("expires_at"), end, "the second changes nothing");
}

#[test]
fn a_duration_that_waits_for_a_machine_outlasts_an_edited_policy() {
    let (server, _database) = start();
    let terms = json!({ "seats": 2, "duration_days": 10, "duration_from": "first_activation" });
    let (id, key) = server.issue("studio", &terms);
    let policy = server
        .get(&format!("/api/admin/licenses/{id}"))
        .text("policy_id")
        .to_owned();
    let path = format!("/api/admin/policies/{policy}");
    let tag = server.get(&path).header("etag").to_owned();
    let edited = server.patch(&path, &tag, &json!({"duration_from": "creation"}));
    assert_eq!(edited.status, 200, "{}", edited.body);
    activate(&server, &key, 1);
    let license = server.get(&format!("/api/admin/licenses/{id}"));
    assert!(license.body["expires_at"].is_string(), "{}", license.body);
}

/// Lets the holds of a database run out at once, as if their time had passed.
fn silence(database: &licet_test_support::TestDatabase) {
    let statement = "UPDATE seat_holds SET held_until = now() - interval '1 second'";
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(database.execute(statement));
}

#[test]
fn a_floating_seat_falls_free_after_silence_and_is_taken_again_while_one_is_free() {
    let (server, database) = start();
    let terms = json!({ "seats": 1, "floating": true, "heartbeat_interval_seconds": 60 });
    let (id, key) = server.issue("studio", &terms);
    let first = activate(&server, &key, 1);
    let lease_end = first.text("lease_expires_at").to_owned();
    assert!(
        lease_end.as_str() < first.text("token_expires_at"),
        "a floating lease ends with its hold"
    );
    assert_eq!(server.beat(first.text("token"), &json!({})).code(), "VALID");
    assert_eq!(
        activate(&server, &key, 2).code(),
        "ACTIVATION_LIMIT_REACHED",
        "it is held"
    );
    silence(&database);
    let second = activate(&server, &key, 2);
    assert_eq!(
        second.status, 201,
        "whoever asks need not wait for the worker: {}",
        second.body
    );
    let dead = server.beat(first.text("token"), &json!({}));
    assert_eq!(
        (dead.status, dead.code(), &dead.body["valid"]),
        (200, "HEARTBEAT_DEAD", &json!(false))
    );
    let order = json!({ "license_key": key, "fingerprint": machine(1) });
    assert_eq!(
        server.send("POST", "/api/license/verify", &order).code(),
        "HEARTBEAT_DEAD"
    );
    silence(&database);
    let back = server.beat(first.text("token"), &json!({}));
    assert_eq!(back.code(), "VALID", "it came back to a free seat");
    assert_eq!(server.beat(second.text("token"), &json!({})).code(), "HEARTBEAT_DEAD");
    assert_eq!(server.get(&format!("/api/admin/licenses/{id}")).body["active"], 1);
    let events = server.get(&format!("/api/admin/licenses/{id}/events")).body["items"].to_string();
    assert!(events.contains("license.seat_released") && events.contains("license.seat_revived"));
    let ended = json!({ "license_key": key, "activation_id": second.text("activation_id") });
    assert_eq!(
        server.send("POST", "/api/license/deactivate", &ended).status,
        200,
        "a silent one can leave"
    );
    assert_eq!(server.get(&format!("/api/admin/licenses/{id}")).body["active"], 1);
}

#[test]
fn a_policy_that_begins_to_float_holds_the_seats_that_are_there() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let first = activate(&server, &key, 1);
    let policies = server.get_at(first.header("licet-position"), "/api/admin/policies");
    let policy = policies.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/admin/policies/{policy}");
    let tag = server.get(&path).header("etag").to_owned();
    let edited = server.patch(&path, &tag, &json!({"floating": true}));
    assert_eq!((edited.status, &edited.body["version"]), (200, &json!(2)));
    assert_eq!(server.beat(first.text("token"), &json!({})).code(), "VALID");
    assert_eq!(activate(&server, &key, 2).code(), "ACTIVATION_LIMIT_REACHED");
    silence(&database);
    assert_eq!(activate(&server, &key, 2).status, 201);
}

#[test]
fn asking_holds_no_floating_seat() {
    let database = new_database();
    let server = Server::start(&database.url);
    let terms = json!({ "seats": 1, "floating": true, "heartbeat_interval_seconds": 60, "heartbeat_grace": 0 });
    let (_, key) = server.issue("studio", &terms);
    let first = activate(&server, &key, 1);
    let until = first.text("lease_expires_at").to_owned();
    // Another node remembers no lease, and time has passed.
    thread::sleep(Duration::from_secs(3));
    let other = Server::start(&database.url);
    let order = json!({ "license_key": key, "fingerprint": machine(1) });
    let asked = other.send("POST", "/api/license/verify", &order);
    assert_eq!(asked.status, 200, "{}", asked.body);
    let end = asked.text("lease_expires_at");
    // The hold began with the database's clock, a moment after the lease.
    let held =
        "SELECT to_char(max(held_until) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM seat_holds";
    let held = tokio::runtime::Runtime::new().unwrap().block_on(database.text(held));
    assert!(end <= held.as_str(), "{end} is after the hold's end, {held}");
    let beaten = other.beat(first.text("token"), &json!({}));
    assert_eq!(beaten.status, 200);
    assert!(beaten.text("lease_expires_at").is_empty() || beaten.text("lease_expires_at") > until.as_str());
}

#[test]
fn a_machine_that_starts_again_holds_its_floating_seat() {
    let database = new_database();
    let server = Server::start(&database.url);
    let terms = json!({ "seats": 1, "floating": true, "heartbeat_interval_seconds": 60, "heartbeat_grace": 0 });
    let (id, key) = server.issue("studio", &terms);
    let first = activate(&server, &key, 1);
    let held = || -> String {
        let held = database.text("SELECT max(held_until)::text FROM seat_holds");
        tokio::runtime::Runtime::new().unwrap().block_on(held)
    };
    let before = held();
    thread::sleep(Duration::from_millis(1_100));
    // Asked again, also under an idempotency key: the lease is as good as a new one, and so is the hold under it.
    let order = json!({ "license_key": key, "fingerprint": machine(1) }).to_string();
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("idempotency-key", "start-2"),
    ];
    let again = server.send_with("POST", "/api/license/activate", &headers, order.as_bytes());
    assert_eq!(
        (again.status, again.text("activation_id")),
        (200, first.text("activation_id"))
    );
    assert!(
        again.text("lease_expires_at") > first.text("lease_expires_at"),
        "{}",
        again.body
    );
    assert!(held() > before);
    let repeated = server.send_with("POST", "/api/license/activate", &headers, order.as_bytes());
    assert_eq!(repeated.body, again.body);
    let events = server.get(&format!("/api/admin/licenses/{id}/events"));
    assert_eq!(
        events.body["items"].as_array().unwrap().len(),
        2,
        "nothing was recorded: {}",
        events.body
    );

    // Its hold has run out, and nobody has taken the seat back yet: it starts again in time.
    silence(&database);
    assert_eq!(activate(&server, &key, 1).status, 200);
    assert_eq!(activate(&server, &key, 2).code(), "ACTIVATION_LIMIT_REACHED");
}

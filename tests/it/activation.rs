//! Seats: exactly as many machines as there are, once each, on one node and on two.

use std::thread;

use licet_test_support::{Server, eventually};
use serde_json::json;

use crate::{new_database, start};

#[test]
fn a_machine_activates_verifies_and_gives_its_seat_back() {
    let (server, _database) = start();
    let (id, key) = server.issue(
        "studio",
        &json!({ "seats": 1, "features": { "export": true, "print": false } }),
    );
    assert_eq!(server.verify(&key, 1).code(), "NOT_ACTIVATED");

    let first = server.activate(&key, 1);
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.header("licet-position"), first.body["position"].to_string());
    assert_eq!(first.text("nonce"), "nonce-1");
    let again = server.activate(&key, 1);
    assert_eq!(
        (again.status, again.text("activation_id")),
        (200, first.text("activation_id"))
    );
    assert_eq!(
        again.body["position"], first.body["position"],
        "a repetition carries the original's position"
    );

    let verdict = server.verify(&key.to_lowercase().replace('-', " "), 1);
    assert_eq!((verdict.code(), &verdict.body["valid"]), ("VALID", &json!(true)));
    assert_eq!(verdict.body["features"], json!({ "export": true, "print": false }));
    let full = server.activate(&key, 2);
    assert_eq!((full.status, full.code()), (422, "ACTIVATION_LIMIT_REACHED"));
    assert_eq!((&full.body["limit"], &full.body["active"]), (&json!(1), &json!(1)));

    let with_token = format!("Bearer {}", first.text("token"));
    let by_token = server.send_with("POST", "/api/license/verify", &[("authorization", &with_token)], b"{}");
    assert_eq!(by_token.code(), "VALID", "{}", by_token.body);

    let leave = json!({ "license_key": key, "activation_id": first.text("activation_id"), "reason": "sold" });
    let left = server.send("POST", "/api/license/deactivate", &leave);
    assert_eq!((left.status, left.text("status")), (200, "deactivated"));
    assert_eq!(
        server.send("POST", "/api/license/deactivate", &leave).status,
        200,
        "and again"
    );
    let by_token = server.send_with("POST", "/api/license/verify", &[("authorization", &with_token)], b"{}");
    assert_eq!(by_token.code(), "NOT_ACTIVATED");
    assert_eq!(server.activate(&key, 2).status, 201, "the seat is free");

    let info = server.get(&format!("/api/license/info/{key}"));
    assert_eq!(info.body["license"]["active"], 1);
    assert_eq!(info.body["activations"][0]["hostname"], "machine-2");
    let events = server.get(&format!("/api/admin/licenses/{id}/events"));
    let types: Vec<&str> = events.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [
            "license.issued",
            "license.activated",
            "license.deactivated",
            "license.activated"
        ]
    );
}

#[test]
fn the_refusals_of_the_contract() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3 }));
    let activate = |fingerprint: serde_json::Value| {
        let answer = server.send(
            "POST",
            "/api/license/activate",
            &json!({ "license_key": key, "fingerprint": fingerprint }),
        );
        (answer.status, answer.code().to_owned())
    };
    let refused = |code: &str| (422, code.to_owned());
    assert_eq!(activate(json!(null)), refused("FINGERPRINT_REQUIRED"));
    assert_eq!(activate(json!({})), refused("FINGERPRINT_REQUIRED"));
    assert_eq!(activate(json!({ "cpu_id": "x" })), refused("FINGERPRINT_INSUFFICIENT"));
    let placeholder = json!({ "cpu_id": "x", "system_uuid": "03000200-0400-0500-0006-000700080009", "mac_addresses": ["00:00:00:00:00:00"] });
    assert_eq!(activate(placeholder), refused("FINGERPRINT_PLACEHOLDER"));
    let unknown = server.activate("LIC-11111-11111-11111-11111-1111C", 1);
    assert_eq!((unknown.status, unknown.code()), (404, "LICENSE_NOT_FOUND"));
    assert_eq!(server.verify("not a key at all", 1).code(), "NOT_FOUND");

    let release = json!({ "product": "studio", "version": "2.1.0", "min_version": "2.0.0" });
    server.create("/api/admin/releases", &release);
    let old =
        json!({ "license_key": key, "fingerprint": { "cpu_id": "x", "system_uuid": "abcd" }, "app_version": "1.9" });
    assert_eq!(
        server.send("POST", "/api/license/activate", &old).code(),
        "VERSION_UNSUPPORTED"
    );

    let verb = |verb: &str| {
        server.send(
            "POST",
            &format!("/api/admin/licenses/{id}/{verb}"),
            &json!({ "reason": "test" }),
        )
    };
    assert_eq!(verb("suspend").body["status"], "suspended");
    assert_eq!(server.activate(&key, 1).code(), "LICENSE_SUSPENDED");
    assert_eq!(server.verify(&key, 1).code(), "SUSPENDED");
    assert_eq!(verb("resume").body["status"], "active");
    assert_eq!(server.activate(&key, 1).status, 201);
    assert_eq!(verb("revoke").body["status"], "revoked");
    assert_eq!(
        (server.activate(&key, 1).code(), server.verify(&key, 1).code()),
        ("LICENSE_REVOKED", "REVOKED")
    );
    assert_eq!(verb("resume").code(), "LICENSE_REVOKED");
}

#[test]
fn dates_decide() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let owner = server.get(&format!("/api/license/info/{key}"));
    let issue = |from: &str, until: &str| {
        let order = json!({ "customer_id": owner.body["license"]["customer"], "policy": "studio", "valid_from": from, "expires_at": until });
        let issued = server.create("/api/admin/licenses", &order);
        issued.body["items"][0]["key"].as_str().unwrap().to_owned()
    };
    let ended = issue("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    assert_eq!(
        (server.activate(&ended, 1).code(), server.verify(&ended, 1).code()),
        ("LICENSE_EXPIRED", "EXPIRED")
    );
    let early = issue("2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z");
    assert_eq!(
        (server.activate(&early, 1).code(), server.verify(&early, 1).code()),
        ("LICENSE_NOT_YET_VALID", "NOT_YET_VALID")
    );
}

/// `machines` threads activate on these servers at once; answers how many were accepted.
fn storm(servers: &[&Server], key: &str, machines: u32) -> usize {
    thread::scope(|scope| {
        let running: Vec<_> = (0..machines)
            .map(|machine| {
                let server = servers[machine as usize % servers.len()];
                scope.spawn(move || server.activate(key, machine))
            })
            .collect();
        let answers = running.into_iter().map(|thread| thread.join().unwrap());
        answers
            .filter(|answer| {
                if answer.status != 201 {
                    assert_eq!(
                        (answer.status, answer.code()),
                        (422, "ACTIVATION_LIMIT_REACHED"),
                        "{}",
                        answer.body
                    );
                    assert!(answer.body["limit"].is_u64() && answer.body["active"].is_u64());
                }
                answer.status == 201
            })
            .count()
    })
}

#[test]
fn as_many_machines_as_seats_on_one_node_and_on_two() {
    let (server, database) = start();
    let (_, key) = server.issue("alone", &json!({ "seats": 7 }));
    assert_eq!(storm(&[&server], &key, 40), 7);
    let (_, key) = server.issue("together", &json!({ "seats": 11 }));
    let second = Server::start(&database.url);
    assert_eq!(storm(&[&server, &second], &key, 60), 11);
    assert_eq!(
        second.get(&format!("/api/license/info/{key}")).body["license"]["active"],
        11
    );
}

#[test]
fn the_same_machine_at_the_same_moment_on_two_nodes_takes_one_seat() {
    let database = new_database();
    let servers = [Server::start(&database.url), Server::start(&database.url)];
    let (_, key) = servers[0].issue("studio", &json!({ "seats": 5 }));
    let ids: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..20)
            .map(|n| {
                scope.spawn({
                    let (server, key) = (&servers[n % 2], &key);
                    move || server.activate(key, 1)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap().text("activation_id").to_owned())
            .collect()
    });
    assert!(!ids[0].is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(
        servers[1].get(&format!("/api/license/info/{key}")).body["license"]["active"],
        1
    );
}

#[test]
fn a_revocation_is_heard_on_the_other_node() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let (id, key) = one.issue("studio", &json!({ "seats": 1 }));
    assert_eq!(other.activate(&key, 1).status, 201);
    assert_eq!(other.verify(&key, 1).code(), "VALID");
    one.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    assert!(eventually(|| other.verify(&key, 1).code() == "REVOKED"));
}

//! Anomalies: found by their rules in real history, judged by people, and not found twice.

use licet_test_support::{Server, TestDatabase, eventually};
use serde_json::{Value, json};

use crate::{new_database, start};

#[test]
fn a_machine_that_beats_too_fast_and_a_clock_that_runs_back_are_found_once() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    for _ in 0..12 {
        server.beat(&token, &json!({ "client_time": "2027-01-01T00:00:00Z" }));
    }
    server.beat(&token, &json!({ "client_time": "2026-12-31T00:00:00Z" }));
    let from = json!({ "from": "2026-01-01T00:00:00Z", "license_id": id });
    let recent = json!({ "from": an_hour_ago(&server), "license_id": id });
    let rerun = server.send("POST", "/api/admin/anomalies/rerun", &recent);
    assert_eq!(
        (rerun.status, &rerun.body["licenses"]),
        (200, &json!(1)),
        "{}",
        rerun.body
    );
    let again = server.send("POST", "/api/admin/anomalies/rerun", &recent);
    assert_eq!(again.body["found"], json!(0), "what was found is not found again");
    assert_eq!(
        server
            .send("POST", "/api/admin/anomalies/rerun", &json!({ "from": "soon" }))
            .status,
        422
    );
    assert_eq!(server.send("POST", "/api/admin/anomalies/rerun", &from).status, 200);

    let listed = wait_for(&server, 2);
    let rules: Vec<&str> = listed.iter().filter_map(|item| item["rule"].as_str()).collect();
    assert!(
        rules.contains(&"impossible_rate") && rules.contains(&"clock_set_back"),
        "{rules:?}"
    );
    let anomaly = listed.iter().find(|item| item["rule"] == "impossible_rate").unwrap();
    assert!(
        anomaly["evidence"]
            .as_array()
            .is_some_and(|evidence| evidence.len() > 10)
    );
    assert_eq!(
        (&anomaly["state"], &anomaly["license_id"]),
        (&json!("open"), &json!(id))
    );
    let path = format!("/api/admin/anomalies/{}", anomaly["id"].as_str().unwrap());
    let dismissed = server.send("POST", &format!("{path}/dismiss"), &json!({ "reason": "a load test" }));
    assert_eq!(
        (dismissed.text("state"), dismissed.text("reason")),
        ("dismissed", "a load test")
    );
    assert_eq!(
        server
            .send("POST", &format!("{path}/acknowledge"), &json!({}))
            .text("state"),
        "acknowledged"
    );
    assert_eq!(
        server.send("POST", &format!("{path}/reopen"), &json!({})).text("state"),
        "open"
    );
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("idempotency-key", "once"),
    ];
    let rerun = |from: &str| {
        let order = json!({ "from": from }).to_string();
        server.send_with("POST", "/api/admin/anomalies/rerun", &headers, order.as_bytes())
    };
    let (from, other) = (an_hour_ago(&server), "2026-01-01T00:00:00Z");
    let (first, again) = (rerun(&from), rerun(&from));
    assert_eq!(
        (first.status, &first.body["found"]),
        (200, &json!(0)),
        "what is known is not found again"
    );
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        ("true", &first.body)
    );
    assert_eq!(rerun(other).code(), "IDEMPOTENCY_KEY_REUSED");
    let events = server.get(&format!("{path}/events")).body["items"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(4));
    assert_eq!(events[1]["actor_id"], "bootstrap", "who did it");
    let as_it_was = server.get(&format!("{path}?as_of={}", dismissed.header("licet-position")));
    assert_eq!(as_it_was.text("state"), "dismissed");
}

#[test]
fn rules_over_a_long_history_answer_some_licenses_at_a_time() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let owner = server.get(&format!("/api/license/info/{key}"));
    let order = json!({ "customer_id": owner.body["license"]["customer"], "policy": "studio", "count": 11 });
    server.create("/api/admin/licenses", &order);
    let year = json!({ "from": "2026-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z" });
    let mut answers = Vec::new();
    let mut order = year.clone();
    loop {
        let answer = server.send("POST", "/api/admin/anomalies/rerun", &order);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answers.push(answer.body["licenses"].clone());
        match answer.body["next_cursor"].as_str() {
            Some(next) => order["cursor"] = json!(next),
            None => break,
        }
    }
    assert_eq!(answers, [10, 2], "of 397 days each");
    let mut one = year;
    (one["license_id"], one["cursor"]) = (json!(key), order["cursor"].clone());
    assert_eq!(server.send("POST", "/api/admin/anomalies/rerun", &one).status, 422);
}

fn wait_for(server: &Server, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let all = eventually(|| {
        let listed = &server.get("/api/admin/anomalies?dismissed=true").body["items"];
        found = listed.as_array().cloned().unwrap_or_default();
        found.len() >= count
    });
    assert!(all, "{found:?}");
    found
}

/// An hour before the server's now.
fn an_hour_ago(server: &Server) -> String {
    let date = server.verify("x", 1).text("ts").to_owned();
    let now = licet_domain::values::Timestamp::parse(&date).unwrap();
    now.plus_seconds(-3_600).to_string()
}

#[test]
fn key_guessing_is_found_by_the_server_itself() {
    let database: TestDatabase = new_database();
    let server = Server::start(&database.url);
    for _ in 0..21 {
        server.verify("LIC-11111-11111-11111-11111-1111C", 1);
    }
    let mut found = Value::Null;
    assert!(eventually(|| {
        found = server.get("/api/admin/anomalies").body["items"][0].clone();
        !found.is_null()
    }));
    assert_eq!(
        (&found["rule"], &found["severity"]),
        (&json!("key_guessing"), &json!("high"))
    );
    let metrics = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
    assert!(metrics.contains("licet_anomalies_total"));
}

//! Retries: the same request twice is one change and one answer.

use std::thread;

use serde_json::json;

use crate::start;

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

#[test]
fn a_repeated_request_gets_the_first_answer_again() {
    let (server, _database) = start();
    let body = json!({ "code": "studio", "name": "Studio" }).to_string();
    let send = |key: &str, body: &str| {
        server.send_with(
            "POST",
            "/api/admin/products",
            &[KEY, ("idempotency-key", key)],
            body.as_bytes(),
        )
    };
    let first = send("one", &body);
    assert_eq!(first.status, 201);
    let again = send("one", &body);
    assert_eq!(
        (again.status, again.header("idempotency-replayed"), &again.body),
        (201, "true", &first.body)
    );
    assert_eq!(again.header("licet-position"), first.header("licet-position"));
    assert_eq!(again.header("location"), first.header("location"));
    let other = send("one", &body.replace("Studio", "Other"));
    assert_eq!((other.status, other.code()), (422, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(send("two", &body).code(), "PRODUCT_CODE_TAKEN", "a refusal is not kept");
    assert_eq!(send("two", &body).code(), "PRODUCT_CODE_TAKEN");
}

#[test]
fn a_repeated_activation_is_signed_afresh_and_keeps_its_body() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2 }));
    let body =
        json!({ "license_key": key, "fingerprint": { "cpu_id": "a", "system_uuid": "b1" }, "nonce": "n" }).to_string();
    let send = || {
        server.send_with(
            "POST",
            "/api/license/activate",
            &[KEY, ("idempotency-key", "k")],
            body.as_bytes(),
        )
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, again.status), (201, 201), "{}", again.body);
    assert_eq!(first.body, again.body);
    assert!(!again.header("signature").is_empty());
}

#[test]
fn the_answer_to_a_repetition_is_kept_as_it_was() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2 }));
    let first = server.activate(&key, 1);
    server.activate(&key, 2);
    let body = json!({ "license_key": key, "fingerprint": { "mac_addresses": ["3c:52:00:00:00:01"], "cpu_id": "one model for all" } }).to_string();
    let send = || {
        server.send_with(
            "POST",
            "/api/license/activate",
            &[KEY, ("idempotency-key", "k")],
            body.as_bytes(),
        )
    };
    let (found, again) = (send(), send());
    assert_eq!(
        (found.status, again.status, again.header("idempotency-replayed")),
        (200, 200, "true")
    );
    assert_eq!(
        (&found.body["position"], &again.body),
        (&first.body["position"], &found.body)
    );
}

#[test]
fn renewing_with_a_key_counts_once_however_often_it_is_sent() {
    let (server, _database) = start();
    let (id, _) = server.issue("studio", &json!({ "seats": 1, "duration_days": 10 }));
    let path = format!("/api/admin/licenses/{id}/renew");
    let answers: Vec<_> = thread::scope(|scope| {
        let send = || server.send_with("POST", &path, &[KEY, ("idempotency-key", "renewal-7")], b"{}");
        let running: Vec<_> = (0..12).map(|_| scope.spawn(send)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for answer in &answers {
        assert!(
            answer.status == 200 || answer.code() == "IDEMPOTENCY_IN_FLIGHT",
            "{}",
            answer.body
        );
    }
    let events = server.get(&format!("/api/admin/licenses/{id}/events"));
    let renewals = events.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "license.renewed")
        .count();
    assert_eq!(renewals, 1);
}

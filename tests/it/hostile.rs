//! Bad input: a clear problem, a stable code, nothing changed, and never a 500.

use serde_json::{Value, json};

use crate::start;

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

#[test]
fn what_is_no_request_is_refused_with_its_own_code() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2 }));
    // Each look leaves an event of its own, and waits for it: what was recorded before it is told by then.
    let recorded = |look: &str| {
        let look = json!({ "code": look, "name": "A look" });
        let position = server
            .create("/api/admin/products", &look)
            .header("licet-position")
            .to_owned();
        let total = server.get_at(&position, "/api/admin/audit?limit=1").body["total"].clone();
        total.as_i64().unwrap()
    };
    let before = recorded("before");
    let post = |path: &str, body: &[u8]| {
        let answer = server.send_with("POST", path, &[KEY], body);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path} {}",
            answer.body
        );
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        assert!(answer.status < 500, "{path}: {}", answer.body);
        (answer.status, answer.code().to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    let activate = "/api/license/activate";
    assert_eq!(post(activate, b"{"), is(400, "MALFORMED_JSON"));
    assert_eq!(post(activate, b""), is(400, "MALFORMED_JSON"));
    assert_eq!(post(activate, b"\xff\xfe"), is(400, "MALFORMED_JSON"));
    assert_eq!(
        post(activate, b"{\"license_key\": \"\xff\"}"),
        is(400, "MALFORMED_JSON")
    );
    assert_eq!(post(activate, b"[]"), is(422, "VALIDATION_FAILED"));
    let by_order = json!([key, { "system_uuid": "00000000-0000-4000-8000-000000000001", "cpu_id": "c" }]).to_string();
    assert_eq!(post(activate, by_order.as_bytes()), is(422, "VALIDATION_FAILED"));
    assert_eq!(post(activate, b"[1,"), is(400, "MALFORMED_JSON"));
    assert_eq!(post(activate, b"{}"), is(422, "VALIDATION_FAILED"));
    assert_eq!(post(activate, br#"{"license_key": 7}"#), is(422, "VALIDATION_FAILED"));
    // Serde alone takes an array for an object.
    let array = br#"{"license_key": "x", "fingerprint": [[], "a cpu", "a board"]}"#;
    assert_eq!(post(activate, array), is(422, "VALIDATION_FAILED"));
    let deep = format!(r#"{{"license_key": "x", "fingerprint": {}}}"#, "[".repeat(5_000));
    assert_eq!(post(activate, deep.as_bytes()), is(422, "VALIDATION_FAILED"));
    let large = json!({ "license_key": "x".repeat(70_000) }).to_string();
    assert_eq!(post(activate, large.as_bytes()), is(413, "BODY_TOO_LARGE"));
    let many =
        json!({ "license_key": key, "fingerprint": { "mac_addresses": vec!["3c:52:00:00:00:01"; 100] } }).to_string();
    assert_eq!(post(activate, many.as_bytes()), is(422, "VALIDATION_FAILED"));
    let nonce = json!({ "license_key": key, "nonce": "a\nb" }).to_string();
    assert_eq!(post(activate, nonce.as_bytes()), is(422, "NONCE_INVALID"));
    assert_eq!(
        post(
            "/api/license/deactivate",
            json!({ "license_key": key }).to_string().as_bytes()
        ),
        is(422, "ACTIVATION_REQUIRED")
    );
    let gone = json!({ "license_key": key, "activation_id": "nonsense" }).to_string();
    assert_eq!(
        post("/api/license/deactivate", gone.as_bytes()),
        is(404, "ACTIVATION_NOT_FOUND")
    );
    assert_eq!(post("/api/license/nothing", b"{}"), is(404, "NOT_FOUND"));
    assert_eq!(server.send("PUT", "/api/license/verify", &json!({})).status, 405);
    assert_eq!(recorded("after"), before + 1, "nothing else was recorded");
}

#[test]
fn impossible_terms_and_dates_are_named_by_field() {
    let (server, _database) = start();
    let (id, _) = server.issue("studio", &json!({ "seats": 2 }));
    let customer = server
        .get(&format!("/api/admin/licenses/{id}"))
        .text("customer_id")
        .to_owned();
    let policy = |field: &str, value: Value| {
        let mut body = json!({ "code": "other", "product": "studio", "seats": 1 });
        body[field] = value;
        ("/api/admin/policies", body, format!("/{field}"))
    };
    let license = |field: &str, value: Value| {
        let mut body = json!({ "customer_id": customer, "policy": "studio" });
        body[field] = value;
        ("/api/admin/licenses", body, format!("/{field}"))
    };
    let cases = [
        policy("seats", json!(-1)),
        policy("seats", json!(0)),
        policy("seats", json!(99_999_999_999_i64)),
        policy("seats", json!("three")),
        policy("duration_days", json!(-5)),
        policy("heartbeat_interval_seconds", json!(1)),
        policy("features", json!({ "export": 7 })).clone(),
        policy("code", json!("no spaces allowed")),
        license("count", json!(0)),
        license("count", json!(1_000_000)),
        license("seats", json!(-1)),
        license("expires_at", json!("2027-02-30T00:00:00Z")),
        license("expires_at", json!("1999-01-01T00:00:00Z")),
        license("valid_from", json!("yesterday")),
    ];
    for (path, body, field) in cases {
        let answer = server.send("POST", path, &body);
        assert_eq!(
            (answer.status, answer.code()),
            (422, "VALIDATION_FAILED"),
            "{body}: {}",
            answer.body
        );
        let pointer = answer.body["errors"][0]["pointer"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // Fields that are flattened into another are reported without a path.
        assert!(
            pointer.starts_with(&field) || pointer.is_empty(),
            "{body}: {}",
            answer.body
        );
    }
    let missing = json!({ "customer_id": "00000000-0000-7000-8000-000000000000", "policy": "studio" });
    assert_eq!(
        server.send("POST", "/api/admin/licenses", &missing).code(),
        "CUSTOMER_NOT_FOUND"
    );
    for path in [
        "/api/admin/licenses/nonsense",
        "/api/admin/licenses/00000000-0000-7000-8000-000000000000",
    ] {
        assert_eq!(server.get(path).code(), "LICENSE_NOT_FOUND");
    }
    assert_eq!(server.get("/api/license/info/%ff%fe").status, 404);
    assert_eq!(server.get("/api/admin/licenses/%ff%fe").status, 404);
    assert_eq!(server.get("/api/admin/audit?action=%00").code(), "QUERY_INVALID");
}

#[test]
fn headers_and_queries_that_say_nothing_clear_are_refused() {
    let (server, _database) = start();
    let product = br#"{"code": "studio", "name": "Studio"}"#;
    for unreadable in ["", " ", "ü", &"x".repeat(256)] {
        let headers = [KEY, ("idempotency-key", unreadable)];
        let refused = server.send_with("POST", "/api/admin/products", &headers, product);
        assert_eq!(
            (refused.status, refused.code()),
            (422, "IDEMPOTENCY_KEY_INVALID"),
            "{unreadable:?}"
        );
    }
    let twice = server.send_with("GET", "/api/admin/products", &[KEY, ("x-api-key", "another")], b"");
    assert_eq!((twice.status, twice.code()), (400, "CREDENTIALS_AMBIGUOUS"));
    let unclear = server.send_with(
        "GET",
        "/api/admin/products",
        &[KEY, ("licet-min-position", "soon")],
        b"",
    );
    assert_eq!((unclear.status, unclear.code()), (400, "POSITION_INVALID"));
    for (path, status) in [
        ("/api/admin/products?total=foo", 422),
        ("/api/admin/products?sort=--created_at", 422),
        ("/api/admin/audit?total=exact", 200),
        ("/api/admin/audit?total=some", 422),
        ("/api/admin/mails?total=some", 422),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    assert_eq!(server.get("/api/admin/products").body["total"], 0, "nothing was made");
    let replay = server.send("POST", "/api/admin/replays", &json!({ "name": "nothing" }));
    let detail = replay.body["errors"][0]["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        detail.contains("license_state") && detail.contains("decisions"),
        "{}",
        replay.body
    );
    let rerun = json!({ "from": "2026-01-01T00:00:00Z", "license_id": "00000000-0000-7000-8000-000000000000" });
    assert_eq!(
        server.send("POST", "/api/admin/anomalies/rerun", &rerun).code(),
        "LICENSE_NOT_FOUND"
    );
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let ahead = [KEY, ("licet-min-position", "999999")];
    let info = server.send_with("GET", &format!("/api/license/info/{key}"), &ahead, b"");
    assert_eq!((info.status, info.code()), (503, "READ_MODEL_BEHIND"));
}

#[test]
fn what_postgres_cannot_store_stops_no_projector() {
    let (server, _database) = start();
    // Looked into by the list of revocations and by upkeep.
    for name in ["a\u{0}b", "", &"x".repeat(65)] {
        let policy = json!({ "code": "nul", "product": "studio", "seats": 1, "fingerprint_extra": [name] });
        server.create(
            "/api/admin/products",
            &json!({ "code": format!("p{}", name.len()), "name": "Product" }),
        );
        let refused = server.send("POST", "/api/admin/policies", &policy);
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!("/fingerprint_extra")),
            "{}",
            refused.body
        );
    }
    assert_eq!(
        server.send("POST", "/api/admin/mails/%00/resend", &json!({})).code(),
        "MAIL_NOT_FOUND"
    );
    let (id, key) = server.issue("studio", &json!({ "seats": 2 }));
    let machine = json!({ "license_key": key, "hostname": "a\u{0}b", "os": "\u{0}", "app_version": "1\u{0}",
        "fingerprint": { "cpu_id": "a\u{0}", "system_uuid": "b1" } });
    let activated = server.send("POST", "/api/license/activate", &machine);
    assert_eq!(activated.status, 201, "{}", activated.body);
    let mut asked = machine.clone();
    asked["features"] = json!(["a\u{0}b"]);
    assert_eq!(
        server.send("POST", "/api/license/verify", &asked).code(),
        "FEATURE_MISSING"
    );
    assert_eq!(server.get("/api/license/revocations").status, 200);
    let leave = json!({ "license_key": key, "activation_id": activated.text("activation_id"), "reason": "a\u{0}b" });
    let left = server.send("POST", "/api/license/deactivate", &leave);
    // Both read models that carry what machines say of themselves must get past it.
    let headers = [KEY, ("licet-min-position", left.header("licet-position"))];
    for path in [
        "/api/admin/audit".to_owned(),
        format!("/api/admin/licenses/{id}/activations"),
    ] {
        let read = server.send_with("GET", &path, &headers, b"");
        assert_eq!(read.status, 200, "{path}: {}", read.body);
    }
    assert_eq!(server.get("/readyz").status, 200, "{}", server.get("/readyz").body);
}

#[test]
fn random_bodies_never_make_a_500() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 2 }));
    let seed = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(1, |since| since.subsec_nanos())
        | 1;
    eprintln!("seed {seed}");
    let mut state = u64::from(seed);
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!(key),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "a": null }),
        json!("\u{202e}"),
        json!("9999-12-31T23:59:59Z"),
        json!("0001-01-01T00:00:00Z"),
        json!({ "cpu_id": "a", "system_uuid": "b1" }),
        json!({ "a": i64::MAX }),
        json!("studio"),
    ];
    let fields = [
        "license_key",
        "fingerprint",
        "hostname",
        "features",
        "nonce",
        "activation_id",
        "code",
        "name",
        "product",
        "seats",
        "limits",
        "customer_id",
        "policy",
        "count",
        "expires_at",
        "valid_from",
        "note",
        "version",
        "min_version",
        "scopes",
        "email",
        "reason",
    ];
    let paths = [
        "/api/license/activate".to_owned(),
        "/api/license/verify".to_owned(),
        "/api/license/deactivate".to_owned(),
        "/api/admin/products".to_owned(),
        "/api/admin/policies".to_owned(),
        "/api/admin/customers".to_owned(),
        "/api/admin/licenses".to_owned(),
        "/api/admin/releases".to_owned(),
        "/api/admin/api-keys".to_owned(),
        format!("/api/admin/licenses/{id}/renew"),
        format!("/api/admin/licenses/{id}/suspend"),
        format!("/api/admin/licenses/{id}/resume"),
    ];
    for _ in 0..600 {
        let body: serde_json::Map<String, Value> = (0..next() % 6)
            .map(|_| {
                (
                    fields[next() % fields.len()].to_owned(),
                    values[next() % values.len()].clone(),
                )
            })
            .collect();
        let path = &paths[next() % paths.len()];
        let answer = server.send("POST", path, &Value::Object(body.clone()));
        assert!(
            (200..500).contains(&answer.status),
            "seed {seed}: {path} {body:?}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(server.get("/readyz").status, 200);
}

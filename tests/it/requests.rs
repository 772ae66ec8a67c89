//! Requests as other programs write them: what is meant is done, and what is wrong is named where it is wrong.

use licet_test_support::Answer;
use serde_json::{Value, json};

use crate::start;

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

fn error(answer: &Answer) -> (u16, &str, &str) {
    let first = &answer.body["errors"][0];
    let text = |name: &str| first[name].as_str().unwrap_or_default();
    (answer.status, text("pointer"), text("detail"))
}

#[test]
fn a_parameter_that_a_route_does_not_have_is_refused() {
    let (server, _database) = start();
    for (path, named) in [
        ("/api/admin/licenses?nonsense=1", "?nonsense"),
        ("/api/admin/audit?sort=position", "?sort"),
        ("/api/admin/products?as_of=1", "?as_of"),
        ("/api/admin/products?limit=10&limit=20", "?limit"),
        ("/api/admin/products?limit=0", "?limit"),
        ("/api/admin/products?limit=many", "?limit"),
        ("/api/admin/products?sort=name", "?sort"),
        ("/api/admin/products?total=roughly", "?total"),
        ("/api/admin/licenses?customer_id=x", "?customer_id"),
        ("/api/admin/anomalies?dismissed=perhaps", "?dismissed"),
        ("/api/version/latest?channel=stable", "?product"),
        ("/api/license/revocations?x=1", "?x"),
    ] {
        let refused = server.get(path);
        assert_eq!(
            (error(&refused).0, error(&refused).1),
            (422, named),
            "{path}: {}",
            refused.body
        );
        assert_eq!(refused.code(), "VALIDATION_FAILED");
    }
    let listed = server.get("/api/admin/licenses?nonsense=1");
    assert!(
        error(&listed).2.contains("customer_id"),
        "the known ones are listed: {}",
        listed.body
    );
    assert_eq!(
        server.get("/api/admin/products?limit=&cursor=&sort=-created_at").status,
        200,
        "empty is absent"
    );
}

#[test]
fn what_is_wrong_in_a_body_is_pointed_at() {
    let (server, _database) = start();
    server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let post = |path: &str, body: &str| server.send_with("POST", path, &[KEY], body.as_bytes());
    let policy = "/api/admin/policies";
    for (body, pointer, detail) in [
        (r#"{"product": "studio"}"#, "/code", "this field is required"),
        (
            r#"{"code": 7, "product": "studio"}"#,
            "/code",
            "this is a text, and not a whole number",
        ),
        (
            r#"{"code": "a", "product": "studio", "seats": "x"}"#,
            "/seats",
            "this is a whole number, and not a text",
        ),
        (
            r#"{"code": "a", "product": "studio", "seats": 1, "features": {"report.export": 7}}"#,
            "/features/report.export",
            "",
        ),
        (
            r#"{"code": "a", "product": "studio", "features": {"a": true, "a": false}}"#,
            "/features",
            "twice",
        ),
        (
            r#"{"code": "a", "product": "studio", "seats": 1, "limits": {"a/b": -1}}"#,
            "/limits/a~1b",
            "",
        ),
    ] {
        let refused = post(policy, body);
        let (status, at, said) = error(&refused);
        assert_eq!((status, at), (422, pointer), "{body}: {}", refused.body);
        assert!(said.contains(detail), "{body}: {}", refused.body);
        for word in ["struct", "i64", "expected", "Option", "::"] {
            assert!(!refused.body.to_string().contains(word), "{word} in {}", refused.body);
        }
    }
    let key = r#"{"license_key": "x", "fingerprint": {"extra": {"a": "1", "a": "2"}}}"#;
    assert_eq!(error(&post("/api/license/activate", key)).1, "/fingerprint/extra");
    let marked = server.send_with(
        "POST",
        policy,
        &[KEY],
        b"\xef\xbb\xbf{\"code\": \"a\", \"product\": \"studio\", \"seats\": 1}",
    );
    assert_eq!(marked.status, 201, "a byte order mark is no mistake: {}", marked.body);
    let wide: Vec<u8> = r#"{"code": "b"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = server.send_with("POST", policy, &[KEY], &wide);
    assert_eq!((wide.status, wide.code()), (400, "MALFORMED_JSON"));
    assert!(wide.text("detail").contains("UTF-16"), "{}", wide.body);
    let compressed = server.send_with("POST", policy, &[KEY, ("content-encoding", "gzip")], b"\x1f\x8b");
    assert_eq!(
        (compressed.status, compressed.code()),
        (415, "CONTENT_ENCODING_UNSUPPORTED")
    );
}

#[test]
fn a_repeated_answer_is_the_whole_answer() {
    let (server, _database) = start();
    let headers = [KEY, ("idempotency-key", "once")];
    let make = || {
        server.send_with(
            "POST",
            "/api/admin/products",
            &headers,
            br#"{"code": "studio", "name": "Studio"}"#,
        )
    };
    let (first, again) = (make(), make());
    assert_eq!(again.header("idempotency-replayed"), "true");
    for name in ["etag", "location", "licet-position", "content-type"] {
        assert!(!first.header(name).is_empty(), "{name}");
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    assert_eq!((first.status, &first.body), (again.status, &again.body));
}

#[test]
fn versions_are_read_the_same_everywhere() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 5 }));
    let check = |product: &str, version: &str| {
        server.send(
            "POST",
            "/api/version/check",
            &json!({ "product": product, "version": version }),
        )
    };
    let release = |product: &str, version: &str| {
        server.send(
            "POST",
            "/api/admin/releases",
            &json!({ "product": product, "version": version, "min_version": version }),
        )
    };
    let machine = |version: Value| json!({ "license_key": key, "app_version": version, "fingerprint": { "cpu_id": "x", "system_uuid": "ab12" } });
    assert_eq!(release("studio", "v3.1").text("version"), "3.1.0");
    for again in ["3.1.0", "3.1.0.0", "03.1", "V3.1"] {
        let refused = release("studio", again);
        assert_eq!((refused.status, refused.code()), (409, "RELEASE_EXISTS"), "{again}");
    }
    for (version, runs) in [
        ("3.1.0.345", true),
        ("v3.1", true),
        ("3.1", true),
        ("3.0.9.9", false),
        ("3.1-rc.1", false),
    ] {
        let verified = server.send("POST", "/api/license/verify", &machine(json!(version)));
        let activated = server.send("POST", "/api/license/activate", &machine(json!(version)));
        assert_eq!(
            verified.code() != "VERSION_UNSUPPORTED",
            runs || verified.code() == "NOT_ACTIVATED",
            "{version}"
        );
        assert_eq!(
            matches!(activated.status, 200 | 201),
            runs,
            "{version}: {}",
            activated.body
        );
        assert_eq!(
            check("studio", version).body["update_required"],
            json!(!runs),
            "{version}"
        );
        if runs {
            let beat = server.beat(activated.text("token"), &json!({ "app_version": version }));
            assert_eq!(beat.code(), "VALID", "{version}: {}", beat.body);
        }
    }
    let token = server
        .send("POST", "/api/license/activate", &machine(json!(null)))
        .text("token")
        .to_owned();
    for version in ["one", "1.2.3.4.5", "1..2"] {
        let refusals = [
            server.send("POST", "/api/license/verify", &machine(json!(version))),
            server.send("POST", "/api/license/activate", &machine(json!(version))),
            server.beat(&token, &json!({ "app_version": version })),
            check("studio", version),
            release("studio", version),
        ];
        for refused in &refusals {
            assert_eq!(
                (refused.status, refused.code()),
                (422, "VERSION_INVALID"),
                "{version}: {}",
                refused.body
            );
        }
    }
    let numeric = json!({ "code": "tool", "name": "Tool", "version_scheme": "numeric" });
    assert_eq!(
        server.create("/api/admin/products", &numeric).text("version_scheme"),
        "numeric"
    );
    assert_eq!(release("tool", "10.0.22631.4460.1.7").status, 201);
    assert_eq!(check("tool", "10.0.22631.4460").body["update_required"], json!(true));
    let calendar = json!({ "code": "paper", "name": "Paper", "version_scheme": "calendar" });
    server.create("/api/admin/products", &calendar);
    assert_eq!(release("paper", "2026-11-28").text("version"), "2026.11.28");
    assert_eq!(check("paper", "2026.9").body["update_available"], json!(true));
    let unknown = json!({ "code": "x", "name": "X", "version_scheme": "roman" });
    assert_eq!(
        error(&server.send("POST", "/api/admin/products", &unknown)).1,
        "/version_scheme"
    );
}

#[test]
fn a_time_that_is_none_and_values_that_a_list_does_not_have_are_refused() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    for time in ["x", "2026-11-28", "12:00"] {
        let beat = server.beat(&token, &json!({ "client_time": time }));
        assert_eq!(
            (beat.status, error(&beat).1),
            (422, "/client_time"),
            "{time}: {}",
            beat.body
        );
    }
    for (path, status) in [
        ("/api/admin/audit?action=licence.issued".to_owned(), 422),
        ("/api/admin/audit?action=license.issued".to_owned(), 200),
        (
            format!("/api/admin/licenses/{id}/decisions?code=fingerprint_required"),
            422,
        ),
        (
            format!("/api/admin/licenses/{id}/decisions?code=FINGERPRINT_REQUIRED"),
            200,
        ),
        (
            "/api/admin/webhooks/00000000-0000-7000-8000-000000000000/deliveries".to_owned(),
            404,
        ),
    ] {
        let answer = server.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let unreadable = server.get("/api/admin/licenses?customer_id=x");
    assert!(error(&unreadable).2.ends_with("this is a UUID."), "{}", unreadable.body);
    let webhook = server.create("/api/admin/webhooks", &json!({ "url": "HTTPS://example.com/hooks" }));
    let replay = format!("/api/admin/webhooks/{}/replay", webhook.text("id"));
    for since in ["2999-01-01", "999999", "2999-01-01T00:00:00Z"] {
        let refused = server.send("POST", &replay, &json!({ "since": since }));
        assert_eq!(
            (refused.status, error(&refused).1),
            (422, "/since"),
            "{since}: {}",
            refused.body
        );
    }
    for ahead in ["/api/admin/mails", "/api/admin/permissions", "/api/admin/signing-keys"] {
        let behind = server.send_with("GET", ahead, &[KEY, ("licet-min-position", "999999")], b"");
        assert_eq!((behind.status, behind.code()), (503, "READ_MODEL_BEHIND"), "{ahead}");
    }
}

#[test]
fn a_name_that_is_given_twice_is_named_wherever_it_stands() {
    let (server, _database) = start();
    server.issue("studio", &json!({ "seats": 1 }));
    let policy = |rest: &str| {
        let body = format!(r#"{{"code": "twice", "product": "studio", "seats": 1, {rest}}}"#);
        server.send_with("POST", "/api/admin/policies", &[KEY], body.as_bytes())
    };
    for (twice, pointer) in [
        (
            r#""limits": {"pages": {"limit": 1, "limit": 9, "overage": "soft"}}"#,
            "/limits",
        ),
        (r#""features": {"a/b": true, "a/b": false}"#, "/features"),
    ] {
        let refused = policy(twice);
        let first = &refused.body["errors"][0];
        assert_eq!(
            (refused.status, &first["code"], &first["pointer"]),
            (422, &json!("DUPLICATE"), &json!(pointer)),
            "{}",
            refused.body
        );
    }
}

#[test]
fn a_body_of_thousands_of_wrong_fields_costs_no_more_than_others() {
    let (server, _database) = start();
    let fields: Vec<String> = (0..6_000).map(|field| format!("\"f{field}\":0")).collect();
    let body = format!("{{{}}}", fields.join(","));
    for _ in 0..20 {
        let refused = server.send_with("POST", "/api/license/activate", &[KEY], body.as_bytes());
        assert_eq!(
            (refused.status, error(&refused).1),
            (422, "/license_key"),
            "{}",
            refused.body
        );
    }
}

#[test]
fn a_history_reads_as_people_do_and_tells_no_secret() {
    let (server, _database) = start();
    let customer = json!({ "name": "Ada", "email": "ada@example.com" });
    let customer = server.create("/api/admin/customers", &customer);
    let webhook = server.create("/api/admin/webhooks", &json!({ "url": "https://example.com/hooks" }));
    let (license, key) = server.issue("studio", &json!({ "seats": 1 }));
    let seated = server.activate(&key, 1);
    let history = |collection: &str, id: &str| {
        let path = format!("/api/admin/{collection}/{id}/events");
        server.get_at(seated.header("licet-position"), &path).body["items"].clone()
    };
    let customers = history("customers", customer.text("id"));
    assert_eq!(customers[0]["data"]["name"], "Ada", "{customers}");
    assert_eq!(history("licenses", &license)[1]["data"]["hostname"], "machine-1");
    let all = [
        customers,
        history("licenses", &license),
        history("webhooks", webhook.text("id")),
    ];
    for events in all {
        assert!(!events.to_string().contains("\"v1."), "{events}");
    }
}

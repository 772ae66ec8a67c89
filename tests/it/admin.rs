//! Operators' scripts: create, read, edit, retire, page, look back; and who may.

use serde_json::{Value, json};

use licet_test_support::{Server, eventually};

use crate::start;

#[test]
fn a_resource_is_created_read_edited_and_retired() {
    let (server, _database) = start();
    let created = server.create("/api/admin/products", &json!({ "code": "Studio", "name": " Studio " }));
    assert_eq!((created.text("code"), created.text("name")), ("studio", "Studio"));
    let path = created.header("location").to_owned();
    let tag = created.header("etag").to_owned();
    let read = server.get(&path);
    assert_eq!(
        (read.status, &read.body, read.header("etag")),
        (200, &created.body, tag.as_str())
    );

    let key = [("x-api-key", "0f2a-bootstrap-key-of-the-tests")];
    let edit = |tag: Option<&str>, name: &str| {
        let mut headers = key.to_vec();
        headers.extend(tag.map(|tag| ("if-match", tag)));
        server.send_with("PATCH", &path, &headers, json!({ "name": name }).to_string().as_bytes())
    };
    assert_eq!(
        (edit(None, "A").status, edit(None, "A").code().to_owned()),
        (428, "PRECONDITION_REQUIRED".to_owned())
    );
    let edited = edit(Some(&tag), "Atelier");
    assert_eq!((edited.status, edited.text("name")), (200, "Atelier"));
    assert_eq!(edit(Some(&tag), "Late").status, 412, "the tag is stale now");

    let before = server.get(&format!("{path}?as_of={}", created.header("licet-position")));
    assert_eq!(before.text("name"), "Studio", "as it was");
    let long_ago = server.get(&format!("{path}?as_of=2001-01-01T00:00:00Z"));
    assert_eq!((long_ago.status, long_ago.code()), (404, "PRODUCT_NOT_FOUND"));
    assert_eq!(server.get(&format!("{path}?as_of=yesterday")).status, 422);

    assert_eq!(server.retire(&path, edited.header("etag")).status, 204);
    assert_eq!(server.get(&path).text("status"), "retired");
    let policy = json!({ "code": "late", "product": "studio", "seats": 1 });
    assert_eq!(
        server.send("POST", "/api/admin/policies", &policy).code(),
        "PRODUCT_RETIRED"
    );
    assert_eq!(
        server
            .send("POST", "/api/admin/products", &json!({ "code": "studio", "name": "x" }))
            .code(),
        "PRODUCT_CODE_TAKEN"
    );
}

#[test]
fn lists_are_paged_without_gaps_and_wait_for_what_the_caller_knows() {
    let (server, _database) = start();
    let mut position = String::new();
    for number in 0..7 {
        let customer = json!({ "name": format!("Universität {number}"), "email": "x@example.com" });
        position = server
            .create("/api/admin/customers", &customer)
            .header("licet-position")
            .to_owned();
    }
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("licet-min-position", position.as_str()),
    ];
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.send_with(
            "GET",
            &format!("/api/admin/customers?limit=3&cursor={cursor}"),
            &headers,
            b"",
        );
        assert_eq!(
            (page.status, &page.body["total"], &page.body["total_exact"]),
            (200, &json!(7), &json!(true)),
            "{}",
            page.body
        );
        names.extend(
            page.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(
        names,
        (0..7).map(|number| format!("Universität {number}")).collect::<Vec<_>>()
    );
    let newest = server.get("/api/admin/customers?limit=1&sort=-created_at");
    assert_eq!(newest.body["items"][0]["name"], "Universität 6");
    let newest_first = format!("cursor={}", newest.text("next_cursor"));
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=%21",
        "sort=email",
        &newest_first,
    ] {
        assert_eq!(
            server.get(&format!("/api/admin/customers?{query}")).status,
            422,
            "{query}"
        );
    }
    let ahead = [headers[0], ("licet-min-position", "999999")];
    let behind = server.send_with("GET", "/api/admin/customers", &ahead, b"");
    assert_eq!((behind.status, behind.code()), (503, "READ_MODEL_BEHIND"));
}

#[test]
fn licenses_are_edited_renewed_revealed_and_remembered() {
    let (server, _database) = start();
    let (id, key) = server.issue(
        "studio",
        &json!({ "seats": 2, "duration_days": 30, "features": { "export": true } }),
    );
    let path = format!("/api/admin/licenses/{id}");
    let read = server.get(&path);
    assert!(
        read.body.get("key").is_none(),
        "the key is shown where it is issued and revealed, nowhere else"
    );
    server.activate(&key, 1);
    assert_eq!(
        server.get(&path).header("etag"),
        read.header("etag"),
        "a new activation changes nothing that can be edited"
    );
    let change = json!({ "seats": 9, "features": { "print": true }, "note": "for the lab" });
    let edited = server.patch(&path, read.header("etag"), &change);
    assert_eq!(
        (edited.status, &edited.body["seats"], &edited.body["note"]),
        (200, &json!(9), &json!("for the lab")),
        "{}",
        edited.body
    );
    assert_eq!(edited.body["features"], json!({ "export": true, "print": true }));
    let renewed = server.send("POST", &format!("{path}/renew"), &json!({}));
    assert!(renewed.text("expires_at") > read.text("expires_at"));
    assert_eq!(
        server
            .send("POST", &format!("{path}/reveal-key"), &json!({}))
            .text("key"),
        key
    );
    let as_it_was = server.get(&format!("{path}?as_of={}", read.header("licet-position")));
    assert_eq!(
        (&as_it_was.body["seats"], &as_it_was.body["active"]),
        (&json!(2), &json!(0))
    );

    let position = server.get(&path).header("licet-position").to_owned();
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("licet-min-position", position.as_str()),
    ];
    let audit = server.send_with("GET", &format!("/api/admin/audit?aggregate_id={id}"), &headers, b"");
    let actions: Vec<&str> = audit.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(
        actions,
        [
            "license.key_revealed",
            "license.renewed",
            "license.edited",
            "license.activated",
            "license.issued"
        ]
    );
    let entry = &audit.body["items"][0];
    assert_eq!(
        (entry["actor_id"].as_str(), entry["client_address"].as_str()),
        (Some("bootstrap"), Some("127.0.0.1"))
    );
    let machines = server.send_with("GET", &format!("{path}/activations"), &headers, b"");
    assert_eq!(machines.body["items"][0]["hostname"], "machine-1");
}

#[test]
fn api_keys_open_what_their_scopes_say_until_they_are_revoked() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let make = |scopes: Value| {
        let made = server.create("/api/admin/api-keys", &json!({ "name": "test", "scopes": scopes }));
        (made.text("id").to_owned(), made.text("key").to_owned())
    };
    let ((client_id, client), (_, read), (_, admin)) =
        (make(json!(["client"])), make(json!(["read"])), make(json!(["admin"])));
    let verify = json!({ "license_key": key });
    let matrix = [
        ("POST", "/api/license/verify".to_owned(), 200, 403, 403),
        ("GET", format!("/api/license/info/{key}"), 200, 403, 403),
        ("GET", format!("/api/admin/licenses/{id}"), 403, 200, 200),
        ("GET", "/api/admin/audit".to_owned(), 403, 200, 200),
        ("GET", "/api/admin/api-keys".to_owned(), 403, 403, 200),
        ("POST", format!("/api/admin/licenses/{id}/suspend"), 403, 403, 200),
    ];
    for (method, path, as_client, as_read, as_admin) in matrix {
        let statuses = [&client, &read, &admin].map(|secret| server.send_as(secret, method, &path, &verify).status);
        assert_eq!(statuses, [as_client, as_read, as_admin], "{method} {path}");
    }
    assert_eq!(
        server
            .send_as("lk_wrong", "GET", "/api/admin/audit", &json!(null))
            .code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(server.send_with("GET", "/api/admin/audit", &[], b"").status, 401);
    let both = [("x-api-key", client.as_str()), ("authorization", "Bearer x.y.z")];
    assert_eq!(
        server.send_with("POST", "/api/license/verify", &both, b"{}").code(),
        "CREDENTIALS_AMBIGUOUS"
    );

    let path = format!("/api/admin/api-keys/{client_id}");
    let shown = server.get(&path);
    assert!(
        shown.body["last_used_at"].is_string() && shown.body.get("key").is_none(),
        "{}",
        shown.body
    );
    assert_eq!(server.retire(&path, shown.header("etag")).status, 204);
    assert_eq!(
        server.send_as(&client, "POST", "/api/license/verify", &verify).status,
        401
    );
}

#[test]
fn real_names_survive_the_round_trip() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/institutions_dach.csv");
    let Ok(text) = std::fs::read_to_string(&data) else {
        eprintln!("SKIPPED: {} is not there, so no real names were tried", data.display());
        return;
    };
    let (server, _database) = start();
    let names: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .filter(|name| !name.starts_with('"'))
        .take(100)
        .collect();
    assert!(names.iter().any(|name| name.contains('ü')));
    for name in names {
        let made = server.create(
            "/api/admin/customers",
            &json!({ "name": name, "email": "office@example.com" }),
        );
        assert_eq!(made.text("name"), name.trim());
    }
}

#[test]
fn what_was_is_judged_by_its_own_time() {
    let (server, _database) = start();
    let (id, _) = server.issue("studio", &json!({ "seats": 1 }));
    let path = format!("/api/admin/licenses/{id}");
    let in_a_moment = |server: &Server| {
        let ts = server
            .verify("LIC-11111-11111-11111-11111-1111C", 1)
            .text("ts")
            .to_owned();
        licet_domain::values::Timestamp::parse(&ts)
            .unwrap()
            .plus_seconds(2)
            .to_string()
    };
    let change = |path: &str, body: Value| {
        let tag = server.get(path).header("etag").to_owned();
        server.patch(path, &tag, &body)
    };
    for none in ["", " "] {
        assert_eq!(
            change(&path, json!({ "expires_at": none })).status,
            422,
            "no time is no time without end"
        );
    }
    let end = in_a_moment(&server);
    let edited = change(&path, json!({ "expires_at": end }));
    assert_eq!(
        (edited.status, &edited.body["expires_at"]),
        (200, &json!(end)),
        "{}",
        edited.body
    );
    let key = json!({ "name": "trial", "scopes": ["read"], "expires_at": in_a_moment(&server) });
    let key = server.create("/api/admin/api-keys", &key);
    let key_path = key.header("location").to_owned();
    assert!(eventually(
        || server.get(&path).text("status") == "expired" && server.get(&key_path).text("status") == "expired"
    ));
    for (path, position) in [
        (&path, edited.header("licet-position")),
        (&key_path, key.header("licet-position")),
    ] {
        let then = server.get(&format!("{path}?as_of={position}"));
        assert_eq!(then.text("status"), "active", "{}", then.body);
    }
    let before = licet_domain::values::Timestamp::parse(&end).unwrap().plus_seconds(-1);
    assert_eq!(server.get(&format!("{path}?as_of={before}")).text("status"), "active");
    let today = &before.to_string()[..10];
    assert_eq!(
        server.get(&format!("{path}?as_of={today}")).text("status"),
        "expired",
        "today, up to now"
    );
    for future in ["2999-01-01T00:00:00Z", "2999-01-01", "999999999"] {
        let refused = server.get(&format!("{path}?as_of={future}"));
        assert_eq!((refused.status, refused.code()), (422, "VALIDATION_FAILED"), "{future}");
    }
}

#[test]
fn an_api_key_is_rotated_with_an_overlap() {
    let (server, _database) = start();
    let make = || {
        let made = server.create(
            "/api/admin/api-keys",
            &json!({ "name": "build server", "scopes": ["read"] }),
        );
        (made.text("id").to_owned(), made.text("key").to_owned())
    };
    let opens = |secret: &str| server.send_as(secret, "GET", "/api/admin/audit", &json!(null)).status;
    let (id, old) = make();
    let rotated = server.create(&format!("/api/admin/api-keys/{id}/rotate"), &json!({}));
    assert_eq!(
        (rotated.text("name"), &rotated.body["scopes"]),
        ("build server", &json!(["read"]))
    );
    assert_eq!((opens(&old), opens(rotated.text("key"))), (200, 200), "both, for a day");
    let superseded = server.get(&format!("/api/admin/api-keys/{id}"));
    assert!(superseded.body["expires_at"].is_string(), "{}", superseded.body);
    let (id, old) = make();
    let at_once = server.create(
        &format!("/api/admin/api-keys/{id}/rotate"),
        &json!({ "overlap_seconds": 0 }),
    );
    assert_eq!((opens(&old), opens(at_once.text("key"))), (401, 200));
    let path = format!("/api/admin/api-keys/{id}/rotate");
    assert_eq!(server.send("POST", &path, &json!({})).code(), "API_KEY_ENDED");
    assert_eq!(
        server.send("POST", &path, &json!({ "overlap_seconds": -1 })).status,
        422
    );
    // A key that was to end has a successor that ends then, unless another end is asked for.
    let order = json!({ "name": "trial", "scopes": ["read"], "expires_at": "2099-12-31T00:00:00.000Z" });
    let mut id = server.create("/api/admin/api-keys", &order).text("id").to_owned();
    for (asked, end) in [
        (json!({}), json!("2099-12-31T00:00:00.000Z")),
        (
            json!({ "expires_at": "2098-01-01T00:00:00.000Z" }),
            json!("2098-01-01T00:00:00.000Z"),
        ),
        (json!({ "expires_at": null }), Value::Null),
    ] {
        let next = server.create(&format!("/api/admin/api-keys/{id}/rotate"), &asked);
        assert_eq!(next.body["expires_at"], end, "{asked}");
        id = next.text("id").to_owned();
    }
    let past = json!({ "expires_at": "2001-01-01T00:00:00.000Z" });
    let refused = server.send("POST", &format!("/api/admin/api-keys/{id}/rotate"), &past);
    assert_eq!((refused.status, refused.code()), (422, "VALIDATION_FAILED"));
}

#[test]
fn a_minimum_version_is_for_everybody_or_for_nobody_and_can_be_taken_back() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    server.activate(&key, 1);
    let verify = || {
        let mut order = licet_test_support::machine_request(&key, 1);
        order["app_version"] = json!("1.0.0");
        server.send("POST", "/api/license/verify", &order).code().to_owned()
    };
    let release = |version: &str, more: Value| {
        let mut body = json!({ "product": "studio", "version": version, "min_version": "2.0.0" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.create("/api/admin/releases", &body)
    };
    release("3.0.0-beta.1", json!({ "channel": "beta" }));
    let staged = release("3.0.0", json!({ "rollout_percent": 1 }));
    assert_eq!(verify(), "VALID", "some are offered it, and nobody is locked out");
    let path = staged.header("location").to_owned();
    let everybody = server.patch(&path, staged.header("etag"), &json!({"rollout_percent": 100}));
    assert_eq!(everybody.status, 200, "{}", everybody.body);
    assert_eq!(verify(), "VERSION_UNSUPPORTED");
    let products = server.get_at(everybody.header("licet-position"), "/api/admin/products");
    let product = products.body["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/admin/products/{product}");
    let tag = server.get(&path).header("etag").to_owned();
    let lifted = server.patch(&path, &tag, &json!({"min_version": null}));
    assert_eq!(
        (lifted.status, &lifted.body["min_version"]),
        (200, &Value::Null),
        "{}",
        lifted.body
    );
    assert_eq!(verify(), "VALID");
    assert_eq!(server.patch(&path, &tag, &json!({ "min_version": "two" })).status, 412);
}

#[test]
fn what_operators_do_beside_the_rules_stands_in_the_audit_trail() {
    let (server, _database) = start();
    let rotated = server.send("POST", "/api/admin/signing-keys", &json!({}));
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let hook = server.create("/api/admin/webhooks", &json!({ "url": "https://example.com/hook" }));
    let replay = format!("{}/replay", hook.header("location"));
    assert_eq!(server.send("POST", &replay, &json!({ "since": "0" })).status, 202);
    let missing = format!("{}/deliveries/7/resend", hook.header("location"));
    assert_eq!(server.send("POST", &missing, &json!({})).code(), "DELIVERY_NOT_FOUND");
    let last = server.create("/api/admin/products", &json!({ "code": "last", "name": "Last" }));
    let position = last.header("licet-position").to_owned();
    let audited = |about: &str| {
        let listed = server.get_at(&position, &format!("/api/admin/audit?aggregate_id={about}"));
        let actions = listed.body["items"].as_array().cloned().unwrap_or_default();
        actions
            .iter()
            .map(|entry| entry["action"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(audited(rotated.text("kid")), ["operation.signing_key_made"]);
    assert_eq!(
        audited(hook.text("id")),
        ["operation.webhook_replayed", "webhook.created"]
    );
}

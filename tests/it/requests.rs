//! Requests as other programs write them: what is meant is done, and what is wrong is named where it is wrong.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use licet_test_support::{Answer, Server, machine_request};
use serde_json::{Value, json};

use crate::{new_database, start};

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

/// What goes over the wire, byte for byte, and what comes back.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

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
fn an_edit_names_its_version_however_a_proxy_has_written_it() {
    let (server, _database) = start();
    let made = server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let (path, tag) = (made.header("location").to_owned(), made.header("etag").to_owned());
    let edit = |tags: &[&str]| {
        let mut headers = vec![KEY];
        headers.extend(tags.iter().map(|tag| ("if-match", *tag)));
        server
            .send_with("PATCH", &path, &headers, br#"{"name": "Studio"}"#)
            .status
    };
    let weak = format!("W/{tag}");
    let gzip = format!("{}-gzip\"", tag.trim_end_matches('"'));
    let several = format!("\"other\", {tag}");
    assert_eq!(edit(&[]), 428);
    assert_eq!(edit(&["\"other\""]), 412);
    for tags in [
        &[&*tag][..],
        &[&*weak],
        &[&*gzip],
        &[&*several],
        &["\"other\"", &*tag],
        &["*"],
    ] {
        assert_eq!(edit(tags), 200, "{tags:?}");
    }
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
fn http_is_spoken_to_the_letter() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let path = format!("/api/license/info/{key}");
    let head = server.send_with("HEAD", &path, &[KEY], b"");
    // The SHA-256 of nothing.
    assert_eq!(
        head.header("content-digest"),
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    );
    assert!(server.get(&path).header("signature-input").contains(";tag=\"licet\""));
    let hostless = raw(&server, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(
        hostless.starts_with("HTTP/1.1 400") && hostless.contains("HOST_INVALID"),
        "{hostless}"
    );
    let doubled = raw(
        &server,
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    );
    assert!(doubled.starts_with("HTTP/1.1 400"), "{doubled}");
    let old = raw(&server, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.contains(" 200 "), "{old}");
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
fn machines_that_share_what_many_have_are_two() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 5 }));
    let activate = |fingerprint: Value| {
        server.send(
            "POST",
            "/api/license/activate",
            &json!({ "license_key": key, "fingerprint": fingerprint }),
        )
    };
    let cpu = "GenuineIntel-6-85-7";
    for shared in [
        json!({ "cpu_id": cpu, "mac_addresses": ["02:42:ac:11:00:02"] }),
        json!({ "cpu_id": cpu, "mac_addresses": ["00:50:56:c0:00:08"] }),
        json!({ "cpu_id": cpu, "system_uuid": "Not Settable" }),
        json!({ "cpu_id": cpu, "system_uuid": "00020003-0004-0005-0006-000700080009" }),
        json!({ "cpu_id": cpu, "system_uuid": "fefefefe-fefe-fefe-fefe-fefefefefefe" }),
        json!({ "cpu_id": cpu, "machine_id": "uninitialized" }),
        json!({ "cpu_id": cpu, "mac_addresses": ["permission denied"], "system_uuid": "cat: product_uuid: Permission denied" }),
        json!({ "cpu_id": cpu, "mac_addresses": ["undefined", "00:11:22"], "machine_id": "null" }),
        json!({ "cpu_id": cpu, "system_uuid": "error", "machine_id": "(null)" }),
    ] {
        let refused = activate(shared.clone());
        assert_eq!(
            (refused.status, refused.code()),
            (422, "FINGERPRINT_PLACEHOLDER"),
            "{shared}: {}",
            refused.body
        );
        assert!(refused.text("detail").contains("dropped: "), "{}", refused.body);
    }
    let guest = |id: &str| json!({ "cpu_id": cpu, "machine_id": id, "mac_addresses": ["52:54:00:12:34:56"] });
    let (one, two) = (activate(guest("a1b2c3d4")), activate(guest("e5f6a7b8")));
    assert_eq!((one.status, two.status), (201, 201));
    assert_ne!(one.text("activation_id"), two.text("activation_id"));
    assert_eq!(
        activate(guest("a1b2c3d4")).text("activation_id"),
        one.text("activation_id")
    );
    let firmware = |uuid: &str| json!({ "system_uuid": uuid, "mac_addresses": ["3c:52:82:aa:bb:cc"] });
    let laptop = activate(firmware("4c4c4544-0042-3510-8052-b4c04f564433"));
    let swapped = activate(firmware("44454c4c-4200-1035-8052-b4c04f564433"));
    assert_eq!(
        swapped.text("activation_id"),
        laptop.text("activation_id"),
        "one UUID in its two byte orders"
    );
    let other = activate(firmware("11112222-0042-3510-8052-b4c04f564433"));
    assert_ne!(
        other.text("activation_id"),
        laptop.text("activation_id"),
        "the UUID has a veto"
    );
}

#[test]
fn an_empty_nonce_is_none() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let token = server.activate(&key, 1).text("token").to_owned();
    let mut last = String::new();
    for _ in 0..2 {
        let beat = server.beat(&token, &json!({ "nonce": "", "usage": { "pages": 3 } }));
        assert_eq!(beat.status, 200, "{}", beat.body);
        last = beat.header("licet-position").to_owned();
    }
    let meters = server.get_at(&last, &format!("/api/admin/licenses/{id}/meters"));
    assert_eq!(meters.body["items"][0]["amount"], json!(6), "{}", meters.body);
}

#[test]
fn what_is_empty_is_absent_for_machines_and_scripts_alike() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let fingerprint = machine_request(&key, 1)["fingerprint"].clone();
    let token = server.activate(&key, 1).text("token").to_owned();
    let deactivate = |body: Value| server.send("POST", "/api/license/deactivate", &body);
    for nothing in [json!({ "activation_id": "" }), json!({ "fingerprint": {} }), json!({})] {
        let mut body = nothing.clone();
        body["license_key"] = json!(key);
        assert_eq!((deactivate(body).code()), "ACTIVATION_REQUIRED", "{nothing}");
    }
    let beat = server.beat(&token, &json!({ "client_time": " " }));
    assert_eq!(beat.status, 200, "{}", beat.body);
    let named = json!({ "license_key": key, "activation_id": "", "fingerprint": fingerprint, "nonce": "" });
    let done = deactivate(named);
    assert_eq!((done.status, &done.body["nonce"]), (200, &json!(null)), "{}", done.body);
    let release = json!({ "product": "studio", "version": "1.0", "channel": "" });
    assert_eq!(server.create("/api/admin/releases", &release).text("channel"), "stable");
    let replay = server.send(
        "POST",
        "/api/admin/replays",
        &json!({ "name": "license_state", "as_of": "" }),
    );
    assert_eq!(replay.status, 202, "{}", replay.body);
    let unhurried = server.send_with("GET", "/api/admin/products", &[KEY, ("licet-min-position", "")], b"");
    assert_eq!(unhurried.status, 200, "{}", unhurried.body);
}

#[test]
fn a_token_answers_for_its_own_license_alone() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let (_, other) = server.issue("atelier", &json!({ "seats": 1 }));
    let token = format!("Bearer {}", server.activate(&key, 1).text("token"));
    let verify = |key: &str| {
        let body = json!({ "license_key": key }).to_string();
        server.send_with(
            "POST",
            "/api/license/verify",
            &[("authorization", &token)],
            body.as_bytes(),
        )
    };
    assert_eq!(verify(&key).code(), "VALID");
    assert_eq!(verify("").code(), "VALID");
    for wrong in [&other[..], "LICET-AAAAA"] {
        let refused = verify(wrong);
        assert_eq!(
            (refused.status, error(&refused).1),
            (422, "/license_key"),
            "{}",
            refused.body
        );
    }
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
fn strangers_learn_nothing_and_nobody_on_the_way_keeps_an_answer() {
    let (server, _database) = start();
    for headers in [&[][..], &[("x-api-key", "wrong")]] {
        let stranger = server.send_with("GET", "/api/admin/products?nonsense=1", headers, b"");
        assert_eq!((stranger.status, stranger.code()), (401, "UNAUTHENTICATED"));
    }
    assert_eq!(server.get("/api/admin/products?nonsense=1").status, 422);
    assert_eq!(server.get("/api/admin/products").header("cache-control"), "no-store");
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    assert_eq!(server.activate(&key, 1).header("cache-control"), "no-store");
    let body = br#"{"code": "atelier", "name": "Atelier"}"#;
    for coded in [
        &[("content-encoding", "identity"), ("content-encoding", "gzip")][..],
        &[("content-encoding", "identity, br")],
    ] {
        let headers = [&[KEY], coded].concat();
        let refused = server.send_with("POST", "/api/admin/products", &headers, body);
        assert_eq!((refused.status, refused.code()), (415, "CONTENT_ENCODING_UNSUPPORTED"));
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

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let database = new_database();
    let server = Server::start_limited(&database.url, 128);
    let address = server.url.trim_start_matches("http://").to_owned();
    let silent: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    assert!(silent.len() > 64, "{}", silent.len());
    for _ in 0..5 {
        assert_eq!(server.get("/healthz").status, 200);
        assert_eq!(server.get("/api/admin/products").status, 200);
    }
    drop(silent);
}

#[test]
fn half_a_request_does_not_keep_the_server_up() {
    let database = new_database();
    let settings = [
        ("NATS_URL", ""),
        ("TRUSTED_PROXIES", " "),
        ("SMTP_URL", ""),
        ("API_RATE_LIMIT", ""),
    ];
    let server = Server::start_with(&database.url, &settings);
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"POST /api/license/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let began = std::time::Instant::now();
    assert!(server.terminate(), "it ends in order");
    assert!(began.elapsed().as_secs() < 9, "{:?}", began.elapsed());
}

#[test]
fn proxies_are_named_by_network() {
    let database = new_database();
    let settings = [
        ("TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.0/8 ,,::1,"),
        ("API_RATE_LIMIT", "1 per hour"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let ask = |forwarded: &str| {
        let headers = [KEY, ("x-forwarded-for", forwarded)];
        server
            .send_with("POST", "/api/license/verify", &headers, br#"{"license_key": "x"}"#)
            .status
    };
    assert_eq!(ask("192.0.2.1:4711"), 200);
    assert_eq!(ask("192.0.2.1"), 429, "the same client, with its port or without");
    assert_eq!(ask("[2001:db8::1]:443"), 200);
    assert_eq!(ask("2001:db8::1, 10.1.2.3"), 429);
}

//! Webhooks and mail: signed, retried, resumed, never to where they must not go.

use std::{thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use licet_test_support::{MailSink, Server, Target, eventually};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{new_database, start};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn answer(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn subscribe(server: &Server, url: &str, types: &Value) -> (String, String) {
    let made = server.create("/api/admin/webhooks", &json!({ "url": url, "event_types": types }));
    (made.header("location").to_owned(), made.text("secret").to_owned())
}

fn wait_for_deliveries(server: &Server, path: &str, status: &str, count: usize) -> bool {
    (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        let found = server.get(&format!("{path}/deliveries?status={status}&limit=200"));
        found.body["items"].as_array().is_some_and(|items| items.len() == count)
    })
}

fn types(delivered: &[licet_test_support::Delivered]) -> Vec<String> {
    let read = |one: &licet_test_support::Delivered| serde_json::from_str::<Value>(&one.body).unwrap()["type"].clone();
    delivered
        .iter()
        .map(|one| read(one).as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_delivery_is_signed_retried_and_never_sent_again_once_taken() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let target = Target::start(|number| if number == 0 { answer("503 busy") } else { OK.to_owned() });
    let (path, secret) = subscribe(&server, &target.url, &json!(["license.*"]));
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let got = target.wait_for(2);
    assert_eq!(
        types(&got[..2]),
        ["license.issued", "license.issued"],
        "the first was refused and tried again"
    );
    let one = &got[1];
    assert_eq!(
        one.headers["webhook-id"], got[0].headers["webhook-id"],
        "the same message"
    );
    let signed = format!(
        "{}.{}.{}",
        one.headers["webhook-id"], one.headers["webhook-timestamp"], one.body
    );
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()).unwrap();
    mac.update(signed.as_bytes());
    assert_eq!(
        one.headers["webhook-signature"],
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    );
    assert!(!one.body.contains("univie"), "personal data stays sealed");

    server.activate(&key, 1);
    assert_eq!(types(&target.wait_for(3))[2], "license.activated");
    // The target has it a moment before the server knows that it has.
    assert!(wait_for_deliveries(&server, &path, "delivered", 2));
    let output = licet_test_support::licet(&database.url)
        .args(["projections", "rebuild", "resources"])
        .output()
        .unwrap();
    assert!(output.status.success());
    drop(server);
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    server.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
    assert_eq!(
        types(&target.wait_for(4))[3],
        "license.suspended",
        "neither a rebuild nor a restart sends again"
    );

    assert!(wait_for_deliveries(&server, &path, "delivered", 3));
    let deliveries = server.get(&format!("{path}/deliveries?status=delivered"));
    let (first, attempts) = (
        &deliveries.body["items"][2]["position"],
        &deliveries.body["items"][2]["attempts"],
    );
    assert_eq!(attempts, 2, "{}", deliveries.body);
    assert_eq!(
        server
            .send("POST", &format!("{path}/deliveries/{first}/resend"), &json!({}))
            .status,
        202
    );
    assert_eq!(types(&target.wait_for(5))[4], "license.issued");
    assert_eq!(
        server
            .send("POST", &format!("{path}/deliveries/999999/resend"), &json!({}))
            .code(),
        "DELIVERY_NOT_FOUND"
    );
    let since = json!({ "since": "0" });
    assert_eq!(server.send("POST", &format!("{path}/replay"), &since).status, 202);
    assert_eq!(
        types(&target.wait_for(8))[5..8],
        ["license.issued", "license.activated", "license.suspended"]
    );
    let tested = server.send("POST", &format!("{path}/test"), &json!({}));
    assert_eq!(
        (tested.status, &tested.body["delivered"]),
        (200, &json!(true)),
        "{}",
        tested.body
    );
}

#[test]
fn targets_that_must_not_be_reached_or_misbehave() {
    let database = new_database();
    let server = Server::start(&database.url);
    let target = Target::accepting();
    let port = target.url.rsplit(':').next().unwrap().to_owned();
    for url in [
        target.url.clone(),
        format!("http://localhost:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
    ] {
        let (path, _) = subscribe(&server, &url, &json!([]));
        let tested = server.send("POST", &format!("{path}/test"), &json!({}));
        assert_eq!(tested.body["delivered"], json!(false), "{url}: {}", tested.body);
    }
    assert!(target.got().is_empty(), "nothing arrived inside");
    for url in [
        "ftp://example.com",
        "https://",
        "https://user@example.com",
        "javascript:alert(1)",
        "",
    ] {
        let answer = server.send("POST", "/api/admin/webhooks", &json!({ "url": url }));
        assert_eq!((answer.status, answer.code()), (422, "VALIDATION_FAILED"), "{url}");
    }
    let bad = server.send(
        "POST",
        "/api/admin/webhooks",
        &json!({ "url": "https://example.com", "event_types": ["DROP TABLE"] }),
    );
    assert_eq!(bad.status, 422);
    drop(server);

    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let redirecting = Target::start(|_| {
        "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
    });
    let huge = Target::start(|_| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(8 << 20)));
    let (path, _) = subscribe(&server, &redirecting.url, &json!(["license.issued"]));
    let tested = server.send("POST", &format!("{path}/test"), &json!({}));
    assert_eq!(
        (&tested.body["delivered"], &tested.body["status"]),
        (&json!(false), &json!(302))
    );
    assert_eq!(redirecting.got().len(), 1, "it was not followed");
    let (path, _) = subscribe(&server, &huge.url, &json!([]));
    let tested = server.send("POST", &format!("{path}/test"), &json!({}));
    assert_eq!(tested.body["delivered"], json!(true), "{}", tested.body);
}

#[test]
fn customers_are_told_of_ends_and_revocations_once() {
    let database = new_database();
    let sink = MailSink::start();
    let settings = [
        ("SMTP_URL", sink.url.as_str()),
        ("MAIL_LANGUAGE", "de"),
        ("MAIL_FROM", "Lizenzen <licenses@example.com>"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let (id, _) = server.issue("studio", &json!({ "seats": 1, "duration_days": 5 }));
    let wait = |count: usize| {
        (0..1_200).find(|_| {
            thread::sleep(Duration::from_millis(100));
            sink.got().len() >= count
        })
    };
    assert!(wait(1).is_some(), "a license that ends in five days");
    let first = &sink.got()[0];
    assert!(
        first.contains("RCPT TO:<licenses@univie.ac.at>") && first.contains("From: Lizenzen"),
        "{first}"
    );
    server.send(
        "POST",
        &format!("/api/admin/licenses/{id}/revoke"),
        &json!({ "reason": "unbezahlt" }),
    );
    assert!(wait(2).is_some());
    assert!(sink.got()[1].contains("Content-Type: text/plain; charset=utf-8"));
    let both_sent = || {
        (0..1_200).find_map(|_| {
            thread::sleep(Duration::from_millis(100));
            let mails = server.get("/api/admin/mails?status=sent");
            (mails.body["items"].as_array()?.len() == 2).then_some(mails)
        })
    };
    let newest = both_sent().unwrap().body["items"][0].clone();
    assert_eq!(
        (&newest["kind"], &newest["subject_id"]),
        (&json!("revoked"), &json!(id))
    );
    let resend = format!("/api/admin/mails/{}/resend", newest["id"].as_str().unwrap());
    assert_eq!(server.send("POST", &resend, &json!({})).status, 202);
    assert!(wait(3).is_some(), "an operator sends it again");
    assert!(both_sent().is_some(), "and the server knows that it is");
    assert_eq!(
        server
            .send("POST", "/api/admin/mails/nothing/resend", &json!({}))
            .code(),
        "MAIL_NOT_FOUND"
    );
    assert!(server.terminate());
    let server = Server::start_with(&database.url, &settings);
    let (other, _) = server.issue("plotter", &json!({ "seats": 1 }));
    server.send("POST", &format!("/api/admin/licenses/{other}/revoke"), &json!({}));
    assert!(wait(4).is_some(), "what is new is told");
    let about = server.get("/api/admin/licenses").body.to_string();
    let license = server.get(&format!("/api/admin/licenses/{other}")).body;
    let masked = license["key_masked"]
        .as_str()
        .unwrap_or_else(|| panic!("{license} {about}"));
    let last = sink.got()[3].clone();
    assert!(last.contains(masked), "a restart sends nothing again: {last}");
}

#[test]
fn a_slow_target_gets_each_delivery_once_though_another_node_takes_over() {
    let database = new_database();
    let settings = [("WEBHOOK_ALLOW_PRIVATE", "true")];
    let nodes = [
        Server::start_with(&database.url, &settings),
        Server::start_with(&database.url, &settings),
    ];
    // Longer than a worker's lease, shorter than a target may take.
    let target = Target::start(|_| {
        thread::sleep(Duration::from_secs(8));
        OK.to_owned()
    });
    subscribe(&nodes[0], &target.url, &json!(["license.issued"]));
    nodes[1].issue("studio", &json!({ "seats": 1 }));
    assert_eq!(target.wait_for(1).len(), 1);
    thread::sleep(Duration::from_secs(10));
    assert_eq!(target.got().len(), 1);
}

#[test]
fn a_webhook_goes_by_what_was_answered_last_and_hears_nothing_after_its_end() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let (id, _) = server.issue("studio", &json!({ "seats": 1 }));
    let change = |verb: &str| {
        let changed = server.send("POST", &format!("/api/admin/licenses/{id}/{verb}"), &json!({}));
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    for _ in 0..5 {
        let target = Target::accepting();
        let (path, _) = subscribe(&server, &target.url, &json!(["license.issued"]));
        let with_tag = |method: &str, body: &Value| {
            let tag = server.get(&path).header("etag").to_owned();
            let headers = [
                ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
                ("if-match", tag.as_str()),
            ];
            server.send_with(method, &path, &headers, body.to_string().as_bytes())
        };
        // Each answer counts for what happens right after it.
        let edited = with_tag(
            "PATCH",
            &json!({ "url": target.url, "event_types": ["license.suspended"] }),
        );
        assert_eq!(edited.status, 200, "{}", edited.body);
        change("suspend");
        assert_eq!(types(&target.wait_for(1)), ["license.suspended"]);
        let all = with_tag("PATCH", &json!({ "url": target.url, "event_types": ["license.*"] }));
        assert_eq!((all.status, with_tag("DELETE", &json!({})).status), (200, 204));
        change("resume");
        thread::sleep(Duration::from_millis(700));
        assert_eq!(target.got().len(), 1, "it had ended");
    }
}

#[test]
fn a_dead_letter_is_sent_again_and_a_target_that_never_answers_is_given_up() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let target = Target::start(|number| if number == 0 { answer("503 busy") } else { OK.to_owned() });
    let (path, _) = subscribe(&server, &target.url, &json!(["license.issued"]));
    server.issue("studio", &json!({ "seats": 1 }));
    target.wait_for(1);
    assert!(wait_for_deliveries(&server, &path, "pending", 1));
    // Three days later.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let old =
        "UPDATE webhook_deliveries SET status = 'dead', settled_at = now(), created_at = now() - interval '4 days'";
    runtime.block_on(database.execute(old));
    let dead = server.get(&format!("{path}/deliveries?status=dead")).body["items"][0]["position"].clone();
    assert_eq!(
        server
            .send("POST", &format!("{path}/deliveries/{dead}/resend"), &json!({}))
            .status,
        202
    );
    assert_eq!(types(&target.wait_for(2))[1], "license.issued");
    assert!(wait_for_deliveries(&server, &path, "delivered", 1));

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (path, _) = subscribe(&server, &url, &json!(["license.revoked"]));
    let tested = server.send("POST", &format!("{path}/test"), &json!({}));
    assert_eq!(tested.body["delivered"], json!(false), "{}", tested.body);
}

#[test]
fn operators_hear_of_anomalies_by_mail_and_a_rebuild_tells_nobody_again() {
    let database = new_database();
    let sink = MailSink::start();
    let settings = [
        ("SMTP_URL", sink.url.as_str()),
        ("MAIL_FROM", "licenses@example.com"),
        ("MAIL_TO", "operators@example.com"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "duration_days": 5 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    for _ in 0..15 {
        assert_eq!(server.beat(&token, &json!({})).status, 200);
    }
    let mails = |text: &str| sink.got().iter().filter(|mail| mail.contains(text)).count();
    assert!(
        licet_test_support::eventually(|| mails("univie.ac.at") == 1),
        "the license ends in five days"
    );
    let order = json!({ "from": "2026-01-01T00:00:00Z", "license_id": id });
    assert_eq!(server.send("POST", "/api/admin/anomalies/rerun", &order).status, 200);
    assert!(
        licet_test_support::eventually(|| mails("RCPT TO:<operators@example.com>") == 1),
        "{:?}",
        sink.got()
    );
    let output = licet_test_support::licet(&database.url)
        .args(["projections", "rebuild", "license_state"])
        .output()
        .unwrap();
    assert!(output.status.success());
    // Another license's mail comes after whatever the rebuild would have sent.
    server.issue("plotter", &json!({ "seats": 1, "duration_days": 5 }));
    assert!(licet_test_support::eventually(|| mails("univie.ac.at") == 2));
    assert_eq!(mails("RCPT TO"), 3);
}

#[test]
fn an_edit_changes_what_it_names_and_an_end_shows() {
    let database = new_database();
    let server = Server::start(&database.url);
    let order = json!({ "url": "https://example.com/a", "event_types": ["license.*"], "filters": { "reason": "lost" }, "description": "Ours" });
    let path = server
        .create("/api/admin/webhooks", &order)
        .header("location")
        .to_owned();
    let change = |method: &str, body: &Value| {
        let tag = server.get(&path).header("etag").to_owned();
        let headers = [
            ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
            ("if-match", tag.as_str()),
        ];
        server.send_with(method, &path, &headers, body.to_string().as_bytes())
    };
    assert_eq!(change("PATCH", &json!({ "url": "https://example.com/b" })).status, 200);
    assert_eq!(change("PATCH", &json!({ "description": null })).status, 200);
    let read = server.get(&path).body;
    assert_eq!(
        (
            &read["url"],
            &read["event_types"],
            &read["filters"],
            &read["description"],
            &read["status"]
        ),
        (
            &json!("https://example.com/b"),
            &json!(["license.*"]),
            &json!({ "reason": "lost" }),
            &Value::Null,
            &json!("active")
        )
    );
    for wrong in [
        json!({ "url": "nowhere" }),
        json!({ "event_types": ["x"] }),
        json!({ "filters": { "a\u{0}": "b" } }),
    ] {
        assert_eq!(change("PATCH", &wrong).status, 422, "{wrong}");
    }
    for from in [-1, 1_000_000] {
        let order = json!({ "url": "https://example.com/a", "from_position": from });
        assert_eq!(server.send("POST", "/api/admin/webhooks", &order).status, 422, "{from}");
    }
    assert_eq!(change("DELETE", &json!({})).status, 204);
    assert_eq!(server.get(&path).body["status"], "retired");
}

#[test]
fn what_is_never_delivered_cannot_be_subscribed_to() {
    let database = new_database();
    let server = Server::start(&database.url);
    let refused = |kind: &str, code: &str, detail: &str| {
        let order = json!({ "url": "https://example.com/hook", "event_types": ["license.*", kind] });
        let answer = server.send("POST", "/api/admin/webhooks", &order);
        let error = &answer.body["errors"][0];
        assert_eq!(
            (answer.status, error["code"].as_str()),
            (422, Some(code)),
            "{}",
            answer.body
        );
        assert!(
            error["detail"].as_str().is_some_and(|text| text.contains(detail)),
            "{error}"
        );
    };
    refused("heartbeat.recorded", "NOT_DELIVERED", "NATS");
    refused("license.revokd", "UNKNOWN", "license.revoked");
    refused("licence.*", "UNKNOWN", "license.");
    refused("License.revoked", "INVALID", "license.revoked");
    assert_eq!(server.get("/api/admin/webhooks").body["total"], 0);
}

#[test]
fn a_target_that_takes_nothing_is_left_alone_and_tried_again() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let target = Target::start(|_| answer("500 broken"));
    let (path, _) = subscribe(&server, &target.url, &json!(["license.*"]));
    for number in 0..20 {
        server.issue(&format!("studio-{number}"), &json!({ "seats": 1 }));
    }
    target.wait_for(1);
    assert!(wait_for_deliveries(&server, &path, "pending", 20));
    thread::sleep(Duration::from_secs(1));
    assert!(
        target.got().len() <= 2,
        "not each of twenty deliveries knocks by itself"
    );
    let pending = server.get(&format!("{path}/deliveries?status=pending&limit=200"));
    assert_eq!(
        pending.body["items"].as_array().map(Vec::len),
        Some(20),
        "{}",
        pending.body
    );
    // Upkeep gives up what is due to retired webhooks, and to them alone, whatever the read model says just then.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(server.terminate());
    runtime.block_on(database.execute("DELETE FROM read_model.resources"));
    let settings = [("WEBHOOK_ALLOW_PRIVATE", "true")];
    let server = Server::start_with(&database.url, &settings);
    // The hourly upkeep's first turn is a second after the start.
    thread::sleep(Duration::from_secs(3));
    assert!(
        wait_for_deliveries(&server, &path, "pending", 20),
        "nothing of a living webhook is given up"
    );
    let tag = server.get(&path).header("etag").to_owned();
    assert_eq!(server.retire(&path, &tag).status, 204);
    assert!(server.terminate());
    let server = Server::start_with(&database.url, &settings);
    assert!(wait_for_deliveries(&server, &path, "dead", 20), "a retired one's are");
}

#[test]
fn a_target_reads_names_and_no_secrets_is_left_alone_as_long_as_it_asks_and_ends_its_webhook_with_gone() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("WEBHOOK_ALLOW_PRIVATE", "true")]);
    let reading = Target::accepting();
    subscribe(&server, &reading.url, &json!(["customer.*", "webhook.*"]));
    let busy = Target::start(|_| {
        "HTTP/1.1 429 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
    });
    let (busy_path, _) = subscribe(&server, &busy.url, &json!(["customer.*"]));
    let gone = Target::start(|_| answer("410 Gone"));
    let (gone_path, _) = subscribe(&server, &gone.url, &json!(["customer.*"]));
    let customer = json!({ "name": "Universität Wien", "email": "licenses@univie.ac.at" });
    server.create("/api/admin/customers", &customer);

    let told = |kind: &str| -> Vec<Value> {
        let got = reading.got();
        let bodies = got.iter().map(|one| serde_json::from_str::<Value>(&one.body).unwrap());
        bodies.filter(|body| body["type"] == kind).collect()
    };
    assert!(eventually(|| told("customer.created").len() == 1));
    let data = &told("customer.created")[0]["data"];
    assert_eq!((&data["name"], &data["email"]), (&customer["name"], &customer["email"]));
    assert!(
        told("webhook.created")
            .iter()
            .all(|told| told["data"].get("secret").is_none())
    );
    assert!(
        !reading.got().iter().any(|one| one.body.contains("\"v1.")),
        "nothing sealed leaves"
    );

    assert!(eventually(|| server.get(&gone_path).body["status"] == "retired"));
    assert!(eventually(|| told("webhook.retired").len() == 1));
    server.create("/api/admin/customers", &customer);
    assert!(eventually(|| told("customer.created").len() == 2));
    assert_eq!((busy.wait_for(1).len(), gone.got().len()), (1, 1));
    let (_, id) = busy_path.rsplit_once('/').unwrap();
    let query = format!(
        "SELECT count(*)::text FROM webhook_pauses WHERE webhook_id = '{id}' AND until > now() + interval '50 minutes'"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(eventually(|| runtime.block_on(database.text(&query)) == "1"));
}

#[test]
fn the_document_says_what_a_target_gets_of_every_event() {
    let (server, _database) = start();
    let document = server.get("/api/openapi.json").body;
    let described = document["webhooks"].as_object().unwrap();
    for name in [
        "license.revoked",
        "tag.created",
        "customer.edited",
        "operation.mail_resent",
        "webhook.test",
    ] {
        let kind =
            described[name].pointer("/post/requestBody/content/application~1json/schema/allOf/1/properties/type/const");
        assert_eq!(kind, Some(&json!(name)));
    }
    // What is described is what can be subscribed to.
    for name in described.keys().filter(|name| *name != "webhook.test") {
        let wanted = json!({ "url": "https://example.com/hook", "event_types": [name] });
        assert_eq!(
            server.send("POST", "/api/admin/webhooks", &wanted).status,
            201,
            "{name}"
        );
    }
    let known = document["components"]["schemas"]["WebhookMessage"]["properties"]
        .as_object()
        .unwrap();
    for field in [
        "type",
        "timestamp",
        "log_id",
        "position",
        "aggregate_id",
        "sequence",
        "version",
        "data",
    ] {
        assert!(known.contains_key(field), "{field}");
    }
}

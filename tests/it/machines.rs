//! What machines say of themselves: what tells them apart, and what counts as not said.

use licet_test_support::{Answer, machine_request};
use serde_json::{Value, json};

use crate::start;

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

fn error(answer: &Answer) -> (u16, &str, &str) {
    let first = &answer.body["errors"][0];
    let text = |name: &str| first[name].as_str().unwrap_or_default();
    (answer.status, text("pointer"), text("detail"))
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

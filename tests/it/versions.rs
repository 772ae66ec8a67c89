//! Releases as programs see them.

use licet_test_support::Answer;
use serde_json::{Value, json};

use crate::start;

#[test]
fn a_program_learns_of_newer_versions() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    let publish = |body: Value| server.create("/api/admin/releases", &body);
    let check = |version: &str| {
        let order = json!({ "product": "studio", "version": version, "license_key": key, "nonce": "n" });
        server.send("POST", "/api/version/check", &order)
    };
    let latest = |query: &str| server.get(&format!("/api/version/latest?{query}"));
    assert_eq!(latest("product=studio").code(), "RELEASE_NOT_FOUND");
    assert_eq!(latest("product=nothing").code(), "PRODUCT_NOT_FOUND");
    assert_eq!(check("1.0.0").body["latest"], json!(null));
    assert_eq!(
        (check("one").status, check("one").code().to_owned()),
        (422, "VERSION_INVALID".to_owned())
    );
    publish(json!({ "product": "studio", "version": "1.0.0" }));
    let sha256 = "ab".repeat(32);
    publish(
        json!({ "product": "studio", "version": "1.2.0", "download_url": "https://example.com/s", "sha256": sha256 }),
    );
    publish(json!({ "product": "studio", "version": "2.0.0-beta.1", "channel": "beta" }));
    let newer = check("1.0.0");
    assert_eq!(
        (
            newer.text("latest"),
            &newer.body["update_available"],
            &newer.body["update_required"]
        ),
        ("1.2.0", &json!(true), &json!(false)),
        "what was published a moment ago is known: {}",
        newer.body
    );
    assert_eq!((newer.text("sha256"), newer.text("nonce")), (sha256.as_str(), "n"));
    assert!(!newer.header("signature").is_empty());
    assert_eq!(check("1.2.0").body["update_available"], json!(false));
    assert_eq!(latest("product=studio").text("version"), "1.2.0");
    assert_eq!(latest("product=studio&channel=beta").text("version"), "2.0.0-beta.1");

    publish(json!({ "product": "studio", "version": "1.3.0", "mandatory": true, "min_version": "1.1.0" }));
    assert_eq!(check("1.2.0").body["update_required"], json!(true), "mandatory");
    assert_eq!(check("1.3.0").body["update_required"], json!(false));
    let old =
        json!({ "license_key": key, "fingerprint": { "cpu_id": "x", "system_uuid": "ab12" }, "app_version": "1.0.0" });
    assert_eq!(
        server.send("POST", "/api/license/activate", &old).code(),
        "VERSION_UNSUPPORTED"
    );
    let mut fresh = old.clone();
    fresh["app_version"] = json!("1.3.0");
    let activated = server.send("POST", "/api/license/activate", &fresh);
    assert_eq!(activated.status, 201);
    let beat = server.beat(activated.text("token"), &json!({ "app_version": "1.0.0" }));
    assert_eq!(beat.code(), "VERSION_UNSUPPORTED");
    let verdict = server.send("POST", "/api/license/verify", &old);
    assert_eq!(
        (verdict.code(), &verdict.body["update"]["update_required"]),
        ("VERSION_UNSUPPORTED", &json!(true))
    );
}

#[test]
fn a_release_is_rolled_out_step_by_step_and_taken_back() {
    let (server, _database) = start();
    server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    server.create(
        "/api/admin/releases",
        &json!({ "product": "studio", "version": "1.0.0" }),
    );
    let made = server.create(
        "/api/admin/releases",
        &json!({ "product": "studio", "version": "2.0.0", "rollout_percent": 0 }),
    );
    let path = made.header("location").to_owned();
    let offered = || {
        let machines = (0..40_u32).filter(|machine| {
            let order = json!({ "product": "studio", "version": "1.0.0", "machine": format!("machine-{machine}") });
            server.send("POST", "/api/version/check", &order).text("latest") == "2.0.0"
        });
        machines.collect::<Vec<_>>()
    };
    let roll_out = |percent: i64, tag: &str| server.patch(&path, tag, &json!({ "rollout_percent": percent }));
    assert!(offered().is_empty());
    let half = roll_out(50, made.header("etag"));
    assert_eq!((half.status, &half.body["rollout_percent"]), (200, &json!(50)));
    let some = offered();
    assert!((5..36).contains(&some.len()), "{some:?}");
    assert_eq!(offered(), some, "always the same machines");
    assert_eq!(roll_out(60, made.header("etag")).status, 412);
    assert_eq!(roll_out(101, half.header("etag")).status, 422);
    let all = roll_out(100, half.header("etag"));
    assert_eq!(offered().len(), 40);
    assert_eq!(server.retire(&path, all.header("etag")).status, 204);
    assert!(offered().is_empty());
    assert_eq!(
        server.get("/api/version/latest?product=studio").text("version"),
        "1.0.0"
    );
}

#[test]
fn the_same_hardware_has_the_same_place_in_a_roll_out_however_it_asks() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 20 }));
    let half = json!({ "product": "studio", "version": "2.0.0", "rollout_percent": 50 });
    server.create("/api/admin/releases", &half);
    let ask = |token: &str, path: &str, body: Value| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = server.send_with("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    };
    let places = || {
        let offered = (0..20).map(|machine| {
            let activated = server.activate(&key, machine);
            let token = activated.text("token");
            let check = json!({ "product": "studio", "version": "1.0.0" });
            let checked = ask(token, "/api/version/check", check)["update_available"].clone();
            let verified = ask(token, "/api/license/verify", json!({ "app_version": "1.0.0" }));
            assert_eq!(verified["update"]["update_available"], checked, "{verified}");
            checked.as_bool().unwrap()
        });
        offered.collect::<Vec<bool>>()
    };
    let first = places();
    for machine in 0..20 {
        let order = licet_test_support::machine_request(&key, machine);
        assert_eq!(server.send("POST", "/api/license/deactivate", &order).status, 200);
    }
    assert_eq!(places(), first);
}

#[test]
fn a_release_goes_on_though_its_product_is_out_of_use() {
    let (server, _database) = start();
    let product = server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let release = json!({ "product": "studio", "version": "2.0.0", "rollout_percent": 10, "min_version": "1.5.0" });
    let release = server.create("/api/admin/releases", &release);
    let with_tag = |method: &str, answer: &Answer, body: &[u8]| {
        let headers = [
            ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
            ("if-match", answer.header("etag")),
        ];
        server.send_with(method, answer.header("location"), &headers, body)
    };
    assert_eq!(with_tag("DELETE", &product, b"").status, 204);
    let all = with_tag("PATCH", &release, br#"{"rollout_percent": 100}"#);
    assert_eq!(
        (all.status, &all.body["rollout_percent"]),
        (200, &json!(100)),
        "{}",
        all.body
    );
}

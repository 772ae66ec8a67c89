//! A customer at a glance: figures over all of its licenses, the newest of these, and what happened last.

use serde_json::{Value, json};

use crate::start;

#[test]
fn a_customer_is_read_at_a_glance() {
    let (server, _database) = start();
    let (license, key) = server.issue("studio", &json!({ "seats": 2, "limits": { "pages": 100 } }));
    let customer = server
        .get(&format!("/api/admin/licenses/{license}"))
        .text("customer_id")
        .to_owned();
    let order =
        json!({ "customer_id": customer, "policy": "studio", "seats": 5, "valid_from": "2100-01-01T00:00:00Z" });
    server.create("/api/admin/licenses", &order);
    let order = json!({ "customer_id": customer, "policy": "studio", "count": 2 });
    let two = server.create("/api/admin/licenses", &order);
    let path = format!(
        "/api/admin/licenses/{}/suspend",
        two.body["items"][0]["id"].as_str().unwrap()
    );
    server.send("POST", &path, &json!({}));
    let token = server.activate(&key, 1).text("token").to_owned();
    let beat = server.beat(&token, &json!({ "usage": { "pages": 7 } }));
    assert_eq!(beat.status, 200, "{}", beat.body);
    let path = format!("/api/admin/customers/{customer}/overview");
    let told = server.get_at(beat.header("licet-position"), &path);
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.body;
    let statuses = json!({ "active": 2, "suspended": 1, "revoked": 0, "expired": 0, "not_yet_valid": 1 });
    assert_eq!(told["licenses_by_status"], statuses, "{told}");
    assert_eq!((&told["seats"], &told["active"]), (&json!(11), &json!(1)), "{told}");
    assert_eq!(
        (&told["usage"], &told["open_anomalies"]),
        (&json!({ "pages": 7 }), &json!(0)),
        "{told}"
    );
    assert!(told["last_seen_at"].is_string(), "{told}");
    assert_eq!(told["licenses"].as_array().unwrap().len(), 4, "{told}");
    let actions: Vec<&str> = told["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        (actions[0], actions.last()),
        ("license.activated", Some(&"customer.created")),
        "{actions:?}"
    );

    // It is told as it was, whatever happened since.
    let then = beat.header("licet-position").to_owned();
    let license = format!("/api/admin/licenses/{license}");
    server.send("POST", &format!("{license}/revoke"), &json!({}));
    let tag = server.get(&license).header("etag").to_owned();
    let gone = server.retire(&license, &tag);
    let now = server.get_at(gone.header("licet-position"), &path).body;
    assert_eq!(
        (&now["licenses_by_status"]["active"], &now["seats"]),
        (&json!(1), &json!(9)),
        "{now}"
    );
    let past = server.get(&format!("{path}?as_of={then}")).body;
    for figure in [
        "licenses_by_status",
        "seats",
        "active",
        "usage",
        "open_anomalies",
        "last_seen_at",
        "activity",
    ] {
        assert_eq!(past[figure], told[figure], "{figure}: {past}");
    }
    let ids = |body: &Value| -> Vec<Value> {
        body["licenses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect()
    };
    assert_eq!(ids(&past), ids(&told));
    assert_eq!(
        past["licenses"][0]["customer"], told["licenses"][0]["customer"],
        "{past}"
    );
    let before = server.get(&format!("{path}?as_of=1"));
    assert_eq!((before.status, before.code()), (404, "CUSTOMER_NOT_FOUND"));
    let never = server.get(&format!("{path}?as_of=soon"));
    assert_eq!((never.status, never.code()), (422, "VALIDATION_FAILED"));

    let nobody = server.get("/api/admin/customers/00000000-0000-7000-8000-000000000000/overview");
    assert_eq!((nobody.status, nobody.code()), (404, "CUSTOMER_NOT_FOUND"));
}

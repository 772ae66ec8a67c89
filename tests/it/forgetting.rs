//! Forgetting a customer: nothing that is kept opens again, on any node, and the log still verifies.

use licet_test_support::{Server, licet};
use serde_json::{Value, json};

use crate::start;

#[test]
fn a_forgotten_customer_is_nowhere_any_more() {
    let (server, database) = start();
    let other = Server::start(&database.url);
    let (license, key) = server.issue("studio", &json!({ "seats": 2 }));
    let person = json!({ "name": "Maria Curie", "email": "maria@radium.example", "company": "Radium Works" });
    let customer = server.create("/api/admin/customers", &person).text("id").to_owned();
    let order = json!({ "customer_id": customer, "policy": "studio", "note": "asked for polonium" });
    let issued = server.create("/api/admin/licenses", &order).body["items"][0].clone();
    let (own, own_key) = (issued["id"].as_str().unwrap(), issued["key"].as_str().unwrap());
    let before = server.activate(own_key, 1).header("licet-position").to_owned();
    let found = |server: &Server, position: &str, typed: &str| -> usize {
        let found = server.get_at(position, &format!("/api/admin/search?q={typed}"));
        found.body["items"].as_array().unwrap().len()
    };
    let path = format!("/api/admin/customers/{customer}");
    for node in [&server, &other] {
        assert_eq!(found(node, &before, "curie"), 1);
        assert_eq!(found(node, &before, "polonium"), 1);
        assert_eq!(node.get_at(&before, &path).text("name"), "Maria Curie");
    }

    let done = server.send("POST", &format!("{path}/forget"), &json!({}));
    assert_eq!(done.status, 200, "{}", done.body);
    let after = done.header("licet-position").to_owned();
    let again = server.send("POST", &format!("{path}/forget"), &json!({}));
    assert_eq!((again.status, again.header("licet-position")), (200, &after[..]));

    for node in [&server, &other] {
        let expect_nobody = |shown: &Value| {
            let who = (&shown["name"], &shown["email"], &shown["company"]);
            assert_eq!(who, (&Value::Null, &Value::Null, &Value::Null), "{shown}");
            assert_eq!(shown["forgotten"], true, "{shown}");
        };
        let now = node.get_at(&after, &path);
        expect_nobody(&now.body);
        assert_eq!(now.text("status"), "retired");
        expect_nobody(&node.get(&format!("{path}?as_of={before}")).body);
        assert_eq!(found(node, &after, "curie"), 0);
        assert_eq!(found(node, &after, "polonium"), 0);
        let listed = node.get_at(&after, "/api/admin/customers");
        assert!(!listed.body.to_string().contains(&customer), "{}", listed.body);
        let listed = node.get_at(&after, "/api/admin/customers?sort=name&status=retired");
        assert_eq!(listed.body["items"][0]["id"], json!(customer), "{}", listed.body);
        expect_nobody(&listed.body["items"][0]);
        let license = node.get_at(&after, &format!("/api/admin/licenses/{own}"));
        assert_eq!(
            (&license.body["customer"], &license.body["note"]),
            (&Value::Null, &Value::Null)
        );
        let machines = node.get_at(&after, &format!("/api/admin/licenses/{own}/activations"));
        assert_eq!(machines.body["items"][0]["hostname"], Value::Null, "{}", machines.body);
        let history = node.get(&format!("{path}/events")).body.to_string();
        assert!(
            history.contains("customer.forgotten") && !history.contains("Curie"),
            "{history}"
        );
    }

    let latest = server.get(&format!("{path}/events?latest=true&limit=1")).body;
    assert_eq!(
        (&latest["items"][0]["type"], &latest["next_cursor"]),
        (&json!("customer.forgotten"), &Value::Null)
    );

    let named = "SELECT count(*)::text FROM customer_directory WHERE name LIKE '%curie%'";
    assert_eq!(
        tokio::runtime::Runtime::new().unwrap().block_on(database.text(named)),
        "0"
    );

    // The machines know nothing of it, and nobody else was forgotten.
    assert_eq!(other.verify(own_key, 1).status, 200);
    assert_eq!(other.activate(&key, 2).status, 201);
    let license = server.get(&format!("/api/admin/licenses/{license}"));
    assert!(license.body["customer"].is_string(), "{}", license.body);

    let tag = server.get(&path).header("etag").to_owned();
    let refused = server.patch(&path, &tag, &json!({ "name": "Somebody" }));
    assert_eq!((refused.status, refused.code()), (409, "CUSTOMER_RETIRED"));
    let nobody = server.send(
        "POST",
        "/api/admin/customers/00000000-0000-7000-8000-000000000000/forget",
        &json!({}),
    );
    assert_eq!((nobody.status, nobody.code()), (404, "CUSTOMER_NOT_FOUND"));
    let verified = licet(&database.url).args(["audit", "verify"]).output().unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}

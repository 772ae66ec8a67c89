//! Lists of customers: by name and by how many licenses they have, page after page.

use licet_test_support::{Server, eventually};
use serde_json::{Value, json};

use crate::{license_lists::pages, start};

/// The names and figures of a list, over all of its pages.
fn listed(server: &Server, query: &str) -> Vec<(Value, u64)> {
    let items = pages(server, "customers", query).into_iter();
    items
        .map(|item| (item["name"].clone(), item["licenses"].as_u64().unwrap()))
        .collect()
}

fn names(server: &Server, query: &str) -> Vec<Value> {
    listed(server, query).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn customers_are_listed_by_name_and_by_how_many_licenses_they_have() {
    let (server, database) = start();
    server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let policy = json!({ "code": "studio", "product": "studio", "duration_days": 365, "seats": 1 });
    server.create("/api/admin/policies", &policy);
    let customer = |name: &str| {
        let made = server.create(
            "/api/admin/customers",
            &json!({ "name": name, "email": "a@example.org" }),
        );
        assert_eq!(made.status, 201, "{}", made.body);
        made.text("id").to_owned()
    };
    let (zebra, oezil, aerzte) = (customer("zebra GmbH"), customer("Özil"), customer("Ärzte ohne Grenzen"));
    customer("Otto");
    let sell = |customer: &str, count: u32| {
        let order = json!({ "customer_id": customer, "policy": "studio", "count": count });
        let sold = server.create("/api/admin/licenses", &order);
        assert_eq!(sold.status, 201, "{}", sold.body);
        sold
    };
    sell(&zebra, 2);
    let sold = sell(&oezil, 3);
    // Whoever knows of the sale finds it counted.
    let at = sold.header("licet-position").to_owned();
    let first = server.get_at(&at, "/api/admin/customers?sort=-licenses&limit=1");
    assert_eq!(first.body["items"][0]["licenses"], 3, "{}", first.body);

    let by_name = [
        json!("Ärzte ohne Grenzen"),
        json!("Otto"),
        json!("Özil"),
        json!("zebra GmbH"),
    ];
    assert_eq!(names(&server, "sort=name"), by_name);
    let backwards: Vec<Value> = by_name.iter().rev().cloned().collect();
    assert_eq!(names(&server, "sort=-name"), backwards);
    let counts = |query: &str| {
        listed(&server, query)
            .into_iter()
            .map(|(_, count)| count)
            .collect::<Vec<_>>()
    };
    assert_eq!(counts("sort=licenses"), [0, 0, 2, 3]);
    assert_eq!(counts("sort=-licenses"), [3, 2, 0, 0]);
    assert_eq!(names(&server, "sort=name&q=oezil"), by_name[2..3]);

    // A license that is taken out of the books counts no more, and who is called otherwise has another place.
    let license = format!("/api/admin/licenses/{}", sold.body["items"][0]["id"].as_str().unwrap());
    let tag = server.get(&license).header("etag").to_owned();
    server.retire(&license, &tag);
    let path = format!("/api/admin/customers/{aerzte}");
    let tag = server.get(&path).header("etag").to_owned();
    let renamed = server.patch(&path, &tag, &json!({ "name": "Yeti" }));
    let at = renamed.header("licet-position").to_owned();
    server.get_at(&at, "/api/admin/customers?sort=name");
    server.get_at(&at, "/api/admin/customers?sort=licenses");
    assert_eq!(
        names(&server, "sort=name"),
        [json!("Otto"), json!("Özil"), json!("Yeti"), json!("zebra GmbH")]
    );
    assert_eq!(counts("sort=-licenses"), [2, 2, 0, 0]);

    // A consumer that is lost counts all of them anew, as at the first start over what is there already.
    let lost = "UPDATE customer_directory SET licenses = 7; DELETE FROM consumers WHERE name = 'license_counts'";
    tokio::runtime::Runtime::new().unwrap().block_on(database.execute(lost));
    // On one page: between two of them a count may change.
    let counted = || server.get("/api/admin/customers?sort=-licenses").body["items"].clone();
    assert!(eventually(|| {
        let items = counted();
        let counts = items.as_array().unwrap().iter().map(|item| item["licenses"].as_u64());
        counts.eq([2, 2, 0, 0].map(Some))
    }));

    // What is out of use has a list of its own.
    let gone = server.retire(&path, renamed.header("etag"));
    let left = server
        .get_at(gone.header("licet-position"), "/api/admin/customers?sort=name")
        .body;
    assert_eq!(
        (left["items"].as_array().unwrap().len(), &left["total"]),
        (3, &json!(3)),
        "{left}"
    );
    assert_eq!(names(&server, "sort=name&status=retired"), ["Yeti"]);
}

#[test]
fn an_order_of_customers_that_there_is_not_is_refused() {
    let (server, _database) = start();
    for name in ["A", "B", "C"] {
        let made = server.create(
            "/api/admin/customers",
            &json!({ "name": name, "email": "a@example.org" }),
        );
        server.get_at(made.header("licet-position"), "/api/admin/customers?sort=name");
    }
    let first = server.get("/api/admin/customers?limit=1&sort=name");
    let next = first.text("next_cursor");
    // `an\0:` and an id: no text that the database knows.
    let hostile = "YW4AOjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA";
    for query in [
        "sort=email",
        "sort=-nonsense",
        &format!("cursor={next}"),
        &format!("sort=-name&cursor={next}"),
        &format!("sort=licenses&cursor={next}"),
        &format!("sort=name&cursor={hostile}"),
    ] {
        let refused = server.get(&format!("/api/admin/customers?{query}"));
        let answer = (refused.status, refused.code());
        assert_eq!(answer, (422, "VALIDATION_FAILED"), "{query}: {}", refused.body);
    }
}

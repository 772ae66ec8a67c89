//! Search as one types: names, notes and keys, case, accents and a typo aside, and only what the caller may read.

use licet_test_support::{Operator, Server, eventually};
use serde_json::{Value, json};

use crate::{new_database, start};

fn customer(server: &Server, name: &str, company: &str, email: &str) -> String {
    let body = json!({ "name": name, "company": company, "email": email });
    let made = server.create("/api/admin/customers", &body);
    server.get_at(made.header("licet-position"), "/api/admin/search?q=nobody");
    made.text("id").to_owned()
}

/// What a search finds: kinds and titles, the best first.
fn found(server: &Server, typed: &str) -> Vec<(String, String)> {
    let typed = typed.replace(' ', "%20").replace('@', "%40");
    let answer = server.get(&format!("/api/admin/search?q={typed}"));
    assert_eq!(answer.status, 200, "{typed}: {}", answer.body);
    named(&answer.body)
}

fn named(body: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = body["items"].as_array().unwrap().iter();
    items.map(|item| (text(item, "kind"), text(item, "title"))).collect()
}

fn one(kind: &str, title: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), title.to_owned())]
}

#[test]
fn what_is_typed_finds_what_is_meant() {
    let (server, _database) = start();
    let vienna = customer(
        &server,
        "Universität Wien",
        "Zentraler Informatikdienst",
        "licenses@univie.ac.at",
    );
    customer(&server, "Müller & Söhne GmbH", "", "office@mueller.example");
    for typed in [
        "univ",
        "UNIVERSITAT WIEN",
        "wien universitaet",
        "Universtät",
        "informatik",
        "licenses@univie.ac.at",
    ] {
        assert_eq!(found(&server, typed), one("customer", "Universität Wien"), "{typed}");
    }
    for typed in ["muller", "Mueller", "sohne", "müler"] {
        assert_eq!(found(&server, typed), one("customer", "Müller & Söhne GmbH"), "{typed}");
    }
    for typed in ["", "u", "graz", "wien graz", "%25", "' OR 1=1"] {
        assert_eq!(found(&server, typed), [], "{typed}");
    }
    let long = server.get(&format!("/api/admin/search?q={}", "a".repeat(201)));
    assert_eq!((long.status, long.code()), (422, "VALIDATION_FAILED"));

    let path = format!("/api/admin/customers/{vienna}");
    let tag = server.get(&path).header("etag").to_owned();
    let renamed = server.patch(
        &path,
        &tag,
        &json!({ "name": "TU Graz", "company": null, "email": "it@tugraz.example" }),
    );
    server.get_at(renamed.header("licet-position"), "/api/admin/search?q=graz");
    assert_eq!(found(&server, "universität"), [], "it is called so no more");
    assert_eq!(found(&server, "graz"), one("customer", "TU Graz"));
    let gone = server.retire(&path, renamed.header("etag"));
    server.get_at(gone.header("licet-position"), "/api/admin/search?q=graz");
    assert_eq!(found(&server, "graz"), [], "it is out of use");

    // Lists show what is out of use to whoever asks for it.
    let listed = |query: &str| -> Vec<String> {
        let page = server.get(&format!("/api/admin/customers?{query}")).body;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("status=retired"), ["TU Graz"]);
    assert_eq!(listed("q=graz&status=retired"), ["TU Graz"]);
    assert_eq!(listed("status=active"), ["Müller & Söhne GmbH"]);
    assert_eq!((listed("q=graz"), listed("q=muller&status=retired")), (vec![], vec![]));
    let unknown = server.get("/api/admin/customers?status=forgotten");
    assert_eq!((unknown.status, unknown.code()), (422, "VALIDATION_FAILED"));
}

#[test]
fn licenses_are_found_by_key_and_note_and_lists_by_name() {
    let (server, _database) = start();
    let (license, key) = server.issue("studio", &json!({ "seats": 1 }));
    let masked = server
        .get(&format!("/api/admin/licenses/{license}"))
        .text("key_masked")
        .to_owned();
    assert!(eventually(|| found(&server, &key) == one("license", &masked)));
    for typed in [
        key.as_str(),
        &key[key.len() - 5..],
        &key[key.len() - 5..].to_lowercase(),
    ] {
        assert_eq!(found(&server, typed), one("license", &masked), "{typed}");
    }
    let path = format!("/api/admin/licenses/{license}");
    let tag = server.get(&path).header("etag").to_owned();
    let noted = server.patch(&path, &tag, &json!({ "note": "for the observatory" }));
    server.get_at(noted.header("licet-position"), "/api/admin/search?q=studio");
    assert_eq!(found(&server, "observatroy"), one("license", &masked));
    assert!(found(&server, "studio").contains(&("product".to_owned(), "studio".to_owned())));

    for number in 0..5 {
        customer(&server, &format!("Gymnasium {number}"), "", "office@school.example");
    }
    let first = server.get("/api/admin/customers?q=gymnas&limit=3");
    assert_eq!(
        (&first.body["total"], first.body["items"].as_array().unwrap().len()),
        (&json!(5), 3)
    );
    let next = format!(
        "/api/admin/customers?q=gymnas&limit=3&cursor={}",
        first.text("next_cursor")
    );
    assert_eq!(server.get(&next).body["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.get("/api/admin/customers?q=nobody").body["total"], 0);
    assert_eq!(server.get("/api/admin/products?q=stud").body["total"], 1);
    assert_eq!(
        server.get("/api/admin/policies?q=studio&status=retired").body["total"],
        0
    );
}

#[test]
fn nobody_finds_what_they_may_not_read_and_a_lost_index_comes_back() {
    let database = new_database();
    let server = Server::start(&database.url);
    let ada = Operator::first(&server, &database.url);
    let seller = Operator::invited(&server, &ada.browser, "sales");
    customer(&server, "Ada Lovelace Institute", "", "office@ada.example");
    let by = |operator: &Operator| named(&operator.browser.get(&server, "/api/admin/search?q=ada").body);
    assert!(by(&ada).contains(&("operator".to_owned(), "Ada Example".to_owned())));
    assert_eq!(by(&seller), one("customer", "Ada Lovelace Institute"));
    let lost = "DELETE FROM search_terms; DELETE FROM customer_directory; DELETE FROM consumers WHERE name IN ('search/2', 'license_counts')";
    tokio::runtime::Runtime::new().unwrap().block_on(database.execute(lost));
    assert!(eventually(|| by(&seller) == one("customer", "Ada Lovelace Institute")));
    // So do lists by name, and with them what an older program's database holds at its first start.
    let listed = || server.get("/api/admin/customers?sort=name").body["items"][0]["name"].clone();
    assert!(eventually(|| listed() == "Ada Lovelace Institute"));
}

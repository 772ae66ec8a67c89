//! Lists as CSV files: exactly what matches, every row once, and nothing that a spreadsheet would run.

use std::collections::HashSet;

use licet_test_support::{API_KEY, Answer, Server};
use serde_json::json;

use crate::start;

fn csv(server: &Server, path: &str) -> Answer {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    answer
}

/// The rows of a file, each as long as its head, which comes first.
fn rows(answer: &Answer, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(&answer.bytes[..]);
    let records = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect());
    records.collect()
}

fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let place = rows[0].iter().position(|own| own == name);
    let place = place.unwrap_or_else(|| panic!("no {name} in {:?}", rows[0]));
    rows[1..].iter().map(|row| row[place].clone()).collect()
}

#[test]
fn a_list_is_a_file_of_exactly_its_filter() {
    let (server, _database) = start();
    let (first, _) = server.issue("studio", &json!({ "seats": 1 }));
    let customer =
        json!({ "name": "=HYPERLINK(\"https://example.com\")", "email": "a@example.com", "company": "Müller; Sohn" });
    let customer = server.create("/api/admin/customers", &customer);
    let order =
        json!({ "customer_id": customer.text("id"), "policy": "studio", "count": 250, "note": "-1 \"two\"\nlines" });
    let issued = server.create("/api/admin/licenses", &order);
    let at = issued.header("licet-position").to_owned();
    let headers = [("x-api-key", API_KEY), ("licet-min-position", &at)];
    let path = format!("/api/admin/licenses?customer_id={}&format=csv", customer.text("id"));
    let whole = server.send_with("GET", &path, &headers, b"");
    let whole = rows(&whole, b',');
    assert_eq!(whole[0][0], "id");
    let ids: HashSet<String> = column(&whole, "id").into_iter().collect();
    assert_eq!((whole.len(), ids.len()), (251, 250), "over two pages, each once");
    assert!(!ids.contains(&first), "another customer's");
    assert!(column(&whole, "note").iter().all(|note| note == "'-1 \"two\"\nlines"));
    assert!(
        column(&whole, "customer")
            .iter()
            .all(|name| name.starts_with("'=HYPERLINK"))
    );
    assert_eq!(column(&whole, "key").concat(), "", "never in a list");

    let accepted = [("x-api-key", API_KEY), ("accept", "text/csv")];
    let accepted = server.send_with("GET", "/api/admin/customers", &accepted, b"");
    assert_eq!(rows(&accepted, b',').len(), 3);
    assert_eq!(
        accepted.header("content-disposition"),
        "attachment; filename=\"customers.csv\""
    );
    let german = csv(&server, "/api/admin/customers?format=csv&dialect=excel-de");
    assert!(german.bytes.starts_with(b"\xef\xbb\xbf"), "with its mark");
    assert!(column(&rows(&german, b';'), "company").contains(&"Müller; Sohn".to_owned()));
    let empty = csv(&server, "/api/admin/tags?format=csv");
    assert_eq!(rows(&empty, b',').len(), 1, "a head alone");
}

#[test]
fn a_file_that_is_none_is_refused_as_the_list_would_be() {
    let (server, _database) = start();
    server.issue("studio", &json!({ "seats": 1 }));
    for (path, status, pointer) in [
        ("/api/admin/licenses?format=xml", 422, "?format"),
        ("/api/admin/licenses?format=csv&dialect=excel-fr", 422, "?dialect"),
        ("/api/admin/licenses?dialect=excel-de", 422, "?dialect"),
        ("/api/admin/licenses?format=csv&nonsense=1", 422, "?nonsense"),
        ("/api/admin/licenses?format=csv&status=nonsense", 422, "?status"),
        ("/api/admin/permissions?format=csv", 422, "?format"),
    ] {
        let refused = server.get(path);
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    let stranger = server.send_with("GET", "/api/admin/licenses?format=csv", &[("x-api-key", "nobody")], b"");
    assert_eq!((stranger.status, stranger.code()), (401, "UNAUTHENTICATED"));
}

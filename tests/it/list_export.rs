//! Lists as CSV files: exactly what matches, every row once, and nothing that a spreadsheet would run.

use std::collections::HashSet;

use licet_test_support::{API_KEY, Answer, Server};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
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
fn a_list_is_a_parquet_file_too() {
    let (server, _database) = start();
    let customer = server.create(
        "/api/admin/customers",
        &json!({ "name": "=Wien", "email": "a@example.com" }),
    );
    server.issue("studio", &json!({ "seats": 3 }));
    let order = json!({ "customer_id": customer.text("id"), "policy": "studio", "count": 250, "expires_at": "2031-01-01T00:00:00Z" });
    let issued = server.create("/api/admin/licenses", &order);
    let path = format!(
        "/api/admin/licenses?customer_id={}&sort=-issued_at",
        customer.text("id")
    );
    let listed = server
        .get_at(issued.header("licet-position"), &format!("{path}&limit=200"))
        .body;
    let answer = server.get(&format!("{path}&format=parquet"));
    assert_eq!(answer.header("content-type"), "application/vnd.apache.parquet");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"licenses.parquet\""
    );
    let rows = parquet(&answer);
    assert_eq!((rows[0][0].0.as_str(), rows.len()), ("id", 250), "over two pages");
    let of = |name: &str| -> Vec<Field> {
        let cell = |row: &Vec<(String, Field)>| row.iter().find(|(own, _)| own == name).unwrap().1.clone();
        rows.iter().map(cell).collect()
    };
    let shown = listed["items"].as_array().unwrap().iter();
    let shown: Vec<Field> = shown
        .map(|one| Field::Str(one["id"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(of("id")[..200], shown);
    // No spreadsheet runs it: names stay as they are.
    assert_eq!(of("customer"), vec![Field::Str("=Wien".to_owned()); 250]);
    assert_eq!(of("seats"), vec![Field::Long(3); 250]);
    assert_eq!(
        of("expires_at"),
        vec![Field::TimestampMicros(1_924_992_000_000_000); 250]
    );
    assert_eq!(of("key"), vec![Field::Null; 250], "never in a list");

    let empty = server.get("/api/admin/tags?format=parquet");
    assert_eq!(parquet(&empty).len(), 0, "columns alone");
}

/// The rows of a file, each with the names of its columns.
fn parquet(answer: &Answer) -> Vec<Vec<(String, Field)>> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let reader = SerializedFileReader::new(bytes::Bytes::from(answer.bytes.clone())).unwrap();
    assert_eq!(reader.metadata().file_metadata().schema_descr().column(0).name(), "id");
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().into_columns()).collect()
}

#[test]
fn a_file_that_is_none_is_refused_as_the_list_would_be() {
    let (server, _database) = start();
    server.issue("studio", &json!({ "seats": 1 }));
    for (path, status, pointer) in [
        ("/api/admin/licenses?format=xml", 422, "?format"),
        ("/api/admin/licenses?format=csv&dialect=excel-fr", 422, "?dialect"),
        ("/api/admin/licenses?dialect=excel-de", 422, "?dialect"),
        ("/api/admin/licenses?format=parquet&dialect=excel-de", 422, "?dialect"),
        ("/api/admin/licenses?format=parquet&status=nonsense", 422, "?status"),
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

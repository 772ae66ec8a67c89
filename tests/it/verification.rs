//! The log verified from the back office: the walk tells how far it is, and what it found.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use licet_test_support::{API_KEY, Server};
use serde_json::{Value, json};

use crate::start;

/// All that is told of a walk: names of events with what they say.
fn watched(server: &Server) -> Vec<(String, Value)> {
    let address = server.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /api/admin/audit/verification HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {API_KEY}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let named = answer.split("event: ").skip(1);
    let told = named.map(|event| {
        let (name, rest) = event.split_once('\n').unwrap();
        let data = rest.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        (name.trim().to_owned(), serde_json::from_str(data).unwrap())
    });
    told.collect()
}

#[test]
fn the_log_is_verified_where_someone_watches() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    server.activate(&key, 1);
    let told = watched(&server);
    let (name, report) = told.last().unwrap();
    assert_eq!((&name[..], &report["fault"]), ("report", &Value::Null), "{told:?}");
    assert!(report["events"].as_i64().unwrap() >= 4, "{report}");

    let change =
        "UPDATE events SET metadata = replace(metadata::text, 'bootstrap', 'somebody')::json WHERE position = 3";
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(database.execute(change));
    let told = watched(&server);
    assert_eq!(told.last().unwrap().1["fault"]["position"], 3, "{told:?}");
    let nobody = server.send_with("GET", "/api/admin/audit/verification", &[], b"");
    assert_eq!((nobody.status, nobody.code()), (401, "UNAUTHENTICATED"));
}

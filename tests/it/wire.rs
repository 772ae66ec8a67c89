//! HTTP to the letter: headers, connections, proxies.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use licet_test_support::Server;
use serde_json::json;

use crate::{new_database, start};

const KEY: (&str, &str) = ("x-api-key", "0f2a-bootstrap-key-of-the-tests");

/// What goes over the wire, byte for byte, and what comes back.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_edit_names_its_version_however_a_proxy_has_written_it() {
    let (server, _database) = start();
    let made = server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let (path, tag) = (made.header("location").to_owned(), made.header("etag").to_owned());
    let edit = |tags: &[&str]| {
        let mut headers = vec![KEY];
        headers.extend(tags.iter().map(|tag| ("if-match", *tag)));
        server
            .send_with("PATCH", &path, &headers, br#"{"name": "Studio"}"#)
            .status
    };
    let weak = format!("W/{tag}");
    let gzip = format!("{}-gzip\"", tag.trim_end_matches('"'));
    let several = format!("\"other\", {tag}");
    assert_eq!(edit(&[]), 428);
    assert_eq!(edit(&["\"other\""]), 412);
    for tags in [
        &[&*tag][..],
        &[&*weak],
        &[&*gzip],
        &[&*several],
        &["\"other\"", &*tag],
        &["*"],
    ] {
        assert_eq!(edit(tags), 200, "{tags:?}");
    }
}

#[test]
fn http_is_spoken_to_the_letter() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let path = format!("/api/license/info/{key}");
    let head = server.send_with("HEAD", &path, &[KEY], b"");
    // The SHA-256 of nothing.
    assert_eq!(
        head.header("content-digest"),
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    );
    assert!(server.get(&path).header("signature-input").contains(";tag=\"licet\""));
    let hostless = raw(&server, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(
        hostless.starts_with("HTTP/1.1 400") && hostless.contains("HOST_INVALID"),
        "{hostless}"
    );
    let doubled = raw(
        &server,
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    );
    assert!(doubled.starts_with("HTTP/1.1 400"), "{doubled}");
    let old = raw(&server, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.contains(" 200 "), "{old}");
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let database = new_database();
    let server = Server::start_limited(&database.url, 128);
    let address = server.url.trim_start_matches("http://").to_owned();
    let silent: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    assert!(silent.len() > 64, "{}", silent.len());
    for _ in 0..5 {
        assert_eq!(server.get("/healthz").status, 200);
        assert_eq!(server.get("/api/admin/products").status, 200);
    }
    drop(silent);
}

#[test]
fn half_a_request_does_not_keep_the_server_up() {
    let database = new_database();
    let settings = [
        ("NATS_URL", ""),
        ("TRUSTED_PROXIES", " "),
        ("SMTP_URL", ""),
        ("API_RATE_LIMIT", ""),
    ];
    let server = Server::start_with(&database.url, &settings);
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"POST /api/license/verify HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let began = std::time::Instant::now();
    assert!(server.terminate(), "it ends in order");
    assert!(began.elapsed().as_secs() < 9, "{:?}", began.elapsed());
}

#[test]
fn proxies_are_named_by_network() {
    let database = new_database();
    let settings = [
        ("TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.0/8 ,,::1,"),
        ("API_RATE_LIMIT", "1 per hour"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let ask = |forwarded: &str| {
        let headers = [KEY, ("x-forwarded-for", forwarded)];
        server
            .send_with("POST", "/api/license/verify", &headers, br#"{"license_key": "x"}"#)
            .status
    };
    assert_eq!(ask("192.0.2.1:4711"), 200);
    assert_eq!(ask("192.0.2.1"), 429, "the same client, with its port or without");
    assert_eq!(ask("[2001:db8::1]:443"), 200);
    assert_eq!(ask("2001:db8::1, 10.1.2.3"), 429);
}
#[test]
fn strangers_learn_nothing_and_nobody_on_the_way_keeps_an_answer() {
    let (server, _database) = start();
    for headers in [&[][..], &[("x-api-key", "wrong")]] {
        let stranger = server.send_with("GET", "/api/admin/products?nonsense=1", headers, b"");
        assert_eq!((stranger.status, stranger.code()), (401, "UNAUTHENTICATED"));
    }
    assert_eq!(server.get("/api/admin/products?nonsense=1").status, 422);
    assert_eq!(server.get("/api/admin/products").header("cache-control"), "no-store");
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    assert_eq!(server.activate(&key, 1).header("cache-control"), "no-store");
    let body = br#"{"code": "atelier", "name": "Atelier"}"#;
    for coded in [
        &[("content-encoding", "identity"), ("content-encoding", "gzip")][..],
        &[("content-encoding", "identity, br")],
    ] {
        let headers = [&[KEY], coded].concat();
        let refused = server.send_with("POST", "/api/admin/products", &headers, body);
        assert_eq!((refused.status, refused.code()), (415, "CONTENT_ENCODING_UNSUPPORTED"));
    }
}

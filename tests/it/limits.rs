//! Rate limits, and what guessing costs.

use licet_test_support::Server;
use serde_json::json;

use crate::new_database;

#[test]
fn whoever_asks_too_often_waits_and_nobody_else() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("API_RATE_LIMIT", "20 per minute")]);
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    let (_, other) = server.issue("atelier", &json!({ "seats": 3 }));
    let first = server.verify(&key, 1);
    assert_eq!(
        (first.header("ratelimit-limit"), first.header("ratelimit-remaining")),
        ("20", "19")
    );
    assert!(
        first
            .header("ratelimit-reset")
            .parse::<u64>()
            .is_ok_and(|reset| reset <= 60)
    );
    let refused = (0..60)
        .map(|_| server.verify(&key, 1))
        .find(|answer| answer.status == 429);
    let refused = refused.unwrap();
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|wait| wait >= 1));
    assert!(!refused.header("signature").is_empty(), "signed like every answer here");
    assert_eq!(server.verify(&other, 1).status, 200, "another license is another count");
    let metrics = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
    assert!(metrics.contains("licet_rate_limited_total"));
}

#[test]
fn two_nodes_together_hold_the_limit_within_its_bound() {
    let database = new_database();
    let settings = [("API_RATE_LIMIT", "60 per hour")];
    let servers = [
        Server::start_with(&database.url, &settings),
        Server::start_with(&database.url, &settings),
    ];
    let (_, key) = servers[0].issue("studio", &json!({ "seats": 3 }));
    let ask = |server: &Server, times: usize| (0..times).filter(|_| server.verify(&key, 1).status == 200).count();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let told = |count: u32| {
        let counted = || database.text("SELECT coalesce(sum(count), 0)::text FROM rate_counts");
        (0..1_200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            runtime.block_on(counted()) == count.to_string()
        })
    };
    let on_one = ask(&servers[0], 45);
    assert_eq!(on_one, 45);
    assert!(told(45), "a node tells what it has counted");
    // The other hears of it when it has something to tell itself: within a second of a tenth of the limit.
    let mut on_other = ask(&servers[1], 7);
    assert!(told(52));
    std::thread::sleep(std::time::Duration::from_millis(200));
    on_other += ask(&servers[1], 100);
    assert!((15..=22).contains(&on_other), "{on_other} beside {on_one}");
}

#[test]
fn guessing_is_noticed_and_slowed_and_a_bad_rate_is_refused() {
    let database = new_database();
    let server = Server::start(&database.url);
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    let started = std::time::Instant::now();
    for _ in 0..25 {
        assert_eq!(
            server.verify("LIC-11111-11111-11111-11111-1111C", 1).code(),
            "NOT_FOUND"
        );
    }
    assert!(
        started.elapsed() >= std::time::Duration::from_secs(3),
        "the more, the slower"
    );
    assert_eq!(server.verify(&key, 1).code(), "NOT_ACTIVATED");
    let metrics = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
    let counted = |line: &str| line.starts_with("licet_unknown_license_keys_total{") && line.ends_with(" 25");
    assert!(metrics.lines().any(counted), "{metrics}");
    let output = licet_test_support::licet(&database.url)
        .env("API_RATE_LIMIT", "lots")
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("100 per minute"));
}

#[test]
fn a_header_that_cannot_be_read_hides_nobody() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let database = new_database();
    let settings = [("API_RATE_LIMIT", "1 per minute"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = Server::start_with(&database.url, &settings);
    let mut connection = std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let mut statuses = Vec::new();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    for _ in 0..60 {
        let request = b"GET /api/license/info/x HTTP/1.1\r\nhost: licet\r\nx-forwarded-for: \xff, 192.0.2.1\r\n\r\n";
        connection.write_all(request).unwrap();
        let (mut status, mut length) = (String::new(), 0);
        reader.read_line(&mut status).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim().to_ascii_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        statuses.push(status.split(' ').nth(1).unwrap().to_owned());
    }
    assert!(statuses.iter().any(|status| status == "429"), "{statuses:?}");
}

#[test]
fn a_proxys_word_on_who_asks_counts_only_where_it_is_trusted() {
    let database = new_database();
    for (trusted, told) in [("", "127.0.0.1"), ("127.0.0.1", "192.0.2.7")] {
        let settings: &[(&str, &str)] = if trusted.is_empty() {
            &[]
        } else {
            &[("TRUSTED_PROXIES", trusted)]
        };
        let server = Server::start_with(&database.url, settings);
        let headers = [
            ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
            ("x-forwarded-for", "198.51.100.1, 192.0.2.7"),
        ];
        let product = json!({ "code": format!("by-{told}").replace('.', "-"), "name": "Product" }).to_string();
        let made = server.send_with("POST", "/api/admin/products", &headers, product.as_bytes());
        assert_eq!(made.status, 201, "{}", made.body);
        let audit = server.get_at(made.header("licet-position"), "/api/admin/audit?limit=1");
        assert_eq!(audit.body["items"][0]["client_address"], told, "{}", audit.body);
    }
}

//! A real nginx, as `infra/nginx/` sets it up, between clients and servers: who a browser is, and that nobody else says so;
//! what is signed still verifies; a node that is gone is not noticed.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use licet_client::{Client, Fingerprint, Store};
use licet_test_support::{Nginx, Operator, PASSWORD, Server, eventually};
use serde_json::{Value, json};

use crate::{browser::tell, new_database, tools::API_KEY};

/// Who asks; nginx itself is at 127.0.0.1, which is trusted.
const VISITOR: [u8; 4] = [127, 0, 0, 2];

#[test]
fn forged_headers_neither_hide_who_guesses_nor_shut_others_out() {
    let database = new_database();
    let settings = [
        ("LOGIN_RATE_LIMIT", "1000 per minute"),
        ("MAX_LOGIN_ACCOUNTS", "3"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let ada = Operator::first(&server, &database.url);
    let nginx = Nginx::before(&server.url);
    let guess = |from: [u8; 4], forged: &str, account: usize| {
        let body = json!({ "email": format!("account{account}@example.com"), "password": "a wrong password" });
        let headers = [
            ("X-Forwarded-For", forged),
            ("Forwarded", "for=198.51.100.1"),
            ("X-Real-IP", "198.51.100.2"),
        ];
        let (status, body) = nginx.post_from(IpAddr::from(from), "/api/auth/login", &headers, &body.to_string());
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    // Each guess claims to come from elsewhere; the last word is nginx's.
    let mut account = 0;
    assert!(eventually(|| {
        account += 1;
        guess(VISITOR, &format!("192.0.2.{account}, 127.0.0.1"), account) == (403, "ADDRESS_BLOCKED".to_owned())
    }));
    assert!((4..50).contains(&account), "{account} accounts");
    let listed = server.get("/api/admin/blocked-addresses").body;
    assert_eq!(
        (&listed["total"], &listed["items"][0]["network"]),
        (&json!(1), &json!("127.0.0.2/32")),
        "{listed}"
    );
    assert_eq!(
        guess([127, 0, 0, 3], "127.0.0.2", 1).1,
        "LOGIN_FAILED",
        "a neighbor who claims to be that one"
    );
    let body = json!({ "email": ada.email, "password": PASSWORD }).to_string();
    let owner = nginx.post_from(IpAddr::from([127, 0, 0, 4]), "/api/auth/login", &[], &body);
    assert_eq!(owner.0, 200, "{}", owner.1);
}

#[test]
fn over_tls_a_browser_keeps_its_session_in_a_cookie_that_no_other_host_can_set() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("TRUSTED_PROXIES", "127.0.0.1")]);
    let nginx = Nginx::before(&server.url);
    let link = format!("/setup?token={}", licet_test_support::setup_token(&database.url));
    tell("over_tls.mjs", &[&nginx.tls, &link, API_KEY, &server.url]);
}

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn machine() -> Fingerprint {
    Fingerprint {
        cpu_id: Some("cpu".to_owned()),
        system_uuid: Some("9d3f1c52-7a40-4be1-8a43-52b1d0c7e611".to_owned()),
        ..Fingerprint::default()
    }
}

/// The library behind nginx, in a folder of its own.
fn client(nginx: &Nginx, folder: &std::path::Path) -> Client {
    let store = Store::open(folder.join("state.json")).unwrap();
    Client::with_roots(&nginx.tls, API_KEY, store, &nginx.certificate).unwrap()
}

#[test]
fn a_hundred_signed_answers_verify_though_nginx_has_another_time() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("TRUSTED_PROXIES", "127.0.0.1")]);
    let (_, key) = server.issue("studio", &json!({ "seats": 3, "fingerprint_match": 1 }));
    let nginx = Nginx::before_all(&[&server.url], &["faketime", "-f", "+30s"]);
    let folder = tempfile::tempdir().unwrap();
    let mut client = client(&nginx, folder.path());
    client.activate(&key, &machine(), None).unwrap();
    for number in 0..100 {
        let answer = client.verify(&key, &machine(), None, &[]);
        assert!(answer.as_ref().is_ok_and(|answer| answer.valid), "{number}: {answer:?}");
    }
    // Its own answers tell its own time.
    let own = nginx.send_from(LOOPBACK, "GET", "/metrics", &[], b"");
    let (own, real) = (
        own.header("date").to_owned(),
        server.get("/healthz").header("date").to_owned(),
    );
    let seconds = |date: &str| {
        let parsed = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822);
        parsed.unwrap().unix_timestamp()
    };
    assert!(seconds(&own) - seconds(&real) > 20, "{own} and {real}");
}

#[test]
fn nginx_hands_on_what_it_must_not_change_and_speaks_as_the_server_does() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("TRUSTED_PROXIES", "127.0.0.1")]);
    let nginx = Nginx::before(&server.url);
    let key = [("x-api-key", API_KEY)];
    let get = |path: &str| nginx.send_from(LOOPBACK, "GET", path, &key, b"");
    let problem = |path: &str, status: u16, code: &str| {
        let answer = get(path);
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        assert_eq!(
            (answer.status, &body["code"], &body["status"]),
            (status, &json!(code), &json!(status)),
            "{path}: {answer:?}"
        );
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
        answer
    };
    assert_eq!(get("/healthz").status, 200);
    problem("/metrics", 404, "NOT_FOUND");
    problem("/%6detrics", 404, "NOT_FOUND");
    // The server sees the path as it was written: with another one it would answer otherwise.
    for path in [
        "/api//admin/licenses",
        "/api/admin/licenses/%2F",
        "/api/admin/licenses/a%2Fb",
    ] {
        let answer = get(path);
        let direct = server.get(path);
        assert_eq!(
            (answer.status, answer.header("x-request-id").len()),
            (direct.status, 32),
            "{path}: {answer:?}"
        );
    }
    let app = nginx.send_from(LOOPBACK, "GET", "/", &[("accept-encoding", "br, gzip")], b"");
    assert_eq!(app.header("content-encoding"), "br", "{}", app.head);

    // A little too large hears it from the server, signed; far too large from nginx.
    for (size, signed) in [(70_000, true), (300_000, false)] {
        let answer = nginx.send_from(LOOPBACK, "POST", "/api/license/verify", &key, &vec![b' '; size]);
        assert_eq!(
            (answer.status, answer.header("signature").is_empty()),
            (413, !signed),
            "{}",
            answer.head
        );
        assert!(answer.body.contains("\"BODY_TOO_LARGE\""), "{}", answer.body);
    }
    // What happens is told at once, not when a buffer is full.
    let live = nginx.read_until("/api/admin/live", &key, "event: counters");
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");

    // Whoever guesses without end is slowed before the server.
    let guess = json!({ "email": "nobody@example.com", "password": "a wrong password" }).to_string();
    let answers = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| nginx.post_from(LOOPBACK, "/api/auth/login", &[], &guess)))
            .collect();
        let answers = guesses.into_iter().map(|guess| guess.join().unwrap());
        answers.collect::<Vec<_>>()
    });
    let slowed = answers
        .iter()
        .find(|(_, body)| body.contains("\"RATE_LIMITED\"") && body.contains("this address"));
    assert_eq!(slowed.map(|(status, _)| *status), Some(429), "{answers:?}");

    let redirect = ureq::get(format!("http://{}/api/admin/licenses?limit=1", nginx.plain));
    let redirect = redirect
        .config()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .call()
        .unwrap();
    let target = redirect.headers().get("location").unwrap().to_str().unwrap().to_owned();
    assert_eq!(redirect.status(), 308);
    assert!(
        target.ends_with("/api/admin/licenses?limit=1") && target.starts_with("https://127.0.0.1:"),
        "{target}"
    );
    server.kill();
    let gone = problem("/api/admin/licenses", 503, "UNAVAILABLE");
    assert_eq!(gone.header("retry-after"), "1");
}

#[test]
fn a_node_that_is_killed_under_load_is_not_noticed() {
    let database = new_database();
    let settings = [("TRUSTED_PROXIES", "127.0.0.1")];
    let (one, other) = (
        Server::start_with(&database.url, &settings),
        Server::start_with(&database.url, &settings),
    );
    let (_, key) = one.issue("studio", &json!({ "seats": 3, "fingerprint_match": 1 }));
    let nginx = Nginx::before_all(&[&one.url, &other.url], &[]);
    let folder = tempfile::tempdir().unwrap();
    client(&nginx, folder.path()).activate(&key, &machine(), None).unwrap();
    let (ends, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (nginx, key, ends, asked) = (&nginx, &key, &ends, &asked);
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let mut client = client(nginx, folder.path());
                while !ends.load(Ordering::Relaxed) {
                    let answer = client.verify(key, &machine(), None, &[]);
                    assert!(answer.as_ref().is_ok_and(|answer| answer.valid), "{number}: {answer:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let more = |count: u32| {
            let from = asked.load(Ordering::Relaxed);
            eventually(|| asked.load(Ordering::Relaxed) >= from + count)
        };
        let before = more(200);
        one.kill();
        let after = more(400);
        // Whatever came of it, the others have to end.
        ends.store(true, Ordering::Relaxed);
        assert!(
            before && after,
            "answers came before it was killed: {before}, and after: {after}"
        );
    });
}

//! A real nginx between browsers and the server: who a browser is, and that nobody else says so.

use std::net::IpAddr;

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

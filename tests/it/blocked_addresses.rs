//! From where nobody signs in: what blocks itself, what is blocked by hand, and the ways back.

use std::time::{Duration, Instant};

use licet_test_support::{Answer, Browser, Operator, PASSWORD, Server, licet};
use serde_json::{Value, json};

use crate::{new_database, start};

const SETTINGS: [(&str, &str); 3] = [
    ("LOGIN_RATE_LIMIT", "100 per minute"),
    ("MAX_LOGIN_ACCOUNTS", "3"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
];

/// Tries to sign in as a proxy says it from this address.
fn try_as(server: &Server, browser: &Browser, address: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let headers = [("x-forwarded-for", address)];
    browser.send_with(server, "POST", "/api/auth/login", &headers, &body)
}

fn guess(server: &Server, address: &str, email: &str) -> String {
    let answer = try_as(server, &Browser::default(), address, email, "a wrong password");
    answer.code().to_owned()
}

fn right(server: &Server, operator: &Operator, browser: &Browser, address: &str) -> Answer {
    try_as(server, browser, address, &operator.email, PASSWORD)
}

#[test]
fn who_guesses_at_many_accounts_is_shut_out_and_nobody_who_works_there() {
    let database = new_database();
    let [server, other] = [(); 2].map(|()| Server::start_with(&database.url, &SETTINGS));
    let ada = Operator::first(&server, &database.url);
    for _ in 0..4 {
        let one_account = guess(&server, "2001:db8::1", "a@example.com");
        assert_eq!(one_account, "LOGIN_FAILED");
    }
    assert_eq!(guess(&other, "2001:db8::2", "b@example.com"), "LOGIN_FAILED");
    assert_eq!(guess(&server, "2001:db8::3", "c@example.com"), "LOGIN_FAILED");
    let deadline = Instant::now() + Duration::from_secs(30);
    while guess(&other, "2001:db8::4", "a@example.com") != "ADDRESS_BLOCKED" {
        assert!(Instant::now() < deadline, "both nodes know it, for the whole /64");
    }
    let neighbor = guess(&server, "2001:db8:0:1::1", "a@example.com");
    assert_eq!(neighbor, "LOGIN_FAILED");
    let stranger = right(&server, &ada, &Browser::default(), "2001:db8::5");
    assert_eq!((stranger.status, stranger.code()), (403, "ADDRESS_BLOCKED"));
    let known = right(&server, &ada, &ada.browser, "2001:db8::5");
    assert_eq!(known.status, 200, "a browser that was in before");

    let listed = server.get("/api/admin/blocked-addresses").body;
    let block = &listed["items"][0];
    let shown = (&block["network"], &block["status"], &block["automatic"]);
    let expected = (&json!("2001:db8::/64"), &json!("blocked"), &json!(true));
    assert_eq!(shown, expected, "{listed}");
    assert!(block["until"].is_string() && block["reason"].is_string(), "{block}");
    let path = format!("/api/admin/blocked-addresses/{}", block["id"].as_str().unwrap());
    let history = server.get(&format!("{path}/events")).body;
    assert_eq!(history["items"][0]["type"], "blocked_address.blocked", "{history}");
    let removed = server.send("DELETE", &path, &Value::Null);
    assert_eq!(removed.status, 204, "{}", removed.body);
    let stranger = right(&server, &ada, &Browser::default(), "2001:db8::5");
    assert_eq!(stranger.status, 200, "after the unblocking");
}

#[test]
fn an_operator_blocks_a_network_for_everybody_and_a_command_is_the_way_back() {
    let database = new_database();
    let server = Server::start_with(&database.url, &SETTINGS);
    let ada = Operator::first(&server, &database.url);
    let order = json!({ "network": "198.51.100.7/24", "reason": "guesses" });
    let made = server.send("POST", "/api/admin/blocked-addresses", &order);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.text("network"), "198.51.100.0/24");
    let again = server.send("POST", "/api/admin/blocked-addresses", &order);
    assert_eq!((again.status, again.code()), (409, "ADDRESS_ALREADY_BLOCKED"));
    let refused = right(&server, &ada, &ada.browser, "::ffff:198.51.100.200");
    assert_eq!(refused.code(), "ADDRESS_BLOCKED", "at once, a known browser too");

    let mut unblock = licet(&database.url);
    let unblocked = unblock.args(["operators", "unblock", "198.51.100.200"]).output();
    let told = String::from_utf8_lossy(&unblocked.unwrap().stdout).into_owned();
    assert!(told.contains("may sign in from 198.51.100.200 again"), "{told}");
    let deadline = Instant::now() + Duration::from_secs(30);
    while right(&server, &ada, &ada.browser, "198.51.100.200").status != 200 {
        assert!(Instant::now() < deadline, "the way back works");
    }
}

#[test]
fn a_network_that_is_none_is_refused_and_a_forged_address_blocks_nobody() {
    let (server, _database) = start();
    for (order, pointer) in [
        (json!({ "network": "0.0.0.0/0" }), "/network"),
        (json!({ "network": "home" }), "/network"),
        (
            json!({ "network": "192.0.2.1", "until": "2020-01-01T00:00:00Z" }),
            "/until",
        ),
    ] {
        let refused = server.send("POST", "/api/admin/blocked-addresses", &order);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    let order = json!({ "network": "203.0.113.9" });
    assert_eq!(server.create("/api/admin/blocked-addresses", &order).status, 201);
    let forged = guess(&server, "203.0.113.9", "a@example.com");
    assert_eq!(forged, "LOGIN_FAILED", "no proxy is trusted there");
}

//! How operators get in, and how nobody else does.

use std::time::{Duration, Instant};

use licet_test_support::{Answer, Browser, Operator, PASSWORD, Server, licet, setup_token};
use serde_json::{Value, json};

use crate::{new_database, start};

fn is_in(server: &Server, browser: &Browser) -> bool {
    browser.get(server, "/api/auth/session").status == 200
}

/// What is the same whoever is refused: everything but the request's id.
fn without_id(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("request_id");
    body
}

#[test]
fn the_first_operator_sets_up_a_password_and_a_second_factor() {
    let (server, database) = start();
    let token = setup_token(&database.url);
    let browser = Browser::default();
    let set_up = |password: &str, email: &str| {
        let body = json!({ "token": token, "name": "Ada Example", "email": email, "password": password });
        browser.send(&server, "POST", "/api/auth/setup", &body)
    };
    let weak = set_up("ada-and-more-of-it", "ada-and@example.com");
    assert_eq!((weak.status, weak.code()), (422, "VALIDATION_FAILED"), "{}", weak.body);
    assert_eq!(weak.body["errors"][0]["pointer"], "/password");
    let answer = set_up(PASSWORD, "ada@example.com");
    assert_eq!((answer.status, answer.text("next")), (201, "enroll"), "{}", answer.body);
    let waiting = browser.cookie("licet").unwrap();
    let cookie = &answer.cookies[0];
    assert!(
        cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("; Path=/;"),
        "{cookie}"
    );
    assert!(
        !is_in(&server, &browser),
        "before its second factor a session opens nothing"
    );
    assert_eq!(browser.get(&server, "/api/admin/products").status, 401);
    assert_eq!(set_up(PASSWORD, "eve@example.com").code(), "SETUP_LINK_INVALID");
    let shown = browser.send(&server, "POST", "/api/auth/totp/enroll", &json!({}));
    assert!(shown.text("qr_svg").contains("<svg"), "{}", shown.body);
    let wrong = browser.send(&server, "POST", "/api/auth/totp/confirm", &json!({ "code": "000000" }));
    assert_eq!((wrong.status, wrong.code()), (401, "CODE_INVALID"));

    // The command lets another owner in at any time; this one goes all the way.
    let body = json!({ "token": setup_token(&database.url), "name": "Grace Example", "email": "grace@example.com", "password": PASSWORD });
    let grace = Operator::set_up(&server, "grace@example.com", &body);
    assert_eq!(grace.recovery_codes.len(), 10);
    let session = grace.browser.get(&server, "/api/auth/session");
    assert_eq!(session.body["operator"]["role"], "owner", "{}", session.body);
    assert_eq!(session.body["operator"]["name"], "Grace Example");
    let thief = Browser::default();
    thief.plant("licet", &waiting);
    assert!(!is_in(&server, &thief), "what waits is not in");
}

#[test]
fn a_session_is_another_one_once_its_second_factor_was_right() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let browser = Browser::default();
    browser.plant("licet", &"0".repeat(64));
    ada.give_password(&server, &browser, PASSWORD);
    let before = browser.cookie("licet").unwrap();
    assert_ne!(before, "0".repeat(64), "nobody chooses a session for someone else");
    let spent = browser.send(&server, "POST", "/api/auth/totp", &json!({ "code": ada.spent_code() }));
    assert_eq!(
        (spent.status, spent.code()),
        (401, "CODE_INVALID"),
        "a code is good once"
    );
    let done = browser.send(&server, "POST", "/api/auth/totp", &json!({ "code": ada.code() }));
    assert_eq!((done.status, done.text("next")), (200, "done"), "{}", done.body);
    let after = browser.cookie("licet").unwrap();
    assert_ne!(before, after);
    let stolen = Browser::default();
    for cookie in [&before[..], &after[..63], &after.to_uppercase(), "", "é"] {
        stolen.plant("licet", cookie);
        assert!(!is_in(&server, &stolen), "{cookie:?}");
    }
    assert!(
        is_in(&server, &browser) && is_in(&server, &ada.browser),
        "two browsers are two sessions"
    );
    let recovery = Browser::default();
    for (code, status) in [(0, 200), (0, 401), (1, 200)] {
        ada.give_password(&server, &recovery, PASSWORD);
        let given = json!({ "recovery_code": ada.recovery_codes[code] });
        let answer = recovery.send(&server, "POST", "/api/auth/totp", &given);
        assert_eq!(answer.status, status, "{code}: {}", answer.body);
    }
    let out = browser.send(&server, "POST", "/api/auth/logout", &json!({}));
    assert_eq!(out.status, 204);
    stolen.plant("licet", &after);
    assert!(
        !is_in(&server, &stolen),
        "what was signed out is over, whoever kept the cookie"
    );
}

#[test]
fn what_another_site_makes_a_browser_send_is_refused() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let product = json!({ "code": "studio", "name": "Studio" });
    let host = server.url.trim_start_matches("http://").to_owned();
    let foreign = [
        ("x-licet-request", ""),
        ("x-licet-request", "0"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for (name, value) in foreign {
        let answer = ada
            .browser
            .send_with(&server, "POST", "/api/admin/products", &[(name, value)], &product);
        assert_eq!(
            (answer.status, answer.code()),
            (403, "CROSS_SITE_REFUSED"),
            "{name}: {value}"
        );
    }
    let headers = [("origin", "https://evil.example")];
    let log_in = json!({ "email": ada.email, "password": PASSWORD });
    let answer = Browser::default().send_with(&server, "POST", "/api/auth/login", &headers, &log_in);
    assert_eq!(
        answer.code(),
        "CROSS_SITE_REFUSED",
        "nobody is signed in by another site either"
    );
    assert_eq!(server.get("/api/admin/products").body["total"], 0);
    let own = format!("http://{host}");
    let answer = ada
        .browser
        .send_with(&server, "POST", "/api/admin/products", &[("origin", &own)], &product);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let audit = server.get_at(
        answer.header("licet-position"),
        "/api/admin/audit?action=product.created",
    );
    let entry = &audit.body["items"][0];
    assert_eq!(entry["actor"]["kind"], "operator", "{entry}");
    assert_eq!(entry["actor"]["name"], "Ada Example");
}

#[test]
fn unknown_wrong_and_shut_out_are_one_answer_and_a_known_browser_is_let_in() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("MAX_LOGIN_ATTEMPTS", "3")]);
    let ada = Operator::first(&server, &database.url);
    let stranger = Browser::default();
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let unknown = stranger.send(&server, "POST", "/api/auth/login", &unknown);
    assert_eq!((unknown.status, unknown.code()), (401, "LOGIN_FAILED"));
    for attempt in 0..4 {
        let wrong = ada.give_password(&server, &stranger, "a wrong password");
        assert_eq!(without_id(&wrong), without_id(&unknown), "attempt {attempt}");
    }
    let locked = ada.give_password(&server, &stranger, PASSWORD);
    assert_eq!(without_id(&locked), without_id(&unknown), "right, but shut out");
    assert_eq!(locked.headers.len(), unknown.headers.len(), "{:?}", locked.headers);
    let in_again = ada.sign_in(&server, &ada.browser);
    assert_eq!(
        in_again.status, 200,
        "a browser that knew the account has its own count: {}",
        in_again.body
    );
    let listed = ada.browser.get(&server, "/api/admin/operators");
    assert_eq!(listed.body["items"][0]["status"], "locked", "{}", listed.body);
    let unlocked = licet(&database.url)
        .args(["operators", "unlock", "Ada@Example.com"])
        .output()
        .unwrap();
    assert!(
        unlocked.status.success(),
        "{}",
        String::from_utf8_lossy(&unlocked.stderr)
    );
    // Another process did it: this one hears of it within a second.
    let deadline = Instant::now() + Duration::from_secs(30);
    while ada.give_password(&server, &stranger, PASSWORD).status != 200 {
        assert!(Instant::now() < deadline, "the way back works");
    }
    let listed = licet(&database.url).args(["operators", "list"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains("owner    active            Ada Example <ada@example.com>"),
        "{listed}"
    );
    let history = server.get("/api/admin/audit?action=operator.login_failed");
    assert_eq!(history.body["total"], 3, "knocking at a shut door fills no log");
}

#[test]
fn log_ins_are_limited_by_account_and_by_address() {
    let database = new_database();
    let settings = [("LOGIN_RATE_LIMIT", "6 per hour"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = Server::start_with(&database.url, &settings);
    let try_from = |address: &str, email: &str| {
        let body = json!({ "email": email, "password": "a wrong password" });
        let headers = [("x-forwarded-for", address)];
        Browser::default().send_with(&server, "POST", "/api/auth/login", &headers, &body)
    };
    for (number, email) in ["a@example.com", "b@example.com"]
        .into_iter()
        .cycle()
        .take(6)
        .enumerate()
    {
        assert_eq!(try_from("192.0.2.1", email).status, 401, "{number}");
    }
    let limited = try_from("192.0.2.1", "c@example.com");
    assert_eq!(
        (limited.status, limited.code()),
        (429, "LOGIN_RATE_LIMITED"),
        "of one address"
    );
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
    for number in 0..6 {
        assert_eq!(
            try_from(&format!("192.0.2.{}", 10 + number), "d@example.com").status,
            401
        );
    }
    assert_eq!(try_from("192.0.2.99", "D@example.com ").status, 429, "of one account");
    assert_eq!(try_from("192.0.2.99", "e@example.com").status, 401);
    for number in 0..6 {
        try_from(&format!("2001:db8:0:1::{number}"), &format!("f{number}@example.com"));
    }
    assert_eq!(
        try_from("2001:db8:0:1::ffff", "g@example.com").status,
        429,
        "a household has a /64"
    );
}

#[test]
fn sessions_are_listed_with_how_they_ended_and_end_on_every_node() {
    let (server, database) = start();
    let other = Server::start(&database.url);
    let ada = Operator::first(&server, &database.url);
    let [laptop, phone, left] = [(); 3].map(|()| Browser::default());
    for browser in [&laptop, &phone, &left] {
        assert_eq!(ada.sign_in(&server, browser).status, 200);
        assert!(is_in(&other, browser), "both nodes know it");
    }
    let sessions = ada.browser.get(&server, "/api/auth/sessions?sort=-created_at");
    let items = sessions.body["items"].as_array().unwrap().clone();
    let of = |index: usize| items[index]["id"].as_str().unwrap().to_owned();
    let current = items.iter().find(|one| one["current"] == true).unwrap();
    assert_eq!(current["operator"]["name"], "Ada Example", "{current}");
    assert_eq!(current["address"], "127.0.0.1");
    let path = format!("/api/auth/sessions/{}", of(0));
    assert_eq!(ada.browser.send(&server, "DELETE", &path, &Value::Null).status, 204);
    let path = format!("/api/admin/sessions/{}", of(1));
    let ended = server.send("DELETE", &path, &Value::Null);
    assert_eq!(ended.status, 204, "{}", ended.body);
    let gone = |browser: &Browser| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while is_in(&other, browser) {
            assert!(Instant::now() < deadline, "it ends on the other node");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    gone(&left);
    gone(&phone);
    let old_and_new = json!({ "old": PASSWORD, "new": "another good password" });
    let changed = ada.browser.send(&server, "POST", "/api/auth/password", &old_and_new);
    assert_eq!(changed.status, 204, "{}", changed.body);
    gone(&laptop);
    assert!(is_in(&server, &ada.browser), "who changed it stays in");
    assert_eq!(ada.give_password(&server, &laptop, PASSWORD).status, 401);
    let listed = server.get("/api/admin/sessions?sort=-created_at");
    let reasons: Vec<&str> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["end_reason"].as_str())
        .collect();
    assert_eq!(reasons, ["revoked", "revoked", "password_changed"], "{}", listed.body);
    assert_eq!(listed.body["items"][0]["ended_by"]["name"], "Ada Example");
    assert_eq!(listed.body["items"][1]["ended_by"], Value::Null, "a program ended it");
    assert_eq!(server.get("/api/admin/sessions?status=live").body["total"], 1);
}

#[test]
fn a_token_for_scripts_ends_with_its_session() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let made = ada.browser.send(&server, "POST", "/api/auth/token", &json!({}));
    let bearer = format!("Bearer {}", made.text("token"));
    let ask = || server.send_with("GET", "/api/admin/products", &[("authorization", &bearer)], b"");
    assert_eq!(ask().status, 200);
    let beat = server.send_with("POST", "/api/license/heartbeat", &[("authorization", &bearer)], b"{}");
    assert_eq!(
        (beat.status, beat.code()),
        (403, "FORBIDDEN"),
        "an operator is no machine"
    );
    ada.browser.send(&server, "POST", "/api/auth/logout", &json!({}));
    let over = ask();
    assert_eq!((over.status, over.code()), (401, "TOKEN_EXPIRED"), "{}", over.body);
}

#[test]
fn a_session_ends_that_nobody_uses_for_too_long() {
    let database = new_database();
    let server = Server::start_with(&database.url, &[("SESSION_LIFETIME_MINUTES", "1")]);
    let ada = Operator::first(&server, &database.url);
    let left = Browser::default();
    assert_eq!(ada.sign_in(&server, &left).status, 200);
    let until = Instant::now() + Duration::from_secs(65);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_secs(5));
        assert!(is_in(&server, &ada.browser), "this one is used");
    }
    let ended = left.get(&server, "/api/admin/licenses");
    assert_eq!((ended.status, ended.code()), (401, "UNAUTHENTICATED"));
    let listed = ada.browser.get(&server, "/api/admin/sessions?status=all").body;
    let reasons = listed["items"].as_array().unwrap().iter().map(|one| &one["end_reason"]);
    assert!(reasons.clone().any(|reason| reason == "idle"), "{listed}");
}

//! Beats: recorded, counted, judged; and what must not pass.

use std::{thread, time::Duration};

use licet_domain::values::Timestamp;
use licet_test_support::{Server, early_in_the_hour, eventually};
use serde_json::{Value, json};

use crate::{new_database, start};

fn activate(server: &Server, key: &str, machine: u32) -> (String, String) {
    let answer = server.activate(key, machine);
    assert_eq!(answer.status, 201, "{}", answer.body);
    (answer.text("activation_id").to_owned(), answer.text("token").to_owned())
}

#[test]
fn a_beat_is_recorded_counted_and_shown() {
    early_in_the_hour();
    let (server, _database) = start();
    let limits = json!({ "pages": 100, "scans": { "limit": 10, "overage": "soft" } });
    let (id, key) = server.issue("studio", &json!({ "seats": 2, "limits": limits }));
    let (first, token) = activate(&server, &key, 1);
    let (_, other) = activate(&server, &key, 2);
    let body = json!({ "active_users": 3, "features": { "export": 2 }, "usage": { "pages": 40 }, "app_version": "1.4.2", "nonce": "n1" });
    let beat = server.beat(&token, &body);
    assert_eq!((beat.status, beat.code()), (200, "VALID"), "{}", beat.body);
    assert_eq!(
        (
            &beat.body["valid"],
            &beat.body["nonce"],
            &beat.body["next_heartbeat_seconds"]
        ),
        (&json!(true), &json!("n1"), &json!(900))
    );
    assert_eq!(beat.header("licet-position"), beat.body["position"].to_string());
    assert!(!beat.header("signature").is_empty());
    let again = server.beat(&token, &body);
    assert_eq!(again.body["position"], beat.body["position"], "the same beat again");
    server.beat(
        &token,
        &json!({ "active_users": 5, "features": { "export": 1 }, "nonce": "n2" }),
    );
    let last = server.beat(
        &other,
        &json!({ "active_users": 4, "usage": { "pages": 10, "scans": 11 }, "nonce": "n1" }),
    );
    assert_eq!(
        last.body["usage"]["scans"],
        json!({ "used": 11, "limit": 10, "over": true })
    );
    assert_eq!(last.code(), "VALID", "soft");

    let path = |rest: &str| format!("/api/admin/licenses/{id}/{rest}");
    let at = last.header("licet-position").to_owned();
    let beats = server.get_at(&at, &path("heartbeats"));
    assert_eq!(beats.body["items"].as_array().map(Vec::len), Some(3), "{}", beats.body);
    assert_eq!(beats.body["items"][0]["usage"], json!({ "pages": 40 }));
    let hours = server.get_at(&at, &path("activity?bucket=day"));
    let day = &hours.body["items"][0];
    assert_eq!(
        (&day["beats"], &day["machines"], &day["active_users"]),
        (&json!(3), &json!(2), &json!(9))
    );
    let features = server.get_at(&at, &path("feature-usage"));
    assert_eq!(features.body["items"][0]["count"], 3, "{}", features.body);
    let meters = server.get_at(&at, &path("meters")).body["items"].clone();
    assert_eq!((&meters[0]["amount"], &meters[0]["limit"]), (&json!(50), &json!(100)));
    // A range that begins within a bucket has the bucket whole.
    let from = Timestamp::parse(last.text("ts")).unwrap().plus_seconds(-1);
    for (list, buckets) in [
        ("activity", ["hour", "day"]),
        ("feature-usage", ["day", "month"]),
        ("meters", ["period", "day"]),
    ] {
        for bucket in buckets {
            let read = server.get_at(&at, &path(&format!("{list}?bucket={bucket}&from={from}")));
            assert!(!read.body["items"][0].is_null(), "{list} by {bucket}: {}", read.body);
        }
        assert_eq!(server.get(&path(&format!("{list}?bucket=week"))).status, 422, "{list}");
    }
    let stats = server.get_at(&at, &path("usage-stats")).body;
    assert_eq!((&stats["beats"], &stats["peak_users"]), (&json!(3), &json!(9)));
    let machines = server.get_at(&at, &path("activations")).body["items"].clone();
    assert_eq!(machines[0]["activation_id"], first.as_str());
    assert!(machines[0]["last_seen_at"].as_str() > machines[0]["activated_at"].as_str());
    assert_eq!(machines[0]["app_version"], "1.4.2");
    let events = server.get(&path("events?limit=200")).body["items"].to_string();
    assert!(
        events.contains("license.limit_crossed"),
        "what matters becomes an event of the license"
    );
    for query in ["activity?bucket=week", "meters?from=soon", "heartbeats?limit=0"] {
        assert_eq!(server.get(&path(query)).status, 422, "{query}");
    }
}

#[test]
fn a_hard_limit_stops_and_one_with_a_percentage_stops_later() {
    let (server, _database) = start();
    let limits = json!({ "pages": 100, "scans": { "limit": 100, "overage_percent": 10 } });
    let (_, key) = server.issue("studio", &json!({ "seats": 1, "limits": limits }));
    let (_, token) = activate(&server, &key, 1);
    let used = |meter: &str, amount: u64| {
        server
            .beat(&token, &json!({ "usage": { meter: amount } }))
            .code()
            .to_owned()
    };
    assert_eq!(used("pages", 100), "VALID");
    assert_eq!(used("scans", 110), "VALID");
    assert_eq!(used("scans", 1), "USAGE_LIMIT_EXCEEDED");
    let (_, key) = server.issue("other", &json!({ "seats": 1, "limits": { "pages": 5 } }));
    let (_, token) = activate(&server, &key, 1);
    assert_eq!(
        server.beat(&token, &json!({ "usage": { "pages": 6 } })).code(),
        "USAGE_LIMIT_EXCEEDED"
    );
    let heard = || server.verify(&key, 1).code() == "USAGE_LIMIT_EXCEEDED";
    assert!(eventually(heard), "verify knows it too");
}

#[test]
fn tokens_that_do_not_pass_and_counts_that_make_no_sense() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3, "limits": { "pages": 5 } }));
    let (activation, token) = activate(&server, &key, 1);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let cut = &signature[..signature.len() - 2];
    // The last characters of a signature are sometimes these.
    let other = if signature.ends_with("AA") { "EA" } else { "AA" };
    for wrong in [
        "",
        "x",
        "a.b.c",
        head,
        &format!("{head}.{cut}{other}"),
        &format!("{head}."),
    ] {
        let answer = server.beat(wrong, &json!({}));
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{wrong}");
    }
    let by_key = server.send("POST", "/api/license/heartbeat", &json!({}));
    assert_eq!(
        (by_key.status, by_key.code()),
        (401, "UNAUTHENTICATED"),
        "a key is no activation"
    );
    let absurd: [Value; 8] = [
        json!({ "active_users": -1 }),
        json!({ "active_users": u64::MAX }),
        json!({ "active_users": "many" }),
        json!({ "features": { "export": -5 } }),
        json!({ "features": { "export": 1.5 } }),
        json!({ "usage": { "pages": u64::MAX } }),
        json!({ "usage": { "": 1 } }),
        json!({ "usage": { "x".repeat(100): 1 } }),
    ];
    for body in absurd {
        let answer = server.beat(&token, &body);
        assert_eq!(
            (answer.status, answer.code()),
            (422, "VALIDATION_FAILED"),
            "{body}: {}",
            answer.body
        );
    }
    let unknown = server.beat(&token, &json!({ "usage": { "sheets": 1 } }));
    assert_eq!((unknown.status, unknown.code()), (422, "METER_UNKNOWN"));
    assert_eq!(
        server.beat(&token, &json!({ "features": { "unheard-of": 1 } })).status,
        200
    );

    let path = format!("/api/admin/licenses/{id}/activations/{activation}/deactivate");
    let ended = server.send("POST", &path, &json!({ "reason": "stolen" }));
    assert_eq!(
        (ended.status, ended.text("status")),
        (200, "deactivated"),
        "{}",
        ended.body
    );
    assert_eq!(server.send("POST", &path, &json!({})).status, 200, "and again");
    let revoked = server.beat(&token, &json!({}));
    assert_eq!((revoked.status, revoked.code()), (401, "TOKEN_REVOKED"));
    let beats = server.get_at(
        ended.header("licet-position"),
        &format!("/api/admin/licenses/{id}/heartbeats"),
    );
    assert_eq!(
        beats.body["items"].as_array().map(Vec::len),
        Some(1),
        "only the one that made sense"
    );
}

#[test]
fn a_revoked_license_hears_of_it_on_every_node_and_is_still_recorded() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let (id, key) = one.issue("studio", &json!({ "seats": 1 }));
    let (_, token) = activate(&one, &key, 1);
    assert_eq!(other.beat(&token, &json!({})).code(), "VALID");
    one.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
    assert_eq!(
        one.beat(&token, &json!({})).code(),
        "SUSPENDED",
        "at once on the node that did it"
    );
    assert!(eventually(|| other.beat(&token, &json!({})).code() == "SUSPENDED"));
    one.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    let beat = one.beat(&token, &json!({}));
    assert_eq!((beat.code(), &beat.body["valid"]), ("REVOKED", &json!(false)));
    let decisions = one.get_at(
        beat.header("licet-position"),
        &format!("/api/admin/licenses/{id}/decisions"),
    );
    let codes: Vec<&str> = decisions.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["code"].as_str())
        .collect();
    assert!(codes.contains(&"SUSPENDED"), "{}", decisions.body);
}

#[test]
fn a_beat_that_is_sent_again_is_judged_as_it_was_on_any_node() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let (id, key) = one.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let (_, token) = activate(&one, &key, 1);
    let beat = |amount: u64, nonce: &str| json!({ "usage": { "pages": amount }, "nonce": format!("{nonce:0>32}") });
    assert_eq!(one.beat(&token, &beat(60, "a")).code(), "VALID");
    let first = one.beat(&token, &beat(40, "b"));
    assert_eq!(first.code(), "VALID", "exactly what is included");
    let again = one.beat(&token, &beat(40, "b"));
    assert_eq!(
        (again.code(), &again.body["usage"]["pages"]["used"]),
        ("VALID", &json!(100)),
        "{}",
        again.body
    );
    let meters = other.get_at(
        first.header("licet-position"),
        &format!("/api/admin/licenses/{id}/meters"),
    );
    assert_eq!(meters.body["items"][0]["amount"], 100);
    let elsewhere = other.beat(&token, &beat(40, "b"));
    assert_eq!(
        (elsewhere.code(), &elsewhere.body["usage"]["pages"]["used"]),
        ("VALID", &json!(100)),
        "{}",
        elsewhere.body
    );
    let events = one
        .get(&format!("/api/admin/licenses/{id}/events?limit=200"))
        .body
        .to_string();
    assert!(!events.contains("limit_crossed"), "nothing was crossed");
    assert_eq!(other.beat(&token, &beat(1, "c")).code(), "USAGE_LIMIT_EXCEEDED");
}

#[test]
fn a_beat_that_is_late_counts_once_and_lists_tell_how_many_there_are() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let (id, key) = one.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let (_, token) = activate(&one, &key, 1);
    let late = json!({ "usage": { "pages": 60 }, "nonce": "a beat that comes again late" });
    assert_eq!(one.beat(&token, &late).code(), "VALID");
    let mut last = String::new();
    for number in 0..20 {
        let beaten = one.beat(&token, &json!({ "nonce": format!("another beat, number {number}") }));
        last = beaten.header("licet-position").to_owned();
    }
    let list = format!("/api/admin/licenses/{id}/heartbeats?limit=2");
    let page = other.get_at(&last, &list);
    assert_eq!(
        (
            &page.body["total"],
            &page.body["total_exact"],
            page.body["items"].as_array().map(Vec::len)
        ),
        (&json!(21), &json!(true), Some(2))
    );
    let again = other.beat(&token, &late);
    assert_eq!(
        (again.code(), &again.body["usage"]["pages"]["used"]),
        ("VALID", &json!(60)),
        "{}",
        again.body
    );
    let beaten = other.beat(&token, &json!({ "nonce": "one more, so that the last is folded" }));
    let meters = other.get_at(
        beaten.header("licet-position"),
        &format!("/api/admin/licenses/{id}/meters"),
    );
    assert_eq!(meters.body["items"][0]["amount"], 60, "{}", meters.body);
}

#[test]
fn refused_beats_are_recorded_with_what_decided() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let (activation, token) = activate(&server, &key, 1);
    assert_eq!(
        server.beat(&token, &json!({ "usage": { "sheets": 1 } })).code(),
        "METER_UNKNOWN"
    );
    let path = format!("/api/admin/licenses/{id}/activations/{activation}/deactivate");
    server.send("POST", &path, &json!({}));
    assert_eq!(server.beat(&token, &json!({})).code(), "TOKEN_REVOKED");
    // A refusal carries no position: wait for one behind it.
    let behind = server.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
    let decisions = server.get_at(
        behind.header("licet-position"),
        &format!("/api/admin/licenses/{id}/decisions"),
    );
    let items = decisions.body["items"].as_array().unwrap();
    let codes: Vec<&str> = items.iter().filter_map(|item| item["code"].as_str()).collect();
    assert!(
        codes.contains(&"TOKEN_REVOKED") && codes.contains(&"METER_UNKNOWN"),
        "{codes:?}"
    );
    // What was answered to this machine, at that moment, and why.
    let machine = items[0]["machine"].as_str().unwrap();
    let at = Timestamp::parse(items[0]["decided_at"].as_str().unwrap()).unwrap();
    let count = |query: &str| server.get(&format!("/api/admin/licenses/{id}/decisions?{query}")).body["total"].clone();
    let moment = |from: i64, to: i64| format!("from={}&to={}", at.plus_seconds(from), at.plus_seconds(to));
    assert_eq!(count(&format!("machine={machine}&{}", moment(-60, 60))), 2);
    assert_eq!(count(&format!("activation_id={activation}&code=TOKEN_REVOKED")), 1);
    for nothing in [
        format!("machine=other&{}", moment(-60, 60)),
        format!("activation_id={id}"),
        moment(-120, -60),
    ] {
        assert_eq!(count(&nothing), 0, "{nothing}");
    }
}

#[test]
fn what_nodes_refuse_a_machine_within_an_hour_is_one_row_with_its_count() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let (id, key) = one.issue("studio", &json!({ "seats": 1 }));
    one.activate(&key, 1);
    early_in_the_hour();
    for number in 0..6 {
        let node = if number % 2 == 0 { &one } else { &other };
        assert_eq!(node.activate(&key, 2).code(), "ACTIVATION_LIMIT_REACHED");
    }
    // Whoever ends writes down what was counted.
    assert!(one.terminate() && other.terminate());
    let server = Server::start(&database.url);
    let list = || server.get(&format!("/api/admin/licenses/{id}/decisions")).body;
    let counted = (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        list()["items"][0]["count"] == 6
    });
    let decisions = list();
    assert!(counted && decisions["total"] == 1, "{decisions}");
    assert_eq!(decisions["items"][0]["code"], "ACTIVATION_LIMIT_REACHED");
}

#[test]
fn a_refusal_that_is_repeated_while_one_pages_is_neither_missed_nor_listed_twice() {
    let (server, database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    for machine in 1..=5 {
        assert_eq!(server.verify(&key, machine).code(), "NOT_ACTIVATED");
    }
    let list = format!("/api/admin/licenses/{id}/decisions");
    assert!(eventually(|| server.get(&list).body["total"] == 5), "all are folded");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{list}?limit=2{cursor}"));
        let items = page.body["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["machine"].as_str().unwrap().to_owned()));
        // What a repetition of the oldest changes.
        runtime.block_on(database.execute(
            "UPDATE read_model.decisions SET count = count + 1, last_at = now(), position = position + 1000
             WHERE decided_at = (SELECT min(decided_at) FROM read_model.decisions)",
        ));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    for wrong in ["x", "1.", "99999999999999999999999.A.b"] {
        let refused = server.get(&format!("{list}?cursor={wrong}"));
        assert_eq!((refused.status, refused.code()), (422, "VALIDATION_FAILED"), "{wrong}");
    }
}

//! Lists of licenses: by when they end and by their free seats, page after page.

use licet_test_support::Server;
use serde_json::{Value, json};

use crate::start;

/// What every page of a list shows.
pub(crate) fn pages(server: &Server, list: &str, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/admin/{list}?limit=2&{query}{cursor}"));
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        items.extend_from_slice(page.body["items"].as_array().unwrap());
        let Some(next) = page.body["next_cursor"].as_str() else {
            assert_eq!(page.body["total"], items.len(), "{query}");
            return items;
        };
        cursor = format!("&cursor={next}");
    }
}

/// The ids of every page of a list of licenses.
fn all(server: &Server, query: &str) -> Vec<String> {
    let items = pages(server, "licenses", query).into_iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Licenses that end one, two and three years from 2030 on, the last first, and one that never does.
fn four(server: &Server) -> Vec<String> {
    let (endless, _) = server.issue("studio", &json!({ "seats": 2 }));
    let customer = server
        .get(&format!("/api/admin/licenses/{endless}"))
        .text("customer_id")
        .to_owned();
    let mut ids = vec![endless];
    for year in [2033, 2032, 2031] {
        let ends = format!("{year}-01-01T00:00:00Z");
        let order = json!({ "customer_id": customer, "policy": "studio", "expires_at": ends, "seats": year - 2030 });
        let sold = server.create("/api/admin/licenses", &order);
        ids.push(sold.body["items"][0]["id"].as_str().unwrap().to_owned());
        server.get_at(sold.header("licet-position"), "/api/admin/licenses");
    }
    ids
}

#[test]
fn licenses_are_listed_by_when_they_end_and_by_free_seats() {
    let (server, _database) = start();
    let ids = four(&server);
    let (oldest, latest) = (ids.clone(), ids.iter().rev().cloned().collect::<Vec<_>>());
    let by_end: Vec<String> = [3, 2, 1, 0].map(|index: usize| ids[index].clone()).into();
    let by_last_end: Vec<String> = by_end.iter().rev().cloned().collect();
    for (query, expected) in [
        ("", &oldest[..]),
        ("sort=issued_at", &oldest),
        ("sort=-issued_at", &latest),
        ("sort=-created_at", &latest),
        ("sort=expires_at", &by_end),
        ("sort=-expires_at", &by_last_end),
        ("sort=expires_at&expires_before=2032-01-01T00:00:00Z", &by_end[..1]),
        ("sort=expires_at&expires_after=2032-01-01T00:00:00Z", &by_end[1..]),
        (
            "sort=-expires_at&expires_before=2033-01-01T00:00:00Z",
            &by_last_end[2..],
        ),
        ("sort=-expires_at&expires_after=2032-01-01T00:00:00Z", &by_last_end[..3]),
        (
            "expires_after=2031-06-01T00:00:00Z&expires_before=2032-06-01T00:00:00Z",
            &ids[2..3],
        ),
        ("seats_free=3", &ids[1..2]),
        ("seats_free=2", &ids[..3]),
    ] {
        assert_eq!(all(&server, query), expected, "{query}");
    }
}

#[test]
fn licenses_are_listed_by_how_many_machines_they_have() {
    let (server, _database) = start();
    let (endless, key) = server.issue("studio", &json!({ "seats": 3 }));
    let license = server.get(&format!("/api/admin/licenses/{endless}"));
    let order = json!({ "customer_id": license.text("customer_id"), "policy": "studio", "count": 3 });
    let sold = server.create("/api/admin/licenses", &order).body;
    let sold: Vec<(&str, &str)> = sold["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["key"].as_str().unwrap()))
        .collect();
    server.activate(&key, 1);
    server.activate(&key, 2);
    let last = server.activate(sold[1].1, 3);
    server.get_at(last.header("licet-position"), "/api/admin/licenses");
    let mut idle = [sold[0].0.to_owned(), sold[2].0.to_owned()];
    idle.sort();
    let fewest = [&idle[..], &[sold[1].0.to_owned(), endless]].concat();
    assert_eq!(all(&server, "sort=active"), fewest);
    let most: Vec<String> = fewest.iter().rev().cloned().collect();
    assert_eq!(all(&server, "sort=-active"), most);
    assert_eq!(all(&server, "sort=-active&status=active&seats_free=2"), most[1..]);
}

#[test]
fn licenses_are_listed_by_when_they_were_seen_last() {
    let (server, _database) = start();
    let (first, key) = server.issue("studio", &json!({ "seats": 3 }));
    let license = server.get(&format!("/api/admin/licenses/{first}"));
    let order = json!({ "customer_id": license.text("customer_id"), "policy": "studio", "count": 4 });
    let sold = server.create("/api/admin/licenses", &order).body;
    let sold: Vec<(String, &str)> = sold["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["key"].as_str().unwrap()))
        .collect();
    let beat = |key: &str, machine: u32| {
        let token = server.activate(key, machine).text("token").to_owned();
        let beat = server.beat(&token, &json!({}));
        assert_eq!(beat.status, 200, "{}", beat.body);
        beat.header("licet-position").to_owned()
    };
    beat(sold[2].1, 1);
    beat(&key, 2);
    let last = beat(sold[0].1, 3);
    // Whoever knows of a beat finds it.
    let listed = server
        .get_at(&last, "/api/admin/licenses?sort=-last_seen_at&limit=1")
        .body;
    assert_eq!(listed["items"][0]["id"], json!(sold[0].0), "{listed}");
    assert!(listed["items"][0]["last_seen_at"].is_string(), "{listed}");
    let mut never = [sold[1].0.clone(), sold[3].0.clone()];
    never.sort();
    let silent_first = [&never[..], &[sold[2].0.clone(), first, sold[0].0.clone()]].concat();
    assert_eq!(all(&server, "sort=last_seen_at"), silent_first);
    let seen_first: Vec<String> = silent_first.iter().rev().cloned().collect();
    assert_eq!(all(&server, "sort=-last_seen_at"), seen_first);
    assert_eq!(all(&server, "sort=-last_seen_at&status=active"), seen_first);
    assert_eq!(all(&server, "sort=last_seen_at&status=suspended"), [] as [String; 0]);
    // Who stands still is looked at alone, in the same order.
    for id in [&sold[0].0, &sold[2].0, &never[1]] {
        let stopped = server.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
        server.get_at(stopped.header("licet-position"), "/api/admin/licenses");
    }
    let stopped = [never[1].clone(), sold[2].0.clone(), sold[0].0.clone()];
    assert_eq!(all(&server, "sort=last_seen_at&status=suspended"), stopped);
    let last_first: Vec<String> = stopped.iter().rev().cloned().collect();
    assert_eq!(all(&server, "sort=-last_seen_at&status=suspended"), last_first);
}

#[test]
fn an_order_or_a_filter_that_there_is_not_is_refused() {
    let (server, _database) = start();
    four(&server);
    let first = server.get("/api/admin/licenses?limit=2&sort=expires_at");
    let next = first.text("next_cursor");
    for query in [
        "sort=seats",
        "sort=-nonsense",
        "seats_free=0",
        "seats_free=many",
        "expires_before=soon",
        &format!("cursor={next}"),
        &format!("sort=-expires_at&cursor={next}"),
        &format!("sort=active&cursor={next}"),
    ] {
        let refused = server.get(&format!("/api/admin/licenses?{query}"));
        assert_eq!(
            (refused.status, refused.code()),
            (422, "VALIDATION_FAILED"),
            "{query}: {}",
            refused.body
        );
        assert_ne!(refused.body["errors"], Value::Null, "{query}");
    }
}

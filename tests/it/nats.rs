//! The relay, against a real nats-server.

use std::{thread, time::Duration};

use futures::StreamExt as _;
use licet_test_support::{Nats, Server, TestDatabase, eventually, licet};
use serde_json::{Value, json};

use crate::new_database;

/// Everything in the stream: message ids and subjects, in order.
fn stream(url: &str) -> Vec<(String, String, Value)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let Ok(stream) = jetstream.get_stream("licet").await else {
            return vec![];
        };
        let consumer = stream
            .create_consumer(async_nats::jetstream::consumer::pull::Config::default())
            .await
            .unwrap();
        let mut messages = consumer
            .fetch()
            .max_messages(1_000)
            .expires(Duration::from_millis(500))
            .messages()
            .await
            .unwrap();
        let mut found = Vec::new();
        while let Some(Ok(message)) = messages.next().await {
            let id = message
                .headers
                .as_ref()
                .unwrap()
                .get("Nats-Msg-Id")
                .unwrap()
                .to_string();
            let body = serde_json::from_slice(&message.payload).unwrap();
            found.push((id, message.subject.to_string(), body));
        }
        found
    })
}

/// The same, once there are so many.
pub(crate) fn wait_for(url: &str, count: usize) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    eventually(|| {
        found = stream(url);
        found.len() >= count
    });
    found
}

#[test]
fn every_event_is_published_once_in_order_and_a_wiped_stream_is_filled_again() {
    let database = new_database();
    let mut nats = Nats::start();
    let settings = [("NATS_URL", nats.url.as_str())];
    let servers = [
        Server::start_with(&database.url, &settings),
        Server::start_with(&database.url, &settings),
    ];
    let (id, key) = servers[0].issue("studio", &json!({ "seats": 2 }));
    let activated = servers[1].activate(&key, 1);
    let beat = servers[0].beat(activated.text("token"), &json!({ "active_users": 2 }));
    let last = beat.body["position"].as_i64().unwrap();
    let found = wait_for(&nats.url, usize::try_from(last).unwrap());
    let positions: Vec<i64> = found
        .iter()
        .map(|(_, _, body)| body["position"].as_i64().unwrap())
        .collect();
    assert_eq!(
        positions,
        (1..=last).collect::<Vec<_>>(),
        "all three tables, in the one order"
    );
    assert!(
        found
            .iter()
            .any(|(_, subject, _)| subject == "licet.default.license.activated")
    );
    assert!(
        found
            .iter()
            .any(|(_, subject, _)| subject == "licet.default.heartbeat.recorded")
    );
    assert!(found[0].0.ends_with("/1"), "{}", found[0].0);
    assert!(!found.iter().any(|(_, _, body)| body.to_string().contains("univie")));

    nats.wipe();
    servers[1].send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    assert_eq!(
        servers[1].verify(&key, 1).code(),
        "REVOKED",
        "without NATS everything goes on"
    );
    assert!(eventually(|| servers[0].verify(&key, 1).code() == "REVOKED"));
    let again = wait_for(&nats.url, usize::try_from(last).unwrap() + 1);
    assert!(again.len() > found.len(), "{} of {}", again.len(), last + 1);
    assert_eq!(again[..found.len()], found[..], "the same messages under the same ids");
}

#[test]
fn a_log_that_went_back_stops_the_relay_until_an_operator_begins_an_epoch() {
    let database = new_database();
    let nats = Nats::start();
    let settings = [("NATS_URL", nats.url.as_str())];
    let server = Server::start_with(&database.url, &settings);
    server.issue("studio", &json!({ "seats": 2 }));
    let shared = head(&database);
    let kept = || {
        number(
            &database,
            "SELECT max(position)::text FROM consumers WHERE name LIKE 'relay/%'",
        )
    };
    assert!(eventually(|| kept() == shared), "{} of {shared}", kept());
    drop(server);
    let restored = tokio::runtime::Runtime::new().unwrap().block_on(database.copy());

    // Told to others, and lost.
    let server = Server::start_with(&database.url, &settings);
    server.issue("lost", &json!({ "seats": 1 }));
    let told = head(&database);
    assert_eq!(wait_for(&nats.url, told).len(), told);
    drop(server);

    let server = Server::start_with(&restored.url, &settings);
    let named = || server.get("/readyz").body.to_string();
    assert!(
        eventually(|| named().contains("relay to NATS has stopped")),
        "{}",
        named()
    );
    assert_eq!(server.get("/readyz").status, 503);
    assert!(named().contains("begin-epoch"), "{}", named());
    server.issue("other", &json!({ "seats": 3 }));
    server.issue("further", &json!({ "seats": 3 }));
    assert!(
        head(&restored) >= told,
        "at the place of what was told there is another event now"
    );
    thread::sleep(Duration::from_millis(2_500));
    assert!(named().contains("relay to NATS has stopped"), "{}", named());
    assert_eq!(stream(&nats.url).len(), told, "nothing is taken for a duplicate");

    let begun = licet(&restored.url)
        .args(["events", "begin-epoch", "--json"])
        .output()
        .unwrap();
    let begun: Value = serde_json::from_slice(&begun.stdout).unwrap();
    assert_eq!(begun["begun_after"], shared);
    assert!(eventually(|| server.get("/readyz").status == 200), "{}", named());
    let count = told + head(&restored) - shared;
    let found = wait_for(&nats.url, count);
    assert_eq!(found.len(), count, "what both have in common is not told again");
    let epoch = begun["epoch"].as_str().unwrap();
    let ids: Vec<&str> = found[told..].iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids[0], format!("{epoch}/{}", shared + 1));
    assert!(found[..told].iter().all(|(id, _, _)| !id.starts_with(epoch)));

    // A start later, nothing is doubted or told again.
    drop(server);
    let server = Server::start_with(&restored.url, &settings);
    let beyond = head(&restored) - shared + told;
    assert!(eventually(|| server.get("/readyz").status == 200));
    assert_eq!(wait_for(&nats.url, beyond).len(), beyond);
}

/// How many events the log has.
pub(crate) fn head(database: &TestDatabase) -> usize {
    number(database, "SELECT position::text FROM log_head")
}

fn number(database: &TestDatabase, query: &str) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(database.text(query)).parse().unwrap()
}

#[test]
fn a_relay_that_never_reached_its_server_is_told_to_be_behind() {
    let database = new_database();
    // Nobody listens there.
    let server = Server::start_with(&database.url, &[("NATS_URL", "nats://127.0.0.1:1")]);
    server.issue("studio", &json!({ "seats": 1 }));
    let lag = || {
        let metrics = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
        let line = metrics
            .lines()
            .find(|line| line.starts_with("licet_consumer_lag_events{") && line.contains("consumer=\"relay\""));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
    };
    assert!(eventually(|| lag().is_some_and(|events| events > 0)), "{:?}", lag());
}

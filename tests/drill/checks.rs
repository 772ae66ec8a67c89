//! The log, the stream and the webhook against what the machines were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::StreamExt as _;
use licet_test_support::{Target, eventually, licet};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::runtime::Runtime;

use crate::fleet::{Books, SEATS};

/// An event of the log.
struct Event {
    position: i64,
    kind: String,
    license: String,
    data: Value,
}

/// Nothing that was acknowledged is missing, nothing is there twice, positions are dense, the chain holds, no seat was
/// given twice, and who was told heard what is in the log: the stream of these servers of NATS, and a webhook.
pub(crate) fn compare(url: &str, nats: &str, target: &Target, books: &Books) {
    let runtime = Runtime::new().unwrap();
    let (events, beats, head) = runtime.block_on(read(url));
    let activated: Vec<&Event> = events
        .iter()
        .filter(|event| event.kind == "license.activated")
        .collect();
    let mut at = BTreeMap::new();
    for event in &activated {
        let id = text(&event.data, "activation_id");
        assert!(
            at.insert(id.clone(), event.position).is_none(),
            "activation {id} is in the log twice"
        );
    }
    for (_, _, id, position) in &books.activations {
        assert_eq!(at.get(id), Some(position), "activation {id} was acknowledged");
    }
    let machines: BTreeSet<String> = activated
        .iter()
        .filter(|event| event.license != scarce(&events))
        .map(|event| event.data["components"]["uuid"].to_string())
        .collect();
    let roomy = activated
        .iter()
        .filter(|event| event.license != scarce(&events))
        .count();
    assert_eq!(machines.len(), roomy, "no machine has a second activation");
    let missing: Vec<&String> = books.beats.iter().filter(|id| !beats.contains(*id)).collect();
    assert_eq!(missing, [] as [&String; 0], "beats that were acknowledged");
    expect_seats(&events);
    let audited = licet(url).args(["audit", "verify"]).output().unwrap();
    assert!(audited.status.success(), "{}", String::from_utf8_lossy(&audited.stderr));
    let told = || {
        let streamed = runtime.block_on(stream(nats));
        streamed.len() as i64 == head && streamed.iter().copied().eq(1..=head)
    };
    assert!(eventually(told), "the stream has every event once, in order");
    let wanted: BTreeSet<i64> = activated.iter().map(|event| event.position).collect();
    let heard = || {
        let bodies = target.got().into_iter();
        bodies
            .filter_map(|delivered| position(&delivered.body))
            .collect::<BTreeSet<i64>>()
    };
    // Deliveries to one target go one after the other, and a target that was not reached is left alone for a while.
    let all = (0..5).any(|_| eventually(|| heard().is_superset(&wanted)));
    assert!(
        all,
        "the webhook heard of {} of {} activations",
        heard().len(),
        wanted.len()
    );
    let bodies = target.got().into_iter().map(|delivered| delivered.body);
    let unknown = bodies.filter(|body| position(body).is_some_and(|position| !wanted.contains(&position)));
    assert_eq!(
        unknown.collect::<Vec<_>>(),
        [] as [String; 0],
        "the webhook heard of what is not in the log"
    );
}

/// Reads the log: its events, the activations with a beat, and its head, which is the number of its rows.
async fn read(url: &str) -> (Vec<Event>, BTreeSet<String>, i64) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows = sqlx::query("SELECT position, event_type, aggregate_id, payload::text FROM events ORDER BY position");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    let events = rows.iter().map(|row| Event {
        position: row.get(0),
        kind: row.get(1),
        license: row.get(2),
        data: serde_json::from_str(row.get(3)).unwrap(),
    });
    let events: Vec<Event> = events.collect();
    let beats: Vec<String> = sqlx::query_scalar("SELECT DISTINCT payload->>'activation_id' FROM heartbeat_events")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let (head, rows, distinct): (i64, i64, i64) = sqlx::query_as(
        "WITH every AS (SELECT position FROM events UNION ALL SELECT position FROM heartbeat_events
                        UNION ALL SELECT position FROM decision_events)
         SELECT (SELECT position FROM log_head), count(*), count(DISTINCT position) FROM every",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!((rows, distinct), (head, head), "positions are dense");
    (events, beats.into_iter().collect(), head)
}

/// The license with few seats: the one that machines leave.
fn scarce(events: &[Event]) -> String {
    let left = events.iter().find(|event| event.kind == "license.deactivated");
    left.map(|event| event.license.clone()).unwrap_or_default()
}

/// At no position were more seats in use than there are.
fn expect_seats(events: &[Event]) {
    let license = scarce(events);
    let mut seated = BTreeSet::new();
    for event in events.iter().filter(|event| event.license == license) {
        let id = text(&event.data, "activation_id");
        match event.kind.as_str() {
            "license.activated" => _ = seated.insert(id),
            "license.deactivated" => _ = seated.remove(&id),
            _ => {}
        }
        assert!(
            seated.len() <= SEATS,
            "at position {} there are {} seats in use",
            event.position,
            seated.len()
        );
    }
}

/// Positions in the stream, in its order.
async fn stream(servers: &str) -> Vec<i64> {
    let servers: Vec<async_nats::ServerAddr> = servers.split(',').map(|url| url.parse().unwrap()).collect();
    let Ok(client) = async_nats::connect(servers).await else {
        return Vec::new();
    };
    let Ok(stream) = async_nats::jetstream::new(client).get_stream("licet").await else {
        return Vec::new();
    };
    let config = async_nats::jetstream::consumer::pull::OrderedConfig {
        headers_only: true,
        ..Default::default()
    };
    let Ok(consumer) = stream.create_consumer(config).await else {
        return Vec::new();
    };
    let count = stream.cached_info().state.messages as usize;
    let Ok(messages) = consumer.messages().await else {
        return Vec::new();
    };
    // One that stalls is asked again.
    let messages = messages.take_until(tokio::time::sleep(Duration::from_secs(10)));
    let positions = messages.take(count).filter_map(|message| async move {
        let message = message.ok()?;
        message
            .headers
            .as_ref()?
            .get("Licet-Position")?
            .as_str()
            .parse::<i64>()
            .ok()
    });
    positions.collect().await
}

fn position(body: &str) -> Option<i64> {
    serde_json::from_str::<Value>(body).ok()?["position"].as_i64()
}

fn text(data: &Value, name: &str) -> String {
    data[name].as_str().unwrap_or_default().to_owned()
}

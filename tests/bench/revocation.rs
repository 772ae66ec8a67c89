//! How long another node's verify goes on saying yes after a license was revoked, without NATS and with it.

use std::time::{Duration, Instant};

use licet_test_support::{Nats, Server, machine_request};
use serde_json::json;

use crate::setup::Bench;

const TIMES: usize = 40;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let nats = Nats::start();
    for (name, settings) in [
        ("without NATS", vec![]),
        ("with NATS", vec![("NATS_URL", nats.url.as_str())]),
    ] {
        let url = bench.database(&name.replace(' ', "_").to_lowercase()).await?;
        let mut took = tokio::task::block_in_place(|| measure(&url, &settings));
        took.sort_unstable();
        println!(
            "a revocation is heard by another node's verify {name}: median {} ms, the slowest of {TIMES} {} ms",
            took[TIMES / 2].as_millis(),
            took[TIMES - 1].as_millis(),
        );
    }
    Ok(())
}

fn measure(url: &str, settings: &[(&str, &str)]) -> Vec<Duration> {
    let (one, other) = (Server::start_with(url, settings), Server::start_with(url, settings));
    std::thread::sleep(Duration::from_secs(2));
    let once = |number: usize| {
        let (id, key) = one.issue(&format!("bench-{number}"), &json!({ "seats": 1 }));
        one.activate(&key, 1);
        let ask = || other.send("POST", "/api/license/verify", &machine_request(&key, 1));
        assert_eq!(ask().code(), "VALID", "the other node has it in memory");
        one.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
        let revoked = Instant::now();
        while ask().code() != "REVOKED" {
            assert!(revoked.elapsed() < Duration::from_secs(10), "it is never heard");
        }
        revoked.elapsed()
    };
    (0..TIMES).map(once).collect()
}

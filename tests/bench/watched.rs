//! What being watched costs the server: 1,000 verifications a second, with `/metrics` asked for once a second and without.
//! Prometheus asks every 15 seconds, so a fifteenth of the difference counts.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    http::cpu_of,
    logins::{send, set_up},
    setup::{Bench, median},
};

/// Between two requests of each of eight clients.
const PACE: Duration = Duration::from_millis(8);
/// How often Prometheus asks.
const SCRAPE_SECONDS: f64 = 15.0;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let url = bench.database("watched").await?;
    let (server, requests) = tokio::task::block_in_place(|| set_up(&url));
    let address = server.url.trim_start_matches("http://").to_owned();
    let (time, mut shares, mut alone) = (bench.round * 4, vec![], vec![]);
    for _ in 0..5 {
        let mut used = [0.0; 2];
        for (watched, used) in [false, true].into_iter().zip(&mut used) {
            let metrics = format!("{}/metrics", server.url);
            let scraping = watched.then(|| tokio::spawn(scrape(metrics)));
            let before = cpu_of(server.pid());
            send(&address, &requests, time, PACE).await?;
            *used = (cpu_of(server.pid()) - before) / time.as_secs_f64();
            scraping.inspect(tokio::task::JoinHandle::abort);
        }
        alone.push(used[0] * 100.0);
        shares.push((used[1] - used[0]) * 100.0 / SCRAPE_SECONDS);
    }
    println!(
        "being watched at 1,000 verifications a second: {:.3} % of a processor ({:.3} % at most; aim: at most 1 %), beside {:.1} % for the verifications",
        median(shares.clone()),
        shares.iter().copied().fold(f64::MIN, f64::max),
        median(alone)
    );
    Ok(())
}

/// Asks once a second.
async fn scrape(url: String) -> anyhow::Result<()> {
    let mut every = interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let url = url.clone();
        let asked = tokio::task::spawn_blocking(move || ureq::get(url).call().map(|_| ()));
        asked.await??;
    }
}

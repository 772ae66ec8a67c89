//! A fleet of machines that beat, paced as they would be: what it takes, and how far the read models
//! fall behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use licet_projections::status;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time};

use crate::{
    http::{Process, Sent, activate, exchange, machine, postgres_cpu, server},
    load,
    setup::{Bench, licenses, platform},
};

const CONNECTIONS: u32 = 32;

pub(crate) async fn run(bench: &Bench, (machines, interval): (u32, Duration), time: Duration) -> anyhow::Result<()> {
    let url = bench.database("fleet").await?;
    let platform = platform(&url).await?;
    let keys = licenses(&platform, "fleet", 1_000_000, 1_000).await?;
    // About 1.2 kB a machine: the fleet has to fit.
    let cache = (u64::from(machines) * 1_300 / 1_000_000 + 64).to_string();
    let server = server(&url, &[("LICENSE_CACHE_MB", cache.as_str())])?;
    let started = Instant::now();
    let tokens = Arc::new(activate_all(&server, Arc::new(keys), machines).await?);
    println!(
        "activated {machines} machines in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    while status(&platform.log).await?.iter().any(|one| one.position < one.head) {
        time::sleep(Duration::from_millis(500)).await;
    }

    let (cpu, postgres, begun) = (server.cpu(), postgres_cpu(), Instant::now());
    let next = Arc::new(AtomicUsize::new(0));
    let pace = interval / machines;
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            tokio::spawn(beats(
                server.address.clone(),
                Arc::clone(&tokens),
                Arc::clone(&next),
                (begun, pace, time),
            ))
        })
        .collect();
    let mut behind = 0;
    while begun.elapsed() < time {
        time::sleep(Duration::from_secs(1)).await;
        for projector in status(&platform.log).await? {
            behind = behind.max(projector.head - projector.position);
        }
    }
    let mut took = Vec::new();
    for worker in workers {
        took.extend(worker.await??);
    }
    let rate = load::rate(took, begun.elapsed());
    let cores = |used: f64| used / begun.elapsed().as_secs_f64() * 100.0;
    println!(
        "beats of {machines} machines, each every {} s, for {} s: {:.0}/s, p99 {:.1} ms from when each was due; CPU of one core: server {:.0} %, Postgres {:.0} %; the slowest projector fell at most {} events behind; {:.0} MB resident",
        interval.as_secs(),
        time.as_secs(),
        rate.per_second,
        rate.p99_ms,
        cores(server.cpu() - cpu),
        cores(postgres_cpu() - postgres),
        behind,
        server.resident_mb(),
    );
    Ok(())
}

async fn activate_all(server: &Process, keys: Arc<Vec<String>>, machines: u32) -> anyhow::Result<Vec<String>> {
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|worker| {
            let (address, keys) = (server.address.clone(), Arc::clone(&keys));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                let mut tokens = Vec::new();
                for number in (worker..machines).step_by(CONNECTIONS as usize) {
                    let key = &keys[number as usize % keys.len()];
                    tokens.push(activate(&mut stream, machine(key, number)).await?);
                }
                anyhow::Ok(tokens)
            })
        })
        .collect();
    let mut all = Vec::with_capacity(machines as usize);
    for worker in workers {
        all.extend(worker.await??);
    }
    Ok(all)
}

/// Sends each beat when it is due; answers how long after that each was answered.
async fn beats(
    address: String,
    tokens: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
    (begun, pace, time): (Instant, Duration, Duration),
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(8192));
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = begun + Duration::from_secs_f64(pace.as_secs_f64() * number as f64);
        if due > begun + time {
            return Ok(took);
        }
        time::sleep_until(due.into()).await;
        let request = Sent::beat(&tokens[number % tokens.len()]).request("/api/license/heartbeat");
        stream.write_all(request.as_bytes()).await?;
        exchange(&mut stream, &mut answer).await?;
        took.push(due.elapsed());
    }
}

//! A fleet of machines that beat, paced as they would be: what it takes, and how far the read models
//! fall behind.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use licet_projections::status;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time};

use crate::{
    http::{Process, Sent, activate, exchange, machine, postgres_cpu, server, token},
    load,
    setup::{Bench, licenses, platform},
};

const CONNECTIONS: u32 = 32;

/// Each machine's token: an answer brings another when it is time.
type Tokens = Arc<Vec<Mutex<String>>>;

pub(crate) async fn run(bench: &Bench, (machines, interval): (u32, Duration), time: Duration) -> anyhow::Result<()> {
    let url = bench.database("fleet").await?;
    let platform = platform(&url).await?;
    let keys = licenses(&platform, "fleet", 1_000_000, 1_000).await?;
    // About 1.2 kB a machine: the fleet has to fit.
    let cache = (u64::from(machines) * 1_300 / 1_000_000 + 64).to_string();
    let server = server(&url, &[("LICENSE_CACHE_MB", cache.as_str())])?;
    let started = Instant::now();
    let tokens: Tokens = Arc::new(activate_all(&server, Arc::new(keys), machines).await?);
    println!(
        "activated {machines} machines in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    while status(&platform.log).await?.iter().any(|one| one.position < one.head) {
        time::sleep(Duration::from_millis(500)).await;
    }

    let postmaster = bench.postmaster()?;
    let (cpu, postgres, begun) = (server.cpu(), postgres_cpu(postmaster), Instant::now());
    let next = Arc::new(AtomicUsize::new(0));
    let pace = interval / machines;
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            tokio::spawn(beats(
                server.address.clone(),
                Arc::clone(&tokens),
                Arc::clone(&next),
                begun,
                pace,
                time,
            ))
        })
        .collect();
    let mut behind = 0;
    for second in 1_u64.. {
        time::sleep_until((begun + Duration::from_secs(second)).into()).await;
        if begun.elapsed() >= time {
            break;
        }
        for projector in status(&platform.log).await? {
            behind = behind.max(projector.head - projector.position);
        }
        if second.is_multiple_of(60) {
            let (minutes, sent) = (second / 60, next.load(Ordering::Relaxed));
            let (own, database) = (server.cpu() - cpu, postgres_cpu(postmaster) - postgres);
            println!(
                "  {minutes} min: {sent} beats; CPU: server {own:.0} s, Postgres {database:.0} s; behind at most {behind}; {:.0} MB",
                server.resident_mb()
            );
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
        cores(postgres_cpu(postmaster) - postgres),
        behind,
        server.resident_mb(),
    );
    Ok(())
}

async fn activate_all(server: &Process, keys: Arc<Vec<String>>, machines: u32) -> anyhow::Result<Vec<Mutex<String>>> {
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|worker| {
            let (address, keys) = (server.address.clone(), Arc::clone(&keys));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                let mut tokens = Vec::new();
                for number in (worker..machines).step_by(CONNECTIONS as usize) {
                    let key = &keys[number as usize % keys.len()];
                    tokens.push((number, activate(&mut stream, machine(key, number)).await?));
                }
                anyhow::Ok(tokens)
            })
        })
        .collect();
    let mut all = Vec::with_capacity(machines as usize);
    for worker in workers {
        all.extend(worker.await??);
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, token)| Mutex::new(token)).collect())
}

/// Sends each beat when it is due; answers how long after that each was answered.
async fn beats(
    address: String,
    tokens: Tokens,
    next: Arc<AtomicUsize>,
    begun: Instant,
    pace: Duration,
    time: Duration,
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
        let mine = &tokens[number % tokens.len()];
        let request =
            Sent::beat(&mine.lock().unwrap_or_else(PoisonError::into_inner)).request("/api/license/heartbeat");
        stream.write_all(request.as_bytes()).await?;
        exchange(&mut stream, &mut answer).await?;
        took.push(due.elapsed());
        if let Some(newer) = token(&answer)? {
            *mine.lock().unwrap_or_else(PoisonError::into_inner) = newer;
        }
    }
}

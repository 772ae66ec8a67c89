//! License clients beside two hundred log-ins at once: how long a verify takes, with and without them. Clients ask at a
//! steady pace, as machines do, and are measured from when each was due.

use std::{sync::Arc, time::Instant};

use licet_test_support::{Operator, PASSWORD, Server};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::sleep_until};

use crate::{
    http::{Sent, activate, exchange, machine},
    load::{self, Rate},
    setup::{Bench, licenses, median, platform},
};

const LOG_INS: usize = 200;
const CLIENTS: u32 = 8;
/// Between two requests of one client: 800 a second from all of them.
const PACE: std::time::Duration = std::time::Duration::from_millis(10);

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let url = bench.database("logins").await?;
    let keys = Arc::new(licenses(&*platform(&url).await?, "logins", 10, CLIENTS).await?);
    let server = tokio::task::block_in_place(|| {
        let server = Server::start_with(&url, &[]);
        Operator::first(&server, &url);
        server
    });
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await?;
    for (number, key) in (0..).zip(keys.iter()) {
        activate(&mut stream, machine(key, number)).await?;
    }
    let (mut alone, mut beside, mut entered) = (vec![], vec![], vec![]);
    for _ in 0..5 {
        alone.push(verify(&address, &keys, bench.round).await?.p99_ms);
        let log_ins = tokio::spawn(log_ins(address.clone(), bench.round));
        beside.push(verify(&address, &keys, bench.round).await?.p99_ms);
        entered.push(log_ins.await??.per_second);
    }
    let (alone, beside) = (median(alone), median(beside));
    println!(
        "verify beside {LOG_INS} log-ins at once ({:.0} log-ins/s): p99 {beside:.2} ms, without them {alone:.2} ms, {:.2} times (aim: at most 2)",
        median(entered),
        beside / alone
    );
    Ok(())
}

/// Every client verifies its license at its pace.
async fn verify(address: &str, keys: &Arc<Vec<String>>, time: std::time::Duration) -> anyhow::Result<Rate> {
    let started = tokio::time::Instant::now();
    let mut tasks = Vec::new();
    for number in 0..CLIENTS {
        let (address, keys) = (address.to_owned(), Arc::clone(keys));
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let request = Sent::from(machine(&keys[number as usize], number)).request("/api/license/verify");
            // Not all of them at the same moment.
            let mut due = started + PACE * number / CLIENTS;
            let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(8192));
            while due < started + time {
                sleep_until(due).await;
                stream.write_all(request.as_bytes()).await?;
                exchange(&mut stream, &mut answer).await?;
                took.push(due.elapsed());
                due += PACE;
            }
            anyhow::Ok(took)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(load::rate(all, started.elapsed()))
}

/// So many browsers at once give the right password, again and again.
async fn log_ins(address: String, time: std::time::Duration) -> anyhow::Result<Rate> {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..LOG_INS {
        let address = address.clone();
        tasks.push(tokio::spawn(async move {
            let body = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
            let request = format!(
                "POST /api/auth/login HTTP/1.1\r\nHost: {address}\r\nX-Licet-Request: 1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut stream = TcpStream::connect(&address).await?;
            let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(8192));
            while started.elapsed() < time {
                let begun = Instant::now();
                stream.write_all(request.as_bytes()).await?;
                exchange(&mut stream, &mut answer).await?;
                took.push(begun.elapsed());
            }
            anyhow::Ok(took)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(load::rate(all, started.elapsed()))
}

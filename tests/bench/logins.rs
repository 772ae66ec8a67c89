//! License clients beside two hundred log-ins at once: how long a verify takes, with and without them. Clients ask at a
//! steady pace, as machines do, and are measured from when each was due.

use std::{sync::Arc, time::Duration};

use licet_test_support::{API_KEY, Operator, PASSWORD, Server, machine_request};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::sleep_until};

use crate::{
    http::{Sent, drive, exchange},
    load::{self, Rate},
    setup::{Bench, median},
};

const LOG_INS: usize = 200;
const CLIENTS: u32 = 8;
/// Between two requests of one client: 800 a second from all of them.
const PACE: Duration = Duration::from_millis(10);

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    let url = bench.database("logins").await?;
    let (server, requests) = tokio::task::block_in_place(|| set_up(&url));
    let address = server.url.trim_start_matches("http://").to_owned();
    let (mut alone, mut beside, mut entered) = (vec![], vec![], vec![]);
    for _ in 0..5 {
        alone.push(send(&address, &requests, bench.round, PACE).await?.p99_ms);
        let log_ins = tokio::spawn(log_ins(address.clone(), bench.round));
        beside.push(send(&address, &requests, bench.round, PACE).await?.p99_ms);
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

/// A server with an operator and a license for each client; answers what these ask again and again.
pub(crate) fn set_up(url: &str) -> (Server, Arc<Vec<String>>) {
    let server = Server::start_with(url, &[]);
    Operator::first(&server, url);
    let ask = |number: u32| {
        let (_, key) = server.issue(&format!("logins-{number}"), &json!({ "seats": 1 }));
        assert_eq!(server.activate(&key, number).status, 201, "a machine takes its seat");
        let sent = Sent {
            credential: format!("X-API-Key: {API_KEY}"),
            body: machine_request(&key, number).to_string(),
        };
        sent.request("/api/license/verify")
    };
    let requests = Arc::new((1..=CLIENTS).map(ask).collect());
    (server, requests)
}

/// Every client sends its request again and again, with so much between two of them.
pub(crate) async fn send(
    address: &str,
    requests: &Arc<Vec<String>>,
    time: Duration,
    pace: Duration,
) -> anyhow::Result<Rate> {
    let started = tokio::time::Instant::now();
    let mut tasks = Vec::new();
    for number in 0..CLIENTS {
        let (address, requests) = (address.to_owned(), Arc::clone(requests));
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let request = &requests[number as usize];
            // Not all of them at the same moment.
            let mut due = started + pace * number / CLIENTS;
            let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(8192));
            while due < started + time {
                sleep_until(due).await;
                stream.write_all(request.as_bytes()).await?;
                exchange(&mut stream, &mut answer).await?;
                took.push(due.elapsed());
                due += pace;
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
async fn log_ins(address: String, time: Duration) -> anyhow::Result<Rate> {
    let log_in = || Sent {
        credential: "X-Licet-Request: 1\r\nContent-Type: application/json".to_owned(),
        body: json!({ "email": "ada@example.com", "password": PASSWORD }).to_string(),
    };
    drive(&address, "/api/auth/login", LOG_INS, time, log_in).await
}

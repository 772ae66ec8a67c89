//! The release server over HTTP, keep-alive, against a bare axum route over as many connections, load on the same machine.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    load::{self, Rate},
    setup::{API_KEY, Bench, SECRET, licenses, median, platform, report},
};

/// A process that listens.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .context("it says where")?
            .to_owned();
        Ok(Self { child, address })
    }

    /// CPU seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_of(self.child.id())
    }

    pub(crate) fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap_or_default();
        line.split_whitespace()
            .nth(1)
            .and_then(|kb| kb.parse::<f64>().ok())
            .unwrap_or_default()
            / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The fields of a process's `stat` behind its name: its state, its parent, and so on.
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let behind = stat.rsplit(") ").next().unwrap_or_default();
    behind.split(' ').map(str::to_owned).collect()
}

/// CPU seconds of a process, and of its children that have ended.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    let ticks = stat(pid).into_iter().skip(11).take(4);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// CPU seconds of a Postgres and of every process that it started.
pub(crate) fn postgres_cpu(postmaster: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = postmaster.to_string();
    let its = pids.filter(|pid| *pid == postmaster || stat(*pid).get(1) == Some(&parent));
    its.map(cpu_of).sum()
}

pub(crate) fn server(url: &str, settings: &[(&str, &str)]) -> anyhow::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("licet"));
    command
        .env("DATABASE_URL", url)
        .env("SECRET_KEY", SECRET)
        .env("JWT_SECRET", SECRET)
        .env("API_KEY", API_KEY)
        .env("API_RATE_LIMIT", "1000000000 per minute")
        .envs(settings.iter().copied())
        .args(["serve", "--listen", "127.0.0.1:0"]);
    Process::start(command)
}

/// What is sent: the header line of the credential, and the body.
pub(crate) struct Sent {
    pub(crate) credential: String,
    pub(crate) body: String,
}

impl Sent {
    /// With a machine's token.
    pub(crate) fn beat(token: &str) -> Self {
        let body = r#"{"active_users":3,"features":{"export":2},"app_version":"1.4.2"}"#;
        Self {
            credential: format!("Authorization: Bearer {token}"),
            body: body.to_owned(),
        }
    }

    pub(crate) fn request(&self, path: &str) -> String {
        let Self { credential, body } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\n{credential}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

impl From<String> for Sent {
    /// With the API key.
    fn from(body: String) -> Self {
        Self {
            credential: format!("X-API-Key: {API_KEY}"),
            body,
        }
    }
}

/// Sends requests over keep-alive connections for a while; `next` makes the next one.
pub(crate) async fn drive<S: Into<Sent>>(
    address: &str,
    path: &'static str,
    connections: usize,
    time: Duration,
    next: impl Fn() -> S + Send + Sync + Clone + 'static,
) -> anyhow::Result<Rate> {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (address, next) = (address.to_owned(), next.clone());
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(8192));
            while started.elapsed() < time {
                let request = next().into().request(path);
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

/// Reads one answer; anything but success ends the measurement.
pub(crate) async fn exchange(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    loop {
        anyhow::ensure!(stream.read_buf(answer).await? > 0, "the connection was closed");
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..end])?;
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")
                .and_then(|text| text.trim().parse::<usize>().ok())
        });
        if answer.len() >= end + 4 + length.unwrap_or(0) {
            anyhow::ensure!(head.starts_with("HTTP/1.1 20"), "{}", String::from_utf8_lossy(answer));
            return Ok(());
        }
    }
}

/// Activates and answers the machine's token.
pub(crate) async fn activate(stream: &mut TcpStream, machine: String) -> anyhow::Result<String> {
    stream
        .write_all(Sent::from(machine).request("/api/license/activate").as_bytes())
        .await?;
    let mut answer = Vec::with_capacity(8192);
    exchange(stream, &mut answer).await?;
    token(&answer)?.context("an activation has a token")
}

/// The token in an answer, if there is one: a beat has one when it is time for another.
pub(crate) fn token(answer: &[u8]) -> anyhow::Result<Option<String>> {
    #[derive(serde::Deserialize)]
    struct Body {
        token: Option<String>,
    }
    let text = std::str::from_utf8(answer)?;
    let body = text.split_once("\r\n\r\n").context("an answer has a body")?.1;
    Ok(serde_json::from_str::<Body>(body)?.token)
}

pub(crate) fn machine(key: &str, number: u32) -> String {
    format!(
        r#"{{"license_key":"{key}","fingerprint":{{"mac_addresses":["3c:52:{:02x}:{:02x}:{:02x}:{:02x}"],"cpu_id":"one model","system_uuid":"00000000-0000-4000-8000-{number:012x}"}},"hostname":"machine-{number}"}}"#,
        number >> 24,
        number >> 16 & 255,
        number >> 8 & 255,
        number & 255
    )
}

struct Measured {
    postmaster: u32,
    rates: Vec<f64>,
    p99: Vec<f64>,
    server_us: Vec<f64>,
    postgres_us: Vec<f64>,
}

impl Measured {
    fn new(postmaster: u32) -> Self {
        Self {
            postmaster,
            rates: vec![],
            p99: vec![],
            server_us: vec![],
            postgres_us: vec![],
        }
    }

    async fn round<S: Into<Sent>>(
        &mut self,
        process: &Process,
        path: &'static str,
        (connections, time): (usize, Duration),
        next: impl Fn() -> S + Send + Sync + Clone + 'static,
    ) -> anyhow::Result<()> {
        let (cpu, postgres) = (process.cpu(), postgres_cpu(self.postmaster));
        let rate = drive(&process.address, path, connections, time, next).await?;
        let requests = rate.per_second * time.as_secs_f64();
        self.rates.push(rate.per_second);
        self.p99.push(rate.p99_ms);
        self.server_us.push((process.cpu() - cpu) / requests * 1e6);
        self.postgres_us
            .push((postgres_cpu(self.postmaster) - postgres) / requests * 1e6);
        Ok(())
    }

    fn details(&self) -> String {
        format!(
            "p99 {:.1} ms; CPU per request: server {:.0} µs, Postgres {:.0} µs",
            median(self.p99.clone()),
            median(self.server_us.clone()),
            median(self.postgres_us.clone())
        )
    }
}

pub(crate) async fn run(bench: &Bench, connections: usize) -> anyhow::Result<()> {
    let load = (connections, bench.round);
    println!("over {connections} connections");
    let url = bench.database("http").await?;
    let keys = Arc::new(licenses(&*platform(&url).await?, "http", 1_000_000, 1_000).await?);
    let server = server(&url, &[])?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("idle server: {:.1} MB resident", server.resident_mb());
    let mut bare_command = Command::new(std::env::current_exe()?);
    bare_command.env("LICET_BENCH_BARE", "1");
    let bare = Process::start(bare_command)?;
    // One machine on each of a thousand licenses, to be verified and to beat.
    let next = Arc::new(AtomicU32::new(0));
    let mut tokens = Vec::new();
    let mut stream = TcpStream::connect(&server.address).await?;
    for (number, key) in (0..).zip(keys.iter()) {
        tokens.push(activate(&mut stream, machine(key, number)).await?);
    }
    let tokens = Arc::new(tokens);
    let [mut route, mut verify, mut activate, mut beat] = [bench.postmaster()?; 4].map(Measured::new);
    for _ in 0..5 {
        route
            .round(&bare, "/bare", load, || {
                r#"{"license_key":"LIC-11111-11111-11111-11111-1111C"}"#.to_owned()
            })
            .await?;
        let (all, counter) = (Arc::clone(&keys), Arc::clone(&next));
        verify
            .round(&server, "/api/license/verify", load, move || {
                let number = counter.fetch_add(1, Ordering::Relaxed) % 1_000;
                machine(&all[number as usize], number)
            })
            .await?;
        let (all, counter) = (Arc::clone(&tokens), Arc::clone(&next));
        beat.round(&server, "/api/license/heartbeat", load, move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            Sent::beat(&all[number as usize % all.len()])
        })
        .await?;
        let (all, counter) = (Arc::clone(&keys), Arc::clone(&next));
        activate
            .round(&server, "/api/license/activate", load, move || {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                machine(&all[number as usize % 1_000], number + 10_000)
            })
            .await?;
    }
    println!(
        "bare axum route: {:.0}/s; {}",
        median(route.rates.clone()),
        route.details()
    );
    report(
        "verify (signed) over HTTP against the bare route",
        &verify.rates,
        &route.rates,
        0.25,
    );
    println!("  {}", verify.details());
    report(
        "heartbeats (durable, signed) over HTTP against the bare route",
        &beat.rates,
        &route.rates,
        0.1,
    );
    println!("  {}", beat.details());
    report(
        "activate of new machines (durable, signed) over HTTP against the bare route",
        &activate.rates,
        &route.rates,
        0.08,
    );
    println!("  {}", activate.details());
    println!("server after the load: {:.1} MB resident", server.resident_mb());
    Ok(())
}

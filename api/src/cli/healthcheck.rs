//! `licet healthcheck`: what a container asks itself, in images that hold no other program.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, ensure};

use super::Output;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than such an answer has.
const MOST: u64 = 64 * 1024;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Where the server listens.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    address: SocketAddr,
    /// Whether it lives, rather than whether it can answer: what is not ready yet need not be started again.
    #[arg(long)]
    live: bool,
}

/// Ends well where the server does.
pub(super) fn run(options: &Options, output: Output) -> anyhow::Result<ExitCode> {
    let path = if options.live { "/healthz" } else { "/readyz" };
    let (status, answer) = ask(options.address, path).with_context(|| format!("asking {}", options.address))?;
    ensure!(status == 200, "{path} answered {status}: {answer}");
    output.result(&serde_json::json!({ "status": status }), |_| {
        format!("{path} answered {status}")
    });
    Ok(ExitCode::SUCCESS)
}

fn ask(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("this is no answer of a web server")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("an answer has a status")?, body.trim().to_owned()))
}

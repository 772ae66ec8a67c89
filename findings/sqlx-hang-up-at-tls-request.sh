#!/usr/bin/env bash
# Finding:  where a peer takes a connection and hangs up, as HAProxy does while no server is up behind it, sqlx reports a
#           violation of the protocol instead of a broken connection, unless TLS is switched off: it takes the end of the
#           stream for an answer to its request for TLS, the byte 0x00.
# Version:  sqlx 0.8.6 (sqlx-postgres), runtime tokio, sslmode=prefer, its default
# Guess:    Error::Io, UnexpectedEof, whichever sslmode: what retries by the kind of an error sees a connection that broke.
# Seen:     disable: Io UnexpectedEof
#           prefer: Protocol unexpected response from SSLRequest: 0x00
# So here:  an error of the protocol that says "unexpected" counts as a broken connection, and is tried again
#           (`is_connection_error` in event-store/src/appender.rs).
set -euo pipefail

command -v cargo >/dev/null || { echo "cargo cannot be had"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
sqlx = { version = "=0.8.6", default-features = false, features = ["postgres", "runtime-tokio", "tls-rustls-ring-native-roots"] }
tokio = { version = "1", features = ["io-util", "macros", "net", "rt"] }

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use sqlx::{Connection, Error, PgConnection};
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut peer, _) = listener.accept().await.unwrap();
            let _ = peer.read(&mut [0; 1024]).await;
        }
    });
    for mode in ["disable", "prefer"] {
        let url = format!("postgres://someone@127.0.0.1:{port}/database?sslmode={mode}");
        match PgConnection::connect(&url).await.map(drop) {
            Err(Error::Io(error)) => println!("{mode}: Io {:?}", error.kind()),
            Err(Error::Protocol(text)) => println!("{mode}: Protocol {}", text.split(" (").next().unwrap()),
            other => println!("{mode}: {other:?}"),
        }
    }
}
RUST
export CARGO_TARGET_DIR="$folder/target"
cargo build --quiet --manifest-path "$folder/Cargo.toml" 2>"$folder/log" || { cat "$folder/log"; echo "sqlx 0.8.6 cannot be had"; exit 77; }
seen=$("$folder/target/debug/finding")
echo "$seen"
expected='disable: Io UnexpectedEof
prefer: Protocol unexpected response from SSLRequest: 0x00'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }

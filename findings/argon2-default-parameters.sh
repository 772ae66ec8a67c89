#!/usr/bin/env bash
# Finding:  parameters that are read back from a hash of argon2's own defaults do not equal those defaults: what was read
#           knows how long the output is, the constant does not. Who compares them to see whether a password is to be
#           hashed anew hashes it anew at every log-in; the three costs do compare equal.
# Versions: argon2 0.6.0 (RustCrypto, 2026)
# Guess:    Params::try_from(hash) == Params::DEFAULT for what Argon2::default() has just hashed.
# Seen:     equal as a whole: false
#           equal in memory, passes and lanes: true
#           output lengths: Some(32) and None
# So here:  `commands/src/operator/password.rs` compares the costs.
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
argon2 = { version = "=0.6.0", default-features = false, features = ["alloc", "password-hash"] }
TOML
cat > "$folder/src/main.rs" <<'RUST'
use argon2::{Argon2, Params, password_hash::PasswordHasher};

fn main() {
    let hash = Argon2::default()
        .hash_password_with_salt(b"correct horse battery", b"sixteen bytes...")
        .expect("the salt is long enough");
    let read = Params::try_from(&hash).expect("its own hash can be read");
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    println!("equal as a whole: {}", read == Params::DEFAULT);
    println!("equal in memory, passes and lanes: {}", costs(&read) == costs(&Params::DEFAULT));
    println!("output lengths: {:?} and {:?}", read.output_len(), Params::DEFAULT.output_len());
}
RUST
cd "$folder"
export CARGO_TARGET_DIR=$folder/target
cargo fetch --quiet 2>"$folder/log" || { cat "$folder/log"; echo "the package cannot be had"; exit 77; }
seen=$(cargo run --quiet)
echo "$seen"
expected='equal as a whole: false
equal in memory, passes and lanes: true
output lengths: Some(32) and None'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }

#!/usr/bin/env bash
# Finding:  what jsonwebtoken signs it does not always read: `encode` takes any value for claims, `decode` reads objects
#           alone, also where every check of claims is switched off. It reads the claims a second time, as those of RFC 7519,
#           whether or not it looks at one of them.
# Versions: jsonwebtoken 11.1.0 (2026)
# Guess:    with no claim required and none checked, `decode::<T>` gives back whatever `encode` was handed.
# Seen:     an object: signed, read
#           a list: signed, refused
#           a text: signed, refused
# So here:  everything that is signed is an object (`event-store/src/jws.rs`).
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
jsonwebtoken = { version = "=11.1.0", default-features = false, features = ["aws_lc_rs"] }
serde_json = "1"
TOML
cat > "$folder/src/main.rs" <<'RUST'
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};

fn main() {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    for (name, claims) in [("an object", json!({ "a": 1 })), ("a list", json!([1, 2])), ("a text", json!("a"))] {
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(b"secret"));
        let signed = if token.is_ok() { "signed" } else { "not signed" };
        let key = DecodingKey::from_secret(b"secret");
        let read = token.and_then(|token| decode::<Value>(token, &key, &validation));
        let read = if read.is_ok_and(|read| read.claims == claims) { "read" } else { "refused" };
        println!("{name}: {signed}, {read}");
    }
}
RUST
cd "$folder"
export CARGO_TARGET_DIR=$folder/target
cargo fetch --quiet 2>"$folder/log" || { cat "$folder/log"; echo "the package cannot be had"; exit 77; }
seen=$(cargo run --quiet)
echo "$seen"
expected='an object: signed, read
a list: signed, refused
a text: signed, refused'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }

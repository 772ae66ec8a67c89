#!/usr/bin/env bash
# Finding:  ureq takes its proxy from the environment without looking at the scheme of what is asked for: a proxy that is set
#           for https alone is used for http too, and ALL_PROXY goes before the variable of the scheme. In NO_PROXY a blank
#           after a comma becomes part of the name, a network (10.0.0.0/8) excepts no address in it, and a plain name does
#           not except what is below it.
# Version:  ureq 3.5.2 (2026)
# Guess:    as curl 7.86 and later, Go's net/http and Python's urllib: HTTPS_PROXY is for https, the scheme's own variable
#           wins over ALL_PROXY, entries are trimmed; curl and Go take networks, and a plain name with what is below it.
# Seen:     http through HTTPS_PROXY: yes
#           ALL_PROXY before HTTP_PROXY: yes
#           NO_PROXY "a.test, b.test" excepts b.test: no
#           NO_PROXY "10.0.0.0/8" excepts 10.1.2.3: no
#           NO_PROXY "example.com" excepts www.example.com: no
# So here:  the client chooses its proxy itself (client/src/transport.rs).
set -euo pipefail

command -v cargo >/dev/null || { echo "cargo cannot be had"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
ureq = { version = "=3.5.2", default-features = false }

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use ureq::{http::Uri, Proxy};

fn set(settings: &[(&str, &str)]) -> Option<Proxy> {
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        std::env::remove_var(name);
        std::env::remove_var(name.to_lowercase());
    }
    for (name, value) in settings {
        std::env::set_var(name, value);
    }
    Proxy::try_from_env()
}

fn say(what: &str, truth: bool) {
    println!("{what}: {}", if truth { "yes" } else { "no" });
}

fn main() {
    // The agent's default proxy is the one that this answers; it is not told what is going to be asked for.
    say("http through HTTPS_PROXY", set(&[("HTTPS_PROXY", "http://secure.test:1")]).is_some());
    let both = set(&[("ALL_PROXY", "http://all.test:1"), ("HTTP_PROXY", "http://own.test:1")]);
    say("ALL_PROXY before HTTP_PROXY", both.is_some_and(|proxy| proxy.host() == "all.test"));
    for (exceptions, host) in [
        ("a.test, b.test", "b.test"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("example.com", "www.example.com"),
    ] {
        let proxy = set(&[("HTTP_PROXY", "http://proxy.test:1"), ("NO_PROXY", exceptions)]);
        let uri: Uri = format!("http://{host}/").parse().unwrap();
        say(
            &format!("NO_PROXY {exceptions:?} excepts {host}"),
            proxy.is_some_and(|proxy| proxy.is_no_proxy(&uri)),
        );
    }
}
RUST
export CARGO_TARGET_DIR="$folder/target"
cargo build --quiet --manifest-path "$folder/Cargo.toml" 2>"$folder/log" || { cat "$folder/log"; echo "ureq 3.5.2 cannot be had"; exit 77; }
seen=$("$folder/target/debug/finding")
echo "$seen"
expected='http through HTTPS_PROXY: yes
ALL_PROXY before HTTP_PROXY: yes
NO_PROXY "a.test, b.test" excepts b.test: no
NO_PROXY "10.0.0.0/8" excepts 10.1.2.3: no
NO_PROXY "example.com" excepts www.example.com: no'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }

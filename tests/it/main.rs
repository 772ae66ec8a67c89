//! Black-box tests over HTTP: `licet serve` as a process, a real Postgres, no look inside.
#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod activation;
mod admin;
mod analysis;
mod anomalies;
mod archive;
mod backup;
mod behind_nginx;
mod blocked_addresses;
mod browser;
mod client_life;
mod commands;
mod companies;
mod compose;
mod customer_lists;
mod customer_overview;
mod doctor;
mod elsewhere;
mod embedded;
mod forgetting;
mod heartbeat;
mod hostile;
mod layers;
mod license_lists;
mod limits;
mod list_export;
mod live;
mod machines;
mod monitoring;
mod nats;
mod nginx;
mod offline;
mod operators;
mod permissions;
mod plans;
mod poolers;
mod repeats;
mod requests;
mod resources;
mod search;
mod seats;
mod sign_in;
mod tokens;
mod tools;
mod traces;
mod verification;
mod verifying;
mod versions;
mod wal;
mod webhooks;
mod wire;

use licet_test_support::{Server, TestDatabase};

/// A server over a database of its own.
fn start() -> (Server, TestDatabase) {
    let database = new_database();
    (Server::start(&database.url), database)
}

fn new_database() -> TestDatabase {
    tokio::runtime::Runtime::new()
        .expect("a runtime starts")
        .block_on(TestDatabase::new())
}

//! Real servers for tests: one Postgres cluster for each test binary, one database for each test, and `licet serve` as
//! a process of its own. Everything listens on free loopback ports and ends with the test binary, however that ends.

mod age;
mod cluster;
mod server;
mod sinks;

pub use age::age;
pub use cluster::{TestDatabase, cluster_pid};
pub use server::{Answer, SECRET, Server, licet, machine_request};
pub use sinks::{Delivered, MailSink, Nats, Target};

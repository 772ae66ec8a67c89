//! A private Postgres cluster under a data folder, for one machine.
//!
//! It listens on a free loopback port and asks for a password that only the folder's owner can read. Every program
//! that uses it holds a shared lock; the last one out stops it, and an orphan left by a kill is adopted.

mod access;
mod binaries;
mod cluster;
mod owner;
mod recover;
mod wal;

pub use cluster::{Cluster, ClusterError, ClusterOptions};
pub use recover::Recovery;
pub use wal::{WalCopy, WalError, WalState, wal_state};

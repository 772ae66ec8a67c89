//! The shapes of requests and answers, as the contract writes them.
//!
//! What lives here: data that crosses the wire, shared by server, browser and client library. What must not: rules,
//! I/O. Fields may be added, never renamed or removed.

pub mod admin;
pub mod anomaly;
pub mod auth;
pub mod keys;
pub mod lease;
pub mod license;
pub mod mail;
mod nullable;
mod object;
mod page;
mod problem;
pub mod replay;
#[cfg(feature = "openapi")]
mod shapes;
pub mod simulation;
pub mod true_up;
mod unique;
pub mod usage;
pub mod version;
pub mod webhook;

pub use page::Page;
pub use problem::{FieldProblem, Problem};

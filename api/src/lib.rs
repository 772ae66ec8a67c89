//! The license server over HTTP.
//!
//! What lives here: routes, credentials, signatures on what leaves, problems, metrics, and the `licet` command. What
//! must not: SQL, rules.

mod auth;
mod browser_app;
mod catalog;
pub mod cli;
mod connections;
mod envelope;
mod extract;
mod freshness;
mod idempotency;
mod limits;
mod list_export;
mod observe;
mod openapi;
mod problem;
mod render;
mod reply;
mod router;
mod routes;
mod secrets;
mod settings;
mod signing;
mod state;
mod used_meters;

use router::router;
use settings::{Role, Settings};
use state::App;

//! The use cases.
//!
//! What lives here: one file per verb, `<aggregate>/<verb>.rs`, each the same steps: authorize, load, decide, append,
//! answer. What must not: HTTP, SQL, rules.

mod anomaly;
pub mod api_key;
mod context;
pub mod customer;
mod error;
mod fields;
pub mod license;
mod network;
mod operation;
mod platform;
pub mod policy;
pub mod product;
mod refusals;
pub mod release;
pub mod webhook;

pub use context::{Context, Done, Idempotency};
pub use error::{CommandError, FieldError};
pub use fields::Fields;
pub use network::Network;
pub use platform::{Body, CacheSizes, Platform};
pub use refusals::Refusals;

//! The use cases.
//!
//! What lives here: one file per verb, `<aggregate>/<verb>.rs`, each the same steps: load, decide, append, answer. A
//! plain resource has them in one file. What must not: HTTP, SQL, rules, and who may what: the routes' types say that.

mod anomaly;
pub mod api_key;
pub mod blocked_address;
mod context;
pub mod customer;
mod disclose;
mod error;
mod fields;
pub mod license;
mod network;
mod operation;
pub mod operator;
mod platform;
pub mod policy;
pub mod product;
mod refusals;
pub mod release;
mod resources;
mod search;
pub mod session;
pub mod tag;
pub mod webhook;

pub use context::{Context, Done, Idempotency};
pub use error::{CommandError, FieldError};
pub use fields::Fields;
pub use network::Network;
pub use platform::{Body, CacheSizes, Platform};
pub use refusals::Refusals;
pub use resources::{InMemory, Resources, Unchanged};
pub use search::{Look, Named};

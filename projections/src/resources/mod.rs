//! What operators list: products, policies, customers, releases and API keys, one row each.
//!
//! The row carries the aggregate's state as the rules fold it, so that lists show exactly what commands see.

mod projector;
mod query;

pub(crate) use projector::Resources;
pub use query::{ResourceRow, list};

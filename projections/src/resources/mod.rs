//! What operators list: every resource (`licet_domain::for_every_resource`), one row each.
//!
//! The row carries the aggregate's state as the rules fold it, so that lists show exactly what commands see.

mod exports;
mod projector;
mod query;

pub(crate) use projector::Resources;
pub use query::{ResourceRow, list, list_some, of_ids};

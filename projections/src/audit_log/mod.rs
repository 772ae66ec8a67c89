//! Who did what to what, when, from where, under which request: one row for each event, straight from its envelope.

mod projector;
mod query;

pub(crate) use projector::AuditLog;
pub use query::{AuditFilter, AuditRow, list, newest, since};

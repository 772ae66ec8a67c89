//! What machines were refused and why: one row for each license, machine and code within an hour.

mod projector;
mod query;

pub(crate) use projector::Decisions;
pub use query::{DecisionFilter, DecisionPlace, DecisionRow, count, list};

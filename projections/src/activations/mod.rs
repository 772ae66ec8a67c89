//! One row for each machine that ever had a seat.

mod projector;
mod query;

pub(crate) use projector::Activations;
pub use query::{ActivationFilter, ActivationRow, UnheldSeat, list, seats_without_hold};

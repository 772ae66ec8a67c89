//! The rules of licensing.
//!
//! What lives here: values that cannot be wrong, one folder per aggregate (`command`, `event`, `state`, `decide`,
//! `rejection`), and [`validate`], the one function that says whether a machine may run.
//! What must not: async, I/O, clocks, randomness, SQL, HTTP. Time, ids and looked-up facts arrive in the command.

pub mod anomaly;
pub mod api_key;
pub mod customer;
pub mod decider;
pub mod decision;
mod event_types;
pub mod heartbeat;
pub mod license;
pub mod operation;
pub mod policy;
pub mod product;
pub mod release;
#[cfg(test)]
mod testing;
pub mod true_up;
pub mod validate;
pub mod values;
pub mod webhook;

pub use decider::{Decider, DecodeError, EventData, SeatHold, Upcaster};
pub use event_types::event_types;

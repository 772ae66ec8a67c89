//! The terms under which licenses of a product are issued.

mod command;
mod decide;
mod event;
mod state;
mod terms;

pub use command::PolicyCommand;
pub use event::{PolicyCreated, PolicyEdited, PolicyEvent, PolicyRetired};
pub use state::{LivePolicy, Policy};
pub use terms::{DurationFrom, Terms};

//! What a machine with a seat reports every few minutes. No aggregate's own history: what matters to the license
//! becomes an event of the license.

mod beat;
mod event;

pub use beat::{Beat, billing_period};
pub use event::{HeartbeatEvent, HeartbeatRecorded};

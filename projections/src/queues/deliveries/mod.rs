//! The queue of webhook deliveries: filled from the log with the webhook's place in it in one transaction, so that no
//! event is lost or queued twice; emptied by whoever holds the worker's lease.

mod list;
mod send;

pub use list::{DeliveryRow, count, list, replay, resend};
pub use send::{
    DueDelivery, GIVE_UP_SECONDS, Outcome, TAKEN_SECONDS, back_off, dead_letter_stale, enqueue, fail_pending, pause,
    pending, put_back, settle, sweep, take_due, unpause, waiting,
};

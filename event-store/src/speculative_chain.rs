//! What a decision rests on that is not durable yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::submission::Submission;

/// A line of decisions, each made on what the one before it would bring. Once one of them does not go in, none of those
/// behind it may, though the version that they expect may come to be: by another node's event.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpeculativeChain(Arc<AtomicBool>);

impl PartialEq for SpeculativeChain {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl SpeculativeChain {
    pub(crate) fn break_off(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A submission, and the line that it continues.
#[derive(Clone, Copy)]
pub(crate) struct QueuedSubmission<'a> {
    pub(crate) submission: &'a Submission,
    pub(crate) speculative_chain: Option<&'a SpeculativeChain>,
}

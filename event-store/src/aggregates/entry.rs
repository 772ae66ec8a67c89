//! One aggregate in memory: what is durable, and what is queued behind it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize};

use licet_domain::Decider;
use tokio::sync::watch;

use super::Versioned;
use crate::speculative_chain::SpeculativeChain;

pub(super) struct Entry<D: Decider> {
    pub(super) tail: Mutex<Tail<D>>,
    pub(super) committed: Mutex<Arc<Versioned<D::State>>>,
    /// The newest durable version; told to those who wait for what they decided on.
    pub(super) settled: watch::Sender<u64>,
    /// Broken when something that was decided here did not go in, or another node was faster.
    pub(super) speculative_chain: SpeculativeChain,
    pub(super) weight: AtomicUsize,
}

/// Where the next command starts: everything durable and everything queued.
pub(super) struct Tail<D: Decider> {
    pub(super) state: D::State,
    pub(super) version: u64,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these; should it, the data is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Decider> Entry<D> {
    pub(super) fn new(loaded: Versioned<D::State>) -> Self {
        Self {
            weight: AtomicUsize::new(D::weight(&loaded.state)),
            tail: Mutex::new(Tail {
                state: loaded.state.clone(),
                version: loaded.version,
            }),
            settled: watch::Sender::new(loaded.version),
            committed: Mutex::new(Arc::new(loaded)),
            speculative_chain: SpeculativeChain::default(),
        }
    }

    /// Nothing rests on it any more; who waits for it looks again.
    pub(super) fn break_off(&self) {
        self.speculative_chain.break_off();
        self.settled.send_modify(|_| {});
    }

    pub(super) fn is_broken(&self) -> bool {
        self.speculative_chain.is_broken()
    }

    /// Waits until everything up to a version is durable, or will not be.
    pub(super) async fn reached(&self, version: u64) {
        let mut settled = self.settled.subscribe();
        // It ends with the entry, which is borrowed here.
        let _ = settled
            .wait_for(|durable| *durable >= version || self.is_broken())
            .await;
    }
}

//! A session on a thread of its own.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::{Session, Status, Usage, store::now};

/// A session that runs by itself. Dropping it ends the thread, after a call to the server that is under way; nothing
/// waits for that.
pub struct Background {
    reported: Arc<Mutex<Usage>>,
    ending: Arc<(Mutex<bool>, Condvar)>,
}

impl Background {
    pub(crate) fn start(mut session: Session, mut tell: impl FnMut(&Status) + Send + 'static) -> Self {
        let reported: Arc<Mutex<Usage>> = Arc::default();
        let ending = Arc::new((Mutex::new(false), Condvar::new()));
        let (inbox, end) = (Arc::clone(&reported), Arc::clone(&ending));
        std::thread::spawn(move || {
            let mut last: Option<Status> = None;
            let take = || std::mem::take(&mut *inbox.lock().unwrap_or_else(PoisonError::into_inner));
            loop {
                session.report(&take());
                let status = session.tick();
                if last.as_ref() != Some(&status) {
                    tell(&status);
                    last = Some(status);
                }
                // A lease can end between two contacts: look at least once a minute.
                let wait = session.schedule().wait_seconds(now()).clamp(1, 60).cast_unsigned();
                let ended = end.0.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = end
                    .1
                    .wait_timeout_while(ended, Duration::from_secs(wait), |ended| !*ended);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                    // What was reported last is kept for the next run.
                    session.report(&take());
                    return;
                }
            }
        });
        Self { reported, ending }
    }

    /// Adds to what the next beat reports; never waits for the network.
    pub fn report(&self, usage: &Usage) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.add(usage);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        *self.ending.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ending.1.notify_all();
    }
}

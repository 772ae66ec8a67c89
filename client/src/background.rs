//! A session on a thread of its own.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::{Session, Status, Usage, store::now};

/// How long the end of a program waits for what was reported to be kept. A call to the server that is under way may take
/// longer, and is not waited for.
const SAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A session that runs by itself; dropping it ends the thread.
pub struct Background {
    reported: Arc<Mutex<Usage>>,
    stage: Arc<(Mutex<Stage>, Condvar)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Ending,
    Ended,
}

impl Background {
    pub(crate) fn start(mut session: Session, mut tell: impl FnMut(&Status) + Send + 'static) -> Self {
        let reported: Arc<Mutex<Usage>> = Arc::default();
        let stage = Arc::new((Mutex::new(Stage::Running), Condvar::new()));
        let (inbox, own) = (Arc::clone(&reported), Arc::clone(&stage));
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
                let now = own.0.lock().unwrap_or_else(PoisonError::into_inner);
                let running = |stage: &mut Stage| *stage == Stage::Running;
                let waited = own.1.wait_timeout_while(now, Duration::from_secs(wait), running);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 == Stage::Ending {
                    break;
                }
            }
            // What was reported last is kept for the next run.
            session.report(&take());
            drop(session);
            *own.0.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Ended;
            own.1.notify_all();
        });
        Self { reported, stage }
    }

    /// Adds to what the next beat reports; never waits for the network.
    pub fn report(&self, usage: &Usage) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.add(usage);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let mut stage = self.stage.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *stage == Stage::Running {
            *stage = Stage::Ending;
        }
        self.stage.1.notify_all();
        let ending = |stage: &mut Stage| *stage != Stage::Ended;
        let _ = self.stage.1.wait_timeout_while(stage, SAVE_TIMEOUT, ending);
    }
}

//! Keeps what runs by itself running: a bug in one task ends neither the others nor the task for good.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use tokio::sync::watch;

use crate::metrics::METRICS;

/// How long a task that has panicked is left alone.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Runs a task until it ends by itself, and begins it again a second after it has panicked, unless the node ends.
pub async fn supervise<F: Future<Output = ()>>(
    task: &'static str,
    mut ending: watch::Receiver<bool>,
    begin: impl Fn() -> F,
) {
    METRICS.restarted(task, 0);
    while let Err(cause) = caught(begin()).await {
        METRICS.restarted(task, 1);
        tracing::error!(task, cause, "a task has panicked; it is begun again");
        let ended = ending.wait_for(|ending| *ending);
        if tokio::time::timeout(RESTART_DELAY, ended).await.is_ok() {
            return;
        }
    }
}

/// What a future answers, or what it said when it panicked.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    // What the future owned is gone with it; what it shared is behind locks that a panic does not leave half-written, or in
    // the database, whose transaction rolls back.
    AssertUnwindSafe(future)
        .catch_unwind()
        .await
        .map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_again_until_it_ends() {
        let (_sender, ending) = watch::channel(false);
        let begun = AtomicUsize::new(0);
        supervise("test", ending, || async {
            assert!(begun.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
        })
        .await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_node_that_ends_begins_nothing_again() {
        let (sender, ending) = watch::channel(false);
        supervise("test", ending, || async {
            sender.send_replace(true);
            panic!("at the end");
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_panic_said_is_told() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let told = caught(async { panic!("row {}", 3) }).await;
        assert_eq!(told, Err::<(), _>("row 3".to_owned()));
    }
}

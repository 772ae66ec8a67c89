//! Workers that do the same thing again and again for a while.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often it was done in a second, and the 99th percentile of how long it took, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

/// `workers` tasks call `step` with their number and a count, until the time is over.
pub(crate) async fn run<F, Fut>(workers: usize, time: Duration, step: F) -> Rate
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let (step, started) = (Arc::new(step), Instant::now());
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let step = Arc::clone(&step);
            tokio::spawn(async move {
                let mut took = Vec::new();
                while started.elapsed() < time {
                    let begun = Instant::now();
                    step(worker, took.len() as u64).await;
                    took.push(begun.elapsed());
                }
                took
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap_or_default());
    }
    rate(all, started.elapsed())
}

pub(crate) fn rate(mut took: Vec<Duration>, elapsed: Duration) -> Rate {
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    Rate {
        per_second: took.len() as f64 / elapsed.as_secs_f64(),
        p99_ms: p99.as_secs_f64() * 1000.0,
    }
}

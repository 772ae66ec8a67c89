//! What the log counts. Recorded through the process's meter; without one, counting costs nothing.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};

use crate::submission::AppendError;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Why a submission does not go in.
const REASONS: [&str; 6] = [
    "conflict",
    "claim_taken",
    "hold_changed",
    "idempotency_taken",
    "overloaded",
    "unavailable",
];

pub(crate) struct Metrics {
    appended: Counter<u64>,
    batch_events: Histogram<u64>,
    batch_seconds: Histogram<f64>,
    refused: Counter<u64>,
    reconnects: Counter<u64>,
    cache: Counter<u64>,
    archived: Counter<u64>,
    archive_failures: Counter<u64>,
    restarts: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("licet");
        let sizes = vec![
            1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
        ];
        let times = vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];
        let metrics = Self {
            appended: meter
                .u64_counter("licet_events_appended")
                .with_description("Events recorded by this node.")
                .build(),
            batch_events: meter
                .u64_histogram("licet_append_batch_events")
                .with_description("Events in each append transaction.")
                .with_boundaries(sizes)
                .build(),
            batch_seconds: meter
                .f64_histogram("licet_append_batch_seconds")
                .with_description("Duration of each append transaction.")
                .with_boundaries(times)
                .build(),
            refused: meter
                .u64_counter("licet_appends_refused")
                .with_description("Submissions that did not go in, by reason.")
                .build(),
            reconnects: meter
                .u64_counter("licet_log_reconnects")
                .with_description("Times that the appender lost its connection.")
                .build(),
            cache: meter
                .u64_counter("licet_aggregate_cache")
                .with_description("Look-ups in the aggregate cache, by result.")
                .build(),
            archived: meter
                .u64_counter("licet_archived_rows")
                .with_description("Rows that this node has put into the archive, by table.")
                .build(),
            archive_failures: meter
                .u64_counter("licet_archive_failures")
                .with_description("Times that archiving a month stopped; the month stays online.")
                .build(),
            restarts: meter
                .u64_counter("licet_task_restarts")
                .with_description("Times that a task had panicked and was begun again, by name.")
                .build(),
        };
        // A rate over a counter that begins with its first failure misses that one.
        metrics.archive_failures.add(0, &[]);
        metrics.reconnects.add(0, &[]);
        for reason in REASONS {
            metrics.refused.add(0, &[KeyValue::new("reason", reason)]);
        }
        metrics
    }

    pub(crate) fn appended(&self, events: u64) {
        self.appended.add(events, &[]);
    }

    pub(crate) fn batch(&self, events: u64, took: Duration) {
        self.batch_events.record(events, &[]);
        self.batch_seconds.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn refused(&self, error: &AppendError) {
        let reason = match error {
            AppendError::Conflict { .. } => "conflict",
            AppendError::ClaimTaken { .. } => "claim_taken",
            AppendError::HoldChanged(_) => "hold_changed",
            AppendError::IdempotencyTaken => "idempotency_taken",
            AppendError::Overloaded => "overloaded",
            AppendError::Unavailable(_) => "unavailable",
        };
        self.refused.add(1, &[KeyValue::new("reason", reason)]);
    }

    pub(crate) fn archived(&self, table: &'static str, rows: u64) {
        self.archived.add(rows, &[KeyValue::new("table", table)]);
    }

    pub(crate) fn archive_failed(&self) {
        self.archive_failures.add(1, &[]);
    }

    /// `task` has panicked so many times more; 0 where it has only begun.
    pub(crate) fn restarted(&self, task: &'static str, times: u64) {
        self.restarts.add(times, &[KeyValue::new("task", task)]);
    }

    pub(crate) fn reconnects(&self) {
        self.reconnects.add(1, &[]);
    }

    pub(crate) fn cache(&self, hit: bool) {
        self.cache
            .add(1, &[KeyValue::new("result", if hit { "hit" } else { "miss" })]);
    }
}

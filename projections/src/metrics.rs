//! What the projectors count. How far behind they are is asked of the database (`backlog.rs`).

use std::sync::LazyLock;

use opentelemetry::{KeyValue, global, metrics::Counter};

use crate::runtime::projectors;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Shows what has not happened yet, too.
pub(crate) fn begin() {
    LazyLock::force(&METRICS);
}

pub(crate) struct Metrics {
    stops: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let metrics = Self {
            stops: global::meter("licet")
                .u64_counter("licet_projector_stops")
                .with_description("Times that a projector stopped at what it could not read.")
                .build(),
        };
        // A rate over a counter that begins with its first failure misses that one.
        for projector in projectors() {
            metrics.stops.add(0, &[KeyValue::new("projector", projector.name())]);
        }
        metrics
    }

    pub(crate) fn stopped(&self, projector: &'static str) {
        self.stops.add(1, &[KeyValue::new("projector", projector)]);
    }
}

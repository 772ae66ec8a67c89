//! What the projectors tell: how far behind they are, and whether one has stopped.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};

use crate::runtime::projectors;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    events: Gauge<i64>,
    seconds: Gauge<f64>,
    stops: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("licet");
        let metrics = Self {
            events: meter
                .i64_gauge("licet_projector_lag_events")
                .with_description("Events that a projector has not folded yet.")
                .build(),
            seconds: meter
                .f64_gauge("licet_projector_lag_seconds")
                .with_description("Age of the oldest event that a projector has not folded yet.")
                .build(),
            stops: meter
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

    pub(crate) fn lag(&self, projector: &'static str, events: i64, seconds: f64) {
        let labels = [KeyValue::new("projector", projector)];
        self.events.record(events, &labels);
        self.seconds.record(seconds, &labels);
    }

    pub(crate) fn stopped(&self, projector: &'static str) {
        self.stops.add(1, &[KeyValue::new("projector", projector)]);
    }
}

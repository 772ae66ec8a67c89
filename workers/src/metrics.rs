//! What the workers count.

use std::sync::LazyLock;

use licet_domain::anomaly::RULES;
use opentelemetry::{KeyValue, global, metrics::Counter};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Shows what has not happened yet, too.
pub(crate) fn begin() {
    LazyLock::force(&METRICS);
}

pub(crate) struct Metrics {
    relayed: Counter<u64>,
    relay_failures: Counter<u64>,
    deliveries: Counter<u64>,
    mails: Counter<u64>,
    anomalies: Counter<u64>,
    indexed: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("licet");
        let counter = |name, description| meter.u64_counter(name).with_description(description).build();
        let metrics = Self {
            relayed: counter("licet_relayed_events", "Events published to NATS."),
            relay_failures: counter("licet_relay_failures", "Times that publishing to NATS failed."),
            deliveries: counter("licet_webhook_deliveries", "Tries to deliver to webhooks, by outcome."),
            mails: counter("licet_mails", "Tries to send mails, by kind and outcome."),
            anomalies: counter("licet_anomalies", "Anomalies found, by rule."),
            indexed: counter(
                "licet_search_things",
                "Things written to the index of search, by outcome.",
            ),
        };
        // A rate over a counter that begins with its first failure misses that one.
        metrics.relay_failures.add(0, &[]);
        for outcome in ["delivered", "failed", "dead"] {
            metrics.deliveries.add(0, &[KeyValue::new("outcome", outcome)]);
        }
        for rule in RULES {
            metrics.anomalies.add(0, &[KeyValue::new("rule", rule)]);
        }
        for outcome in ["kept", "gone", "damaged"] {
            metrics.indexed.add(0, &[KeyValue::new("outcome", outcome)]);
        }
        metrics
    }

    pub(crate) fn indexed(&self, outcome: &'static str, things: usize) {
        self.indexed.add(things as u64, &[KeyValue::new("outcome", outcome)]);
    }

    pub(crate) fn relayed(&self, events: u64) {
        self.relayed.add(events, &[]);
    }

    pub(crate) fn relay_failed(&self) {
        self.relay_failures.add(1, &[]);
    }

    pub(crate) fn delivery(&self, outcome: &'static str) {
        self.deliveries.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// So many were given up without a further try.
    pub(crate) fn given_up(&self, deliveries: u64) {
        self.deliveries.add(deliveries, &[KeyValue::new("outcome", "dead")]);
    }

    pub(crate) fn mail(&self, kind: String, outcome: &'static str) {
        let labels = [KeyValue::new("kind", kind), KeyValue::new("outcome", outcome)];
        self.mails.add(1, &labels);
    }

    pub(crate) fn anomaly(&self, rule: &'static str) {
        self.anomalies.add(1, &[KeyValue::new("rule", rule)]);
    }
}

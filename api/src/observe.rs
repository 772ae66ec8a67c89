//! Metrics of requests.

use std::time::Duration;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;

/// Starts metrics for this process: everything recorded from now on shows in the registry.
pub(crate) fn start() -> anyhow::Result<(Registry, SdkMeterProvider)> {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .build()?;
    let provider = SdkMeterProvider::builder().with_reader(exporter).build();
    global::set_meter_provider(provider.clone());
    Ok((registry, provider))
}

pub(crate) struct Metrics {
    seconds: Histogram<f64>,
    verdicts: Counter<u64>,
    beats: Counter<u64>,
    unknown_keys: Counter<u64>,
    limited: Counter<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = global::meter("licet");
        let bounds = vec![
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
        ];
        Self {
            seconds: meter
                .f64_histogram("licet_http_request_seconds")
                .with_description(
                    "Duration of requests, by method, route template and status; its count is their number.",
                )
                .with_boundaries(bounds)
                .build(),
            verdicts: meter
                .u64_counter("licet_verdicts")
                .with_description("Answers of the verify route, by code.")
                .build(),
            beats: meter
                .u64_counter("licet_heartbeats")
                .with_description("Heartbeats answered, by code.")
                .build(),
            unknown_keys: meter
                .u64_counter("licet_unknown_license_keys")
                .with_description("Requests with a license key that does not exist.")
                .build(),
            limited: meter
                .u64_counter("licet_rate_limited")
                .with_description("Requests refused by a rate limit, by method and route template.")
                .build(),
        }
    }

    pub(crate) fn request(&self, method: &'static str, route: String, status: u16, took: Duration) {
        let labels = [
            KeyValue::new("method", method),
            KeyValue::new("route", route),
            KeyValue::new("status", i64::from(status)),
        ];
        if status == 429 {
            self.limited.add(1, &labels[..2]);
        }
        self.seconds.record(took.as_secs_f64(), &labels);
    }

    pub(crate) fn beat(&self, code: &'static str) {
        self.beats.add(1, &[KeyValue::new("code", code)]);
    }

    pub(crate) fn unknown_key(&self) {
        self.unknown_keys.add(1, &[]);
    }

    pub(crate) fn verdict(&self, code: &'static str) {
        self.verdicts.add(1, &[KeyValue::new("code", code)]);
    }
}

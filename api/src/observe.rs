//! Metrics of requests and of the process.

use std::time::Duration;

use licet_event_store::EventLog;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use prometheus::{Registry, process_collector::ProcessCollector};

/// Starts metrics for this process: everything recorded from now on shows in the registry.
pub(crate) fn start() -> anyhow::Result<(Registry, SdkMeterProvider)> {
    let registry = Registry::new();
    // Memory, processor time, threads and open files.
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .build()?;
    let resource = Resource::builder_empty()
        .with_service_name("licet")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkMeterProvider::builder()
        .with_reader(exporter)
        .with_resource(resource)
        .build();
    global::set_meter_provider(provider.clone());
    Ok((registry, provider))
}

pub(crate) struct Metrics {
    requests: Counter<u64>,
    seconds: Histogram<f64>,
    connections: Gauge<u64>,
    verdicts: Counter<u64>,
    beats: Counter<u64>,
    unknown_keys: Counter<u64>,
    limited: Counter<u64>,
    logins: Counter<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = global::meter("licet");
        let bounds = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];
        let build = meter
            .u64_gauge("licet_build_info")
            .with_description("1, with the version that runs.")
            .build();
        build.record(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
        let metrics = Self {
            requests: meter
                .u64_counter("licet_http_requests")
                .with_description("Requests, by method, route template and status.")
                .build(),
            connections: meter
                .u64_gauge("licet_db_connections")
                .with_description("Connections to the database, by pool and whether they are idle or used.")
                .build(),
            seconds: meter
                .f64_histogram("licet_http_request_seconds")
                .with_description("Duration of requests, by method and route template.")
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
            logins: meter
                .u64_counter("licet_logins")
                .with_description("Steps of operators on the way in: password, full (both factors), failed.")
                .build(),
        };
        // A rate over a counter that begins with its first failure misses that one.
        metrics.unknown_keys.add(0, &[]);
        for step in ["password", "full", "failed"] {
            metrics.logins.add(0, &[KeyValue::new("step", step)]);
        }
        metrics
    }

    /// What the pools hold now; asked for when the metrics are.
    pub(crate) fn pools(&self, log: &EventLog) {
        for (name, pool) in [("seats", log.pool()), ("reports", log.report_pool())] {
            let (all, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
            for (state, count) in [("idle", idle), ("used", all.saturating_sub(idle))] {
                let labels = [KeyValue::new("pool", name), KeyValue::new("state", state)];
                self.connections.record(count, &labels);
            }
        }
    }

    pub(crate) fn request(&self, method: &'static str, route: String, status: u16, took: Duration) {
        let labels = [
            KeyValue::new("method", method),
            KeyValue::new("route", route),
            KeyValue::new("status", i64::from(status)),
        ];
        let route = &labels[..2];
        if status == 429 {
            self.limited.add(1, route);
        }
        self.requests.add(1, &labels);
        self.seconds.record(took.as_secs_f64(), route);
    }

    pub(crate) fn beat(&self, code: &'static str) {
        self.beats.add(1, &[KeyValue::new("code", code)]);
    }

    pub(crate) fn unknown_key(&self) {
        self.unknown_keys.add(1, &[]);
    }

    /// A step of an operator on the way in.
    pub(crate) fn login(&self, step: &'static str) {
        self.logins.add(1, &[KeyValue::new("step", step)]);
    }

    pub(crate) fn verdict(&self, code: &'static str) {
        self.verdicts.add(1, &[KeyValue::new("code", code)]);
    }
}

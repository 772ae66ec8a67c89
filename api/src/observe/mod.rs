//! Metrics of requests and of the process; what is looked at when they are asked for is in `scrape.rs`.

mod backups;
mod scrape;
pub(crate) mod traces;

use std::time::Duration;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
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
    verdicts: Counter<u64>,
    beats: Counter<u64>,
    unknown_keys: Counter<u64>,
    limited: Counter<u64>,
    logins: Counter<u64>,
    /// What is looked at when they are asked for.
    gauges: scrape::Gauges,
}

/// What machines wait for: the routes whose failures are counted from 0 on (`infra/prometheus/rules/slo.yml`).
const WATCHED: [&str; 2] = ["/api/license/verify", "/api/license/activate"];

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
                .with_description("Requests, by method, route template and class of status, such as 2xx.")
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
                .with_description("Steps of operators on the way in: password, full (both factors), failed, blocked.")
                .build(),
            gauges: scrape::Gauges::new(&meter),
        };
        // A rate over a counter that begins with its first failure misses that one.
        metrics.unknown_keys.add(0, &[]);
        for step in ["password", "full", "failed", "blocked"] {
            metrics.logins.add(0, &[KeyValue::new("step", step)]);
        }
        for route in WATCHED {
            for class in ["2xx", "5xx"] {
                metrics.requests.add(0, &labels("POST", route.to_owned(), class));
            }
        }
        metrics
    }

    pub(crate) fn request(&self, method: &'static str, route: String, status: u16, took: Duration) {
        let labels = labels(method, route, class(status));
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

fn labels(method: &'static str, route: String, class: &'static str) -> [KeyValue; 3] {
    [
        KeyValue::new("method", method),
        KeyValue::new("route", route),
        KeyValue::new("status", class),
    ]
}

fn class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

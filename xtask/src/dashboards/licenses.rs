//! License Server Metrics: what machines ask, what they are told, and what it costs.

use super::{Dashboard, lines};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "licet-license-server",
        title: "License Server Metrics",
        panels: vec![
            lines(
                "Requests of machines",
                "reqps",
                "By route.",
                &[(
                    "sum by (route) (rate(licet_http_requests_total{route=~\"/api/(license|version)/.*\"}[$__rate_interval]))",
                    "{{route}}",
                )],
            ),
            lines(
                "Verdicts",
                "reqps",
                "What verify says, by code; VALID is the good one.",
                &[(
                    "sum by (code) (rate(licet_verdicts_total[$__rate_interval]))",
                    "{{code}}",
                )],
            ),
            lines(
                "Heartbeats",
                "reqps",
                "What heartbeats are answered, by code.",
                &[(
                    "sum by (code) (rate(licet_heartbeats_total[$__rate_interval]))",
                    "{{code}}",
                )],
            ),
            lines(
                "Latency of verify",
                "s",
                "Half of the requests, 95 and 99 of 100 are answered within this.",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/verify\"}[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.95, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/verify\"}[$__rate_interval])))",
                        "p95",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/verify\"}[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "Latency of activate",
                "s",
                "An activation waits until it is durable.",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/activate\"}[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.95, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/activate\"}[$__rate_interval])))",
                        "p95",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(licet_http_request_seconds_bucket{route=\"/api/license/activate\"}[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "How fast the error budget burns",
                "none",
                "1 uses the 0.1 % of 30 days up in 30 days; alerts begin at 14.4 (over 1 h) and 6 (over 6 h).",
                &[
                    ("route:licet_failure_ratio:rate1h / 0.001", "{{route}} over 1 h"),
                    ("route:licet_failure_ratio:rate6h / 0.001", "{{route}} over 6 h"),
                ],
            ),
            lines(
                "Refused",
                "reqps",
                "Keys that do not exist, requests over a rate limit, and what the log could not take.",
                &[
                    (
                        "sum(rate(licet_unknown_license_keys_total[$__rate_interval]))",
                        "unknown keys",
                    ),
                    (
                        "sum(rate(licet_rate_limited_total[$__rate_interval])) or vector(0)",
                        "rate limited",
                    ),
                    (
                        "sum by (reason) (rate(licet_appends_refused_total[$__rate_interval]))",
                        "append: {{reason}}",
                    ),
                ],
            ),
            lines(
                "Appends that wait",
                "none",
                "Submissions in the queue of each node, and how many may be.",
                &[
                    ("licet_queue_depth{queue=\"append\"}", "{{instance}}"),
                    ("max(licet_append_queue_limit)", "limit"),
                ],
            ),
            lines(
                "Append transactions",
                "s",
                "How long one takes; a batch shares it.",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(licet_append_batch_seconds_bucket[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(licet_append_batch_seconds_bucket[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "Events in a transaction",
                "none",
                "On average: the more come at once, the more share one.",
                &[(
                    "sum(rate(licet_append_batch_events_sum[$__rate_interval])) / sum(rate(licet_append_batch_events_count[$__rate_interval]))",
                    "events",
                )],
            ),
            lines(
                "Found in memory",
                "percentunit",
                "Share of licenses and other aggregates that need not be read from the log.",
                &[(
                    "sum(rate(licet_aggregate_cache_total{result=\"hit\"}[$__rate_interval])) / sum(rate(licet_aggregate_cache_total[$__rate_interval]))",
                    "hits",
                )],
            ),
            lines(
                "Processor time",
                "percentunit",
                "Of each node's process, and of the threads that run its tasks; 100 % is one processor.",
                &[
                    (
                        "rate(process_cpu_seconds_total{job=\"licet\"}[$__rate_interval])",
                        "{{instance}}",
                    ),
                    (
                        "rate(licet_runtime_busy_seconds_total[$__rate_interval])",
                        "{{instance}}: runtime",
                    ),
                ],
            ),
            lines(
                "Memory",
                "bytes",
                "Of each node's process.",
                &[("process_resident_memory_bytes{job=\"licet\"}", "{{instance}}")],
            ),
            lines(
                "Tasks and files",
                "none",
                "Tasks of the runtime, those that wait for a thread, and open files and connections.",
                &[
                    ("licet_runtime_tasks", "{{instance}}: tasks"),
                    ("licet_runtime_queue_depth", "{{instance}}: waiting"),
                    ("process_open_fds{job=\"licet\"}", "{{instance}}: files"),
                ],
            ),
            lines(
                "Clock",
                "s",
                "How far each node's clock is from the database's, which is the log's; an alert begins at 5 s.",
                &[("abs(licet_clock_offset_seconds)", "{{instance}}")],
            ),
        ],
    }
}

//! System Overview: whether all is well, and if not, where to look.

use super::{
    Dashboard,
    Threshold::{Above, Below},
    lines, number,
};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "licet-overview",
        title: "System Overview",
        panels: vec![
            number(
                "Nodes up",
                "percentunit",
                Some(Below(1)),
                &[("sum(up{job=\"licet\"}) / count(up{job=\"licet\"})", "")],
            ),
            number(
                "Alerts",
                "none",
                Some(Above(1)),
                &[(
                    "count(ALERTS{alertstate=\"firing\", severity!=\"none\"}) or vector(0)",
                    "",
                )],
            ),
            number(
                "Database",
                "bool_yes_no",
                Some(Below(1)),
                &[("min(licet_database_up)", "")],
            ),
            number(
                "Furthest behind",
                "s",
                Some(Above(60)),
                &[("max(licet_projector_lag_seconds)", "")],
            ),
            number(
                "Certificate ends in",
                "s",
                Some(Below(14 * 86_400)),
                &[("min(probe_ssl_earliest_cert_expiry) - time()", "")],
            ),
            number("Events in the log", "none", None, &[("max(licet_log_position)", "")]),
            lines(
                "Requests",
                "reqps",
                "Of all nodes, by class of status.",
                &[(
                    "sum by (status) (rate(licet_http_requests_total[$__rate_interval]))",
                    "{{status}}",
                )],
            ),
            lines(
                "How long machines wait (p99)",
                "s",
                "99 of 100 requests are answered within this.",
                &[(
                    "histogram_quantile(0.99, sum by (le, route) (rate(licet_http_request_seconds_bucket{route=~\"/api/license/(verify|activate|heartbeat)\"}[$__rate_interval])))",
                    "{{route}}",
                )],
            ),
            lines(
                "Failures of verify and activate",
                "percentunit",
                "The share that fails by a fault of ours; 0.1 % is the budget.",
                &[("route:licet_failure_ratio:rate5m", "{{route}}")],
            ),
            lines(
                "Events recorded",
                "wps",
                "By each node.",
                &[(
                    "sum by (instance) (rate(licet_events_appended_total[$__rate_interval]))",
                    "{{instance}}",
                )],
            ),
            lines(
                "Behind the log",
                "s",
                "Age of the oldest event that is not in a read model, or not told to NATS, mail or the index of search.",
                &[
                    ("max by (projector) (licet_projector_lag_seconds)", "{{projector}}"),
                    ("max by (consumer) (licet_consumer_lag_seconds)", "{{consumer}}"),
                ],
            ),
            lines(
                "Reached from outside",
                "bool_yes_no",
                "What the prober sees through nginx by TLS, and of NATS.",
                &[("probe_success", "{{probe}}")],
            ),
            lines(
                "Processors",
                "percentunit",
                "How busy each host is; an alert begins at 80 %.",
                &[(
                    "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[$__rate_interval]))",
                    "{{instance}}",
                )],
            ),
            lines(
                "Memory",
                "percentunit",
                "How full each host's is; an alert begins at 90 %.",
                &[(
                    "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
                    "{{instance}}",
                )],
            ),
            lines(
                "Disk left",
                "bytes",
                "For each file system.",
                &[(
                    "min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~\"tmpfs|ramfs\"})",
                    "{{mountpoint}}",
                )],
            ),
        ],
    }
}

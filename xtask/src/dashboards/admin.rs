//! Admin Panel Usage: operators at work, and what goes out because of them.

use super::{Dashboard, Threshold::Above, lines, number};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "licet-admin",
        title: "Admin Panel Usage",
        panels: vec![
            number("Operators at work", "none", None, &[("max(licet_sessions)", "")]),
            number(
                "Log-ins (24 h)",
                "none",
                None,
                &[("sum(increase(licet_logins_total{step=\"full\"}[24h]))", "")],
            ),
            number(
                "Failed (24 h)",
                "none",
                Some(Above(50)),
                &[("sum(increase(licet_logins_total{step=\"failed\"}[24h]))", "")],
            ),
            number(
                "Deliveries that wait",
                "none",
                Some(Above(1_000)),
                &[("max(licet_queue_depth{queue=\"webhooks\"})", "")],
            ),
            number(
                "Mails that wait",
                "none",
                Some(Above(100)),
                &[("max(licet_queue_depth{queue=\"mails\"})", "")],
            ),
            lines(
                "Requests of operators",
                "reqps",
                "By route, the ten busiest.",
                &[(
                    "topk(10, sum by (route) (rate(licet_http_requests_total{route=~\"/api/(admin|auth)/.*\"}[$__rate_interval])))",
                    "{{route}}",
                )],
            ),
            lines(
                "Slowest routes (p95)",
                "s",
                "95 of 100 requests are answered within this; streams are left out.",
                &[(
                    "topk(10, histogram_quantile(0.95, sum by (le, route) (rate(licet_http_request_seconds_bucket{route=~\"/api/(admin|auth)/.*\", route!~\".*/(live|verification)\"}[$__rate_interval]))) > 0)",
                    "{{route}}",
                )],
            ),
            lines(
                "Refused to operators",
                "reqps",
                "By route and class of status.",
                &[(
                    "sum by (route, status) (rate(licet_http_requests_total{route=~\"/api/(admin|auth)/.*\", status=~\"4xx|5xx\"}[$__rate_interval]))",
                    "{{status}} {{route}}",
                )],
            ),
            lines(
                "Log-ins",
                "none",
                "Steps on the way in, in five minutes.",
                &[("sum by (step) (increase(licet_logins_total[5m]))", "{{step}}")],
            ),
            lines(
                "Operators at work",
                "none",
                "Sessions that were used in the last 15 minutes.",
                &[("max(licet_sessions)", "sessions")],
            ),
            lines(
                "Webhooks",
                "none",
                "Tries in five minutes, by outcome.",
                &[(
                    "sum by (outcome) (increase(licet_webhook_deliveries_total[5m]))",
                    "{{outcome}}",
                )],
            ),
            lines(
                "Queues",
                "none",
                "What waits to go out.",
                &[("max by (queue) (licet_queue_depth{queue!=\"append\"})", "{{queue}}")],
            ),
            lines(
                "Index of search",
                "none",
                "Things written in five minutes, by outcome.",
                &[(
                    "sum by (outcome) (increase(licet_search_things_total[5m]))",
                    "{{outcome}}",
                )],
            ),
            lines(
                "Anomalies",
                "none",
                "Found in five minutes, by rule.",
                &[("sum by (rule) (increase(licet_anomalies_total[5m]))", "{{rule}}")],
            ),
        ],
    }
}

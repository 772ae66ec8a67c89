//! Container Resources: what cAdvisor says of docker-compose.yaml's services.

use super::{Dashboard, lines};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "licet-containers",
        title: "Container Resources",
        panels: vec![
            lines(
                "Processor time",
                "percentunit",
                "100 % is one processor.",
                &[(
                    "sum by (name) (rate(container_cpu_usage_seconds_total{name!=\"\"}[$__rate_interval]))",
                    "{{name}}",
                )],
            ),
            lines(
                "Memory",
                "bytes",
                "The working set: what was used lately, files in memory included.",
                &[("container_memory_working_set_bytes{name!=\"\"}", "{{name}}")],
            ),
            lines(
                "Memory of the limit",
                "percentunit",
                "An alert begins at 90 %.",
                &[(
                    "container_memory_working_set_bytes{name!=\"\"} / (container_spec_memory_limit_bytes{name!=\"\"} > 0)",
                    "{{name}}",
                )],
            ),
            lines(
                "Received",
                "Bps",
                "Over the network.",
                &[(
                    "sum by (name) (rate(container_network_receive_bytes_total{name!=\"\"}[$__rate_interval]))",
                    "{{name}}",
                )],
            ),
            lines(
                "Sent",
                "Bps",
                "Over the network.",
                &[(
                    "sum by (name) (rate(container_network_transmit_bytes_total{name!=\"\"}[$__rate_interval]))",
                    "{{name}}",
                )],
            ),
            lines(
                "Written to disks",
                "Bps",
                "By each container.",
                &[(
                    "sum by (name) (rate(container_fs_writes_bytes_total{name!=\"\"}[$__rate_interval]))",
                    "{{name}}",
                )],
            ),
            lines(
                "Restarts",
                "none",
                "In one hour.",
                &[("changes(container_start_time_seconds{name!=\"\"}[1h])", "{{name}}")],
            ),
        ],
    }
}

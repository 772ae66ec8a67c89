//! What analysts get of resources: one relation for each kind, in plain columns.
//!
//! `facts` is what a state holds, whichever stage of its life it is in. Personal data and secrets are sealed, and not here.

use crate::runtime::Export;

macro_rules! of_kind {
    ($name:literal, $kind:literal, $columns:literal) => {
        Export {
            name: $name,
            select: Some(concat!(
                "SELECT r.tenant_id, r.resource_id AS ",
                $kind,
                "_id",
                $columns,
                ", r.retired, r.created_at, r.position
                 FROM resources r CROSS JOIN LATERAL jsonb_each(r.state::jsonb) AS life (stage, facts)
                 WHERE r.kind = '",
                $kind,
                "'"
            )),
        }
    };
}

/// A relation for each kind.
pub(super) const EXPORTS: &[Export] = &[
    of_kind!(
        "products",
        "product",
        ", facts->>'code' AS code, facts->>'name' AS name, coalesce(facts->>'version_scheme', 'semver') AS version_scheme,
         facts->>'min_version' AS min_version"
    ),
    of_kind!(
        "policies",
        "policy",
        ", facts->>'code' AS code, r.parent_id AS product_id, (facts->>'version')::integer AS version,
         (facts->'terms'->>'seats')::integer AS seats, (facts->'terms'->>'duration_days')::integer AS duration_days,
         coalesce(facts->'terms'->>'duration_from', 'creation') AS duration_from,
         (facts->'terms'->>'grace_days')::integer AS grace_days,
         (facts->'terms'->>'fingerprint_match')::integer AS fingerprint_match,
         coalesce(facts->'terms'->'fingerprint_extra', '[]')::text AS fingerprint_extra,
         coalesce(facts->'terms'->'fingerprint_veto', '[\"system_uuid\"]')::text AS fingerprint_veto, (facts->'terms'->>'lease_days')::integer AS lease_days,
         (facts->'terms'->>'heartbeat_interval_seconds')::integer AS heartbeat_interval_seconds,
         coalesce((facts->'terms'->>'heartbeat_grace')::integer, 2) AS heartbeat_grace,
         (facts->'terms'->>'floating')::boolean AS floating,
         (facts->'terms'->>'max_transfers')::integer AS max_transfers,
         (facts->'terms'->>'transfer_period_days')::integer AS transfer_period_days,
         coalesce(facts->'terms'->'features', '{}')::text AS features,
         coalesce(facts->'terms'->'limits', '{}')::text AS limits"
    ),
    of_kind!("customers", "customer", ""),
    of_kind!(
        "releases",
        "release",
        ", r.parent_id AS product_id, facts->'published'->>'version' AS version, facts->'published'->>'channel' AS channel,
         (facts->'published'->>'mandatory')::boolean AS mandatory, facts->'published'->>'min_version' AS min_version,
         (facts->>'rollout_percent')::integer AS rollout_percent, facts->'published'->>'download_url' AS download_url,
         facts->'published'->>'sha256' AS sha256, facts->'published'->>'notes' AS notes"
    ),
    of_kind!(
        "api_keys",
        "api_key",
        ", facts->'created'->>'name' AS name, facts->'created'->>'prefix' AS prefix,
         facts->'created'->'scopes' ? 'client' AS client, facts->'created'->'scopes' ? 'read' AS read,
         facts->'created'->'scopes' ? 'admin' AS admin, (facts->'created'->>'expires_at')::timestamptz AS expires_at,
         (facts->>'revoked_at')::timestamptz AS revoked_at"
    ),
    of_kind!(
        "webhooks",
        "webhook",
        ", facts->'subscription'->>'url' AS url, facts->'subscription'->>'description' AS description,
         coalesce(facts->'subscription'->'event_types', '[]')::text AS event_types,
         coalesce(facts->'subscription'->'filters', '{}')::text AS filters"
    ),
    of_kind!(
        "anomalies",
        "anomaly",
        ", facts->'found'->>'rule' AS rule, facts->'found'->>'severity' AS severity, facts->>'judgment' AS state,
         r.parent_id AS license_id, (facts->'found'->>'from')::timestamptz AS from_time,
         (facts->'found'->>'to')::timestamptz AS to_time, facts->>'reason' AS reason,
         coalesce(facts->'found'->'facts', '{}')::text AS facts"
    ),
    of_kind!("operators", "operator", ", facts->>'role' AS role"),
    of_kind!(
        "sessions",
        "session",
        ", r.parent_id AS operator_id, facts->>'level' AS level, (facts->'begun'->>'ends_at')::timestamptz AS ends_at,
         (facts->'ended'->>'at')::timestamptz AS ended_at, facts->'ended'->>'reason' AS reason"
    ),
    of_kind!(
        "blocked_addresses",
        "blocked_address",
        ", (facts->>'until')::timestamptz AS until, (facts->>'automatic')::boolean AS automatic"
    ),
    of_kind!("tags", "tag", ", facts->>'name' AS name, facts->>'color' AS color"),
];

#[cfg(test)]
mod tests {
    use licet_domain::RESOURCE_KINDS;

    use super::EXPORTS;

    #[test]
    fn every_kind_has_its_file() {
        let names: Vec<&str> = EXPORTS.iter().map(|export| export.name).collect();
        for kind in RESOURCE_KINDS {
            assert!(
                names.contains(&kind.collection.replace('-', "_").as_str()),
                "{}",
                kind.name
            );
        }
        assert_eq!(names.len(), RESOURCE_KINDS.len());
    }
}

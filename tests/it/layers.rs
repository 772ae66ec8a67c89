//! Dependencies point down the list of layers only.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of the workspace may depend on, besides crates from elsewhere; tests may use anything.
const MAY: [(&str, &[&str]); 10] = [
    ("xtask", &[]),
    // In the browser: the shapes of the API, and nothing of the server.
    ("licet-admin-ui", &["licet-contracts"]),
    ("licet-domain", &[]),
    ("licet-contracts", &[]),
    ("licet-event-store", &["licet-domain"]),
    ("licet-projections", &["licet-domain", "licet-event-store"]),
    ("licet-commands", &["licet-domain", "licet-event-store"]),
    ("licet-client", &["licet-contracts", "licet-domain"]),
    (
        "licet-workers",
        &[
            "licet-commands",
            "licet-projections",
            "licet-event-store",
            "licet-domain",
        ],
    ),
    (
        "licet-api",
        &[
            "licet-workers",
            "licet-commands",
            "licet-projections",
            "licet-contracts",
            "licet-domain",
            "licet-event-store",
        ],
    ),
];

/// Crates that would bring I/O, clocks or HTTP where they do not belong.
const MUST_NOT: [(&str, &[&str]); 5] = [
    ("licet-domain", &["tokio", "sqlx", "rand", "axum", "ureq", "futures"]),
    ("licet-contracts", &["tokio", "sqlx", "axum"]),
    ("licet-commands", &["sqlx", "axum"]),
    ("licet-api", &["sqlx"]),
    // What programs link: no runtime, and nothing that only the command needs.
    ("licet-client", &["tokio", "futures", "sqlx", "axum", "clap"]),
];

#[test]
fn layers_point_one_way() {
    let metadata = MetadataCommand::new()
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap();
    let normal: BTreeMap<String, Vec<String>> = metadata
        .packages
        .iter()
        .map(|package| {
            let used = package
                .dependencies
                .iter()
                .filter(|used| used.kind == DependencyKind::Normal && !used.optional);
            (package.name.to_string(), used.map(|used| used.name.clone()).collect())
        })
        .collect();
    for (name, used) in &normal {
        if name.starts_with("licet-test") {
            continue;
        }
        let (_, allowed) = MAY
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{name} is in no layer"));
        for own in used.iter().filter(|used| used.starts_with("licet-")) {
            assert!(allowed.contains(&own.as_str()), "{name} must not depend on {own}");
        }
    }
    for (name, forbidden) in MUST_NOT {
        for used in &normal[name] {
            assert!(!forbidden.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

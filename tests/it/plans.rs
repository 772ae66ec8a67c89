//! Every list of a large house is read by index: whatever it is filtered by, however it is sorted, page after page.

use std::collections::BTreeMap;

use licet_test_support::{Server, TestDatabase, eventually};
use serde_json::{Value, json};

use crate::{new_database, start};

const ROWS: i64 = 30_000;
/// More often than a plan is made for the values that are asked for before Postgres thinks of one for all.
const TIMES: usize = 7;

/// What is multiplied: a table, from which of its rows, and what differs in the `i`th copy. One in ten belongs to what its
/// original belongs to.
const LARGE: [(&str, &str, &str); 14] = [
    (
        "read_model.license_state",
        "",
        "'license_id', gen_random_uuid(), 'issued_at', issued_at + i * interval '1 ms'",
    ),
    (
        "read_model.activations",
        "",
        "'activation_id', gen_random_uuid(), 'license_id', others(license_id, i), 'activated_at', activated_at + i * interval '1 ms'",
    ),
    (
        "read_model.last_seen",
        "",
        "'activation_id', gen_random_uuid(), 'license_id', gen_random_uuid()",
    ),
    (
        "read_model.audit_log",
        "WHERE action = 'license.issued'",
        "'position', position + 1000000 + i, 'aggregate_id', others(aggregate_id::uuid, i), 'action', CASE i % 10 WHEN 0 THEN action ELSE 'other' END",
    ),
    (
        "read_model.resources",
        "WHERE kind = 'tag'",
        "'resource_id', gen_random_uuid(), 'created_at', created_at + i * interval '1 ms'",
    ),
    (
        "read_model.resources",
        "WHERE kind = 'release'",
        "'resource_id', gen_random_uuid(), 'created_at', created_at + i * interval '1 ms'",
    ),
    (
        "read_model.resources",
        "WHERE kind = 'customer'",
        "'resource_id', gen_random_uuid(), 'created_at', created_at + i * interval '1 ms'",
    ),
    (
        "read_model.license_heartbeats",
        "",
        "'position', position + 1000000 + i, 'license_id', others(license_id, i)",
    ),
    (
        "read_model.decisions",
        "",
        "'machine', i, 'license_id', others(license_id, i), 'decided_at', decided_at + i * interval '1 ms'",
    ),
    (
        "read_model.activity",
        "WHERE bucket = 'hour'",
        "'license_id', gen_random_uuid()",
    ),
    ("read_model.feature_usage", "", "'license_id', gen_random_uuid()"),
    (
        "public.webhook_deliveries",
        "",
        "'position', position + 1000000 + i, 'status', CASE i % 10 WHEN 0 THEN 'dead' ELSE 'delivered' END",
    ),
    (
        "public.backup_runs",
        "",
        "'run_id', gen_random_uuid(), 'started_at', started_at - i * interval '1 s'",
    ),
    (
        "public.mails",
        "",
        "'mail_id', i, 'created_at', created_at + i * interval '1 ms', 'status', CASE i % 10 WHEN 0 THEN 'dead' ELSE 'sent' END",
    ),
];

/// What goes with each of them: a table, its columns, and the rows.
const BESIDE: [(&str, &str, &str); 3] = [
    (
        "read_model.license_usage_stats",
        "tenant_id, license_id, beats, machines, last_beat_at, peak_machines, peak_users",
        "SELECT tenant_id, license_id, 1, 1, issued_at, 1, 1 FROM read_model.license_state",
    ),
    // Nobody's name opens: they were forgotten.
    (
        "public.vault_keys",
        "tenant_id, purpose, key_id, destroyed_at",
        "SELECT tenant_id, 'person', resource_id::text, now() FROM read_model.resources WHERE kind = 'customer'",
    ),
    (
        "public.customer_directory",
        "tenant_id, customer_id, name, licenses, retired",
        "SELECT tenant_id, resource_id, md5(resource_id::text), 1, retired FROM read_model.resources WHERE kind = 'customer'",
    ),
];

#[test]
fn every_list_of_a_large_house_is_read_by_index() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let settings = [
        ("BACKUP_STORE", store.path().to_str().unwrap()),
        ("BACKUP_VERIFY_EVERY_HOURS", "0"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let license = one_of_everything(&server);
    // The one that it makes by itself: nothing more is due for a day.
    let made = || server.get("/api/admin/backups/runs").body["items"][0]["status"] == "done";
    assert!(eventually(made), "no backup was made");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(multiply(&database));
    let before = runtime.block_on(scans(&database));
    let asked = ask_every_list(&server, &license);
    assert!(asked > 40, "only {asked} lists were found in the document");
    // Its connections tell what they have done as they end.
    assert!(server.terminate());
    let after = runtime.block_on(scans(&database));
    for (table, (_, rows)) in &after {
        assert!(*rows >= ROWS, "{table} has {rows} rows only");
    }
    assert_eq!(
        after, before,
        "times that each table was read from end to end, and its rows"
    );
}

/// An index can be walked from end to end too: what ends on one day is read, and not all that ended before or ends later.
#[test]
fn a_day_of_ends_is_read_and_no_other() {
    let (server, database) = start();
    server.issue("studio", &json!({ "seats": 1 }));
    assert!(eventually(|| server.get("/api/admin/licenses").body["total"] == 1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let minutes = format!(
        "INSERT INTO read_model.license_state SELECT (jsonb_populate_record(whole, jsonb_build_object('license_id', gen_random_uuid(),
             'expires_at', timestamptz '2030-01-01 00:00+00' + i * interval '1 minute'))).*
         FROM (SELECT whole FROM read_model.license_state AS whole LIMIT 1) AS one, generate_series(1, {ROWS}) AS i"
    );
    runtime.block_on(database.execute(&minutes));
    runtime.block_on(database.execute("ANALYZE read_model.license_state"));
    // With what lies before that day, and after it.
    let day = "expires_after=2030-01-11T00:00:00Z&expires_before=2030-01-12T00:00:00Z";
    for sort in ["expires_at", "-expires_at"] {
        for _ in 0..TIMES {
            let page = server.get(&format!("/api/admin/licenses?limit=5&sort={sort}&{day}"));
            assert_eq!((page.status, &page.body["total"]), (200, &json!(1440)), "{}", page.body);
        }
    }
    assert!(server.terminate());
    let read = "SELECT sum(idx_tup_read)::text FROM pg_stat_user_indexes WHERE relname = 'license_state'";
    let read: i64 = runtime.block_on(database.text(read)).parse().unwrap();
    // Each page counts the day at most.
    let most = 2 * i64::try_from(TIMES).unwrap() * (1_440 + 10);
    assert!(read <= most, "{read} entries were read of at most {most}");
}

/// A license with a machine, a beat, a refusal, a release and their kin, each once.
fn one_of_everything(server: &Server) -> String {
    let (license, key) = server.issue("studio", &json!({ "seats": 1, "features": { "export": true } }));
    let token = server.activate(&key, 1).text("token").to_owned();
    assert_eq!(server.activate(&key, 2).code(), "ACTIVATION_LIMIT_REACHED");
    assert_eq!(server.beat(&token, &json!({ "features": { "export": 1 } })).status, 200);
    let release = json!({ "product": "studio", "version": "1.0.0", "channel": "stable" });
    let released = server.create("/api/admin/releases", &release);
    assert_eq!(released.status, 201, "{}", released.body);
    let webhook = json!({ "url": "https://example.com/hooks", "event_types": ["anomaly.found"] });
    server.create("/api/admin/webhooks", &webhook);
    let key = json!({ "name": "script", "scopes": ["read"] });
    server.create("/api/admin/api-keys", &key);
    let tag = json!({ "name": "Pilot", "color": "#336699" });
    let last = server.create("/api/admin/tags", &tag);
    for list in ["licenses", "audit", "webhooks"] {
        server.get_at(last.header("licet-position"), &format!("/api/admin/{list}"));
    }
    license
}

async fn multiply(database: &TestDatabase) {
    let others = "CREATE FUNCTION public.others(own uuid, i integer) RETURNS uuid LANGUAGE sql VOLATILE
                  RETURN CASE i % 10 WHEN 0 THEN own ELSE gen_random_uuid() END";
    database.execute(others).await;
    // Nothing is mailed or delivered here: what queues hold is put there.
    let queued = "INSERT INTO mails (mail_id, tenant_id, kind, subject_id, facts, status)
                      VALUES ('seed', 'default', 'expiry', gen_random_uuid(), '{}', 'sent');
                  INSERT INTO webhook_deliveries (tenant_id, webhook_id, position, event_type, status)
                      SELECT tenant_id, resource_id, 1, 'anomaly.found', 'delivered' FROM read_model.resources WHERE kind = 'webhook'";
    database.execute(queued).await;
    for (table, from, differs) in LARGE {
        let statement = format!(
            "INSERT INTO {table} SELECT (made).* FROM (
                 SELECT jsonb_populate_record(NULL::{table}, to_jsonb(one) || jsonb_build_object({differs})) AS made
                 FROM (SELECT * FROM {table} {from} LIMIT 1) AS one, generate_series(1, {ROWS}) AS i OFFSET 0) AS made"
        );
        database.execute(&statement).await;
        database.execute(&format!("VACUUM (ANALYZE) {table}")).await;
    }
    for (table, columns, rows) in BESIDE {
        let statement = format!("INSERT INTO {table} ({columns}) {rows} ON CONFLICT DO NOTHING");
        database.execute(&statement).await;
        database.execute(&format!("VACUUM (ANALYZE) {table}")).await;
    }
}

/// How often each large table was read from end to end, and how many rows it has.
async fn scans(database: &TestDatabase) -> BTreeMap<String, (i64, i64)> {
    let name = |table: &str| table.split('.').next_back().unwrap().to_owned();
    let tables = LARGE
        .iter()
        .chain(&BESIDE)
        .map(|(table, _, _)| format!("'{}'", name(table)));
    let tables = tables.collect::<Vec<_>>().join(", ");
    let query = format!(
        "SELECT jsonb_object_agg(relname, jsonb_build_array(seq_scan, n_live_tup))::text FROM (
             SELECT coalesce(parent.relname, t.relname) AS relname, sum(seq_scan) AS seq_scan, sum(n_live_tup) AS n_live_tup
             FROM pg_stat_user_tables t LEFT JOIN pg_inherits i ON i.inhrelid = t.relid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
             GROUP BY 1) AS t WHERE relname IN ({tables})"
    );
    serde_json::from_str(&database.text(&query).await).unwrap()
}

/// Asks every list in the document with each of its filters, in each order, and for the page after the first; answers how
/// many.
fn ask_every_list(server: &Server, license: &str) -> usize {
    let document = server.get("/api/openapi.json").body;
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let names = parameters(&document, &operations["get"]);
        if !names.iter().any(|(name, _)| name == "limit") {
            continue;
        }
        // Whoever is in lists their own sessions: what `/api/admin/sessions` reads too.
        if path == "/api/auth/sessions" {
            continue;
        }
        let Some(path) = addressed(server, path, license) else {
            continue;
        };
        let mut queries = vec![String::new()];
        for (name, allowed) in names {
            // A file is the list's own pages.
            if matches!(&name[..], "format" | "dialect") {
                continue;
            }
            let values = if allowed.is_empty() {
                values(server, &name, license)
            } else {
                allowed
            };
            queries.extend(values.into_iter().map(|value| format!("{name}={value}")));
        }
        for query in queries {
            let path = format!("{path}?limit=2&{query}");
            for _ in 0..TIMES {
                let page = server.get(&path);
                assert_eq!(page.status, 200, "{path}: {}", page.body);
                if let Some(next) = page.body["next_cursor"].as_str() {
                    let next = format!("{path}&cursor={next}");
                    assert_eq!(server.get(&next).status, 200, "{next}");
                }
            }
            asked += 1;
        }
    }
    asked
}

/// A list's parameters, with what the document lets them be.
fn parameters(document: &Value, operation: &Value) -> Vec<(String, Vec<String>)> {
    let at = |value: &'_ Value| {
        let reference = value["$ref"].as_str().map(|at| at.trim_start_matches('#').to_owned());
        reference.map_or_else(|| value.clone(), |at| document.pointer(&at).unwrap().clone())
    };
    let named = |parameter: &Value| {
        let parameter = at(parameter);
        let schema = &parameter["schema"];
        let nullable = schema["oneOf"]
            .as_array()
            .and_then(|forms| forms.iter().find(|form| form["type"] != "null"));
        let allowed = at(nullable.unwrap_or(schema))["enum"].clone();
        let allowed = allowed
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        (parameter["in"] == "query").then(|| (parameter["name"].as_str().unwrap().to_owned(), allowed))
    };
    operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(named)
        .collect()
}

/// A list's own address; `None` where there is nothing of that kind.
fn addressed(server: &Server, path: &str, license: &str) -> Option<String> {
    let Some((collection, _)) = path.split_once("/{id}") else {
        return Some(path.to_owned());
    };
    if collection == "/api/admin/licenses" {
        return Some(path.replace("{id}", license));
    }
    let first = server.get(&format!("{collection}?limit=1")).body;
    let id = first["items"][0]["id"].as_str()?;
    Some(path.replace("{id}", id))
}

/// What a filter is tried with.
fn values(server: &Server, name: &str, license: &str) -> Vec<String> {
    let of_license = |field: &str| {
        server
            .get(&format!("/api/admin/licenses/{license}"))
            .text(field)
            .to_owned()
    };
    match name {
        "limit" | "cursor" | "to" => Vec::new(),
        "customer_id" => vec![
            of_license("customer_id"),
            "00000000-0000-7000-8000-000000000000".to_owned(),
        ],
        "operator_id" => vec!["00000000-0000-7000-8000-000000000000".to_owned()],
        "q" => vec![
            of_license("key_masked").rsplit('-').next().unwrap().to_owned(),
            "ZZZZZ".to_owned(),
        ],
        "policy" | "product" => vec!["studio".to_owned()],
        "aggregate_id" | "license_id" | "activation_id" => vec![license.to_owned()],
        "code" => vec!["ACTIVATION_LIMIT_REACHED".to_owned()],
        "action" => vec!["license.issued".to_owned(), "license.revoked".to_owned()],
        "machine" => vec!["17".to_owned()],
        "expires_before" | "expires_after" => {
            vec!["2026-01-01T00:00:00Z".to_owned(), "2030-01-01T00:00:00Z".to_owned()]
        }
        "seats_free" => vec!["1".to_owned()],
        "os" => vec!["linux".to_owned(), "none".to_owned()],
        "app_version" => vec!["1.0.0".to_owned(), "9.9.9".to_owned()],
        "last_seen_before" => vec!["2026-01-01T00:00:00Z".to_owned(), "2100-01-01T00:00:00Z".to_owned()],
        "dismissed" | "latest" => vec!["true".to_owned()],
        "from" => vec!["2026-01-01T00:00:00Z".to_owned()],
        other => panic!("there is a new filter, {other}: say what it is tried with"),
    }
}

//! The `licet` command beside a running server, and what probes and documents say.

use std::collections::BTreeSet;

use licet_domain::validate::Verdict;
use licet_test_support::{Server, eventually, licet};
use serde_json::{Value, json};

use crate::start;

/// Runs a command with `--json`; answers whether all was well and what it printed.
fn run(database: &str, arguments: &[&str]) -> (bool, Value) {
    let output = licet(database).args(arguments).arg("--json").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let parsed = text
        .lines()
        .next_back()
        .and_then(|line| serde_json::from_str(line).ok());
    (output.status.success(), parsed.unwrap_or_default())
}

fn wait_until_folded(server: &Server, key: &str) {
    let position = server
        .get(&format!("/api/license/info/{key}"))
        .header("licet-position")
        .to_owned();
    for path in ["/api/admin/audit", "/api/admin/licenses", "/api/admin/products"] {
        let headers = [
            ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
            ("licet-min-position", position.as_str()),
        ];
        assert_eq!(server.send_with("GET", path, &headers, b"").status, 200);
    }
}

#[test]
fn history_verifies_replays_and_exports_beside_a_running_server() {
    let (server, database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3 }));
    for machine in 0..3 {
        assert_eq!(server.activate(&key, machine).status, 201);
    }
    wait_until_folded(&server, &key);
    let (well, report) = run(&database.url, &["audit", "verify"]);
    assert!(well && report["fault"].is_null() && report["events"] == 7, "{report}");
    let (well, verified) = run(&database.url, &["projections", "verify"]);
    assert!(
        well && verified.as_array().is_some_and(|all| all.len() == 6),
        "{verified}"
    );
    let (well, rebuilt) = run(&database.url, &["projections", "rebuild", "license_state"]);
    assert!(well && rebuilt["events"] == 4, "{rebuilt}");
    assert_eq!(
        server.get("/api/admin/licenses").body["total"],
        1,
        "readers notice nothing"
    );

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let (well, replayed) = run(
        &database.url,
        &[
            "replay",
            "license_state",
            "--as-of",
            "5",
            "--out",
            out,
            "--format",
            "csv",
        ],
    );
    assert!(well && replayed["rows"] == 1, "{replayed}");
    let csv = std::fs::read_to_string(replayed["file"].as_str().unwrap()).unwrap();
    let line = csv.lines().nth(1).unwrap();
    assert!(
        line.contains(&id) && line.contains(",studio,") && line.contains(",active,3,1,"),
        "one machine of three was active at position 5: {line}"
    );
    let (well, replayed) = run(&database.url, &["replay", "activations", "--out", out]);
    assert!(well && replayed["rows"] == 3, "{replayed}");
    let bytes = std::fs::read(replayed["file"].as_str().unwrap()).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert!(!run(&database.url, &["projections", "rebuild", "nothing"]).0);
    for moment in ["soon", "2999-01-01", "2999-01-01T00:00:00Z", "999999"] {
        let refused = run(
            &database.url,
            &["replay", "license_state", "--as-of", moment, "--out", out],
        );
        assert!(!refused.0, "{moment}: {}", refused.1);
    }
}

#[test]
fn a_changed_read_model_and_a_changed_event_are_noticed() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    server.activate(&key, 1);
    wait_until_folded(&server, &key);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(database.execute("UPDATE read_model.license_state SET active = 2"));
    let (well, verified) = run(&database.url, &["projections", "verify", "license_state"]);
    assert!(
        !well
            && verified[0]["differences"]
                .as_array()
                .is_some_and(|rows| rows.len() == 2),
        "{verified}"
    );
    runtime.block_on(database.execute(
        "UPDATE events SET metadata = replace(metadata::text, 'bootstrap', 'somebody')::json WHERE position = 3",
    ));
    let (well, report) = run(&database.url, &["audit", "verify"]);
    assert!(!well && report["fault"]["position"] == 3, "{report}");
}

#[test]
fn a_projector_stops_loudly_at_what_it_cannot_read_and_at_a_gap() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    wait_until_folded(&server, &key);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let insert = |position: i64, name: &str| {
        format!(
            "INSERT INTO events SELECT aggregate_type, aggregate_id, 50 + {position}, '{name}', '1', '{{}}', metadata, {position}, tenant_id,
                 gen_random_uuid(), 0, now(), chain FROM events WHERE event_type = 'license.issued' LIMIT 1;
             UPDATE log_head SET position = {position}; NOTIFY licet_log, '{position}'"
        )
    };
    runtime.block_on(database.execute(&insert(5, "license.suspended")));
    let stopped = |text: &str| eventually(|| server.get("/readyz").body["problems"].to_string().contains(text));
    assert!(
        stopped("license_state has stopped: position 5 cannot be read"),
        "{}",
        server.get("/readyz").body
    );
    runtime.block_on(database.execute("DELETE FROM events WHERE position = 5"));
    assert!(
        stopped("license_state has stopped: position 5 is missing"),
        "{}",
        server.get("/readyz").body
    );
    assert_eq!(server.get("/readyz").status, 503);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_projector_that_cannot_go_on_keeps_no_other_and_meets_them_again() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    wait_until_folded(&server, &key);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Only `resources` reads what customers are.
    runtime.block_on(database.execute(
        "INSERT INTO events SELECT aggregate_type, aggregate_id, 2, 'customer.edited', '1', '{}', metadata, 5, tenant_id,
             gen_random_uuid(), 0, now(), chain FROM events WHERE event_type = 'customer.created' LIMIT 1;
         UPDATE log_head SET position = 5; NOTIFY licet_log, '5'",
    ));
    let problems =
        |wanted: &dyn Fn(&str) -> bool| eventually(|| wanted(&server.get("/readyz").body["problems"].to_string()));
    assert!(problems(
        &|text| text.contains("resources has stopped: position 5 cannot be read")
    ));
    let position = server.activate(&key, 1).body["position"].to_string();
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("licet-min-position", position.as_str()),
    ];
    let folded = |path: &str| server.send_with("GET", path, &headers, b"").status;
    assert_eq!(folded("/api/admin/licenses"), 200, "the others go on");
    assert_eq!(folded("/api/admin/customers"), 503, "it does not");
    assert!(problems(&|text| !text.contains("license_state has stopped")));
    runtime.block_on(database.execute("UPDATE events SET event_type = 'customer.unheard' WHERE position = 5"));
    assert!(problems(&|text| !text.contains("stopped")), "it goes on by itself");
    assert_eq!(folded("/api/admin/customers"), 200);
}

#[test]
fn the_document_describes_every_route_and_none_but_the_open_ones_answers_without_a_credential() {
    let (server, _database) = start();
    let document = server.get("/api/openapi.json").body;
    assert_eq!(document["openapi"], "3.1.0");
    // The words that the description lists are the rules' own, every one.
    let verdicts = &document["components"]["schemas"]["Verdict"]["enum"];
    let verdicts: Vec<Verdict> = serde_json::from_value(verdicts.clone()).unwrap();
    assert_eq!(verdicts.len(), Verdict::Valid as usize + 1);
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
            assert!(
                operation["operationId"].is_string() && operation["summary"].is_string(),
                "{method} {path}"
            );
            // Without a credential every described route but these answers 401, so none can be forgotten.
            let open = ["/healthz", "/readyz", "/metrics", "/api/auth/setup", "/api/auth/login"];
            let open = path.starts_with("/.well-known") || open.contains(&path.as_str());
            let concrete = path
                .replace("{id}", "00000000-0000-7000-8000-000000000000")
                .replace("{license_key}", "x")
                .replace("{activation_id}", "00000000-0000-7000-8000-000000000000")
                .replace("{file}", "x.csv")
                .replace("{position}", "1");
            let answer = server.send_with(&method.to_uppercase(), &concrete, &[], b"{}");
            assert_eq!(answer.status == 401, !open, "{method} {path}: {}", answer.status);
        }
    }
    assert!(routes.len() >= 35, "{routes:?}");
    assert!(routes.contains("POST /api/license/activate") && routes.contains("PATCH /api/admin/licenses/{id}"));
    let page = server.send_with("GET", "/api/docs", &[], b"");
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(
        page.status == 200 && !html.contains("http://") && !html.contains("https://"),
        "it loads nothing from elsewhere"
    );
}

#[test]
fn metrics_tell_requests_appends_batches_cache_and_lag() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    server.activate(&key, 1);
    server.verify(&key, 1);
    wait_until_folded(&server, &key);
    let text = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
    for name in [
        "licet_http_request_seconds_bucket",
        "licet_events_appended_total",
        "licet_append_batch_events_sum",
        "licet_aggregate_cache_total",
        "licet_projector_lag_events",
        "licet_projector_lag_seconds",
        "licet_verdicts_total",
        "licet_http_requests_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "licet_build_info{",
        r#"service_name="licet""#,
        "licet_db_connections{",
        r#"pool="reports""#,
    ] {
        assert!(text.contains(name), "{name} is missing");
    }
    // What has never failed is 0, so that a rate over it sees the first failure.
    for name in [
        "licet_log_reconnects_total",
        "licet_archive_failures_total",
        "licet_unknown_license_keys_total",
        "licet_projector_stops_total",
        "licet_appends_refused_total",
        "licet_task_restarts_total",
        "licet_webhook_deliveries_total",
        "licet_relay_failures_total",
    ] {
        let mut series = text.lines().filter(|line| line.starts_with(name));
        assert!(series.clone().count() > 0, "{name} is missing");
        assert!(series.all(|line| line.ends_with(" 0")), "{name}: {text}");
    }
    let series = text
        .lines()
        .filter(|line| line.starts_with("licet_http_request_seconds_bucket"));
    let routes = text
        .lines()
        .filter(|line| line.starts_with("licet_http_request_seconds_count"));
    assert!(
        series.count() <= 9 * routes.count(),
        "a route has few buckets, whatever its statuses"
    );
    assert!(
        text.contains(r#"route="/api/license/activate""#) && !text.contains(&key),
        "the template, never the key"
    );
}

#[test]
fn weak_secrets_are_refused_at_the_start() {
    let (_server, database) = start();
    let output = licet(&database.url)
        .env("SECRET_KEY", "changeme")
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("SECRET_KEY"));
}

#[test]
fn a_server_that_is_told_to_end_ends_well() {
    let (server, _database) = start();
    server.issue("studio", &json!({ "seats": 3 }));
    assert!(server.terminate());
}

#[test]
fn commands_say_what_is_wrong_with_what_they_were_asked() {
    let (server, database) = start();
    server.issue("studio", &json!({ "seats": 3 }));
    let ask = |arguments: &[&str]| run(&database.url, arguments);
    // Events by type, or by how it begins.
    let tail = |kind: &str| ask(&["events", "tail", "--from", "0", "--once", "--type", kind]);
    assert_eq!(tail("license.*").1["type"], "license.issued");
    assert_eq!(tail("product.created").1["type"], "product.created");
    let (well, refused) = tail("license.isued");
    assert!(
        !well
            && refused["error"]
                .as_str()
                .is_some_and(|text| text.contains("license.issued")),
        "{refused}"
    );
    // Rows as JSON, and what is no value as null.
    let (well, rows) = ask(&[
        "db",
        "-c",
        "SELECT 7 AS number, NULL AS nothing, '' AS empty, E'a,\"b\"\\nc' AS text",
    ]);
    assert!(well);
    assert_eq!(
        rows,
        json!([{ "number": "7", "nothing": null, "empty": "", "text": "a,\"b\"\nc" }])
    );
    assert!(!ask(&["db", "-c", "SELECT nothing FROM nowhere"]).0);
    assert_eq!(ask(&["db", "--url"]).1["url"], database.url.as_str());
    // A file that is no checkpoint says nothing about history.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("junk");
    std::fs::write(&file, "junk").unwrap();
    let (well, refused) = ask(&["audit", "verify", "--checkpoint", file.to_str().unwrap()]);
    assert!(
        !well
            && refused["error"]
                .as_str()
                .is_some_and(|text| text.contains("no checkpoint")),
        "{refused}"
    );
    // A mistyped folder makes no cluster.
    let nowhere = folder.path().join("nowhere");
    let output = licet(&database.url)
        .env_remove("DATABASE_URL")
        .args(["projections", "list", "--embedded", "--data-dir"])
        .arg(&nowhere)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("no private Postgres") && !nowhere.exists(),
        "{said}"
    );
}

#[test]
fn what_a_restore_without_the_role_of_lists_has_lost_is_put_right() {
    let (server, database) = start();
    let made = server.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let position = made.header("licet-position").to_owned();
    assert_eq!(server.get_at(&position, "/api/admin/products").body["total"], json!(1));
    // As after a restore into a cluster without it: its grants and policies in this database are gone.
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&database.url)
            .await
            .unwrap();
        sqlx::raw_sql("DROP OWNED BY licet_reader")
            .execute(&mut connection)
            .await
            .unwrap();
    });
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.to_string().contains("licet_reader"), "{}", ready.body);
    assert!(run(&database.url, &["migrate"]).0);
    assert_eq!(server.get("/readyz").status, 200, "{}", server.get("/readyz").body);
    assert_eq!(server.get_at(&position, "/api/admin/products").body["total"], json!(1));
}

#[test]
fn a_command_whose_reader_has_read_enough_ends_quietly() {
    let (server, database) = start();
    for number in 0..20 {
        server.create(
            "/api/admin/products",
            &json!({ "code": format!("p{number}"), "name": "Product" }),
        );
    }
    let program = licet(&database.url).get_program().to_owned();
    let output = std::process::Command::new("sh")
        .args(["-c", r#""$0" events tail --from 0 --once | head -1"#])
        .arg(program)
        .env("DATABASE_URL", &database.url)
        .output()
        .unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !complained.contains("panicked"),
        "{complained}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

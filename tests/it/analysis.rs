//! True-up statements, simulated policies and replays over the API.

use licet_domain::values::Timestamp;
use licet_test_support::{Server, age, eventually, licet};
use serde_json::{Value, json};

use crate::start;

#[test]
fn a_true_up_statement_says_what_was_used() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3 }));
    let first = server.activate(&key, 1);
    server.activate(&key, 2);
    let leave = json!({ "license_key": key, "activation_id": first.text("activation_id") });
    server.send("POST", "/api/license/deactivate", &leave);
    let path = format!("/api/admin/licenses/{id}/true-up");
    let answer = server.get(&format!("{path}?from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z"));
    let statement = &answer.body["statement"];
    assert_eq!(
        (
            &statement["peak"],
            &statement["over_use"],
            &statement["events"]["count"]
        ),
        (&json!(2), &json!([]), &json!(4)),
        "{}",
        answer.body
    );
    assert!(
        statement["to"].as_str().is_some_and(|to| to < "2099"),
        "nobody signs for what has not happened: {statement}"
    );
    let before = server.get(&format!("{path}?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"));
    assert_eq!(before.body["statement"]["peak"], 0);
    for query in ["", "?from=soon", "?from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"] {
        assert_eq!(server.get(&format!("{path}{query}")).status, 422, "{query}");
    }
    assert_eq!(
        server
            .get("/api/admin/licenses/00000000-0000-7000-8000-000000000000/true-up?from=2026-01-01T00:00:00Z")
            .status,
        404
    );
}

#[test]
fn a_proposed_policy_is_tried_on_real_history_and_nothing_is_written() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    for machine in 1..=3 {
        server.activate(&key, machine);
    }
    let info = server.get(&format!("/api/license/info/{key}"));
    let policies = server.get_at(info.header("licet-position"), "/api/admin/policies");
    let policy = policies.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/admin/policies/{policy}/simulate");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let head = || runtime.block_on(database.text("SELECT position::text FROM log_head"));
    let before = head();
    let fewer = server.send("POST", &path, &json!({ "seats": 1, "days": 7 }));
    assert_eq!(
        (fewer.status, &fewer.body["licenses"], &fewer.body["activations"]),
        (200, &json!(1), &json!(3)),
        "{}",
        fewer.body
    );
    let refused = fewer.body["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0]["code"], "ACTIVATION_LIMIT_REACHED");
    let same = server.send("POST", &path, &json!({}));
    assert_eq!(same.body["refused"], json!([]));
    assert_eq!(head(), before);
    assert_eq!(server.send("POST", &path, &json!({ "seats": 0 })).status, 422);
    assert_eq!(server.send("POST", &path, &json!({ "days": 1000 })).status, 422);
}

#[test]
fn a_policy_of_many_licenses_is_tried_in_several_answers() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let owner = server.get(&format!("/api/license/info/{key}"));
    let order = json!({ "customer_id": owner.body["license"]["customer"], "policy": "studio", "count": 1_000 });
    let issued = server.create("/api/admin/licenses", &order);
    let policies = server.get_at(issued.header("licet-position"), "/api/admin/policies");
    let path = format!(
        "/api/admin/policies/{}/simulate",
        policies.body["items"][0]["id"].as_str().unwrap()
    );
    let first = server.send("POST", &path, &json!({ "seats": 1 }));
    assert_eq!(
        (first.status, &first.body["licenses"]),
        (200, &json!(1_000)),
        "{}",
        first.body
    );
    let rest = json!({ "seats": 1, "cursor": first.text("next_cursor") });
    let rest = server.send("POST", &path, &rest);
    assert_eq!(
        (&rest.body["licenses"], &rest.body["next_cursor"]),
        (&json!(1), &json!(null)),
        "{}",
        rest.body
    );
    let made_up = server.send("POST", &path, &json!({ "cursor": "elsewhere" }));
    assert_eq!(
        (made_up.status, &made_up.body["errors"][0]["pointer"]),
        (422, &json!("/cursor"))
    );
}

#[test]
fn beats_in_a_grace_that_would_not_be_there_would_be_refused() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2, "grace_days": 30 }));
    let owner = server.get(&format!("/api/license/info/{key}"));
    let policies = server.get_at(owner.header("licet-position"), "/api/admin/policies");
    let policy = policies.body["items"][0]["id"].as_str().unwrap().to_owned();
    let today = server.activate(&key, 1).text("ts").to_owned();
    let yesterday = Timestamp::parse(&today).unwrap().plus_seconds(-86_400);
    let order = json!({ "customer_id": owner.body["license"]["customer"], "policy": "studio",
        "valid_from": "2020-01-01T00:00:00Z", "expires_at": yesterday });
    let issued = server.create("/api/admin/licenses", &order);
    let (id, key) = (
        issued.body["items"][0]["id"].clone(),
        issued.body["items"][0]["key"].clone(),
    );
    let seated = server.activate(key.as_str().unwrap(), 1);
    for _ in 0..2 {
        let beaten = server.beat(seated.text("token"), &json!({}));
        assert_eq!(beaten.code(), "EXPIRED_IN_GRACE", "{}", beaten.body);
    }
    let path = format!("/api/admin/policies/{policy}/simulate");
    let without = server.send("POST", &path, &json!({ "grace_days": 0 }));
    let refused = without.body["refused"].as_array().unwrap();
    let told: Vec<_> = refused
        .iter()
        .map(|one| (&one["license_id"], one["code"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(&id, "LICENSE_EXPIRED"), (&id, "EXPIRED")], "{}", without.body);
    assert_eq!(refused[1]["activation_id"], seated.text("activation_id"));
    let with = server.send("POST", &path, &json!({ "grace_days": 10 }));
    assert_eq!(with.body["refused"], json!([]));
}

fn replay(server: &Server, order: &Value) -> Value {
    let asked = server.send("POST", "/api/admin/replays", order);
    assert_eq!(
        (asked.status, asked.header("retry-after")),
        (202, "1"),
        "{}",
        asked.body
    );
    let path = asked.header("location").to_owned();
    let mut replay = Value::Null;
    let ended = eventually(|| {
        replay = server.get(&path).body;
        replay["status"] != "running"
    });
    assert!(ended, "the replay does not end");
    replay
}

#[test]
fn an_analyst_replays_any_moment_without_a_database() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    server.beat(&token, &json!({ "active_users": 3 }));
    let before = replay(
        &server,
        &json!({ "name": "license_state", "as_of": "4", "format": "csv" }),
    );
    assert_eq!(
        (&before["status"], &before["reached"]),
        (&json!("done"), &before["position"]),
        "{before}"
    );
    let file = server.get(before["files"][0]["url"].as_str().unwrap());
    let csv = String::from_utf8(file.bytes).unwrap();
    assert!(
        csv.lines().nth(1).unwrap().contains(&id) && csv.contains(",active,3,0,"),
        "{csv}"
    );
    let beats = replay(&server, &json!({ "name": "license_heartbeats" }));
    assert_eq!(beats["files"].as_array().map(Vec::len), Some(8), "{beats}");
    let url = beats["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["table"] == "last_seen")
        .unwrap()["url"]
        .clone();
    let parquet = server.get(url.as_str().unwrap());
    assert!(parquet.bytes.starts_with(b"PAR1") && parquet.bytes.ends_with(b"PAR1"));
    for wrong in [
        json!({ "name": "nothing" }),
        json!({ "name": "license_state", "format": "xml" }),
        json!({ "name": "license_state", "as_of": "soon" }),
        json!({ "name": "license_state", "as_of": "2999-01-01" }),
        json!({ "name": "license_state", "as_of": "999999" }),
    ] {
        assert_eq!(server.send("POST", "/api/admin/replays", &wrong).status, 422, "{wrong}");
    }
    let missing = server.get("/api/admin/replays/00000000-0000-7000-8000-000000000000");
    assert_eq!(missing.code(), "REPLAY_NOT_FOUND");
}

#[test]
fn a_revoked_license_uses_nothing_whatever_seats_it_has() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    server.activate(&key, 1);
    server.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    let events = server.get(&format!("/api/admin/licenses/{id}/events?limit=200")).body["items"].clone();
    let revoked = events.as_array().unwrap().last().unwrap();
    assert_eq!(revoked["type"], "license.revoked");
    // Times are told to the millisecond: the whole of it is over.
    let revoked = Timestamp::parse(revoked["recorded_at"].as_str().unwrap()).unwrap();
    let after = Timestamp::from_millis(revoked.millis() + 1);
    let statement = (0..1_200).find_map(|_| {
        let answer = server.get(&format!("/api/admin/licenses/{id}/true-up?from={after}"));
        (answer.status == 200).then_some(answer)
    });
    let statement = statement.unwrap();
    assert_eq!(
        (
            &statement.body["statement"]["peak"],
            &statement.body["statement"]["average"]
        ),
        (&json!(0), &json!(0.0)),
        "{}",
        statement.body
    );
}

#[test]
fn a_proposed_policy_sees_limits_and_silences() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2, "limits": { "pages": 100 } }));
    let token = server.activate(&key, 1).text("token").to_owned();
    server.activate(&key, 2);
    let beat = server.beat(&token, &json!({ "usage": { "pages": 50 } }));
    assert_eq!(beat.status, 200);
    let policies = server.get_at(&beat.body["position"].to_string(), "/api/admin/policies");
    let policy = policies.body["items"][0]["id"].as_str().unwrap().to_owned();
    let proposed = json!({ "limits": { "pages": 10 } });
    let found = server.send("POST", &format!("/api/admin/policies/{policy}/simulate"), &proposed);
    let over = &found.body["over_limits"];
    assert_eq!(
        (&over[0]["meter"], &over[0]["used"], &over[0]["limit"]),
        (&json!("pages"), &json!(50), &json!(10)),
        "{}",
        found.body
    );
    // Two days later nothing more was heard of the machine that reported.
    assert!(server.terminate());
    tokio::runtime::Runtime::new().unwrap().block_on(age(&database.url, 2));
    let rebuilt = licet(&database.url)
        .args(["projections", "rebuild", "license_heartbeats"])
        .output()
        .unwrap();
    assert!(rebuilt.status.success());
    let server = Server::start(&database.url);
    let floating = json!({ "floating": true, "heartbeat_interval_seconds": 3_600, "heartbeat_grace": 1, "days": 7 });
    let found = server.send("POST", &format!("/api/admin/policies/{policy}/simulate"), &floating);
    let silent = found.body["silent"].as_array().unwrap();
    assert_eq!(silent.len(), 1, "{}", found.body);
    assert!(
        silent[0]["longest_seconds"].as_i64().unwrap() >= 2 * 86_400 - 60,
        "{}",
        found.body
    );
}

#[test]
fn resources_are_handed_out_in_plain_columns_a_file_for_each_kind() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3, "floating": true }));
    server.create("/api/admin/tags", &json!({ "name": "VIP" }));
    server.create("/api/admin/webhooks", &json!({ "url": "https://example.com/hook" }));
    server.create(
        "/api/admin/releases",
        &json!({ "product": "studio", "version": "1.4.2" }),
    );
    server.create(
        "/api/admin/api-keys",
        &json!({ "name": "ci", "scopes": ["read", "client"] }),
    );
    let token = server.activate(&key, 1);
    assert_eq!(server.beat(token.text("token"), &json!({})).status, 200);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let replayed = |name: &str, format: &str| -> Value {
        let output = licet(&database.url)
            .args(["replay", name, "--out", out, "--format", format, "--json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(said.lines().next_back().unwrap()).unwrap()
    };
    let files = replayed("resources", "csv")["files"].as_array().unwrap().clone();
    let text = |table: &str| {
        let file = files.iter().find(|file| file["table"] == table).unwrap();
        std::fs::read_to_string(file["file"].as_str().unwrap()).unwrap()
    };
    for (table, columns, row) in [
        (
            "products",
            "product_id,code,name,version_scheme,min_version,retired,created_at",
            ",studio,studio,semver,,false,20",
        ),
        ("policies", "policy_id,code,product_id,version,seats,", ",1,3,"),
        (
            "releases",
            "release_id,product_id,version,channel,",
            ",1.4.2,stable,false,,100,,,,false,20",
        ),
        (
            "api_keys",
            "name,prefix,client,read,admin,expires_at,revoked_at",
            ",true,true,false,,,false,20",
        ),
        (
            "webhooks",
            "url,description,event_types,filters",
            ",https://example.com/hook,,[],{},false,20",
        ),
        ("tags", "tag_id,name,color,retired", ",VIP,#6b7280,false,20"),
        ("customers", "customer_id,retired,created_at", ",false,20"),
    ] {
        let text = text(table);
        let (head, rows) = text.split_once('\n').unwrap();
        assert!(head.contains(columns), "{table}: {head}");
        assert!(rows.contains(row) && !rows.contains("Live"), "{table}: {rows}");
    }
    assert_eq!(
        text("anomalies").lines().count(),
        1,
        "a kind without a thing has its columns"
    );
    // The policy's seats count where the license has none of its own, and hours are no days.
    let licenses = replayed("license_state", "csv");
    let licenses = std::fs::read_to_string(licenses["file"].as_str().unwrap()).unwrap();
    assert!(licenses.contains(",active,3,1,"), "{licenses}");
    let beats = replayed("license_heartbeats", "csv")["files"]
        .as_array()
        .unwrap()
        .clone();
    let tables: Vec<&str> = beats.iter().map(|file| file["table"].as_str().unwrap()).collect();
    assert!(
        tables.contains(&"activity_hours") && tables.contains(&"activity_days"),
        "{tables:?}"
    );
    for name in ["resources", "license_state", "license_heartbeats"] {
        for file in replayed(name, "parquet")["files"].as_array().unwrap() {
            let bytes = std::fs::read(file["file"].as_str().unwrap()).unwrap();
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{file}");
        }
    }
}

#[test]
fn a_replay_is_asked_for_once_and_not_too_many_at_a_time() {
    let (server, database) = start();
    let headers = [
        ("x-api-key", "0f2a-bootstrap-key-of-the-tests"),
        ("idempotency-key", "the same"),
    ];
    let ask = || server.send_with("POST", "/api/admin/replays", &headers, br#"{"name": "license_state"}"#);
    let (first, again) = (ask(), ask());
    assert_eq!((first.status, again.status), (202, 202), "{}", again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(database.execute(
        "INSERT INTO replays (replay_id, tenant_id, name, position, format)
         SELECT gen_random_uuid(), 'default', 'license_state', 1, 'csv' FROM generate_series(1, 4)",
    ));
    let refused = server.send("POST", "/api/admin/replays", &json!({ "name": "license_state" }));
    assert_eq!((refused.status, refused.code()), (429, "REPLAYS_RUNNING"));
}

//! Backups over the API: made, tried, fetched and deleted by an operator's script.

use std::{fs, net::TcpListener, path::Path, process::Command};

use licet_test_support::{API_KEY, Answer, Server, TestDatabase, eventually};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{backup, empty, files, live};
use crate::new_database;

const BACKUPS: &str = "/api/admin/backups";

/// A server that makes none by itself.
fn server(database: &TestDatabase, store: &Path) -> Server {
    let settings = [("BACKUP_STORE", store.to_str().unwrap())];
    Server::start_as("client,admin", &database.url, &settings)
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    server.send("POST", &format!("{BACKUPS}{path}"), body)
}

/// What became of a run, once it is at its end.
fn ended(server: &Server, begun: &Answer) -> Value {
    assert_eq!(begun.status, 202, "{}", begun.body);
    let location = begun.header("location").to_owned();
    let mut run = begun.body.clone();
    assert!(
        eventually(|| {
            run = server.get(&location).body;
            run["status"] != "running"
        }),
        "{run}"
    );
    run
}

fn make(server: &Server) -> String {
    let made = ended(server, &post(server, "", &json!({})));
    assert_eq!(made["status"], "done", "{made}");
    made["backup_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_backup_is_made_listed_tried_and_deleted_and_all_of_it_is_in_the_audit_log() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = server(&database, store.path());
    live(&server);
    let key = [("idempotency-key", "once"), ("x-api-key", API_KEY)];
    let begin = || server.send_with("POST", BACKUPS, &key, b"");
    let begun = begin();
    let made = ended(&server, &begun);
    assert_eq!(begin().body["id"], begun.body["id"], "asked for once, made once");
    let id = made["backup_id"].as_str().unwrap();

    let listed = server.get(BACKUPS);
    assert_eq!(
        (&listed.body["total"], &listed.body["next_cursor"]),
        (&json!(1), &Value::Null)
    );
    let one = &listed.body["items"][0];
    assert_eq!(
        (&one["id"], &one["fault"], &one["verified_at"]),
        (&json!(id), &Value::Null, &Value::Null)
    );
    assert_eq!((&one["events"], &one["position"]), (&made["events"], &made["position"]));
    assert_eq!(server.get(&format!("{BACKUPS}/{id}")).body, *one);
    let plan = server.get("/api/admin/backups/plan").body;
    assert_eq!(
        (&plan["every_hours"], &plan["verify_every_hours"]),
        (&json!(24), &json!(24))
    );

    let files = ended(
        &server,
        &post(&server, &format!("/{id}/verify"), &json!({ "files_only": true })),
    );
    assert_eq!(
        (&files["kind"], &files["status"]),
        (&json!("files"), &json!("done")),
        "{files}"
    );
    let whole = ended(&server, &post(&server, &format!("/{id}/verify"), &json!({})));
    assert_eq!(
        (&whole["kind"], &whole["status"]),
        (&json!("verify"), &json!("done")),
        "{whole}"
    );
    assert_eq!(whole["position"], made["position"]);
    // Its own making and trying were recorded after it.
    assert!(whole["lost"].as_i64().unwrap() >= 2, "{whole}");
    assert!(server.get(BACKUPS).body["items"][0]["verified_at"].is_string());
    let drilled = ended(
        &server,
        &post(&server, &format!("/{id}/restore-drill"), &json!({ "as_of": "5" })),
    );
    assert_eq!(
        (&drilled["kind"], &drilled["position"]),
        (&json!("drill"), &json!(5)),
        "{drilled}"
    );

    let runs = server.get(&format!("{BACKUPS}/runs?limit=3"));
    let kinds = |page: &Answer| {
        page.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["kind"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (kinds(&runs), &runs.body["total"]),
        (vec![json!("drill"), json!("verify"), json!("files")], &json!(4))
    );
    let next = server.get(&format!("{BACKUPS}/runs?limit=3&cursor={}", runs.text("next_cursor")));
    assert_eq!(kinds(&next), [json!("create")]);

    let gone = server.send("DELETE", &format!("{BACKUPS}/{id}"), &Value::Null);
    assert_eq!(gone.status, 204, "{}", gone.body);
    let again = server.send("DELETE", &format!("{BACKUPS}/{id}"), &Value::Null);
    assert_eq!((again.status, again.code()), (404, "BACKUP_NOT_FOUND"));
    assert_eq!(server.get(BACKUPS).body["total"], 0);
    let recorded = database_events(&database, "operation.backup_%");
    let told = ["run_started", "run_started", "run_started", "run_started", "deleted"];
    assert_eq!(recorded, told.map(|kind| format!("operation.backup_{kind}")).join(" "));
}

fn database_events(database: &TestDatabase, like: &str) -> String {
    let query =
        format!("SELECT string_agg(event_type, ' ' ORDER BY position) FROM events WHERE event_type LIKE '{like}'");
    super::text(database, &query)
}

#[test]
fn a_backup_that_is_fetched_is_a_store_to_restore_from() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = server(&database, store.path());
    let (customer, _) = live(&server);
    make(&server);
    let id = make(&server);
    let fetched = server.get(&format!("{BACKUPS}/{id}/download"));
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.header("content-type"), "application/x-tar");
    assert!(
        fetched
            .header("content-disposition")
            .contains(&format!("licet-backup-{id}.tar"))
    );
    assert_eq!(fetched.header("content-length"), fetched.bytes.len().to_string());

    let unpacked = tempfile::tempdir().unwrap();
    let tar = unpacked.path().join("backup.tar");
    fs::write(&tar, &fetched.bytes).unwrap();
    let folder = unpacked.path().join("store");
    fs::create_dir(&folder).unwrap();
    let done = Command::new("tar")
        .arg("-xf")
        .arg(&tar)
        .arg("-C")
        .arg(&folder)
        .status()
        .unwrap();
    assert!(done.success(), "another program reads it");
    let target = empty();
    let restored = backup(&target, &folder, &["restore"]);
    assert!(restored.success, "{}", restored.error);
    let again = Server::start(&target.url);
    let there = again.get(&format!("/api/admin/customers/{customer}"));
    assert_eq!(there.text("name"), "Ada Lovelace");
}

#[test]
fn what_was_touched_is_said_and_never_handed_out_as_whole() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = server(&database, store.path());
    live(&server);
    let (damaged, touched) = (make(&server), make(&server));
    let log = files(store.path()).into_iter();
    for file in log.filter(|file| file.to_string_lossy().contains("log/events")) {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    for body in [json!({ "files_only": true }), json!({})] {
        let run = ended(&server, &post(&server, &format!("/{touched}/verify"), &body));
        assert_eq!(run["status"], "failed");
        assert!(run["error"].as_str().unwrap().contains("not what was written"), "{run}");
    }
    assert_eq!(
        server.get(&format!("{BACKUPS}/{touched}")).body["verified_at"],
        Value::Null
    );
    let fetched = server.get(&format!("{BACKUPS}/{touched}/download"));
    assert_eq!(fetched.status, 0, "a download breaks off at a file that was touched");

    let manifest = store.path().join(format!("backups/{damaged}.jws"));
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen('.', "A.", 1)).unwrap();
    let listed = server.get(BACKUPS).body["items"].as_array().unwrap().clone();
    let faults: Vec<bool> = listed.iter().map(|one| one["fault"].is_string()).collect();
    assert_eq!(faults, [false, true], "newest first");
    for path in [format!("{BACKUPS}/{damaged}"), format!("{BACKUPS}/{damaged}/download")] {
        let refused = server.get(&path);
        assert_eq!((refused.status, refused.code()), (409, "BACKUP_DAMAGED"));
    }
    // Nobody knows which files a damaged one needs: that one goes first.
    let kept = server.send("DELETE", &format!("{BACKUPS}/{touched}"), &Value::Null);
    assert_eq!((kept.status, kept.code()), (409, "BACKUP_DAMAGED"));
    for id in [damaged, touched] {
        assert_eq!(
            server.send("DELETE", &format!("{BACKUPS}/{id}"), &Value::Null).status,
            204
        );
    }
}

#[test]
fn what_cannot_be_done_is_refused_and_records_nothing() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = server(&database, store.path());
    live(&server);
    let id = make(&server);
    let before = database_events(&database, "%");
    let unknown = "20200101T000000000Z-000000000001";
    let cases = [
        (
            "POST",
            format!("/{id}/restore-drill"),
            json!({ "as_of": "tomorrow" }),
            422,
            "VALIDATION_FAILED",
        ),
        (
            "POST",
            format!("/{id}/restore-drill"),
            json!({ "as_of": "99999" }),
            422,
            "BACKUP_OUT_OF_REACH",
        ),
        (
            "POST",
            format!("/{id}/restore-drill"),
            json!({ "as_of": "2999-01-01" }),
            422,
            "BACKUP_OUT_OF_REACH",
        ),
        (
            "POST",
            format!("/{id}/verify"),
            json!({ "files_only": "yes" }),
            422,
            "VALIDATION_FAILED",
        ),
        ("POST", format!("/{unknown}/verify"), json!({}), 404, "BACKUP_NOT_FOUND"),
        (
            "GET",
            "/..%2Funfinished".to_owned(),
            Value::Null,
            404,
            "BACKUP_NOT_FOUND",
        ),
        ("GET", "/runs/1".to_owned(), Value::Null, 404, "BACKUP_RUN_NOT_FOUND"),
        (
            "GET",
            "/runs?cursor=1".to_owned(),
            Value::Null,
            422,
            "VALIDATION_FAILED",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let refused = server.send(method, &format!("{BACKUPS}{path}"), &body);
        assert_eq!(
            (refused.status, refused.code()),
            (status, code),
            "{method} {path} {}",
            refused.body
        );
    }
    fs::rename(store.path(), store.path().with_extension("unmounted")).unwrap();
    let away = server.send("POST", BACKUPS, &json!({}));
    assert_eq!((away.status, away.code()), (503, "BACKUP_STORE_UNAVAILABLE"));
    assert!(away.text("detail").contains("is its volume mounted"), "{}", away.body);
    fs::rename(store.path().with_extension("unmounted"), store.path()).unwrap();
    assert_eq!(database_events(&database, "%"), before);

    let without = Server::start_as("client,admin", &database.url, &[]);
    let refused = without.send("POST", BACKUPS, &json!({}));
    assert_eq!((refused.status, refused.code()), (409, "BACKUPS_NOT_SET_UP"));
}

#[test]
fn an_embedded_server_keeps_what_is_made_by_hand_beside_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_embedded(folder.path());
    assert_eq!(server.get("/api/admin/backups/plan").body["every_hours"], Value::Null);
    assert_eq!(server.get(BACKUPS).body["total"], 0, "none is made by itself");
    let id = make(&server);
    assert_eq!(server.get(BACKUPS).body["items"][0]["id"], id.as_str());
}

#[test]
fn one_backup_is_made_at_a_time_and_one_is_tried() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = server(&database, store.path());
    live(&server);
    let id = make(&server);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // What is copied waits for as long as somebody else has the table.
    let mut holder = runtime.block_on(PgConnection::connect(&database.url)).unwrap();
    let hold = holder.execute("BEGIN; LOCK TABLE mails IN ACCESS EXCLUSIVE MODE");
    runtime.block_on(hold).unwrap();
    let begun = post(&server, "", &json!({}));
    assert_eq!(begun.status, 202);
    let started = || {
        database_events(&database, "operation.backup_run_started")
            .split(' ')
            .count()
    };
    assert_eq!(started(), 2);
    let busy = post(&server, "", &json!({}));
    assert_eq!((busy.status, busy.code()), (409, "BACKUP_BUSY"), "{}", busy.body);
    assert_eq!(server.get(BACKUPS).body["total"], 1);
    runtime.block_on(holder.execute("ROLLBACK")).unwrap();
    assert_eq!(ended(&server, &begun)["status"], "done");

    // It is tried on a server that takes calls and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let scratch = format!("postgres://licet@{}/postgres", silent.local_addr().unwrap());
    let settings = [
        ("BACKUP_STORE", store.path().to_str().unwrap()),
        ("BACKUP_VERIFY_DATABASE", scratch.as_str()),
    ];
    let trying = Server::start_as("client,admin", &database.url, &settings);
    let tried = post(&trying, &format!("/{id}/verify"), &json!({}));
    assert_eq!(tried.status, 202);
    let busy = post(&trying, &format!("/{id}/restore-drill"), &json!({}));
    assert_eq!((busy.status, busy.code()), (409, "BACKUP_BUSY"), "{}", busy.body);
    drop(silent);
    assert_eq!(ended(&trying, &tried)["status"], "failed");
    assert_eq!(started(), 3, "what is refused is not recorded");
}

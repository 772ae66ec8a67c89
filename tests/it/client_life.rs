//! The client library over a program's whole life, against real servers that come and go.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_client::{Client, Error, Fingerprint, Session, Status, Store, Usage, request_file};
use licet_domain::values::Timestamp;
use licet_test_support::{Server, age, built, eventually};
use serde_json::{Value, json};

use crate::{new_database, start, tokens::expired};

const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";

fn machine(number: u32) -> Fingerprint {
    Fingerprint {
        mac_addresses: vec![format!("00:16:3e:00:00:{number:02x}")],
        cpu_id: Some(format!("cpu-{number}")),
        system_uuid: None,
        ..Fingerprint::default()
    }
}

fn session_in(url: &str, folder: &tempfile::TempDir, key: &str) -> Session {
    let store = Store::open(folder.path().join("state.json")).unwrap();
    let client = Client::new(url, API_KEY, store).unwrap();
    Session::new(client, key, machine(1), Some("1.0.0"))
}

fn code(status: &Status) -> &str {
    match status {
        Status::Licensed { online: true, .. } => "online",
        Status::Licensed { online: false, .. } => "offline",
        Status::Refused { code, .. } => code,
    }
}

#[test]
fn a_program_starts_beats_loses_the_network_stays_refuses_and_comes_back() {
    let database = new_database();
    let server = Server::start(&database.url);
    let terms = json!({ "seats": 1, "floating": true, "heartbeat_interval_seconds": 60, "heartbeat_grace": 1, "limits": { "pages": 100 } });
    let (id, key) = server.issue("studio", &terms);
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(&server.url, &folder, &key);
    assert_eq!(code(&session.tick()), "online");
    let start = Timestamp::from_millis(session.client().store().state().seen);
    session.report(&Usage::default().feature("export").meter("pages", 7));
    assert_eq!(code(&session.tick_at(start.plus_seconds(1))), "online");
    assert_eq!(session.client().store().state().seen, start.millis(), "no beat was due");
    assert_eq!(code(&session.tick_at(start.plus_seconds(61))), "online");
    let meters = (0..1_200).find_map(|_| {
        thread::sleep(Duration::from_millis(50));
        let answer = server.get(&format!("/api/admin/licenses/{id}/meters"));
        answer.body["items"][0]["amount"].as_u64()
    });
    assert_eq!(meters, Some(7), "what the program used arrived");

    let address = server.url.trim_start_matches("http://").to_owned();
    server.kill();
    // The last beat was a minute ahead by this clock: the lease is judged by the server's time, carried on from there.
    assert_eq!(
        code(&session.tick_at(start.plus_seconds(182))),
        "OFFLINE",
        "a beat was due, and the lease is over"
    );
    assert!(!session.schedule().is_due(start.plus_seconds(183)), "it backs off");
    assert_eq!(
        code(&session.tick_at(start.plus_seconds(110))),
        "offline",
        "inside the lease"
    );
    let server = Server::start_at(&database.url, &address);
    let policy = server.get("/api/admin/policies").body["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/admin/policies/{policy}");
    let tag = server.get(&path).header("etag").to_owned();
    let longer = server.patch(&path, &tag, &json!({"heartbeat_grace": 100}));
    assert_eq!(longer.status, 200, "{}", longer.body);
    assert_eq!(
        code(&session.tick_at(start.plus_seconds(140))),
        "online",
        "it came back"
    );

    server.send("POST", &format!("/api/admin/licenses/{id}/suspend"), &json!({}));
    assert_eq!(code(&session.tick_at(start.plus_seconds(201))), "SUSPENDED");
    // Who has heard it does not go on by pulling the plug.
    let offline = || {
        Store::open(folder.path().join("state.json")).and_then(|mut store| store.check_offline(&machine(1), None, &[]))
    };
    assert!(matches!(offline(), Err(Error::NoLease)), "{:?}", offline());
    server.send("POST", &format!("/api/admin/licenses/{id}/resume"), &json!({}));
    assert_eq!(code(&session.tick_at(start.plus_seconds(300))), "online");
    assert!(offline().is_ok(), "{:?}", offline());
}

#[test]
fn one_state_file_keeps_one_license_apart_from_another() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let (other_id, other) = server.issue("plotter", &json!({ "seats": 1 }));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("state.json")).unwrap();
    let mut client = Client::new(&server.url, API_KEY, store).unwrap();
    client.activate(&other, &machine(1), None).unwrap();
    client.activate(&key, &machine(1), None).unwrap();
    let kept = client.store().state().clone();
    assert!(client.verify(&other, &machine(1), None, &[]).unwrap().valid);
    assert_eq!(client.store().state().lease, kept.lease);
    assert_eq!(client.deactivate(&other, &machine(1)).unwrap().status, "deactivated");
    let state = client.store().state();
    assert_eq!((&state.lease, &state.activation_id), (&kept.lease, &kept.activation_id));
    assert_eq!(
        server.get(&format!("/api/license/info/{other}")).body["license"]["active"],
        0,
        "{other_id}"
    );
    let typed = key.to_lowercase();
    assert_eq!(client.deactivate(&typed, &machine(1)).unwrap().status, "deactivated");
    assert_eq!(client.store().state().lease, None);
}

#[test]
fn a_clock_that_was_set_back_after_the_end_is_noticed() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("state.json")).unwrap();
    let mut client = Client::new(&server.url, API_KEY, store).unwrap();
    client.activate(&key, &machine(1), None).unwrap();
    let start = Timestamp::from_millis(client.store().state().seen);
    let mut at = |days: u32| {
        client
            .store()
            .check_offline_at(&machine(1), None, &[], start.plus_days(days))
    };
    assert!(at(6).is_ok());
    assert!(matches!(at(8), Err(Error::LeaseEnded(_))));
    assert!(matches!(at(6), Err(Error::ClockSetBack { .. })));
}

#[test]
fn a_key_rotation_leaves_old_leases_good_and_clients_follow() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 2 }));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("state.json")).unwrap();
    let mut client = Client::new(&server.url, API_KEY, store).unwrap();
    let before = client.activate(&key, &machine(1), None).unwrap();
    let rotated = server.create("/api/admin/signing-keys", &json!({}));
    let set = server.get("/.well-known/licet/keys").body;
    assert_eq!(set["keys"][0]["kid"], rotated.body["kid"], "published at once");
    assert_eq!(set["keys"].as_array().map(Vec::len), Some(2));
    let signs = (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        server.get("/api/admin/signing-keys").body["items"][0]["signs"] == true
    });
    assert!(signs, "the new key signs soon after every node knows it");
    assert!(
        client.verify(&key, &machine(1), None, &[]).unwrap().valid,
        "the client followed the succession"
    );
    assert_eq!(client.store().state().keys.len(), 2);
    let keys = client.store().keys().unwrap();
    assert!(
        licet_client::OfflineLease::read(&before.lease, &keys).is_ok(),
        "the old lease still verifies"
    );
    let fresh = client
        .transfer(&key, &before.activation_id, &machine(2), Some("new laptop"))
        .unwrap();
    let kid = kid_of(&fresh.lease);
    assert_eq!(rotated.body["kid"], kid, "a new lease carries the new kid");
}

fn kid_of(token: &str) -> Value {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
}

#[test]
fn the_list_of_what_was_called_back_forgets_what_no_lease_outlives() {
    let (server, database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "lease_days": 30 }));
    server.activate(&key, 1);
    let revoked = server.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    let at = revoked.header("licet-position").to_owned();
    let listed = |server: &Server| {
        let list = String::from_utf8(server.get_at(&at, "/api/license/revocations").bytes).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(list.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["lic"] == json!([id])
    };
    assert!(listed(&server));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let later = |server: Server, days: i32| {
        assert!(server.terminate());
        runtime.block_on(age(&database.url, days));
        Server::start(&database.url)
    };
    let server = later(server, 30);
    assert!(listed(&server), "a lease of its last day is alive");
    let server = later(server, 3);
    assert!(!listed(&server));
    let taken_along = "UPDATE read_model.activations SET checked_out_until = clock_timestamp() + interval '1 day'";
    runtime.block_on(database.execute(taken_along));
    assert!(listed(&server), "one that was taken along is");
}

#[test]
fn a_session_lives_on_a_thread_of_its_own_and_fetches_what_was_called_back() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let folder = tempfile::tempdir().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let background = session_in(&server.url, &folder, &key).spawn(move |status| {
        let _ = tell.send(code(status).to_owned());
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(60)).as_deref(), Ok("online"));
    let kept = || Store::open(folder.path().join("state.json")).unwrap().state().clone();
    assert!(
        eventually(|| kept().revocations.is_some()),
        "the list of what was called back"
    );
    // What it used is not lost with it: the next start reports it.
    background.report(&Usage::default().meter("pages", 5));
    drop(background);
    assert_eq!(code(&session_in(&server.url, &folder, &key).tick()), "online");
    let used = || server.get(&format!("/api/admin/licenses/{id}/meters")).body["items"][0]["amount"].clone();
    assert!(eventually(|| used() == 5), "{}", used());
}

#[test]
fn a_machine_that_slept_past_its_tokens_end_hears_that_its_seat_was_ended() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(&server.url, &folder, &key);
    assert_eq!(code(&session.tick()), "online");
    let state = session.client().store().state().clone();
    let sleeps = || {
        let mut store = Store::open(folder.path().join("state.json")).unwrap();
        let token = store.state().token.as_deref().map(expired);
        store.update(|state| state.token = token).unwrap();
    };
    sleeps();
    let mut again = session_in(&server.url, &folder, &key);
    assert_eq!(code(&again.tick()), "online", "a token's end alone costs nothing");
    sleeps();
    let seat = state.activation_id.unwrap();
    let path = format!("/api/admin/licenses/{id}/activations/{seat}/deactivate");
    assert_eq!(server.send("POST", &path, &json!({})).status, 200);
    let mut woken = session_in(&server.url, &folder, &key);
    assert_eq!(code(&woken.tick()), "TOKEN_REVOKED");
    let active = || server.get(&format!("/api/license/info/{key}")).body["license"]["active"].clone();
    assert_eq!(active(), 0, "it took no other seat");
    let kept = Store::open(folder.path().join("state.json")).unwrap();
    assert_eq!((&kept.state().lease, &kept.state().token), (&None, &None));
    let mut started = session_in(&server.url, &folder, &key);
    assert_eq!(
        (code(&started.tick()), active()),
        ("online", json!(1)),
        "a new start asks for one"
    );
}

#[test]
fn what_is_taken_along_is_held_at_least_as_long_as_its_lease() {
    let (server, database) = start();
    let terms = json!({ "seats": 1, "floating": true, "heartbeat_interval_seconds": 86_400, "heartbeat_grace": 2 });
    let (id, key) = server.issue("studio", &terms);
    let request = serde_json::to_string(&request_file(&machine(1), None)).unwrap();
    let order = json!({ "request": request, "days": 1 });
    let taken = server.send("POST", &format!("/api/admin/licenses/{id}/check-out"), &order);
    assert_eq!(taken.status, 200, "{}", taken.body);
    let longer =
        database.text("SELECT (held_until > clock_timestamp() + interval '2 days 23 hours')::text FROM seat_holds");
    assert_eq!(tokio::runtime::Runtime::new().unwrap().block_on(longer), "true");
    assert_eq!(server.activate(&key, 2).code(), "ACTIVATION_LIMIT_REACHED");
}

#[test]
fn a_machine_without_a_network_gets_a_longer_lease_over_files() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "duration_days": 365 }));
    let request = serde_json::to_string(&request_file(&machine(1), Some("1.0.0"))).unwrap();
    let path = format!("/api/admin/licenses/{id}/check-out");
    let order = json!({ "request": request, "days": 90 });
    let answer = server.send("POST", &path, &order);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let again = server.send("POST", &path, &order);
    assert_eq!(again.text("activation_id"), answer.text("activation_id"));
    let nonsense = server.send("POST", &path, &json!({ "request": "{", "days": 90 }));
    assert_eq!(nonsense.code(), "REQUEST_FILE_INVALID");
    for days in [0, 400] {
        let refused = server.send("POST", &path, &json!({ "request": request, "days": days }));
        assert_eq!(
            (refused.status, refused.code()),
            (422, "VALIDATION_FAILED"),
            "{}",
            refused.body
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path().join("state.json")).unwrap();
    store
        .import(&serde_json::from_value(answer.body.clone()).unwrap())
        .unwrap();
    let now = Timestamp::parse(answer.text("lease_expires_at")).unwrap();
    let late = now.plus_seconds(-3_600);
    assert!(
        store.check_offline_at(&machine(1), None, &[], late).is_ok(),
        "89 days later"
    );
    let mut copied = Store::open(folder.path().join("state.json")).unwrap();
    assert!(matches!(
        copied.check_offline_at(&machine(2), None, &[], late),
        Err(Error::OtherMachine)
    ));

    // The list of what was called back, carried over or fetched, ends it before its time.
    let empty = server.get("/api/license/revocations");
    assert_eq!(empty.status, 200);
    server.send("POST", &format!("/api/admin/licenses/{id}/revoke"), &json!({}));
    let revoked = server.get(&format!("/api/license/info/{key}"));
    let list = server.get_at(revoked.header("licet-position"), "/api/license/revocations");
    store
        .keep_revocations(&String::from_utf8(list.bytes.clone()).unwrap())
        .unwrap();
    assert!(matches!(
        store.check_offline_at(&machine(1), None, &[], late),
        Err(Error::Revoked)
    ));
    store
        .keep_revocations(&String::from_utf8(empty.bytes).unwrap())
        .unwrap();
    assert!(
        store.check_offline_at(&machine(1), None, &[], late).is_err(),
        "an older list undoes nothing"
    );
    let forged = String::from_utf8(list.bytes).unwrap().replace('A', "B");
    assert!(store.keep_revocations(&forged).is_err());
}

#[test]
fn the_command_lives_the_same_life() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "pages": 5 } }));
    let folder = tempfile::tempdir().unwrap();
    let program = built("licet-client");
    let run = |arguments: &[&str]| -> (bool, BTreeMap<String, Value>) {
        let output = Command::new(&program)
            .current_dir(folder.path())
            .args(["--server", &server.url, "--api-key", API_KEY])
            .args(arguments)
            .output()
            .unwrap();
        let read = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.success(), read)
    };
    if !run(&["fingerprint"]).0 {
        eprintln!("SKIPPED: this machine hides its hardware, so the command was not tried on it");
        return;
    }
    assert!(run(&["activate", &key]).0);
    let (well, beat) = run(&[
        "heartbeat",
        "--active-users",
        "2",
        "--feature",
        "export",
        "--usage",
        "pages=3",
    ]);
    assert!(
        well && beat["code"] == "VALID" && beat["usage"]["pages"]["used"] == 3,
        "{beat:?}"
    );
    assert!(!run(&["heartbeat", "--usage", "pages"]).0);
    assert!(run(&["revocations"]).0 && run(&["lease", "verify"]).0);
    assert!(run(&["request", "--out", "r.json"]).0 && folder.path().join("r.json").exists());
    // A lease out of a file is judged, and not kept.
    let lease = || {
        Store::open(folder.path().join("licet-client.json"))
            .unwrap()
            .state()
            .lease
            .clone()
    };
    let kept = lease().unwrap();
    std::fs::write(folder.path().join("other.jws"), "no lease").unwrap();
    assert!(!run(&["lease", "verify", "other.jws"]).0);
    std::fs::write(folder.path().join("own.jws"), &kept).unwrap();
    assert!(run(&["lease", "verify", "own.jws"]).0);
    assert_eq!(lease(), Some(kept));
    assert!(run(&["deactivate"]).0);
    assert!(!run(&["heartbeat"]).0, "there is no token any more");
    // Out of a damaged state file, activating is the way.
    for name in ["licet-client.json", "licet-client.bak"] {
        std::fs::write(folder.path().join(name), "{").unwrap();
    }
    assert!(!run(&["lease", "verify"]).0);
    assert!(run(&["activate", &key]).0 && run(&["lease", "verify"]).0);
}

/// Stands between: passes requests on, and swallows the answer to every beat while `swallow` is set.
fn lossy(address: String, swallow: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let mut far = TcpStream::connect(&address).unwrap();
            let (mut back_from, mut back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            let swallow = Arc::clone(&swallow);
            thread::spawn(move || {
                let mut bytes = [0; 8_192];
                while let Ok(read @ 1..) = back_from.read(&mut bytes) {
                    if swallow.load(Ordering::SeqCst) || back_to.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
                let _ = back_to.shutdown(Shutdown::Both);
            });
            thread::spawn(move || std::io::copy(&mut near, &mut far));
        }
    });
    url
}

#[test]
fn a_beat_whose_answer_was_lost_counts_once() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let (folder, swallow) = (tempfile::tempdir().unwrap(), Arc::new(AtomicBool::new(false)));
    let address = server.url.trim_start_matches("http://").to_owned();
    let url = lossy(address, Arc::clone(&swallow));
    let mut session = session_in(&url, &folder, &key);
    assert_eq!(code(&session.tick()), "online");
    let start = Timestamp::from_millis(session.client().store().state().seen);
    session.report(&Usage::default().meter("pages", 7));
    swallow.store(true, Ordering::SeqCst);
    assert_eq!(code(&session.tick_at(start.plus_seconds(1_000))), "offline");
    swallow.store(false, Ordering::SeqCst);
    session.report(&Usage::default().meter("pages", 2));
    assert_eq!(code(&session.tick_at(start.plus_seconds(2_000))), "online");
    assert_eq!(code(&session.tick_at(start.plus_seconds(3_000))), "online");
    let meters = || server.get(&format!("/api/admin/licenses/{id}/meters")).body["items"][0]["amount"].as_u64();
    let all = (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        meters() == Some(9)
    });
    assert!(all, "{:?}", meters());
}

#[test]
fn a_new_key_takes_an_old_ones_place_and_what_was_not_reported_is_kept() {
    let (server, _database) = start();
    let (old_id, old) = server.issue("studio", &json!({ "seats": 1 }));
    let (id, new) = server.issue("atelier", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&session_in(&server.url, &folder, &old).tick()), "online");
    server.send("POST", &format!("/api/admin/licenses/{old_id}/revoke"), &json!({}));
    let mut renewed = session_in(&server.url, &folder, &new);
    assert_eq!(code(&renewed.tick()), "online", "the key that was typed counts");
    assert_eq!(
        renewed.client().store().state().license_key.as_deref(),
        Some(new.as_str())
    );
    // The program ends before its next beat.
    renewed.report(&Usage::default().meter("pages", 5));
    drop(renewed);
    assert_eq!(code(&session_in(&server.url, &folder, &new).tick()), "online");
    let used = (0..1_200).find_map(|_| {
        thread::sleep(Duration::from_millis(50));
        let answer = server.get(&format!("/api/admin/licenses/{id}/meters"));
        answer.body["items"][0]["amount"].as_u64()
    });
    assert_eq!(used, Some(5), "the next run reports it");
}

#[test]
fn what_cannot_be_counted_and_clocks_that_were_wrong_keep_nobody_out() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1, "limits": { "pages": 100 } }));
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(&server.url, &folder, &key);
    assert_eq!(code(&session.tick()), "online");
    let start = Timestamp::from_millis(session.client().store().state().seen);
    let used = Usage::default()
        .meter("unheard-of", 1)
        .meter("pages", 7)
        .feature("export");
    session.report(&used);
    assert_eq!(code(&session.tick_at(start.plus_seconds(901))), "online");
    assert!(
        matches!(session.last_problem(), Some(Error::MeterUnknown(meter)) if meter == "unheard-of"),
        "it is told all the same"
    );
    let counted = (0..1_200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        server.get(&format!("/api/admin/licenses/{id}/meters")).body["items"][0]["amount"] == 7
    });
    assert!(counted, "and the rest is counted");
    // Three days fast, and then set right.
    assert_eq!(code(&session.tick_at(start.plus_days(3))), "online");
    assert_eq!(code(&session.tick_at(start.plus_seconds(1_900))), "online");
    // The program's API key is changed: that says nothing about the license.
    let store = Store::open(folder.path().join("state.json")).unwrap();
    let client = Client::new(&server.url, "another key altogether", store).unwrap();
    let mut locked_out = Session::new(client, &key, machine(1), None);
    locked_out.client().store().update(|state| state.token = None).unwrap();
    let later = start.plus_seconds(2_000);
    assert_eq!(code(&locked_out.tick_at(later)), "offline", "inside the lease");
    assert!(matches!(locked_out.last_problem(), Some(Error::Refused { .. })));
    // An hour fast all along, and then the network goes: the lease is judged by the server's time.
    let other = tempfile::tempdir().unwrap();
    let (mut fast, clock) = (session_in(&server.url, &other, &key), start.plus_seconds(3_600));
    assert_eq!(code(&fast.tick_at(clock)), "online");
    server.kill();
    for seconds in [901, 1_000, 5_000] {
        assert_eq!(
            code(&fast.tick_at(clock.plus_seconds(seconds))),
            "offline",
            "after {seconds} s"
        );
    }
}

#[test]
fn a_seat_that_was_ended_is_asked_for_again_at_the_next_start_only() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let folder = tempfile::tempdir().unwrap();
    let mut one = session_in(&server.url, &folder, &key);
    assert_eq!(code(&one.tick()), "online");
    let mut other = session_in(&server.url, &folder, &key);
    assert_eq!(code(&other.tick()), "online");
    let start = Timestamp::from_millis(one.client().store().state().seen);
    let seat = one.client().store().state().activation_id.clone().unwrap();
    let path = format!("/api/admin/licenses/{id}/activations/{seat}/deactivate");
    assert_eq!(server.send("POST", &path, &json!({ "reason": "lost" })).status, 200);
    for seconds in [901, 1_802] {
        let at = start.plus_seconds(seconds);
        assert_eq!(
            (code(&one.tick_at(at)), code(&other.tick_at(at))),
            ("TOKEN_REVOKED", "TOKEN_REVOKED")
        );
    }
    let active = || server.get(&format!("/api/license/info/{key}")).body["license"]["active"].clone();
    assert_eq!(active(), 0, "neither took a seat again by itself");
    let mut again = session_in(&server.url, &folder, &key);
    assert_eq!((code(&again.tick()), active()), ("online", json!(1)));
    assert_eq!(code(&one.tick_at(start.plus_seconds(2_703))), "TOKEN_REVOKED");
    let token = again.client().store().state().token.clone();
    assert_eq!(
        Store::open(folder.path().join("state.json")).unwrap().state().token,
        token
    );
}

//! The client library against a real server: signatures, the lease, and what must not pass.

use licet_client::{Client, Error, Exchange, Fingerprint, OfflineLease, PinnedKeys, Store, verify_answer};
use licet_domain::values::Timestamp;
use licet_test_support::Server;
use serde_json::json;

use crate::start;

const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";

fn machine(number: u32) -> Fingerprint {
    Fingerprint {
        mac_addresses: vec![format!("3c:52:00:00:00:{number:02x}")],
        cpu_id: Some(format!("cpu-{number}")),
        system_uuid: None,
        ..Fingerprint::default()
    }
}

fn client(server: &Server, folder: &tempfile::TempDir) -> Client {
    Client::new(
        &server.url,
        API_KEY,
        Store::open(folder.path().join("state.json")).unwrap(),
    )
    .unwrap()
}

#[test]
fn a_program_activates_and_runs_offline_within_its_lease_on_its_machine() {
    let (server, _database) = start();
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = server.issue("studio", &json!({ "seats": 1, "features": { "export": true } }));
    let mut client = client(&server, &folder);
    let answer = client.activate(&key, &machine(1), Some("1.0.0")).unwrap();
    assert!(client.verify(&key, &machine(1), None, &["export"]).unwrap().valid);
    server.kill();

    let mut store = Store::open(folder.path().join("state.json")).unwrap();
    let now = Timestamp::parse(&answer.ts).unwrap();
    let licensed = store
        .check_offline_at(&machine(1), None, &["export"], now.plus_days(6))
        .unwrap();
    assert_eq!(
        (licensed.product.as_str(), licensed.activation_id),
        ("studio", answer.activation_id)
    );
    let refused = |result: Result<_, Error>| result.map(|_: licet_client::Licensed| ()).unwrap_err();
    assert!(matches!(
        refused(store.check_offline_at(&machine(2), None, &[], now.plus_days(6))),
        Error::OtherMachine
    ));
    assert!(matches!(
        refused(store.check_offline_at(&machine(1), None, &["print"], now.plus_days(6))),
        Error::NotValid {
            code: "FEATURE_MISSING",
            ..
        }
    ));
    assert!(matches!(
        refused(store.check_offline_at(&machine(1), None, &[], now.plus_days(8))),
        Error::LeaseEnded(_)
    ));
    let set_back = store.check_offline_at(&machine(1), None, &[], now.plus_days(1));
    assert!(
        matches!(refused(set_back), Error::ClockSetBack { .. }),
        "day 6 was seen"
    );
}

#[test]
fn a_lease_with_any_byte_changed_is_refused() {
    let (server, _database) = start();
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let mut client = client(&server, &folder);
    let lease = client.activate(&key, &machine(1), None).unwrap().lease;
    let keys = client.store().keys().unwrap();
    assert!(OfflineLease::read(&lease, &keys).is_ok());
    for index in 0..lease.len() {
        let mut bytes = lease.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        assert!(
            OfflineLease::read(&String::from_utf8(bytes).unwrap(), &keys).is_err(),
            "byte {index}"
        );
    }
    for length in 0..lease.len() {
        assert!(OfflineLease::read(&lease[..length], &keys).is_err(), "cut at {length}");
    }
    assert!(
        OfflineLease::read(&lease, &PinnedKeys::default()).is_err(),
        "an unknown key is no trusted one"
    );
}

#[test]
fn every_answer_of_the_license_routes_is_signed_for_its_own_request() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let keys = PinnedKeys::of(&serde_json::from_value(server.get("/.well-known/licet/keys").body).unwrap()).unwrap();
    let answers = [
        ("/api/license/activate", server.activate(&key, 1)),
        ("/api/license/verify", server.verify(&key, 1)),
        ("/api/license/activate", server.activate(&key, 2)),
    ];
    for (path, answer) in &answers {
        let nonce = if answer.status == 422 { "nonce-2" } else { "nonce-1" };
        let exchange = Exchange {
            method: "POST",
            path,
            nonce,
            status: answer.status,
            headers: &answer.headers,
            body: &answer.bytes,
        };
        verify_answer(&exchange, &keys).unwrap();
        for wrong in [
            Exchange {
                nonce: "other",
                ..exchange.clone()
            },
            Exchange {
                path: "/api/license/other",
                ..exchange.clone()
            },
            Exchange {
                method: "GET",
                ..exchange.clone()
            },
            Exchange {
                status: 299,
                ..exchange.clone()
            },
            Exchange {
                body: b"{}",
                ..exchange.clone()
            },
        ] {
            assert!(verify_answer(&wrong, &keys).is_err(), "{wrong:?}");
        }
        assert!(verify_answer(&exchange, &PinnedKeys::default()).is_err());
    }
    for (method, path, headers, body) in [
        ("POST", "/api/license/verify", vec![], vec![]),
        (
            "POST",
            "/api/license/verify",
            vec![("x-api-key", API_KEY)],
            vec![b'x'; 70_000],
        ),
        ("GET", "/api/license/info/nothing", vec![("x-api-key", API_KEY)], vec![]),
        ("DELETE", "/api/license/verify", vec![("x-api-key", API_KEY)], vec![]),
        ("GET", "/api/version/nothing", vec![], vec![]),
    ] {
        let answer = server.send_with(method, path, &headers, &body);
        assert!(
            answer.status >= 400 && !answer.header("signature").is_empty(),
            "{method} {path}: {}",
            answer.status
        );
    }
}

#[test]
fn what_only_the_program_knows_counts_where_the_policy_names_it() {
    let (server, _database) = start();
    let folder = tempfile::tempdir().unwrap();
    let terms = json!({ "seats": 1, "fingerprint_match": 2, "fingerprint_extra": ["dongle"] });
    let (_, key) = server.issue("studio", &terms);
    let mut client = client(&server, &folder);
    let known = Fingerprint {
        cpu_id: Some("cpu-1".to_owned()),
        ..Fingerprint::default()
    };
    let with = |number: &str| known.clone().with_extra("dongle", number);
    assert!(client.activate(&key, &known, None).is_err(), "one component is too few");
    let answer = client.activate(&key, &with("4711"), None).unwrap();
    let now = Timestamp::parse(&answer.ts).unwrap();
    assert!(client.store().check_offline_at(&with("4711"), None, &[], now).is_ok());
    let other = client.store().check_offline_at(&with("4712"), None, &[], now);
    assert!(matches!(other, Err(Error::OtherMachine)));
}

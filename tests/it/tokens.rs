//! Activation tokens: good for the routes of a machine for as long as it has its seat, and for nothing afterwards.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use licet_test_support::{Answer, SECRET, Server};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::start;

fn with(server: &Server, token: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {token}");
    server.send_with(method, path, &[("authorization", bearer.as_str())], body)
}

/// The same token, as it would be after its time.
pub(crate) fn expired(token: &str) -> String {
    changed(token, |claims| {
        claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 1);
    })
}

/// The same token with other claims, signed with the server's own secret.
fn changed(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    change(&mut claims);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[test]
fn a_token_is_good_for_nothing_once_its_seat_was_ended() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let release = json!({ "product": "studio", "version": "1.0.0" });
    server.create("/api/admin/releases", &release);
    let activated = server.activate(&key, 1);
    let (token, activation) = (activated.text("token"), activated.text("activation_id"));
    let check = json!({ "product": "studio", "version": "1.0.0" }).to_string();
    let all = || {
        [
            with(&server, token, "POST", "/api/version/check", check.as_bytes()),
            with(&server, token, "GET", "/api/version/latest?product=studio", b""),
            with(&server, token, "GET", "/api/license/revocations", b""),
            with(&server, token, "POST", "/api/license/heartbeat", b"{}"),
        ]
        .map(|answer| (answer.status, answer.code().to_owned()))
    };
    assert!(all().iter().all(|(status, _)| *status == 200), "{:?}", all());
    let beat = |token: &str| {
        let answer = with(&server, token, "POST", "/api/license/heartbeat", b"{}");
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(beat(&expired(token)), (401, "TOKEN_EXPIRED".to_owned()));
    let path = format!("/api/admin/licenses/{id}/activations/{activation}/deactivate");
    assert_eq!(server.send("POST", &path, &json!({})).status, 200);
    let revoked = (401, "TOKEN_REVOKED".to_owned());
    assert!(all().iter().all(|answer| *answer == revoked), "{:?}", all());
    // A machine that slept past its token's end hears of it too, and takes no other seat.
    assert_eq!(beat(&expired(token)), revoked);
}

#[test]
fn a_token_is_renewed_by_a_beat_when_half_of_its_life_is_over_and_is_good_for_its_audience_only() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    let beat = |token: &str| with(&server, token, "POST", "/api/license/heartbeat", b"{}");
    assert!(beat(&token).body["token"].is_null(), "a young one is kept");
    let older = changed(&token, |claims| {
        for claim in ["iat", "exp"] {
            claims[claim] = json!(claims[claim].as_i64().unwrap() - 1_900);
        }
    });
    let renewed = beat(&older).text("token").to_owned();
    assert_eq!(beat(&renewed).status, 200);
    let operators = changed(&token, |claims| claims["aud"] = json!("licet-operator"));
    assert_eq!(
        (beat(&operators).status, beat(&operators).code()),
        (401, "UNAUTHENTICATED")
    );
}

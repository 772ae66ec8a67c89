//! What anyone may fetch: the keys that signatures verify with, and where the log stands.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use licet_contracts::keys::{Key, KeySet, SUCCESSION_TYPE};
use licet_event_store::{jws, vault::Signer};

use crate::{
    App,
    problem::{Problem, Result},
    render,
};

/// Fetch the public keys that leases, answers and checkpoints verify with.
#[utoipa::path(get, path = "/.well-known/licet/keys", tag = "trust", operation_id = "list_keys",
    responses((status = 200, description = "A JWK set.", body = KeySet)))]
pub(crate) async fn list_keys(State(app): State<App>) -> Response {
    render::answer(StatusCode::OK, render::json(&key_set(&app)), &[])
}

/// The keys, newest first, each but the oldest vouched for by the one before it.
pub(crate) fn key_set(app: &App) -> KeySet {
    let keys = app.keyring.all();
    let succession = keys.windows(2).map(|pair| {
        let (newer, older) = (&pair[0], &pair[1]);
        jws::sign(SUCCESSION_TYPE, &public(&newer.signer), &older.signer)
    });
    KeySet {
        succession: succession.collect(),
        keys: keys.iter().map(|key| public(&key.signer)).collect(),
    }
}

fn public(signer: &Signer) -> Key {
    Key {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        alg: "EdDSA".to_owned(),
        usage: "sig".to_owned(),
        kid: signer.kid().to_owned(),
        x: signer.public_x(),
    }
}

/// Fetch the newest signed checkpoint of the log, for `licet audit verify --checkpoint`.
#[utoipa::path(get, path = "/.well-known/licet/checkpoint", tag = "trust", operation_id = "newest_checkpoint",
    responses(
        (status = 200, description = "A compact JWS.", body = String, content_type = "application/jose"),
        (status = 404, description = "`CHECKPOINT_NOT_FOUND`: nothing was signed yet", body = licet_contracts::Problem),
    ))]
pub(crate) async fn newest_checkpoint(State(app): State<App>) -> Result<Response> {
    let newest = app
        .platform
        .log
        .newest_checkpoint()
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    let detail = "Nothing was signed yet; the first checkpoint follows within a minute of the first change.";
    let newest = newest.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "CHECKPOINT_NOT_FOUND", detail))?;
    let mut response = newest.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/jose"));
    Ok(response)
}

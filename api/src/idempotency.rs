//! `Idempotency-Key`: a repeated request gets the first answer again.
//!
//! The answer is committed together with the change. A change of the answer's own position is not kept in its body but
//! beside it, because it is known only when the change has its place in the log.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse as _, Response},
};
use licet_commands::{Context, Idempotency};
use licet_domain::values::Sealed;
use licet_event_store::idempotency;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    App,
    auth::Principal,
    problem::{Problem, Result, unavailable},
    render,
    reply::Reply,
};

/// Requests of this node that carry a key and are running.
#[derive(Default, Clone)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A key that is in use by this request, until it is dropped.
pub(crate) struct IdempotencyKey {
    scope_hash: [u8; 32],
    request_hash: [u8; 32],
    status: u16,
    in_flight: InFlight,
}

impl Drop for IdempotencyKey {
    fn drop(&mut self) {
        self.in_flight
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.scope_hash);
    }
}

impl IdempotencyKey {
    /// What commands keep with the change.
    pub(crate) fn idempotency(&self, app: &App) -> Idempotency {
        let (scope_hash, request_hash) = (self.scope_hash, self.request_hash);
        Idempotency {
            scope_hash,
            request_hash,
            status: self.status,
            sealer: app.sealer.clone(),
        }
    }
}

/// What a request with or without a key may do.
enum Attempt {
    /// Go on; the key, where one was sent, is held.
    First(Option<IdempotencyKey>),
    /// It was answered before: body, status, position.
    Replay(String, u16, i64),
}

/// Looks at the key of a request. `route` and `body` are what it must agree with; `status` is that of a fresh answer.
async fn begin(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    (route, body, status): (&str, &[u8], StatusCode),
) -> Result<Attempt> {
    let Some(sent) = headers.get("idempotency-key") else {
        return Ok(Attempt::First(None));
    };
    // One that cannot be read protects nobody: its request must not run as if none had been sent.
    let key = sent.to_str().map(str::trim).unwrap_or_default();
    if key.is_empty() || key.len() > 255 {
        let detail = "An Idempotency-Key has 1 to 255 visible ASCII characters.";
        return Err(Problem::unprocessable("IDEMPOTENCY_KEY_INVALID", detail));
    }
    let scope_hash: [u8; 32] = Sha256::digest(format!("{}\n{route}\n{key}", caller.name())).into();
    let request_hash: [u8; 32] = Sha256::digest(body).into();
    let in_flight = app.in_flight.clone();
    let free = in_flight
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(scope_hash);
    if !free {
        let detail = "A request with this Idempotency-Key is running; repeat shortly to get its answer.";
        return Err(Problem::new(StatusCode::CONFLICT, "IDEMPOTENCY_IN_FLIGHT", detail));
    }
    let held = IdempotencyKey {
        scope_hash,
        request_hash,
        status: status.as_u16(),
        in_flight,
    };
    let kept = idempotency::find(app.platform.log.pool(), &caller.tenant, &scope_hash)
        .await
        .map_err(unavailable)?;
    let Some(kept) = kept else {
        return Ok(Attempt::First(Some(held)));
    };
    if kept.request_hash != request_hash {
        let detail = "This Idempotency-Key was used with another body; use a fresh key for a fresh request.";
        return Err(Problem::unprocessable("IDEMPOTENCY_KEY_REUSED", detail));
    }
    let body = app
        .sealer
        .open(&Sealed(kept.response))
        .map_err(|error| Problem::internal(&error))?;
    Ok(Attempt::Replay(body, kept.status, kept.position))
}

/// Runs a request that changes something: once for each key, and again for free.
pub(crate) async fn once<F: Future<Output = Result<Response>>>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    about: (&str, &[u8], StatusCode),
    run: impl FnOnce(Context) -> F,
) -> Result<Response> {
    match begin(app, caller, headers, about).await? {
        Attempt::Replay(body, status, position) => Ok(replay(caller, body, status, position)),
        // The key is held until the answer is out.
        Attempt::First(key) => run(caller.context(app, key.as_ref())).await,
    }
}

/// The same for what changes something beside the log, and so cannot be committed with its answer. Answers the
/// body too, for headers that follow from it.
pub(crate) async fn once_outside_log<F: Future<Output = Result<String>> + Send>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    about: (&str, &[u8], StatusCode),
    run: impl FnOnce() -> F + Send,
) -> Result<(Response, String)> {
    let key = match begin(app, caller, headers, about).await? {
        Attempt::Replay(body, status, position) => return Ok((replay(caller, body.clone(), status, position), body)),
        Attempt::First(key) => key,
    };
    let (status, body) = (about.2, run().await?);
    if let Some(key) = &key {
        let sealed = app.sealer.seal(&body);
        let (pool, status) = (app.platform.log.pool(), status.as_u16());
        let (scope, request) = (&key.scope_hash, &key.request_hash);
        let kept = idempotency::keep(pool, &caller.tenant, scope, request, status, &sealed.0).await;
        kept.map_err(unavailable)?;
    }
    Ok((render::answer(status, body.clone(), &[]), body))
}

fn replay(caller: &Principal, body: String, status: u16, position: i64) -> Response {
    let mut response = match Reply::of_kept(&body) {
        Some(reply) => reply.answer(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), position),
        None => replay_body(caller, body, status, position),
    };
    let replayed = HeaderValue::from_static("true");
    response.headers_mut().insert("idempotency-replayed", replayed);
    response
}

/// An answer of which the body alone was kept.
fn replay_body(caller: &Principal, body: String, status: u16, position: i64) -> Response {
    let answer = serde_json::from_str::<Value>(&body).unwrap_or_default();
    let created = caller.collection().filter(|_| status == 201);
    let location = created.and_then(|collection| location(collection, &answer));
    let body = match answer {
        // Where it is not the log's, the answer has its own.
        Value::Object(mut answer) if position > 0 && answer.contains_key("position") => {
            answer.insert("position".to_owned(), position.into());
            Value::Object(answer).to_string()
        }
        _ => body,
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if position > 0 {
        headers.insert("licet-position", position.into());
    }
    headers.extend(location.map(|location| (LOCATION, location)));
    response
}

/// Where the thing is that was created then, or the first of several.
fn location(collection: &str, answer: &Value) -> Option<HeaderValue> {
    let id = answer["id"].as_str().or_else(|| answer["items"][0]["id"].as_str())?;
    render::location(collection, id).1.parse().ok()
}

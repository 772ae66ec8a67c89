//! Requests to the server, on the person's behalf: its session is a cookie that scripts cannot read.

use std::cell::Cell;

use gloo_net::http::{Method, RequestBuilder, Response};
use licet_contracts::{FieldProblem, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::gate::{self, Need};

/// Why a request did not do what it should.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// The status; 0 where no answer came.
    pub(crate) status: u16,
    /// For programs.
    pub(crate) code: String,
    /// For people, in the server's words.
    pub(crate) detail: String,
    /// Under which the server's log knows it.
    pub(crate) request_id: String,
    /// What is wrong with single fields.
    pub(crate) errors: Vec<FieldProblem>,
    /// What belongs to the code.
    pub(crate) facts: Map<String, Value>,
}

/// What was answered, and what of it the next change needs.
#[derive(Debug, Clone)]
pub(crate) struct Reply<T> {
    pub(crate) value: T,
    pub(crate) etag: String,
}

thread_local! {
    /// The newest change that this page knows of: what is read afterwards knows of it too.
    static POSITION: Cell<i64> = const { Cell::new(0) };
}

/// Reads something.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    Ok(read(path).await?.value)
}

/// Reads something that its own function makes out of the text.
pub(crate) async fn text<T>(path: &str, read: fn(&str) -> Option<T>) -> Result<T, Failure> {
    let response = answered(Method::GET, path, None, None, true).await?;
    let text = response.text().await.map_err(|error| unreachable(&error))?;
    read(&text).ok_or_else(|| Failure {
        code: "UNREADABLE".to_owned(),
        ..unreachable(&"this page does not understand the answer; load it anew")
    })
}

/// Reads something, with the version that it has.
pub(crate) async fn read<T: DeserializeOwned>(path: &str) -> Result<Reply<T>, Failure> {
    decode(answered(Method::GET, path, None, None, true).await?).await
}

/// Sends something and reads what is answered.
pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T, Failure> {
    let body = json(body);
    Ok(decode(answered(Method::POST, path, None, Some(body), true).await?)
        .await?
        .value)
}

/// A step on the way in: a wrong password is an answer here, and nobody is asked to sign in first.
pub(crate) async fn step<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T, Failure> {
    let body = json(body);
    Ok(decode(answered(Method::POST, path, None, Some(body), false).await?)
        .await?
        .value)
}

/// The same where nothing is answered.
pub(crate) async fn step_order<B: Serialize>(path: &str, body: &B) -> Result<(), Failure> {
    let body = json(body);
    answered(Method::POST, path, None, Some(body), false).await.map(drop)
}

/// Whether someone is signed in; nobody is asked to.
pub(crate) async fn probe<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    Ok(decode(answered(Method::GET, path, None, None, false).await?)
        .await?
        .value)
}

/// Changes what still is as it was read.
pub(crate) async fn patch<B: Serialize, T: DeserializeOwned>(
    path: &str,
    etag: &str,
    body: &B,
) -> Result<Reply<T>, Failure> {
    let body = json(body);
    decode(answered(Method::PATCH, path, Some(etag), Some(body), true).await?).await
}

/// Takes something out of use, or ends it.
pub(crate) async fn delete(path: &str, etag: Option<&str>) -> Result<(), Failure> {
    answered(Method::DELETE, path, etag, None, true).await.map(drop)
}

fn json<B: Serialize>(body: &B) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Sends a request; where the server first wants a sign-in or the password, asks for that and sends it once more. Nothing
/// that was typed is lost meanwhile.
async fn answered(
    method: Method,
    path: &str,
    etag: Option<&str>,
    body: Option<String>,
    may_ask: bool,
) -> Result<Response, Failure> {
    loop {
        let failure = match once(&method, path, etag, body.as_deref()).await {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        let need = match (failure.status, &failure.code[..]) {
            (401, "UNAUTHENTICATED") => Need::SignIn,
            (403, "REAUTHENTICATION_REQUIRED") => Need::Password,
            _ => return Err(failure),
        };
        if !may_ask || !gate::ask(need).await {
            return Err(failure);
        }
    }
}

async fn once(method: &Method, path: &str, etag: Option<&str>, body: Option<&str>) -> Result<Response, Failure> {
    let mut request = RequestBuilder::new(path)
        .method(method.clone())
        .header("accept", "application/json");
    if *method == Method::GET {
        let position = POSITION.get();
        if position > 0 && path.starts_with("/api/admin") {
            request = request.header("licet-min-position", &position.to_string());
        }
    } else {
        request = request.header("x-licet-request", "1");
    }
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    let sent = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json").body(body);
            request.map_err(|error| unreachable(&error))?.send().await
        }
        None => request.send().await,
    };
    let response = sent.map_err(|error| unreachable(&error))?;
    if let Ok(position) = header(&response, "licet-position").parse::<i64>() {
        POSITION.set(POSITION.get().max(position));
    }
    if response.ok() {
        return Ok(response);
    }
    Err(refused(&response).await)
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<Reply<T>, Failure> {
    let etag = header(&response, "etag");
    let value = response.json().await.map_err(|error| unreachable(&error))?;
    Ok(Reply { value, etag })
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).unwrap_or_default()
}

async fn refused(response: &Response) -> Failure {
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => Failure {
            status,
            code: problem.code,
            detail: problem.detail,
            request_id: problem.request_id,
            errors: problem.errors,
            facts: problem.facts,
        },
        // A proxy in between, which writes its own words.
        Err(_) => Failure {
            status,
            code: String::new(),
            detail: String::new(),
            request_id: header(response, "x-request-id"),
            errors: Vec::new(),
            facts: Map::new(),
        },
    }
}

fn unreachable(error: &dyn std::fmt::Display) -> Failure {
    leptos::logging::warn!("no answer: {error}");
    Failure {
        status: 0,
        code: "UNREACHABLE".to_owned(),
        detail: String::new(),
        request_id: String::new(),
        errors: Vec::new(),
        facts: Map::new(),
    }
}

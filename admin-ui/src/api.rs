//! Requests to the server, on the person's behalf: its session is a cookie that scripts cannot read.

use std::cell::Cell;

use futures::future::LocalBoxFuture;
use gloo_net::http::{Method, RequestBuilder, Response};
use licet_contracts::{FieldProblem, Problem};
use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// What a request comes to: the text of the answer.
pub(crate) type Answer = LocalBoxFuture<'static, Result<Reply<String>, Failure>>;

/// Reads a text, with the version of what it tells of.
pub(crate) fn fetch(path: &str) -> Answer {
    send(Method::GET, path, None, None, true)
}

/// Reads something.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    parse(&fetch(path).await?.value)
}

/// Sends something.
pub(crate) fn post(path: &str, body: &Value) -> Answer {
    send(Method::POST, path, None, Some(body.to_string()), true)
}

/// A step on the way in: a wrong password is an answer here, and nobody is asked to sign in first.
pub(crate) fn step(path: &str, body: &Value) -> Answer {
    send(Method::POST, path, None, Some(body.to_string()), false)
}

/// Reads what tells whether someone is signed in; nobody is asked to.
pub(crate) fn probe(path: &str) -> Answer {
    send(Method::GET, path, None, None, false)
}

/// Changes what still is as it was read.
pub(crate) fn patch(path: &str, etag: &str, body: &Value) -> Answer {
    send(Method::PATCH, path, Some(etag), Some(body.to_string()), true)
}

/// Takes something out of use, or ends it.
pub(crate) fn delete(path: &str, etag: Option<&str>) -> Answer {
    send(Method::DELETE, path, etag, None, true)
}

/// What an answer's text says.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|_| unreadable())
}

/// An answer that is none of this app's shapes: the server was changed under an open page.
pub(crate) fn unreadable() -> Failure {
    Failure {
        code: "UNREADABLE".to_owned(),
        ..unreachable(&"this page does not understand the answer; load it anew")
    }
}

/// Sends a request; where the server first wants a sign-in or the password, asks for that and sends it once more. Nothing
/// that was typed is lost meanwhile. Boxed, so that it is not written out again wherever something is sent.
fn send(method: Method, path: &str, etag: Option<&str>, body: Option<String>, may_ask: bool) -> Answer {
    let (path, etag) = (path.to_owned(), etag.map(str::to_owned));
    Box::pin(async move {
        loop {
            let failure = match once(&method, &path, etag.as_deref(), body.as_deref()).await {
                Ok(reply) => return Ok(reply),
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
    })
}

async fn once(method: &Method, path: &str, etag: Option<&str>, body: Option<&str>) -> Result<Reply<String>, Failure> {
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
    let etag = header(&response, "etag");
    let text = response.text().await.map_err(|error| unreachable(&error))?;
    if response.ok() {
        return Ok(Reply { value: text, etag });
    }
    Err(refused(&response, &text))
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).unwrap_or_default()
}

fn refused(response: &Response, text: &str) -> Failure {
    let status = response.status();
    match serde_json::from_str::<Problem>(text) {
        Ok(problem) => Failure {
            status,
            code: problem.code,
            detail: problem.detail,
            request_id: problem.request_id,
            errors: problem.errors,
        },
        // A proxy in between, which writes its own words.
        Err(_) => Failure {
            status,
            code: String::new(),
            detail: String::new(),
            request_id: header(response, "x-request-id"),
            errors: Vec::new(),
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
    }
}

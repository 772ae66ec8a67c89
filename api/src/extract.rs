//! Reads requests, and refuses what is no request with a clear problem.

use std::{collections::HashMap, sync::Arc, sync::OnceLock};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use licet_contracts::FieldProblem;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::{Problem, Result};

/// The largest body that is read; a larger one is drained up to [`DRAIN`] and refused.
const LIMIT: usize = 64 * 1024;
const DRAIN: usize = 1024 * 1024;

/// A JSON body, with the exact bytes that it came as.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = read(request.into_body()).await?;
        Ok(Self {
            value: parse(&bytes)?,
            bytes,
        })
    }
}

/// A JSON body that may be absent: no bytes are `{}`.
pub(crate) struct OptionalJson<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = read(request.into_body()).await?;
        let value = if bytes.is_empty() { parse(b"{}") } else { parse(&bytes) }?;
        Ok(Self { value, bytes })
    }
}

/// Reads the body before anything is answered: a connection whose request was answered half-read is closed, and the
/// client's next request on it is lost.
pub(crate) async fn whole(request: Request) -> Result<Request> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = read(body).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn read(mut body: Body) -> Result<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad_request("BODY_INCOMPLETE", "The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > DRAIN {
            break;
        }
        // Most bodies come in one piece, which is then not copied.
        match &first {
            None => first = Some(data),
            Some(_) if length <= LIMIT => more.extend_from_slice(&data),
            Some(_) => {}
        }
    }
    if length > LIMIT {
        let detail = format!("The body has more than {LIMIT} bytes.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail));
    }
    let first = first.unwrap_or_default();
    Ok(if more.is_empty() {
        first
    } else {
        [&first[..], &more[..]].concat().into()
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // Serde would take an array for an object, its fields by their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => invalid_field("", "The body is an array; it has to be an object."),
            Err(error) => malformed(&error),
        });
    }
    serde_json::from_slice(bytes).map_err(|error| describe::<T>(bytes, &error))
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::bad_request("MALFORMED_JSON", format!("The body is not JSON: {error}."))
}

/// Malformed JSON is 400; JSON of the wrong shape is 422 and says where.
fn describe<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if !matches!(error.classify(), serde_json::error::Category::Data) {
        return malformed(error);
    }
    let mut problem = Problem::unprocessable("VALIDATION_FAILED", "Some fields are not valid; see errors.");
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        let path = error.path().to_string();
        let pointer = if path == "." {
            String::new()
        } else {
            format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
        };
        let detail = error.inner().to_string();
        problem.errors.push(FieldProblem {
            pointer,
            code: "INVALID".to_owned(),
            detail,
        });
    }
    problem
}

/// The request's nonce, where the body had one: the signature carries it.
#[derive(Clone, Default)]
pub(crate) struct NonceSlot(Arc<OnceLock<String>>);

impl NonceSlot {
    /// Keeps a nonce that a signature can carry.
    pub(crate) fn keep(&self, nonce: Option<&String>) -> Result<()> {
        let Some(nonce) = nonce else { return Ok(()) };
        if nonce.len() > 256 || !nonce.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            let detail = "A nonce has at most 256 printable ASCII characters.";
            return Err(Problem::unprocessable("NONCE_INVALID", detail));
        }
        let _ = self.0.set(nonce.clone());
        Ok(())
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NonceSlot {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// The one part of the path that varies; what is no UTF-8 names nothing.
pub(crate) struct Path(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|_| Problem::not_found("resource"))
    }
}

/// Two such parts.
pub(crate) struct Path2(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Path2 {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0.0, path.0.1))
            .map_err(|_| Problem::not_found("resource"))
    }
}

/// The query's parameters by name.
pub(crate) struct Params(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = axum::extract::Query::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let refused = || Problem::bad_request("QUERY_INVALID", "The query is not well-formed.");
        let query = query.map_err(|_| refused())?;
        // Postgres takes no such character, and no name here has one.
        if query.0.values().any(|value| value.contains('\0')) {
            return Err(refused());
        }
        Ok(Self(query.0))
    }
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that must parse.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>> {
        let parse = |text: &str| text.parse().map_err(|_| invalid(name));
        self.get(name).map(parse).transpose()
    }
}

/// A query parameter that cannot be read.
pub(crate) fn invalid(name: &str) -> Problem {
    refused(name, format!("The query parameter {name} is not valid."))
}

/// A query parameter that cannot be followed, and why.
pub(crate) fn refused(name: &str, detail: String) -> Problem {
    wrong(format!("?{name}"), detail)
}

/// What a moment in a body is.
pub(crate) const MOMENT: &str = "This is a position, or a time such as 2027-01-31T12:00:00Z.";

/// A field of the body, by its JSON pointer, that does not say what it should.
pub(crate) fn invalid_field(pointer: &str, detail: &str) -> Problem {
    wrong(pointer.to_owned(), detail.to_owned())
}

fn wrong(pointer: String, detail: String) -> Problem {
    let mut problem = Problem::unprocessable("VALIDATION_FAILED", detail.clone());
    let code = "INVALID".to_owned();
    problem.errors.push(FieldProblem { pointer, code, detail });
    problem
}

/// A header as text, where it is there and readable.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

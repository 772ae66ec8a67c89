//! Reads requests, and refuses what is no request with a clear problem.

mod body;
mod query;
mod wording;

use std::{sync::Arc, sync::OnceLock};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use licet_contracts::FieldProblem;

pub(crate) use body::{Json, OptionalJson, whole};
pub(crate) use query::{KnownParameters, Query, RefusedQuery};
pub(crate) use wording::plain_words;

use crate::problem::{Problem, Result};

/// The request's nonce, where the body had one: the signature carries it.
#[derive(Clone, Default)]
pub(crate) struct NonceSlot(Arc<OnceLock<String>>);

impl NonceSlot {
    /// Keeps a nonce that a signature can carry.
    pub(crate) fn keep(&self, nonce: Option<&String>) -> Result<()> {
        // An empty nonce is none: two of them would make two requests one.
        let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty()) else {
            return Ok(());
        };
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
        path.map(|path| Self(path.0)).map_err(|_| Problem::no_route())
    }
}

/// Two such parts.
pub(crate) struct Path2(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Path2 {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0.0, path.0.1))
            .map_err(|_| Problem::no_route())
    }
}

/// A query parameter that cannot be followed, and why.
pub(crate) fn refused(name: &str, detail: String) -> Problem {
    wrong(format!("?{name}"), detail)
}

/// A query parameter that cannot be read.
pub(crate) fn invalid(name: &str) -> Problem {
    refused(name, format!("The query parameter {name} is not valid."))
}

/// What a moment in a body is.
pub(crate) const MOMENT: &str =
    "This is a position, a time such as 2027-01-31T12:00:00Z, or a date, and it is not still to come.";

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

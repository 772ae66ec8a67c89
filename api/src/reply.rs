//! What reading or changing one thing answers, in one piece, so that it can be kept whole for a repeated request.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::Response,
};
use licet_commands::Done;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::render;

/// One thing as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// Where it is.
    location: String,
    /// Which version of what can be edited it shows.
    etag: String,
    /// Its shape.
    body: Box<RawValue>,
}

impl Reply {
    /// A thing of a collection of the admin API, with what of it can be edited.
    pub(crate) fn of<T: Serialize>(collection: &str, id: &str, shape: &T, editable: &Value) -> Self {
        Self {
            location: format!("/api/admin/{collection}/{id}"),
            etag: render::etag(editable),
            body: serde_json::value::to_raw_value(shape)
                .expect("answers hold only strings, numbers and maps with string keys"),
        }
    }

    /// As it is kept for a repetition.
    pub(crate) fn kept(&self) -> String {
        render::json(self)
    }

    /// A kept one; `None` for the answers of other routes, and of older programs, which kept bodies alone.
    pub(crate) fn of_kept(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The answer. Where something was made, it says where.
    pub(crate) fn answer(self, status: StatusCode, position: i64) -> Response {
        let mut headers: Vec<(HeaderName, String)> = vec![(header::ETAG, self.etag)];
        if position > 0 {
            headers.push(render::position(position));
        }
        if status == StatusCode::CREATED {
            headers.push((header::LOCATION, self.location));
        }
        render::answer(status, self.body.get().to_owned(), &headers)
    }
}

/// The answer of what was done to one thing.
pub(crate) fn answer<T>(done: &Done<T>, status: StatusCode, reply: impl Fn(&T) -> Reply) -> Response {
    reply(&done.value).answer(status, done.position)
}

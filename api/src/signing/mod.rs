//! Signatures on what leaves the server.

mod answer;
mod lease;

pub(crate) use answer::{Target, covers, sign};
use licet_event_store::jws;
use serde::Serialize;

use crate::App;

pub(crate) use lease::{Hold, LeaseCache, hold, issue, known};

/// Claims as a compact JWS of a type, signed with the key of now; any JOSE library verifies it.
pub(crate) fn jws<T: Serialize>(app: &App, kind: &str, claims: &T) -> String {
    jws::sign(kind, claims, &app.signer())
}

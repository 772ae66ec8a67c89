//! Signatures on what leaves the server.

mod answer;
mod lease;

pub(crate) use answer::{Target, covers, sign};
pub(crate) use lease::{LeaseCache, issue, renew};

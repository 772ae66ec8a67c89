//! Who asks.

mod address;
mod caller;
mod guard;
pub(crate) mod token;

pub(crate) use caller::{Caller, Credential, Principal, if_match};
pub(crate) use guard::{guarded, note, routes_of};

//! Who asks.

mod caller;
pub(crate) mod token;

pub(crate) use caller::{Caller, Credential, if_match};

//! Who asks.

mod address;
pub(crate) mod blocking;
mod caller;
mod cookie;
mod guard;
pub(crate) mod operator_token;
mod origin;
mod session;
pub(crate) mod token;

pub(crate) use caller::{Caller, Credential, Principal, if_match};
pub(crate) use cookie::site_of;
pub(crate) use guard::{guarded, note, routes_of};
pub(crate) use origin::RequestOrigin;
pub(crate) use session::{SessionUse, SessionUser, Visitor};
